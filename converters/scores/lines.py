"""How near pictures made from line drawings come to the photographs that the lines were taken from.

A dataset is a folder of PNG or JPEG files, drawing and photograph side by side in each. Every
seventh, by name, is held back: it is for measuring, and nothing is trained on it. The others are
what the baselines learn from, and what recipes may.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from bridge.errors import MediaError
from bridge.inference.package import ModelPackage
from converters.scores.base import Figure, Measure, Progress
from converters.scores.plain_model import PlainModel

HELD_BACK_EVERY = 7
"""The first by name, and from there each seventh: 15 of 100."""
GAP = 7
"""Pixels: what is missing of an outline up to this length does not let its outside in."""
WHITE = 255.0
_DARK = 128
_SUFFIXES = (".png", ".jpg", ".jpeg")

Rgb8 = npt.NDArray[np.uint8]
Rgb = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def split(folder: Path) -> tuple[list[Path], list[Path]]:
    """The pairs to learn from, and those held back, by name.

    Raises: MediaError: there are too few.
    """
    files = sorted(f for f in folder.glob("*") if f.suffix.lower() in _SUFFIXES)
    held_back = files[::HELD_BACK_EVERY]
    others = [file for index, file in enumerate(files) if index % HELD_BACK_EVERY]
    if not others:
        raise MediaError(
            str(folder), "a folder of two or more pictures, drawing and photograph side by side",
            f"{len(files)}",
        )  # fmt: skip
    return others, held_back


def read_pair(file: Path) -> tuple[Rgb8, Rgb8]:
    """Drawing and photograph, (H, W, 3) each.

    Raises: MediaError: the picture has no two halves, or cannot be read.
    """
    try:
        with Image.open(file) as image:
            both = np.asarray(image.convert("RGB"))
    except OSError as error:
        raise MediaError(str(file), "a picture", f"{error}") from None
    width = both.shape[1] // 2
    if not width or both.shape[1] % 2:
        raise MediaError(str(file), "a picture of two halves, of even width", f"{both.shape[1]}")
    return both[:, :width], both[:, width:]


def inside(drawing: Rgb8) -> Mask:
    """(H, W): what the lines of a drawing shut off from the sides of the sheet, they included.

    The outside is what a disk of diameter GAP reaches from the sides without touching a line, and
    the disk's own reach: so a gap in the outline is closed, and what is found ends at the line.
    """
    lines = drawing.mean(axis=2) < _DARK
    room = GAP // 2
    blocked = np.pad(_grown(np.pad(lines, room), room), 1)
    reached = np.zeros_like(blocked)
    reached[0] = reached[-1] = reached[:, 0] = reached[:, -1] = True
    while True:
        wider = reached.copy()
        for axis in (0, 1):
            for way in (1, -1):
                wider = _swept(wider, blocked, axis, way)
        if (wider == reached).all():
            break
        reached = wider
    edge = room + 1
    outside = _grown(reached, room)[edge:-edge, edge:-edge]
    return np.asarray(~outside | lines)


def _grown(mask: Mask, radius: int) -> Mask:
    """Every pixel within `radius` of one of the mask, as a disk has it."""
    grown = np.zeros_like(mask)
    height, width = mask.shape
    padded = np.pad(mask, radius)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dy * dy + dx * dx <= radius * radius + 1:
                top, left = radius + dy, radius + dx
                grown |= padded[top : top + height, left : left + width]
    return grown


def _swept(reached: Mask, blocked: Mask, axis: int, way: int) -> Mask:
    """What is reached from what is reached, straight along one axis up to what is blocked."""
    a, b = (np.moveaxis(m, axis, 0)[::way] for m in (reached, blocked))
    index = np.arange(len(a))[:, None]
    last_reached = np.maximum.accumulate(np.where(a & ~b, index, -1))
    last_blocked = np.maximum.accumulate(np.where(b, index, -1))
    return np.asarray(np.moveaxis(((last_reached > last_blocked) | a)[::way], 0, axis))


def filled(drawing: Rgb8, colour: Rgb) -> Rgb:
    """White, and one colour inside the outline; lines are filled too."""
    return np.where(inside(drawing)[..., None], colour, np.float32(WHITE))


def best_colour(pairs: Sequence[tuple[Rgb8, Rgb8]]) -> Rgb:
    """The one whose L1 from all that lies inside the outlines is least: the median, by channel."""
    found = np.concatenate([photograph[inside(drawing)] for drawing, photograph in pairs])
    return np.asarray(np.median(found, axis=0), np.float32)


def mean_picture(pairs: Sequence[tuple[Rgb8, Rgb8]]) -> Rgb:
    return np.asarray(np.mean([photograph for _, photograph in pairs], axis=0), np.float32)


def l1(picture: Rgb, photograph: Rgb8) -> float:
    """The mean difference of all values, of 255."""
    return float(np.abs(picture - photograph).mean(dtype=np.float64))


def measure(package: ModelPackage, dataset: Path, progress: Progress) -> list[Figure]:
    """L1 of what a package makes of the drawings held back, beside what it is without a network.

    Returns: `l1` of 255, and `l1_of_mean_picture`, which is that divided by what the mean of all
        photographs that are not held back reaches as an answer to every drawing.
    Raises: MediaError, InferenceError.
    """
    others, held_back = split(dataset)
    learned = [read_pair(file) for file in others]
    mean, colour = mean_picture(learned), best_colour(learned)
    model = PlainModel(package)
    rows = list[tuple[str, float, dict[str, float]]]()
    for done, file in enumerate(held_back):
        progress(done, len(held_back), file.name)
        drawing, photograph = read_pair(file)
        made = model.run(drawing)
        baseline = {
            "mean picture": l1(mean, photograph),
            "filled outline": l1(filled(drawing, colour), photograph),
        }
        rows.append((file.name, l1(made, photograph), baseline))
    value = float(np.mean([row[1] for row in rows]))
    baseline = {name: float(np.mean([row[2][name] for row in rows])) for name in rows[0][2]}
    unit = baseline["mean picture"]
    of_mean = {name: figure / unit for name, figure in baseline.items()}
    return [
        Figure(dataset.name, "l1", value, baseline, rows),
        Figure(dataset.name, "l1_of_mean_picture", value / unit, of_mean),
    ]


LINES = Measure(
    "lines", (), "L1 of pictures made from line drawings, on pairs held back from training", measure
)
