"""Whether a next-frame package stays alive on its own results, whatever it is started from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bridge.errors import InferenceError, MediaError, UnsupportedModelError
from bridge.inference.manifest import ParameterInput, StateInput
from bridge.inference.package import ModelPackage
from bridge.media import Input, Still, read_picture
from converters.drawing import draw
from converters.luma_psnr import FloatPicture, Rgb8
from converters.scores.base import Figure, Measure, Progress
from converters.scores.plain_model import PlainModel

TICKS = 600
WINDOW = 100
"""Ticks over which a figure is averaged; the first of them are left to the package to begin in."""
PHOTOGRAPH = "photograph.png"
"""A picture of this name in a folder is no frame, but one of the starts."""
INJECT = "inject"
"""The knob that gives the frame's place to the state, where a package has a state of its own."""

Levels = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pace:
    """How much there is to see in a sequence of frames, tick by tick.

    Attributes:
        contrast: standard deviation over the pixels of each frame, mean of the channels, of 255.
        change: mean absolute difference from each frame to the next, of 255.
    """

    contrast: Levels
    change: Levels


def life(package: ModelPackage, dataset: Path, progress: Progress) -> list[Figure]:
    """Contrast and change of 600 ticks of a package's own feedback, as ratios to a set's own.

    It is started from the first frame of the set, from black, white, noise, and a picture that has
    nothing to do with the set.
    Args:
        dataset: consecutive frames of what it learned: a folder, or a clip. A picture in a folder
            that is called `photograph.png` is the last start; otherwise it is a drawn one.
    Returns: `life_contrast_least`, `life_contrast_most`, `life_change_least` and
        `life_change_most`: the means over all ticks, the worst of all starts; and the same with
        `life_late_`: the worst 100 ticks on end after the first 100. 1 is as the set.
    Raises: MediaError: there are fewer than two frames, or they differ in size.
        UnsupportedModelError: the package cannot be started from a frame. InferenceError: a result
        is not finite.
    """
    dataset = Path(dataset)
    truth, first = _pace_of_set(dataset)
    loop = Feedback(package)
    whole: dict[str, Pace] = {}
    starts = _starts(first, dataset)
    for index, (name, start) in enumerate(starts.items()):
        progress(index, len(starts), name)
        whole[name] = pace(loop.run(start, TICKS))
    contrast, change = float(truth.contrast.mean()), float(truth.change.mean())
    means = {
        name: (p.contrast.mean() / contrast, p.change.mean() / change) for name, p in whole.items()
    }
    late = {
        name: (_windows(p.contrast) / contrast, _windows(p.change) / change)
        for name, p in whole.items()
    }
    set_name = dataset.name or str(dataset)
    return [
        _worst(set_name, f"{prefix}_{kind}", {n: np.atleast_1d(v[column]) for n, v in found}, most)
        for prefix, found in (("life", means.items()), ("life_late", late.items()))
        for column, kind in enumerate(("contrast", "change"))
        for most in (False, True)
    ]


class Feedback:
    """A package that is fed with what it made.

    Raises: UnsupportedModelError: it takes no frame, or has a state that no frame can be put in.
    """

    def __init__(self, package: ModelPackage, seed: int = 0) -> None:
        manifest = package.manifest
        result = manifest.frame_output
        states = any(isinstance(port, StateInput) for port in manifest.inputs)
        knob = manifest.parameters.get(INJECT)
        if manifest.frame_input is None or result is None or result.scale != 1:
            raise UnsupportedModelError(
                str(package.folder), "a package that makes a frame of a frame of the same size",
                f"task {manifest.task}", "Only what can be fed with its own results has a life.",
            )  # fmt: skip
        if states and not _full(knob):
            raise UnsupportedModelError(
                str(package.folder), f"a knob {INJECT!r} from 0 to 1, which gives the frame's "
                "place to the state", "a state and no such knob", "It has no such figure.",
            )  # fmt: skip
        self._package, self._stateful = package, states
        # One thread: what is fed back is chaotic, and each way to add up takes another course.
        self._model = PlainModel(package, {INJECT: 0.0} if states else {}, seed, threads=1)
        self._first = self._model
        if states:
            self._first = PlainModel(package, {INJECT: 1.0}, seed, threads=1)

    def run(self, start: Rgb8, ticks: int) -> Iterator[FloatPicture]:
        """Frames (H, W, 3) of 255 after `start`.

        Raises: FrameFormatError, InferenceError: a frame is not finite.
        """
        self._first.reset()
        frame = self._first.run(start)
        if self._stateful:
            self._model.reset(self._first.states)
        for tick in range(ticks):
            # Clamped, an infinite frame looks like a white one: the state tells.
            kept = self._model.states.values() if self._model.tick else ()
            if not all(np.isfinite(values).all() for values in (frame, *kept)):
                raise InferenceError(
                    str(self._package.folder), "finite frames", f"NaN or infinity at tick {tick}",
                    "The weights are at fault: train it longer, or with a lower rate.",
                )  # fmt: skip
            yield frame
            if tick + 1 < ticks:
                # A package with a state has its own; others are given their frame as the bridge
                # would, in 8 bits.
                given = start if self._stateful else np.rint(frame).astype(np.uint8)
                frame = self._model.run(given)


