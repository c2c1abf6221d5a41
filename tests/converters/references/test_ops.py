"""Each framework's arithmetic is that of numpy."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.errors import RuntimeMissingError
from converters.architectures.base import Framework
from converters.parity import ops_of
from converters.references.numpy_ops import NumpyOps


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
@pytest.mark.parametrize(("groups", "inside", "out"), [(1, 4, 6), (2, 2, 6), (4, 1, 8)])
def test_convolutions_in_groups_agree(
    framework: Framework, groups: int, inside: int, out: int
) -> None:
    try:
        ops = ops_of(framework)
    except RuntimeMissingError:
        pytest.skip(f"{framework} is not installed")
    random = np.random.default_rng(0)
    x = random.standard_normal((1, groups * inside, 9, 7))
    weight = random.standard_normal((out, inside, 3, 3))
    for stride in (1, 2):
        given = {"stride": stride, "pads": (1, 0, 1, 2), "groups": groups}
        expected = NumpyOps().conv(x, weight, **given)  # type: ignore[arg-type]
        assert np.abs(ops.conv(x, weight, **given) - expected).max() < 1e-4  # type: ignore[arg-type]
