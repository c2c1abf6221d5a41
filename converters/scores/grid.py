"""The regular grid that a network with strides may leave where its frames are flat.

Layers with a stride, and those that enlarge, treat pixels differently by their place within 2x2,
4x4 or 8x8 of them. Where a frame has nothing to show, that difference stays as a fine regular
pattern: its energy lies at 1/2, 1/4 and 1/8 cycles a pixel and the multiples of these, and nowhere
between. What belongs to the picture or to its noise lies between them as well. A pattern of another
origin counts too if its frequency is within 1/20 cycles a pixel of these: the blocks of a JPEG do,
which is why the input's own figure stands beside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from bridge.errors import MediaError, UnsupportedModelError
from bridge.inference.package import ModelPackage
from converters.luma_psnr import Rgb8, find_pictures
from converters.scores.base import Figure, Measure, Progress
from converters.scores.plain_model import PlainModel

METRIC = "grid_levels"
METRIC_RATIO = "grid_over_neighbours_db"
INPUT = "input"

BLOCK = 32
"""Pixels at each side of the blocks whose spectra are taken; they overlap by half."""
PERIOD = 8
"""The largest stride that is looked for; its divisors' frequencies are among its own."""
FLAT_LEVELS = 3.0
"""A block is flat if the input lies within this of a plane, root mean square of 255."""
LEAST_BLOCKS = 4
_RING = 2
"""A neighbour is so many frequencies away: the window spreads a pure wave over one."""

_Blocks = npt.NDArray[np.float32]
_Power = npt.NDArray[np.float64]

_STEP = BLOCK // PERIOD
_LINE = [k for k in range(BLOCK) if k % _STEP == 0]
STRIDE_FREQUENCIES = [(y, x) for y in _LINE for x in _LINE if y or x]
"""Rows and columns of a block's Fourier transform: all multiples of 1/8 but the mean."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What stands at the frequencies of strides.

    Attributes:
        at_strides: energy there, mean square of 255.
        around: the energy that would stand there if each were as strong as its neighbours.
        blocks: how many were flat.
    """

    at_strides: float
    around: float
    blocks: int

    @property
    def levels(self) -> float:
        """Root mean square of the regular pattern alone, of 255: one level is just visible."""
        return math.sqrt(max(0.0, self.at_strides - self.around))

    @property
    def over_neighbours_db(self) -> float:
        """0 where the frequencies of strides are no stronger than those between them."""
        if self.at_strides <= 0 or self.around <= 0:
            return 0.0
        return 10 * math.log10(self.at_strides / self.around)


def grid_of_package(package: ModelPackage, dataset: Path, progress: Progress) -> list[Figure]:
    """The grid in the flat areas of what a package makes, beside that of its input.

    Args:
        dataset: pictures at any depth.
    Returns: `grid_levels`: root mean square of the pattern, of 255; `grid_over_neighbours_db`: how
        much stronger the frequencies of strides are than those around them. Both of the mean
        spectrum of all flat blocks of all pictures; rows are of the pictures that have some.
    Raises: UnsupportedModelError: the package changes the size of a frame. MediaError: no pictures,
        or nothing flat in them. InferenceError.
    """
    port, result = package.manifest.frame_input, package.manifest.frame_output
    if port is None or result is None or result.scale != 1 or port.size.fixed:
        raise UnsupportedModelError(
            str(package.folder), "a package that returns frames of any size at their size",
            f"task {package.manifest.task}", "Its result cannot be compared place by place.",
        )  # fmt: skip
    paths = find_pictures(Path(dataset))
    if not paths:
        raise MediaError(str(dataset), "a folder of pictures", "none in it")
    model = PlainModel(package)
    made: list[_Power] = []
    before: list[_Power] = []
    names: list[str] = []
    for index, path in enumerate(paths):
        progress(index, len(paths), path.name)
        frame = _read(path)
        places = flat_places(frame)
        if not places:
            continue
        model.reset()
        made.append(spectra(model.run(frame), places))
        before.append(spectra(frame, places))
        names.append(str(path.relative_to(dataset)))
    if sum(map(len, made)) < LEAST_BLOCKS:
        raise MediaError(
            str(dataset), f"pictures with at least {LEAST_BLOCKS} flat areas of {BLOCK}x{BLOCK}",
            f"{sum(map(len, made))} in {len(paths)} pictures",
        )  # fmt: skip
    each = [
        (name, grid_of(one), grid_of(other))
        for name, one, other in zip(names, made, before, strict=True)
        if len(one) >= LEAST_BLOCKS
    ]
    found, base = grid_of(np.concatenate(made)), grid_of(np.concatenate(before))
    name = Path(dataset).resolve().name
    return [
        Figure(
            name, METRIC, found.levels, {INPUT: base.levels},
            [(picture, g.levels, {INPUT: b.levels}) for picture, g, b in each],
        ),
        Figure(
            name, METRIC_RATIO, found.over_neighbours_db, {INPUT: base.over_neighbours_db},
            [(p, g.over_neighbours_db, {INPUT: b.over_neighbours_db}) for p, g, b in each],
        ),
    ]  # fmt: skip


