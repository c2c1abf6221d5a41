"""A scale that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from converters.architectures.stated_scale import stated_scale
from tests.converters.proving import weights_of


def test_it_is_taken_from_the_options() -> None:
    assert stated_scale(weights_of({}, options={"scale": 4})) == 4


@pytest.mark.parametrize("options", [{}, {"scale": 1}, {"scale": 17}, {"scale": True}, None, "x4"])
def test_what_is_no_scale_counts_as_nothing(options: Any) -> None:
    assert stated_scale(weights_of({}, options=options)) is None
    assert stated_scale(weights_of({})) is None
