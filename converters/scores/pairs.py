"""Blurred pictures against their sharp selves: how much of the blur a package takes away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from bridge.errors import MediaError, UnsupportedModelError
from bridge.inference.package import ModelPackage
from converters.luma_psnr import Rgb8, find_pictures
from converters.scores.base import Figure, Measure, Progress
from converters.scores.plain_model import PlainModel

METRIC = "psnr_db"
METRIC_UNBIASED = "psnr_unbiased_db"
METRIC_WORSE = "pairs_worse_than_input"
INPUT = "input"
_BLUR, _SHARP = "blur", "sharp"

_Row = tuple[str, float, dict[str, float]]


def psnr_of_pairs(package: ModelPackage, dataset: Path, progress: Progress) -> list[Figure]:
    """PSNR on RGB of what a package makes of blurred pictures, with that of the pictures
    themselves beside it.

    The result is rounded to 8 bits first, as people see it.
    Args:
        dataset: holds, at some depth, two sibling folders with `blur` and `sharp` in their names,
            whose pictures lie alike in both (REDS: `train_blur/000/00000000.png`).
    Returns: `psnr_unbiased_db`: less the mean error of each channel of each picture, of input and
        result alike, since a change of brightness is no blur; `psnr_db` as it is;
        `pairs_worse_than_input`: how many pictures have a lower `psnr_unbiased_db` than before.
        The first two are means over the pictures.
    Raises: MediaError: no such pairs, or the sizes of one differ. UnsupportedModelError: the
        package changes the size of a frame. InferenceError.
    """
    manifest = package.manifest
    port, result = manifest.frame_input, manifest.frame_output
    if port is None or result is None or result.scale != 1 or port.size.fixed:
        raise UnsupportedModelError(
            str(package.folder), "a package that returns frames of any size at their size",
            f"task {manifest.task}", "Its result cannot be compared pixel by pixel.",
        )  # fmt: skip
    pairs = find_pairs(Path(dataset))
    model = PlainModel(package)
    unbiased: list[_Row] = []
    raw: list[_Row] = []
    for blurred_path, sharp_path in pairs:
        name = str(sharp_path.relative_to(dataset))
        progress(len(raw), len(pairs), name)
        blurred, sharp = _read(blurred_path), _read(sharp_path)
        if blurred.shape != sharp.shape:
            sizes = [f"{picture.shape[1]}x{picture.shape[0]}" for picture in (sharp, blurred)]
            raise MediaError(str(blurred_path), f"{sizes[0]}, as {sharp_path.name}", sizes[1])
        model.reset()
        made = np.rint(model.run(blurred)).astype(np.uint8)
        raw.append((name, psnr_rgb(sharp, made), {INPUT: psnr_rgb(sharp, blurred)}))
        better, before = (psnr_rgb(sharp, p, unbiased=True) for p in (made, blurred))
        unbiased.append((name, better, {INPUT: before}))
    set_name = dataset.resolve().name
    worse = sum(value < baseline[INPUT] for _, value, baseline in unbiased)
    return [
        _mean(set_name, METRIC_UNBIASED, unbiased),
        _mean(set_name, METRIC, raw),
        Figure(set_name, METRIC_WORSE, float(worse)),
    ]


def find_pairs(dataset: Path) -> list[tuple[Path, Path]]:
    """(blurred, sharp) pictures that lie alike in two sibling folders, in the order of their names.

    Raises: MediaError: there are no such folders, none of their pictures, or one has no other half.
    """
    folders = [p for p in (dataset, *sorted(dataset.rglob("*"))) if p.is_dir()]
    pairs: list[tuple[Path, Path]] = []
    for blurred in folders:
        sharp = _sharp_beside(blurred) if blurred != dataset else None
        if sharp is None:
            continue
        inside = {p.relative_to(blurred).with_suffix(""): p for p in find_pictures(blurred)}
        others = {p.relative_to(sharp).with_suffix(""): p for p in find_pictures(sharp)}
        if lonely := sorted(set(inside) ^ set(others)):
            raise MediaError(
                str(dataset), f"each picture of {blurred.name} also in {sharp.name}",
                f"{lonely[0]} in one of them alone",
            )  # fmt: skip
        pairs += [(path, others[name]) for name, path in inside.items()]
    if not pairs:
        raise MediaError(
            str(dataset),
            "two folders beside each other with pictures, one with `blur` and one with `sharp` in "
            "its name",
            "no such pair" if dataset.is_dir() else "no such folder",
        )
    return pairs


def _sharp_beside(folder: Path) -> Path | None:
    """The folder with `sharp` in its name where this one has `blur`, however they are written."""
    wanted = folder.name.lower().replace(_BLUR, _SHARP)
    if wanted == folder.name.lower():
        return None
    alike = (p for p in folder.parent.iterdir() if p.is_dir() and p.name.lower() == wanted)
    return next(alike, None)


def psnr_rgb(truth: Rgb8, picture: Rgb8, *, unbiased: bool = False) -> float:
    """PSNR in dB over all three channels of two uint8 pictures (H, W, 3); infinity if they are one.

    Args:
        unbiased: without the mean error of each channel.
    """
    # In one order of memory: equal pictures must have equal figures, to the last bit.
    error = np.subtract(picture, truth, dtype=np.float64, order="C")
    if unbiased:
        error -= error.mean((0, 1))
    mean = float(np.mean(np.square(error)))
    return 20 * math.log10(255) - 10 * math.log10(mean) if mean > 1e-12 else math.inf


def _read(path: Path) -> Rgb8:
    try:
        with Image.open(path) as file:
            return np.asarray(file.convert("RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise MediaError(str(path), "a picture", str(error) or type(error).__name__) from None


def _mean(dataset: str, metric: str, rows: Sequence[_Row]) -> Figure:
    value = float(np.mean([value for _, value, _ in rows]))
    before = float(np.mean([baseline[INPUT] for _, _, baseline in rows]))
    return Figure(dataset, metric, value, {INPUT: before}, list(rows))


PAIRS = Measure(
    "pairs", ("deblur",), "PSNR on RGB of blurred pictures against their sharp selves",
    psnr_of_pairs,
)  # fmt: skip