def grid_of(power: _Power) -> Grid:
    """
    Args:
        power: (blocks, BLOCK, BLOCK), of `spectra`; at least one block.
    """
    mean = power.mean(0)
    logarithms = np.log(mean + 1e-12)
    around = [math.exp(_expected(logarithms, place)) for place in STRIDE_FREQUENCIES]
    at_strides = [float(mean[place]) for place in STRIDE_FREQUENCIES]
    # The mean of logarithms of n estimates of one power is too low, by 1 / 2n of it.
    return Grid(sum(at_strides), sum(around) * math.exp(0.5 / len(power)), len(power))


def flat_places(frame: npt.NDArray[np.generic]) -> list[tuple[int, int]]:
    """Top and left of the blocks of a picture (H, W, 3) of 255 that are flat, every half block."""
    height, width = frame.shape[:2]
    places = [
        (y, x)
        for y in range(0, height - BLOCK + 1, BLOCK // 2)
        for x in range(0, width - BLOCK + 1, BLOCK // 2)
    ]
    if not places:
        return []
    rest = _without_plane(_cut(frame, places))
    spread = np.sqrt(np.square(rest).mean((1, 2, 3)))
    return [place for place, levels in zip(places, spread, strict=True) if levels <= FLAT_LEVELS]


def spectra(picture: npt.NDArray[np.generic], places: list[tuple[int, int]]) -> _Power:
    """Power of each block, mean of the three channels.

    Args:
        picture: (H, W, 3) of 255.
        places: top and left of blocks; at least one.
    Returns: (blocks, BLOCK, BLOCK), mean square of 255: a wave of a whole number of periods has
        its own mean square, half at its frequency and half at the negative one.
    """
    rest = _without_plane(_cut(picture, places))
    line = np.hanning(BLOCK + 1)[:BLOCK]
    window = np.outer(line, line)[..., None]
    waves = np.fft.fft2(rest * window, axes=(1, 2)) / window.sum()
    return np.asarray(np.square(np.abs(waves)).mean(3), np.float64)


def _expected(logarithms: _Power, place: tuple[int, int]) -> float:
    """The logarithm of power at a frequency, of those around it.

    Pictures fall with a power of the frequency: a straight line of logarithms.
    """
    around = _neighbours(*place)
    values = np.array([logarithms[other] for other in around])
    along = np.array([math.log(_frequency(*other)) for other in around])
    spread = along - along.mean()
    if np.square(spread).sum() < 1e-6:
        return float(values.mean())
    slope = float(spread @ values / np.square(spread).sum())
    return float(values.mean()) + slope * (math.log(_frequency(*place)) - float(along.mean()))


def _frequency(y: int, x: int) -> float:
    """Periods in a block."""
    return math.hypot(min(y, BLOCK - y), min(x, BLOCK - x))


def _neighbours(y: int, x: int) -> list[tuple[int, int]]:
    """The frequencies around one.

    Edges that stand upright or lie, of which pictures are full, raise the two axes: a frequency of
    an axis is compared along it alone, others with those around that are of none.
    """
    ring = [
        ((y + dy) % BLOCK, (x + dx) % BLOCK)
        for dy in ((-_RING, 0, _RING) if y else (0,))
        for dx in ((-_RING, 0, _RING) if x else (0,))
        if dy or dx
    ]
    return [(a, b) for a, b in ring if (a != 0 or y == 0) and (b != 0 or x == 0)]


def _cut(picture: npt.NDArray[np.generic], places: list[tuple[int, int]]) -> _Blocks:
    return np.stack([picture[y : y + BLOCK, x : x + BLOCK] for y, x in places]).astype(np.float32)


def _without_plane(blocks: _Blocks) -> _Blocks:
    """Less the plane that fits each block (N, BLOCK, BLOCK, 3) best: gradients are no pattern."""
    along = np.linspace(-1, 1, BLOCK, dtype=np.float32)
    # On a square the three terms are independent: each fits by itself.
    rest = blocks - blocks.mean((1, 2), keepdims=True)
    for term in (along[:, None, None], along[None, :, None]):
        share = (rest * term).mean((1, 2), keepdims=True) / np.square(along).mean()
        rest = rest - share * term
    return np.asarray(rest, np.float32)


def _read(path: Path) -> Rgb8:
    try:
        with Image.open(path) as file:
            return np.asarray(file.convert("RGB"))
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise MediaError(str(path), "a picture", str(error) or type(error).__name__) from None


GRID = Measure(
    "grid", ("deblur", "stylize"), "a regular pattern of the network's strides in flat areas",
    grid_of_package,
)  # fmt: skip
