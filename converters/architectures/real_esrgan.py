"""Real-ESRGAN compact: convolutions with PReLU between them at the small size, added to the frame.

Source: SRVGGNetCompact of xinntao/Real-ESRGAN (realesr-animevideov3, realesr-general-x4v3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array, Weights

_NAME = re.compile(r"(.*?)body\.(\d{1,4})\.(weight|bias)", re.ASCII)
_MOST_LAYERS = 512


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        prefix: of every array's name.
        convolutions: how many, the last one included; one PReLU between each two.
        width: channels between them.
    """

    prefix: str
    convolutions: int
    width: int
    scale: int

    def convolution(self, index: int) -> tuple[str, tuple[int, ...]]:
        """Name without its end, and shape of the kernel."""
        inside = self.width if index else 3
        last = index == self.convolutions - 1
        return (
            f"{self.prefix}body.{2 * index}",
            (3 * self.scale**2 if last else self.width, inside, 3, 3),
        )

    def slope(self, index: int) -> str:
        return f"{self.prefix}body.{2 * index + 1}.weight"


def _recognise(weights: Weights) -> Found:
    names = set(weights.arrays)
    found = [_NAME.fullmatch(name) for name in names]
    if not names or len(names) > 3 * _MOST_LAYERS or not all(found):
        raise NotThis("its arrays are not body.N.weight and body.N.bias alone")
    prefixes = {match[1] for match in found if match}
    last = max(int(match[2]) for match in found if match)
    if len(prefixes) != 1 or last % 2 or last < 2 or last >= 2 * _MOST_LAYERS:
        raise NotThis("its layers are not convolutions with one activation between each two")
    (prefix,) = prefixes
    convolutions = last // 2 + 1
    wanted = {
        f"{prefix}body.{2 * index}.{part}"
        for index in range(convolutions)
        for part in ("weight", "bias")
    }
    if names == wanted:
        raise NotThis(
            "it has no slopes (body.1.weight ...): whether its activation is ReLU or leaky ReLU "
            "stands nowhere in the file"
        )
    if names != wanted | {f"{prefix}body.{2 * i + 1}.weight" for i in range(convolutions - 1)}:
        raise NotThis("body.0 to the last are not all there, or more than these")
    first = weights.arrays[f"{prefix}body.0.weight"].shape
    out = weights.arrays[f"{prefix}body.{last}.weight"].shape
    if len(first) != 4 or len(out) != 4 or first[1] != 3 or not first[0]:
        raise NotThis(f"its first kernel has the shape {list(first)}, not [width, 3, 3, 3]")
    scale = isqrt(out[0] // 3)
    if not 1 <= scale <= 16 or out[0] != 3 * scale**2:
        raise NotThis(f"its last layer gives {out[0]} channels, not 3 times a scale squared")
    config = Config(prefix, convolutions, first[0], scale)
    evidence = [
        f"body.0 to body.{last}: {convolutions} convolutions with PReLU between, {first[0]} wide",
        f"body.{last} gives {out[0]} channels: 3 colours times {scale}x{scale}",
    ]
    if prefix:
        evidence.append(f"every name begins with {prefix!r}, which was left out")
    return Found(
        config,
        f"Real-ESRGAN compact x{scale}, {convolutions} convolutions of {first[0]} channels",
        {"scale": scale, "width": first[0], "convolutions": convolutions},
        evidence,
    )


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    x = "frame"
    for index in range(config.convolutions):
        name, shape = config.convolution(index)
        weight = take(weights, f"{name}.weight", shape)
        x = graph.conv(x, weight, take(weights, f"{name}.bias", shape[:1]), pads=(1, 1, 1, 1))
        if index < config.convolutions - 1:
            x = graph.prelu(x, take(weights, config.slope(index), (config.width,)))
    base = "frame"
    if config.scale > 1:
        x, base = graph.pixel_shuffle(x, config.scale), graph.nearest("frame", config.scale)
    x = graph.sum(x, base)
    enlarges = config.scale > 1
    return Network(
        model=graph.model([("frame", (1, 3, "H", "W"))], [(x, "restored", (1, 3, "H2", "W2"))]),
        task="upscale",
        inputs=[FrameInput(name="frame", size=Size(padding="edge"))],
        outputs=[FrameOutput(name="restored", scale=config.scale)],
        title=f"Real-ESRGAN compact x{config.scale}",
        description=(
            f"Enlarges each frame {config.scale} times and removes noise and compression artifacts."
            if enlarges
            else "Removes noise and compression artifacts of each frame."
        ),
        tiling=Tiling(overlap=config.convolutions),
        limits=["It was trained to look good, not to be true: small detail is made up."],
        try_size=(37, 22),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    arrays = {name.removeprefix(config.prefix): array for name, array in weights.arrays.items()}
    layers = max(int(name.split(".")[1]) for name in arrays) + 1
    frame = x = inputs["frame"]
    for layer in range(layers):
        weight = arrays[f"body.{layer}.weight"]
        if layer % 2:
            x = ops.prelu(x, weight)
        else:
            x = ops.conv(x, weight, arrays[f"body.{layer}.bias"], pads=(1, 1, 1, 1))
    shuffled = ops.pixel_shuffle(x, config.scale)
    return {"restored": shuffled + ops.nearest(frame, config.scale)}


ARCHITECTURE = Architecture(
    "real-esrgan", "Real-ESRGAN compact", "torch", _recognise, _build, _reference
)