def pace(frames: Iterator[FloatPicture]) -> Pace:
    """Of two frames (H, W, 3) at least."""
    contrast, change = [], []
    before: FloatPicture | None = None
    for frame in frames:
        contrast.append(float(frame.std(axis=(0, 1)).mean()))
        if before is not None:
            change.append(float(np.abs(frame - before).mean()))
        before = frame
    return Pace(np.array(contrast), np.array(change))


def _windows(levels: Levels) -> Levels:
    """Means of each `WINDOW` ticks after the first ones."""
    later = levels[WINDOW:]
    count = max(1, len(later) // WINDOW)
    return np.array([part.mean() for part in np.array_split(later, count)])


def _worst(dataset: str, metric: str, ratios: dict[str, Levels], most: bool) -> Figure:
    """The largest or the smallest ratio, and that of each start."""
    pick = max if most else min
    rows: list[tuple[str, float, dict[str, float]]] = [
        (name, float(pick(values)), {}) for name, values in ratios.items()
    ]
    value = pick(row[1] for row in rows)
    return Figure(dataset, f"{metric}_{'most' if most else 'least'}", value, {}, rows)


def _full(knob: ParameterInput | None) -> bool:
    return knob is not None and knob.kind == "float" and (knob.min, knob.max) == (0, 1)


def _pace_of_set(dataset: Path) -> tuple[Pace, Rgb8]:
    first: list[Rgb8] = []

    def frames() -> Iterator[FloatPicture]:
        for still in _stills(dataset):
            rgb8 = still.pixels[..., :3]
            if not first:
                first.append(rgb8)
            if rgb8.shape != first[0].shape:
                raise MediaError(
                    f"{dataset}: {still.name}", "frames of one size",
                    f"{rgb8.shape[1]}x{rgb8.shape[0]} after "
                    f"{first[0].shape[1]}x{first[0].shape[0]}",
                )  # fmt: skip
            yield rgb8.astype(np.float32)

    found = pace(frames())
    if not len(found.change):
        raise MediaError(
            str(dataset), "two consecutive frames or more", f"{len(found.contrast)}",
            "Give what the package learned from.",
        )  # fmt: skip
    if not found.change.mean() or not found.contrast.mean():
        raise MediaError(str(dataset), "frames that differ", "a still, or flat frames")
    return found, first[0]


def _stills(dataset: Path) -> Iterator[Still]:
    apart = Path(PHOTOGRAPH).stem if dataset.is_dir() else None
    return (still for still in Input(dataset) if still.name != apart)


def _starts(first: Rgb8, dataset: Path) -> dict[str, Rgb8]:
    height, width = first.shape[:2]
    noise = np.random.default_rng(0).normal(127.5, 64, first.shape)
    return {
        "first frame": first,
        "black": np.zeros_like(first),
        "white": np.full_like(first, 255),
        "noise": np.clip(np.rint(noise), 0, 255).astype(np.uint8),
        "photograph": _photograph(dataset, height, width),
    }


def _photograph(dataset: Path, height: int, width: int) -> Rgb8:
    path = dataset / PHOTOGRAPH
    if not path.is_file():
        return draw(width, height)
    pixels: Rgb8 = read_picture(path).pixels[..., :3]
    rows = np.arange(height) * pixels.shape[0] // height
    columns = np.arange(width) * pixels.shape[1] // width
    return np.ascontiguousarray(pixels[rows][:, columns])


LIFE = Measure(
    "life", ("predict",),
    "contrast and motion over 600 ticks of feedback, as shares of the set's own",
    life,
)  # fmt: skip
