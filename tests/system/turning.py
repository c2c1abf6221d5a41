"""A package whose every result byte can be foretold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from tests.system.knobbed import save_with_knob

ORDERS = {"same": [0, 1, 2], "left": [1, 2, 0], "right": [2, 0, 1]}
MOST_LIFT = 55


def turning(folder: Path, order: list[int]) -> str:
    """A package that puts the three channels in another order and adds `lift` to each byte.

    Returns: the folder.
    """
    nodes = [
        helper.make_node("Gather", ["frame", "order"], ["turned"], axis=1),
        helper.make_node("Cast", ["lift"], ["lift.float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["lift.float", "white"], ["lifting"]),
        helper.make_node("Add", ["turned", "lifting"], ["result"]),
    ]
    weights = {"order": np.array(order), "white": np.array(255.0, np.float32)}
    return save_with_knob(folder, nodes, weights, "lift", (0, MOST_LIFT))


def turned(frame: npt.NDArray[np.uint8], order: list[int], lift: int) -> npt.NDArray[np.uint8]:
    """What that package makes of a frame whose colours are at most 255 - `MOST_LIFT`."""
    made = frame.copy()
    made[..., :3] = frame[..., order] + lift
    return made
