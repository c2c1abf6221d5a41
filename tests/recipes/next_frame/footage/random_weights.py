"""Weights of untrained networks, without PyTorch."""

from __future__ import annotations

import numpy as np

from models.recipes.next_frame.footage.age import Array
from models.recipes.next_frame.graph import Shape

SHAPE = Shape(width=4, levels=2)


def random_weights(seed: int, shape: Shape = SHAPE, strength: float = 0.1) -> dict[str, Array]:
    """By name, as `build_graph` takes them.

    Args:
        strength: of the last convolution's: how much a tick changes.
    """
    random = np.random.default_rng(seed)
    made: dict[str, Array] = {}

    def convolution(name: str, inputs: int, outputs: int) -> None:
        spread = np.sqrt(2 / (9 * inputs))
        made[f"{name}.weight"] = random.normal(0, spread, (outputs, inputs, 3, 3))
        made[f"{name}.bias"] = random.normal(0, 0.1, outputs)

    def normed(name: str, inputs: int, outputs: int) -> None:
        convolution(f"{name}.convolution", inputs, outputs)
        made[f"{name}.norm.weight"] = random.normal(1, 0.1, outputs)
        made[f"{name}.norm.bias"] = random.normal(0, 0.1, outputs)

    widths = shape.widths
    convolution("first", 3, widths[0])
    for level in range(shape.levels):
        normed(f"down.{level}", widths[level], widths[level + 1])
    for index in range(2):
        normed(f"bottom.{index}", widths[-1], widths[-1])
    for index, (above, below) in enumerate(reversed(shape.inner_pairs)):
        normed(f"up.{index}", below, above)
        normed(f"after.{index}", above, above)
    convolution("rise", widths[1], widths[0])
    # Three colours that are added, and how far to the right and below each pixel is fetched.
    convolution("last", widths[0], 5)
    made["last.weight"], made["last.bias"] = (
        made[f"last.{part}"] * strength for part in ("weight", "bias")
    )
    return {name: value.astype(np.float32) for name, value in made.items()}
