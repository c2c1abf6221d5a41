"""What frames of linear light cost on this machine, measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper

from bridge.frames import FrameFormat, Transfer
from bridge.inference.backends.base import Arrays, CompiledGraph
from bridge.inference.graph_builder import GraphBuilder
from bridge.inference.manifest import Manifest
from bridge.inference.placement import place
from bridge.inference.transfer import bytes_of_values, values_of_bytes

_RUNS = 5


def transfer_cost_ms(
    manifest: Manifest, source: FrameFormat, compile_graph: Callable[[bytes], CompiledGraph]
) -> float:
    """How much longer the way between bytes and values takes for a frame of linear light than for
    one of sRGB, in ms: the difference of the shortest of a few runs of that way alone, because
    whatever else the machine does only makes them longer.

    Raises: what `compile_graph` raises, and InferenceError.
    """
    times: dict[Transfer, list[float]] = {"srgb": [], "linear": []}
    ways = {transfer: compile_graph(_way(manifest, source, transfer)) for transfer in times}
    arrays = _arrays(manifest, source)
    try:
        for _ in range(_RUNS):
            for transfer, way in ways.items():
                start = time.perf_counter()
                way.run(*arrays)
                times[transfer].append((time.perf_counter() - start) * 1000)
    finally:
        for way in ways.values():
            way.close()
    return max(0.0, min(times["linear"]) - min(times["srgb"]))


def _shapes(manifest: Manifest, source: FrameFormat) -> tuple[dict[str, tuple[int, ...]], ...]:
    """Of the pictures that are read, and of the one that is written, each by name."""
    placement = place(manifest, source.width, source.height)
    port = manifest.frame_input
    # Where brightness alone goes through the model, the frame's colour is read as well.
    reads = 0 if port is None else 2 if port.channels == "Y" else 1
    _, _, width, height = placement.crop
    read: dict[str, tuple[int, ...]] = {
        f"read {index}": (1, 3, height, width) for index in range(reads)
    }
    return read, {"written": (1, 3, placement.output[1], placement.output[0])}


def _way(manifest: Manifest, source: FrameFormat, transfer: Transfer) -> bytes:
    build = GraphBuilder()
    read, written = _shapes(manifest, source)
    inputs, outputs = [], []
    for name, shape in read.items():
        made = values_of_bytes(build, name, shape, transfer, factor=1)
        build.add("Identity", [made], f"{name} made")
        inputs.append(helper.make_tensor_value_info(name, TensorProto.UINT8, shape))
        outputs.append(helper.make_tensor_value_info(f"{name} made", TensorProto.FLOAT, shape))
    for name, shape in written.items():
        made = bytes_of_values(build, name, transfer, factor=1)
        build.add("Identity", [made], f"{name} made")
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        outputs.append(helper.make_tensor_value_info(f"{name} made", TensorProto.UINT8, shape))
    return build.serialized("transfer", inputs, outputs)


def _arrays(manifest: Manifest, source: FrameFormat) -> tuple[Arrays, Arrays]:
    random = np.random.default_rng(0)
    inputs: dict[str, npt.NDArray[Any]] = {}
    outputs: dict[str, npt.NDArray[Any]] = {}
    read, written = _shapes(manifest, source)
    for name, shape in read.items():
        inputs[name] = random.integers(0, 256, shape, np.uint8)
        outputs[f"{name} made"] = np.zeros(shape, np.float32)
    for name, shape in written.items():
        inputs[name] = random.random(shape, np.float32)
        outputs[f"{name} made"] = np.zeros(shape, np.uint8)
    return inputs, outputs
