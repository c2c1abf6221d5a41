"""A new graph on a picture, for its card: its core alone, in ONNX Runtime."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    LatentInput,
    Manifest,
    ParameterInput,
    StateInput,
    StateOutput,
)
from converters.card_picture import Panel
from converters.parity import session_of
from converters.weights import Array

Rgb8 = npt.NDArray[np.uint8]
"""uint8 (H, W, 3), sRGB-encoded."""

MOST_MACS = 3e10
"""For one picture: a second or two. A larger picture is made smaller."""
_DRAWN = 4
"""Pictures of a generator."""
_REPEATS = 5
_ENOUGH_S = 2.0
_DTYPES = {"bool": np.bool_, "int": np.int64, "choice": np.int64}
_LUMA = {"full": ((0.299, 0.587, 0.114), 0.0), "studio": ((0.256789, 0.504129, 0.097906), 16 / 255)}
"""Source: ITU-R BT.601."""


@dataclass(frozen=True, slots=True)
class Shown:
    """
    Attributes:
        rate: how fast it was, in a sentence.
    """

    panels: Sequence[Panel]
    rate: str


def show(manifest: Manifest, graph: Path, picture: Rgb8) -> Shown:
    """Run the graph on `picture`, or on a few codes if it takes none; made smaller where it would
    take too long.

    Raises: what ONNX Runtime raises, if the graph does not run.
    """
    session = session_of(graph)
    port, result = manifest.frame_input, manifest.frame_output
    if result is None:
        return Shown((), "")
    names = {value.name: list(value.shape) for value in session.get_inputs()}
    rest = _defaults(manifest, names)
    if port is None:
        codes = [{**rest, **_codes(manifest, seed)} for seed in range(_DRAWN)]
        pictures = [_run(session, values, result)[0] for values in codes]
        seconds = _timed(session, codes[0], result)
        panels = [Panel(f"code {index + 1}", pixels) for index, pixels in enumerate(pictures)]
        height, width = pictures[0].shape[:2]
        return Shown(panels, _rate(seconds, width, height, fixed=True))
    picture = _fitted(picture, port, manifest.cost.macs_per_input_pixel)
    height, width = picture.shape[:2]
    values = {**rest, port.name: _taken(picture, port)}
    pixels = _run(session, values, result)[0][: height * result.scale, : width * result.scale]
    seconds = _timed(session, values, result)
    before = _enlarged(picture, pixels)
    if port.channels == "Y":
        pixels = _coloured(before, pixels, port)
    return Shown(
        [
            Panel(f"before, {width}x{height}", before),
            Panel(f"after, {pixels.shape[1]}x{pixels.shape[0]}", pixels),
        ],
        _rate(seconds, width, height, fixed=port.size.fixed is not None),
    )


def _fitted(picture: Rgb8, port: FrameInput, macs: int) -> Rgb8:
    height, width = picture.shape[:2]
    if port.size.fixed:
        size = (port.size.fixed[0], port.size.fixed[1])
    else:
        factor = min(1.0, math.sqrt(MOST_MACS / max(macs, 1) / (width * height)))
        least_w, least_h = port.size.min or (1, 1)
        factor = max(factor, least_w / width, least_h / height)
        size = (math.ceil(width * factor), math.ceil(height * factor))
    if size == (width, height):
        return picture
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _taken(picture: Rgb8, port: FrameInput) -> Array:
    """As the bridge would hand it over: padded to a multiple, in the port's range."""
    shown: Array = _luma_of(picture, port)[..., None] if port.channels == "Y" else picture
    of = port.size.multiple_of
    after = [(0, -side % of) for side in shown.shape[:2]]
    padded = np.pad(shown, [*after, (0, 0)], mode="edge")
    low, high = port.range
    values = padded.astype(np.float32) / np.float32(255) * np.float32(high - low) + np.float32(low)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])


def _luma_of(picture: Rgb8, port: FrameInput) -> npt.NDArray[np.float32]:
    """float32 (H, W), of 255."""
    weights, offset = _LUMA[port.luma]
    luma: npt.NDArray[np.float32] = picture.astype(np.float32) @ np.asarray(weights, np.float32)
    return luma + np.float32(255 * offset)


def _coloured(before: Rgb8, made: Rgb8, port: FrameInput) -> Rgb8:
    """The colours of one picture with the luma of another: R, G and B move alike."""
    white = sum(_LUMA[port.luma][0])
    moved = (made[..., 0] - _luma_of(before, port)) / white
    return np.rint(before + moved[..., None]).clip(0, 255).astype(np.uint8)


def _run(session: Any, values: Mapping[str, Array], port: FrameOutput) -> tuple[Rgb8, float]:
    """The picture, and the seconds that it took."""
    start = time.perf_counter()
    (made,) = session.run([port.name], dict(values))
    seconds = time.perf_counter() - start
    low, high = port.range
    scaled = (made[0].transpose(1, 2, 0) - low) * (255 / (high - low))
    pixels = np.rint(np.nan_to_num(scaled)).clip(0, 255).astype(np.uint8)
    return (np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels), seconds


def _timed(session: Any, values: Mapping[str, Array], port: FrameOutput) -> float:
    times: list[float] = []
    while len(times) < _REPEATS and sum(times) < _ENOUGH_S:
        times.append(_run(session, values, port)[1])
    return float(np.median(times))


def _defaults(manifest: Manifest, shapes: Mapping[str, list[Any]]) -> dict[str, Array]:
    values: dict[str, Array] = {}
    dtypes = {p.feeds: p.dtype for p in manifest.outputs if isinstance(p, StateOutput)}
    for port in manifest.inputs:
        if isinstance(port, ParameterInput):
            default: Any = port.default
            if port.kind == "choice":
                default = port.choices.index(str(default))
            dtype = {"bool": np.bool_, "int": np.int64, "choice": np.int64}.get(
                port.kind, np.float32
            )
            shape = [side if isinstance(side, int) else 1 for side in shapes[port.name]]
            values[port.name] = np.asarray(default, dtype).reshape(shape)
        elif isinstance(port, StateInput):
            shape = [side if isinstance(side, int) else 1 for side in shapes[port.name]]
            values[port.name] = np.zeros(shape, dtypes[port.name])
    return values


def _codes(manifest: Manifest, seed: int) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    return {
        port.name: (
            random.standard_normal((1, port.length))
            if port.distribution == "normal"
            else random.uniform(-1, 1, (1, port.length))
        ).astype(np.float32)
        for port in manifest.inputs
        if isinstance(port, LatentInput)
    }


def _enlarged(picture: Rgb8, result: Rgb8) -> Rgb8:
    """At the result's size, by bicubic, so that both can be compared."""
    if picture.shape == result.shape:
        return picture
    size = (result.shape[1], result.shape[0])
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


def _rate(seconds: float, width: int, height: int, fixed: bool) -> str:
    text = f"{_number(1 / seconds)} frames a second at {width}x{height} by ONNX Runtime, here"
    if fixed:
        return text
    pixels = width * height / seconds
    others = ", ".join(
        f"{_number(pixels / (w * h))} at {w}x{h}"
        for w, h in ((640, 360), (1280, 720), (1920, 1080))
    )
    return f"{text}; by the number of pixels that would be {others}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
