"""Arrays of DeblurGAN-v2's backbones, which its files hold under two names each.

The original makes its stages `enc0` to `enc4` of parts of the backbone, so `state_dict()` writes
each of their arrays twice. PyTorch loads the stages after the backbone: where the two differ, the
stages' arrays are what runs. A file may have lost either set, as safetensors drops what is shared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from converters.architectures.base import take
from converters.graph import Pads
from converters.weights import Array, Weights

Kernel = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stored:
    """
    Attributes:
        prefix: before `fpn.` in every name.
        stages: of parts of the backbone, the name in a stage: {"features.2": "enc1.0"}.
    """

    weights: Weights
    prefix: str
    stages: Mapping[str, str]

    def name(self, name: str) -> str:
        """The name in the file, of which there may be no array."""
        first, second, *rest = name.split(".")
        stage = self.stages.get(f"{first}.{second}")
        if stage is not None:
            other = f"{self.prefix}fpn.{'.'.join([stage, *rest])}"
            if other in self.weights.arrays:
                return other
        return f"{self.prefix}fpn.{name}"

    def find(self, name: str) -> Array | None:
        return self.weights.arrays.get(self.name(name))

    def kernel(self, name: str, inside: int, side: Kernel, outside: int | None = None) -> Array:
        """A convolution's kernel (`outside`, `inside`, *`side`); without `outside`, of any number
        of channels.

        Raises: NetworkError: it is missing, or of another shape.
        """
        array = self.find(name)
        if outside is None:
            outside = max(array.shape[0], 1) if array is not None and array.ndim == 4 else 1
        return take(self.weights, self.name(name), (outside, inside, *side))

    def vector(self, name: str, length: int) -> Array:
        return take(self.weights, self.name(name), (length,))


def around(side: Kernel) -> Pads:
    """The padding that keeps the size."""
    return side[0] // 2, side[1] // 2, side[0] // 2, side[1] // 2
