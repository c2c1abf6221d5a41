"""Runs a package's graph on one picture straight from its file.

The bridge composes a graph of its own around each core and tries it on several runtimes, in
processes apart: that takes seven times the weights. For a card's picture of a large network this
takes one and a half.
"""

from __future__ import annotations

import time

import numpy as np
import onnxruntime
from PIL import Image

from bridge.frames import Pixels
from bridge.inference.manifest import FrameInput, Manifest, ParameterInput
from bridge.inference.package import ModelPackage
from converters.weights import Array

LARGE_BYTES = 64 << 20
"""Of a graph: smaller ones are shown in the bridge itself."""


def suits(package: ModelPackage) -> bool:
    """Whether a package is so large that `preview` is called for, and simple enough for it: a frame
    and knobs in, a frame out, both RGB."""
    manifest = package.manifest
    pictures = (manifest.frame_input, manifest.frame_output)
    plain = all(
        isinstance(port, FrameInput) or (isinstance(port, ParameterInput) and port.kind == "float")
        for port in manifest.inputs
    )
    return (
        plain
        and len(manifest.outputs) == 1
        and all(port is not None and port.channels == "RGB" for port in pictures)
        and package.graph_path().stat().st_size > LARGE_BYTES
    )


def preview(package: ModelPackage, frame: Pixels, repeats: int) -> tuple[Pixels, float]:
    """What the network makes of a picture, knobs as they are by default.

    Args:
        package: one that `suits`.
        frame: uint8 (H, W, 4), RGBA, top row first; brought to a size that the network takes.
        repeats: runs beside the first, 1 or more.
    Returns: uint8 (H * scale, W * scale, 4), opaque, and the median seconds of a run.
    """
    manifest = package.manifest
    taken, made = manifest.frame_input, manifest.frame_output
    assert taken is not None
    assert made is not None  # as `suits` has it
    height, width = frame.shape[:2]
    size = _size(taken, width, height)
    picture = Image.fromarray(frame[..., :3]).resize(size, Image.Resampling.BICUBIC)
    low, high = taken.range
    values = np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / np.float32(255)
    inputs = {taken.name: np.ascontiguousarray(low + (high - low) * values, np.float32)}
    session = _session(package)
    shapes = {value.name: value.shape for value in session.get_inputs()}
    inputs |= _knobs(manifest, shapes)
    result, seconds = np.empty(0), []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        result = session.run([made.name], inputs)[0]
        seconds.append(time.perf_counter() - start)
    low, high = made.range
    bytes_of = np.rint((result[0].clip(low, high) - low) * (255 / (high - low))).astype(np.uint8)
    shown = Image.fromarray(np.ascontiguousarray(bytes_of.transpose(1, 2, 0)))
    if size != (width, height):
        shown = shown.resize((width * made.scale, height * made.scale), Image.Resampling.BILINEAR)
    return np.asarray(shown.convert("RGBA")), float(np.median(seconds[1:]))


def _session(package: ModelPackage) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    return onnxruntime.InferenceSession(
        str(package.graph_path()), options, providers=["CPUExecutionProvider"]
    )


def _size(port: FrameInput, width: int, height: int) -> tuple[int, int]:
    if port.size.fixed:
        return port.size.fixed[0], port.size.fixed[1]
    multiple = port.size.multiple_of
    least = port.size.min or [multiple, multiple]
    wide, high = (
        max(side // multiple * multiple, -(-low // multiple) * multiple)
        for side, low in zip((width, height), least, strict=True)
    )
    return wide, high


def _knobs(manifest: Manifest, shapes: dict[str, list[int]]) -> dict[str, Array]:
    return {
        port.name: np.full(shapes[port.name], port.default, np.float32)
        for port in manifest.parameters.values()
    }
