"""Enlarged pictures against the originals: PSNR on Y by DCSCN's protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bridge.errors import UnsupportedModelError
from bridge.inference.package import ModelPackage
from converters.luma_psnr import (
    LUMA_OFFSET,
    FloatPicture,
    Pair,
    Rgb8,
    bicubic,
    find_pictures,
    pairs_of,
    psnr,
    y_of,
)
from converters.scores.base import Figure, Measure, Progress
from converters.scores.plain_model import PlainModel

METRIC = "psnr_y_db"
METRIC_RGB8 = "psnr_y_rgb8_db"
BICUBIC = "bicubic"
_STUDIO_SPAN = 219.0 / 255.0
"""From Y of full range to that of 16 to 235."""

_Row = tuple[str, float, dict[str, float]]


def psnr_on_y(package: ModelPackage, dataset: Path, progress: Progress) -> list[Figure]:
    """PSNR on Y over a set of pictures, with Pillow's bicubic beside it.

    Each picture is cropped to a multiple of the scale, reduced in 8-bit RGB by Pillow's bicubic,
    enlarged by the package's graph from the 8-bit result, and compared on rounded Y without the
    outermost `scale` pixels. A picture stored in grey is its own Y.
    Args:
        dataset: pictures at any depth.
    Returns: `psnr_y_db` of the graph's own Y; `psnr_y_rgb8_db` of the Y of its result in 8-bit RGB,
        as people see it, with the 8-bit bicubic beside it. Means in dB; each picture counts alike.
    Raises: UnsupportedModelError: the package enlarges no frames. MediaError, InferenceError.
    """
    model = upscaler(package)
    dataset = found(Path(dataset))
    count = len(find_pictures(dataset))
    exact: list[_Row] = []
    rounded: list[_Row] = []
    for path, pair in pairs_of(dataset, model.scale):
        progress(len(exact), count, path.name)
        name, scale = str(path.relative_to(dataset)), model.scale
        truth = y_of(pair.high, pair.grey)
        y, rgb8 = enlarged(model, pair)
        base = psnr(truth, bicubic(y_of(pair.low, pair.grey), scale), scale)
        exact.append((name, psnr(truth, y, scale), {BICUBIC: base}))
        base = psnr(truth, y_of(_bicubic_rgb8(pair), pair.grey), scale)
        rounded.append((name, psnr(truth, y_of(rgb8, pair.grey), scale), {BICUBIC: base}))
    set_name = dataset.name or str(dataset)
    return [_figure(set_name, METRIC, exact), _figure(set_name, METRIC_RGB8, rounded)]


def upscaler(package: ModelPackage, threads: int = 0) -> PlainModel:
    """
    Raises: UnsupportedModelError: the package enlarges no frames, or those of one size alone.
    """
    manifest, place = package.manifest, str(package.folder)
    port, result = manifest.frame_input, manifest.frame_output
    if port is None or result is None or result.scale < 2:
        raise UnsupportedModelError(
            place, "a package that enlarges frames: one frame in, one out, `scale` 2 or more",
            f"task {manifest.task}", "This figure is one of upscalers alone.",
        )  # fmt: skip
    if port.size.fixed:
        width, height = port.size.fixed
        raise UnsupportedModelError(
            place, "a package that takes frames of any size", f"one of {width}x{height} alone",
            "Convert it with a free size.",
        )  # fmt: skip
    return PlainModel(package, threads=threads)


def enlarged(model: PlainModel, pair: Pair) -> tuple[FloatPicture, Rgb8]:
    """The small picture of a pair enlarged: Y (H, W) of 255, clamped and not rounded; and 8-bit RGB
    (H, W, 3).

    Raises: InferenceError.
    """
    manifest = model.package.manifest
    port, result = manifest.frame_input, manifest.frame_output
    assert port is not None  # `upscaler` has checked
    assert result is not None
    model.reset()
    rgb = model.run(pair.low)
    rgb8 = np.rint(rgb).astype(np.uint8)
    if result.channels == "RGB":
        return y_of(rgb, pair.grey), rgb8
    model.reset()
    low, high = port.range
    planes = model.run_planes(low + np.float32((high - low) / 255) * _planes(model, pair))
    low, high = result.range
    y = np.clip((planes[0] - low) / (high - low), 0, 1) * np.float32(255)
    if result.luma == "full" and not pair.grey:
        y = y * np.float32(_STUDIO_SPAN) + np.float32(LUMA_OFFSET)
    return np.asarray(y, np.float32), rgb8


def found(dataset: Path) -> Path:
    """A folder, whatever of its name is written in capitals: Set5 is set5 to many."""
    if dataset.is_dir() or not dataset.parent.is_dir():
        return dataset
    alike = [p for p in dataset.parent.iterdir() if p.name.lower() == dataset.name.lower()]
    return alike[0] if len(alike) == 1 else dataset


def _planes(model: PlainModel, pair: Pair) -> FloatPicture:
    """(C, H, W) of 255 as the graph takes it; the Y of a grey picture is the picture itself."""
    port = model.package.manifest.frame_input
    assert port is not None
    rgb = pair.low.astype(np.float32)
    if port.channels == "RGB":
        return np.asarray(rgb.transpose(2, 0, 1), np.float32)
    if port.luma == "studio" or pair.grey:
        return y_of(pair.low, pair.grey)[None]
    return np.asarray((rgb @ np.array([0.299, 0.587, 0.114], np.float32))[None], np.float32)


def _bicubic_rgb8(pair: Pair) -> Rgb8:
    size = (pair.high.shape[1], pair.high.shape[0])
    return np.asarray(Image.fromarray(pair.low).resize(size, Image.Resampling.BICUBIC))


def _figure(dataset: str, metric: str, rows: Sequence[_Row]) -> Figure:
    value = float(np.mean([value for _, value, _ in rows]))
    base = float(np.mean([baseline[BICUBIC] for _, _, baseline in rows]))
    return Figure(dataset, metric, value, {BICUBIC: base}, list(rows))


PSNR_Y = Measure(
    "psnr-y", ("upscale",), "PSNR on Y against the originals of pictures that were reduced",
    psnr_on_y,
)  # fmt: skip
