"""A scale that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import NetworkError
from converters.architectures.stated_scale import check_stated_scale, stated_scale
from tests.converters.proving import weights_of


def test_it_is_taken_from_the_options() -> None:
    assert stated_scale(weights_of({}, options={"scale": 4})) == 4


@pytest.mark.parametrize("options", [{}, {"scale": 1}, {"scale": 17}, {"scale": True}, None, "x4"])
def test_what_is_no_scale_counts_as_nothing(options: Any) -> None:
    assert stated_scale(weights_of({}, options=options)) is None
    assert stated_scale(weights_of({})) is None


def test_another_scale_than_the_arrays_tell_is_an_error() -> None:
    check_stated_scale(weights_of({}), 2)
    check_stated_scale(weights_of({}, options={"scale": 2}), 2)
    with pytest.raises(NetworkError, match="2, which its arrays tell, got 3"):
        check_stated_scale(weights_of({}, options={"scale": 3}), 2)
