"""How much a package's results change from frame to frame beyond what the clip itself does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from bridge.errors import MediaError
from bridge.inference.package import ModelPackage
from bridge.media import Input, read_picture
from converters.scores.base import Figure, Measure, Progress
from converters.scores.optical_flow import Motion, Picture, Rgb8, motion
from converters.scores.plain_model import PlainModel

METRIC = "flicker_ilk_255"
METRIC_EDGES = "edge_energy_255"
INPUT, FILTER = "input", "filter"
REFERENCES = Path("out/filtered")
"""Holds PACKAGE/CLIP/*.png: what the filter that a package learned from makes of a clip, frame by
frame, where somebody has rendered it (`python -m models.recipes.style.render`)."""

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def flicker(
    package: ModelPackage, dataset: Path, progress: Progress, references: Path | None = None
) -> list[Figure]:
    """Flicker and edge energy over a clip, with the clip's own beside them, and the filter's where
    its frames lie in `references`/PACKAGE/CLIP.

    The result of each frame but the first is compared with that of the frame before, moved along:
    optical flow of the input frames by iterative Lucas-Kanade (scikit-image's `optical_flow_ilk`),
    found at no more than 240 lines and enlarged. Pixels that were hidden or out of sight before are
    left out (there and back again must end within a pixel of the reduced frame). Edge energy is the
    mean length of the gradient of luma: a result that does not flicker because it is blurred has
    little of it.
    Args:
        dataset: a folder of consecutive frames, or a video.
        references: by default `out/filtered`.
    Returns: `flicker_ilk_255`, mean absolute difference, and `edge_energy_255`; both of 255.
    Raises: RuntimeMissingError: scikit-image is not installed. MediaError: fewer than two frames,
        or frames of several sizes. UnsupportedModelError, InferenceError.
    """
    dataset = Path(dataset)
    motions = motions_of(dataset, progress)
    model = PlainModel(package)
    makers = {"": _Watched(motions), INPUT: _Watched(motions)}
    rendered = (references or REFERENCES) / package.name / dataset.stem
    if rendered.is_dir():
        makers[FILTER] = _Watched(motions)
    names = []
    for index, (name, frame) in enumerate(_frames(dataset)):
        progress(index, len(motions) + 1, name)
        names.append(name)
        makers[""].see(model.run(frame))
        makers[INPUT].see(frame.astype(np.float32))
        if FILTER in makers:
            makers[FILTER].see(_rendered(rendered / f"{name}.png", frame))
    return [
        _figure(dataset.name, METRIC, names[1:], {m: w.changes for m, w in makers.items()}),
        _figure(dataset.name, METRIC_EDGES, names, {m: w.edges for m, w in makers.items()}),
    ]


def motions_of(dataset: Path, progress: Progress = lambda done, count, name: None) -> list[Motion]:
    """How each frame of a clip but the first came of the one before; the last clip's are kept.

    Raises: RuntimeMissingError, MediaError.
    """
    found = _kept(dataset.resolve(), _changed(dataset))
    if not found:
        found += _found_motions(dataset, progress)
    return found


class _Watched:
    """Results of consecutive frames, of which the last one is kept."""

    def __init__(self, motions: list[Motion]) -> None:
        self._motions = motions
        self._last: Picture | None = None
        self.changes: list[float] = []
        self.edges: list[float] = []

    def see(self, picture: Picture) -> None:
        """
        Args:
            picture: float32 (H, W, 3), RGB of 255.
        """
        if self._last is not None:
            before, seen = self._motions[len(self.changes)].warp(self._last)
            self.changes.append(float(np.abs(picture - before)[seen].mean()) if seen.any() else 0.0)
        self.edges.append(edge_energy(picture))
        self._last = picture


def edge_energy(picture: Picture) -> float:
    """Mean length of the gradient of luma, a difference to the next pixel, of 255."""
    luma = picture @ _LUMA
    right, down = np.diff(luma, axis=1)[:-1], np.diff(luma, axis=0)[:, :-1]
    return float(np.hypot(right, down).mean())


@lru_cache(maxsize=1)
def _kept(dataset: Path, changed: tuple[float, ...]) -> list[Motion]:
    """Empty at first; whoever finds the motions of that clip puts them in."""
    return []


def _found_motions(dataset: Path, progress: Progress) -> list[Motion]:
    found: list[Motion] = []
    count = Input(dataset).count
    before: Rgb8 | None = None
    for index, (name, frame) in enumerate(_frames(dataset)):
        progress(index, count, f"{name}, where it came from")
        if before is not None:
            if frame.shape != before.shape:
                raise MediaError(
                    str(dataset), "frames of one size",
                    f"{frame.shape[1]}x{frame.shape[0]} after {before.shape[1]}x{before.shape[0]}",
                    "Give a folder of consecutive frames.",
                )  # fmt: skip
            found.append(motion(before, frame))
        before = frame
    if not found:
        raise MediaError(
            str(dataset), "two consecutive frames or more", "one", "Give a clip, or its frames."
        )
    return found


def _frames(dataset: Path) -> Iterator[tuple[str, Rgb8]]:
    for still in Input(dataset):
        yield still.name, np.ascontiguousarray(still.pixels[..., :3])


def _changed(dataset: Path) -> tuple[float, ...]:
    """When the files of a clip were written."""
    files = sorted(dataset.iterdir()) if dataset.is_dir() else [dataset]
    return tuple(file.stat().st_mtime for file in files if file.is_file())


def _rendered(path: Path, frame: Rgb8) -> Picture:
    """What the filter made of a frame.

    Raises: MediaError: it is missing, or of another size.
    """
    if not path.is_file():
        raise MediaError(
            str(path), "the filter's picture of each frame", "no such file",
            "Render the clip again: python -m models.recipes.style.render.",
        )  # fmt: skip
    pixels = read_picture(path).pixels[..., :3]
    if pixels.shape != frame.shape:
        raise MediaError(
            str(path), f"{frame.shape[1]}x{frame.shape[0]}, as the frame",
            f"{pixels.shape[1]}x{pixels.shape[0]}", "Render the clip again.",
        )  # fmt: skip
    return pixels.astype(np.float32)


def _figure(dataset: str, metric: str, names: list[str], found: dict[str, list[float]]) -> Figure:
    others = {maker: values for maker, values in found.items() if maker}
    rows = [
        (name, found[""][index], {maker: values[index] for maker, values in others.items()})
        for index, name in enumerate(names)
    ]
    baseline = {maker: float(np.mean(values)) for maker, values in others.items()}
    return Figure(dataset, metric, float(np.mean(found[""])), baseline, rows)


FLICKER = Measure(
    "flicker", ("stylize",),
    "change from frame to frame along the motion of a clip, and how much edge there is", flicker,
)  # fmt: skip
