"""What an export states of its graph, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from models.recipes.parity import difference_of_255, parity_of


def test_the_largest_difference_is_stated() -> None:
    found = np.zeros((1, 3, 2, 2), np.float32)
    wanted = found.copy()
    wanted[0, 1, 1, 0] = 2 / 255
    assert difference_of_255(found, wanted) == pytest.approx(2)
    assert parity_of(2.0, 3.0, "PyTorch").max_abs_error == 2.0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_graph_that_gives_no_numbers_is_refused(value: float) -> None:
    found = np.full((1, 3, 2, 2), value, np.float32)
    worst = max(0.0, difference_of_255(found, np.zeros_like(found)))
    with pytest.raises(ValueError, match="differs from the network"):
        parity_of(worst, 1e-3, "PyTorch")
