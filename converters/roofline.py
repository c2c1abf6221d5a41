"""How fast a graph would run elsewhere: a roofline, layer by layer. A prediction, no measurement.

A layer takes as long as its arithmetic or its memory traffic, whichever is longer, and a launch;
a frame takes the sum of its layers.

Source: Williams, Waterman, Patterson, "Roofline: an insightful visual performance model for
multicore architectures", Communications of the ACM 52 (4), 2009.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import onnx

from bridge.inference.manifest import Manifest
from bridge.inference.outline import outline_of
from bridge.inference.package import ModelPackage
from bridge.inference.placement import place
from converters.devices import DEVICES, Device
from converters.layers import FLOAT32_BYTES, LANES, Layer, Work, work_of

ARITHMETIC_REACHED = 0.45
"""Of a peak in vector units, in convolutions of full groups of channels."""
MATRIX_REACHED = 0.25
"""Of a peak in matrix units, which layers of few channels keep half idle."""
BANDWIDTH_REACHED = 0.70
LAUNCH_S = 6e-6
"""Between two layers."""
USUAL = (1280, 720)
USUAL_ENLARGED = (960, 540)
TRAINING_FACTOR = 3
"""A step of training to its forward pass: forwards, and backwards for weights and for inputs."""

Kind = Literal["float32", "float16"]
Bound = Literal["arithmetic", "memory", "launches"]

ASSUMPTIONS = (
    f"{ARITHMETIC_REACHED:.0%} of the peak of vector units and {MATRIX_REACHED:.0%} of that of "
    f"matrix units (float16 where there are such) are reached, {BANDWIDTH_REACHED:.0%} of the "
    "bandwidth, as makers state both;",
    f"output channels are calculated in groups of {LANES}; each layer reads its inputs and weights "
    "from memory and writes its result there; activations, offsets and factors after a convolution "
    "cost nothing;",
    f"{LAUNCH_S * 1e6:.0f} us between two layers; the frame is on the GPU already, and nothing "
    "else runs there;",
    "memory is what has to be held at the least: ONNX Runtime on a processor took 1.6 to 2 times "
    "as much between layers, for groups of channels, other layouts, and room for later.",
)


@dataclass(frozen=True, slots=True)
class Prediction:
    """
    Attributes:
        precision: of weights and of what passes between layers.
        frame_ms: of one frame.
        bound: what most of that time goes to.
    """

    device: Device
    precision: Kind
    frame_ms: float
    bound: Bound

    @property
    def frames_per_s(self) -> float:
        return 1000 / self.frame_ms


def package_work(package: ModelPackage, width: int, height: int) -> Work:
    """What a package does for a frame of that size, padded or fitted as its manifest says; no
    weights are read.

    Raises: FrameFormatError: it does not take such frames. ValueError: the shapes of some tensors
        cannot be told without a run. UnsupportedModelError.
    """
    model = onnx.ModelProto()
    model.ParseFromString(outline_of(package.graph_path()))
    return work_of(model, *place(package.manifest, width, height).model)


def usual_size(manifest: Manifest) -> tuple[int, int]:
    """Width and height of the frame that a package's cost is told for, if nobody asks for another:
    its own, or else 1280x720; half of full HD where frames are enlarged."""
    port, result = manifest.frame_input, manifest.frame_output
    if port is None:
        made = result.size if result is not None else None
        return (made[0], made[1]) if made else USUAL
    if port.size.fixed:
        return port.size.fixed[0], port.size.fixed[1]
    usual = USUAL_ENLARGED if result is not None and result.scale > 1 else USUAL
    least, most = port.size.min or [1, 1], port.size.max or list(usual)
    width, height = (min(max(u, a), b) for u, a, b in zip(usual, least, most, strict=True))
    return width, height


def predict(
    source: onnx.ModelProto | ModelPackage | Work, width: int = 0, height: int = 0,
    devices: Sequence[Device] = DEVICES,
) -> list[Prediction]:  # fmt: skip
    """Frames a second on each device, in float32 and in float16.

    Args:
        source: a graph, a package, or the work that one of them is.
        width, height: of the frame, where that is still to be told.
    Raises: as `package_work`.
    """
    work = _work(source, width, height)
    kinds: tuple[Kind, ...] = ("float32", "float16")
    return [_predicted(work.layers, device, kind) for device in devices for kind in kinds]


def training_step_s(
    source: onnx.ModelProto | ModelPackage | Work, width: int = 0, height: int = 0, *,
    batch: int = 1, devices: Sequence[Device] = DEVICES,
) -> dict[str, float]:  # fmt: skip
    """Seconds for a step of training in float32 on each device, by its name: TRAINING_FACTOR times
    the arithmetic and the traffic of a forward pass, of each picture of the batch.

    Args:
        batch: pictures (or ticks, where a step unrolls some) in one step.
    Raises: as `package_work`.
    """
    times = TRAINING_FACTOR * batch
    work = _work(source, width, height)
    return {
        device.name: sum(
            max(
                times * layer.busy_macs * 2 / (device.float32_per_s * ARITHMETIC_REACHED),
                times * layer.values * FLOAT32_BYTES
                / (device.gigabytes_per_s * 1e9 * BANDWIDTH_REACHED),
            )
            + TRAINING_FACTOR * LAUNCH_S
            for layer in work.layers
        )
        for device in devices
    }  # fmt: skip


def training_bytes(work: Work, batch: int) -> int:
    """Memory of a step: what every layer wrote, kept until its gradient is known, and a gradient of
    the same size; weights with their gradients and the two averages of Adam."""
    written = sum(layer.written for layer in work.layers)
    return FLOAT32_BYTES * (2 * batch * written + 4 * work.weights)


def frame_bytes(work: Work, kind: Kind = "float32") -> tuple[int, int]:
    """Memory of one frame: weights, and what passes between layers where that is most."""
    size = FLOAT32_BYTES if kind == "float32" else FLOAT32_BYTES // 2
    return work.weights * size, work.held * size


def _work(source: onnx.ModelProto | ModelPackage | Work, width: int, height: int) -> Work:
    if isinstance(source, Work):
        return source
    if isinstance(source, ModelPackage):
        return package_work(source, width, height)
    return work_of(source, width, height)


def _predicted(layers: Sequence[Layer], device: Device, kind: Kind) -> Prediction:
    operations_per_s = device.float32_per_s * ARITHMETIC_REACHED
    size = FLOAT32_BYTES
    if kind == "float16":
        size //= 2
        reached = MATRIX_REACHED if device.half == "matrix" else ARITHMETIC_REACHED
        # Where matrix units would be slower than the others, the others are used.
        operations_per_s = max(operations_per_s, device.float16_per_s * reached)
    bytes_per_s = device.gigabytes_per_s * 1e9 * BANDWIDTH_REACHED
    return timed(layers, device, kind, operations_per_s, bytes_per_s / size, LAUNCH_S)


def timed(
    layers: Sequence[Layer], device: Device, kind: Kind, operations_per_s: float,
    values_per_s: float, launch_s: float,
) -> Prediction:  # fmt: skip
    """The roofline itself."""
    shares: dict[Bound, float] = {"arithmetic": 0, "memory": 0, "launches": 0}
    for layer in layers:
        arithmetic = layer.busy_macs * 2 / operations_per_s
        memory = layer.values / values_per_s
        shares["arithmetic" if arithmetic > memory else "memory"] += max(arithmetic, memory)
        shares["launches"] += launch_s
    bound = max(shares, key=lambda name: shares[name])
    return Prediction(device, kind, max(sum(shares.values()), 1e-6) * 1000, bound)
