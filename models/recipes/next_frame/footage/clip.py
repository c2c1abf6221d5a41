"""The clip that a network learns from, in bounded memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from bridge.errors import FootageError
from bridge.media import Input, read_picture

MOST_FRAMES = 1500
MOST_BYTES = 512 << 20
STRETCHES = 10
"""Of a longer clip, so many runs of consecutive frames are taken, at even distances."""
HELD_BACK = 0.1
"""Of each run of frames, at its end."""
LEAST_TO_HOLD_BACK = 10
"""Steps in a run, below which none is held back."""

NEAR = 8
"""Frames: so close to its end, what is like it leads to the end again."""
THINNED = 4
"""Every so many pixels are enough to tell how like two frames are."""
REPEATED = 0.25 / 255
"""Mean difference below which a frame is the one before it again: animation on twos, a pause."""
CUT_FACTOR, CUT_LEAST = 6.0, 0.08
"""A cut differs so many times more than the median step, and at least by so much of 1."""
CUTS_AT_MOST = 0.2
"""Of all steps: more of them are no cuts but how this footage moves."""

Rgb8 = npt.NDArray[np.uint8]
Step = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames at the training size, in runs of consecutive ones.

    Attributes:
        frames: uint8 (N, H, W, 3), RGB.
        runs: (first, after the last) in `frames` of each run, two frames long at least.
        found: frames that the file has, as far as it says.
        source: width and height of its first frame.
        fps: of the file, 30 for pictures.
        digest: of `frames` and `runs`: another clip or size has another.
        notes: what was left out and why, a sentence each.
    """

    frames: Rgb8
    runs: tuple[tuple[int, int], ...]
    found: int
    source: tuple[int, int]
    fps: float
    digest: str
    notes: tuple[str, ...] = field(default=())

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.frames.shape[2], self.frames.shape[1]

    def learned(self) -> list[tuple[int, int]]:
        """Of each run, what is learned from: (first, after the last)."""
        return [(first, last - _held(first, last)) for first, last in self.runs]

    def held_back(self) -> list[tuple[int, int]]:
        """Of each run, what is not; its first frame is the last one that is learned from."""
        return [
            (last - _held(first, last) - 1, last) for first, last in self.runs if _held(first, last)
        ]

    def starts(self, length: int, *, held_back: bool = False) -> list[int]:
        """First frames of all runs of `length` + 1 frames."""
        runs = self.held_back() if held_back else self.learned()
        return [start for first, last in runs for start in range(first, last - length)]

    def following(self) -> npt.NDArray[np.int64]:
        """(N,): which frame comes after each that is learned from; -1 after all others.

        The last one of a run leads on to what came after the frame most like it: a clip ends, and
        what has learned from it is to play on.
        Source: Schoedl et al., Video Textures, 2000.
        """
        after = np.full(len(self.frames), -1)
        for first, last in self.learned():
            after[first : last - 1] = np.arange(first + 1, last)
        followed = np.flatnonzero(after >= 0)
        small = self.frames[:, ::THINNED, ::THINNED].astype(np.int16)
        for first, last in self.learned():
            end = last - 1
            far = followed[np.abs(followed - end) > min(NEAR, (last - first) // 2)]
            if len(far):
                unlike = np.abs(small[far] - small[end]).mean(axis=(1, 2, 3))
                after[end] = far[np.argmin(unlike)] + 1
            else:
                after[end] = first
        return after

    def repeat_loss(self, starts: list[int]) -> float:
        """Mean absolute difference, of 1, between each of these frames and its next."""
        return float(np.mean([_difference(self.frames[s], self.frames[s + 1]) for s in starts]))


def read_clip(
    path: Path, side: int, multiple: int, tell: Step | None = None, *,
    most_frames: int = MOST_FRAMES, most_bytes: int = MOST_BYTES,
) -> Clip:  # fmt: skip
    """Read footage at the training size.

    Args:
        path: a video, an animated GIF, or a folder of pictures.
        side: of the shorter side, in pixels; the frame's own where that is shorter.
        multiple: both sides become multiples of it.
        tell: is told how many frames of how many have been read.
        most_frames: of a clip with more, evenly spread runs of consecutive frames are taken.
        most_bytes: of all frames in memory.
    Raises: MediaError: it cannot be read. FootageError: there is nothing to learn from.
    """
    source = Input(path)
    if source.kind == "picture":
        read_picture(path)  # which says so if it is none
        raise FootageError(
            str(path), "a clip: a video, an animated GIF or a folder of pictures", "one picture",
            "One frame says nothing of what comes after it; give a clip of two seconds or more.",
        )  # fmt: skip
    frames, parts, own, room = _read(source, side, multiple, tell, most_frames, most_bytes)
    if len(frames) < 2:
        raise FootageError(
            str(path), "a clip of two frames or more", f"{len(frames)} frame{'s' * (not frames)}",
            "One frame says nothing of what comes after it; give a clip of two seconds or more.",
        )  # fmt: skip
    found = max(source.count, len(frames))
    notes = []
    if len(frames) < found or len(frames) == room:
        runs = f"{len(parts)} runs of consecutive frames" if len(parts) > 1 else "the first ones"
        of = found if source.count else "an unknown number of"
        notes.append(
            f"It learns from {len(frames)} of {of} frames, {runs}: at most {most_frames} frames "
            f"and {most_bytes / (1 << 20):.3g} MB are kept in memory."
        )
    whole = np.stack(frames)
    whole, parts, more = _without_repeats(whole, parts, path)
    runs, cuts = _split_at_cuts(whole, parts)
    if cuts:
        notes.append(f"It has {cuts} cut{'s' * (cuts > 1)}; nothing is learned across one.")
    if not any(last - first > 1 for first, last in runs):
        raise FootageError(
            str(path), "a scene of two frames or more", "a cut after every frame",
            "Give footage in which something moves, not a slide show.",
        )  # fmt: skip
    runs = [(first, last) for first, last in runs if last - first > 1]
    digest = hashlib.sha256(whole.tobytes() + repr((whole.shape, runs)).encode()).hexdigest()
    return Clip(whole, tuple(runs), found, own, float(source.fps), digest, (*notes, *more))


def training_size(source: tuple[int, int], side: int, multiple: int) -> tuple[int, int]:
    """Width and height for frames of `source`: the shorter becomes `side`, never larger than it
    is, and both become multiples, twice that at least."""
    scale = min(1.0, side / min(source))
    width, height = (
        max(2 * multiple, round(length * scale / multiple) * multiple) for length in source
    )
    return width, height


def _read(
    source: Input, side: int, multiple: int, tell: Step | None, most_frames: int, most_bytes: int
) -> tuple[list[Rgb8], list[tuple[int, int]], tuple[int, int], int]:
    """Frames, the runs that they lie in, the first one's size, and how many there is room for."""
    frames: list[Rgb8] = []
    parts: list[tuple[int, int]] = []
    own, size, room = (0, 0), (0, 0), most_frames
    expected = min(source.count or most_frames, most_frames)
    stretches: list[tuple[int, int]] = [(0, most_frames)]
    first = next(iter(source.stretch(0, 1)), None)
    if first is not None:
        own = (first.pixels.shape[1], first.pixels.shape[0])
        size = training_size(own, side, multiple)
        room = max(2, min(most_frames, most_bytes // (size[0] * size[1] * 3)))
        stretches = _stretches(source.count, room)
    for start, count in stretches:
        begun = len(frames)
        for still in source.stretch(start, count):
            rgb = Image.fromarray(still.pixels[..., :3])
            # What is far larger is reduced by whole factors first: as good, and much faster.
            frames.append(
                np.asarray(rgb.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0), np.uint8)
            )
            if tell is not None:
                tell(len(frames), expected)
        if len(frames) > begun:
            parts.append((begun, len(frames)))
    return frames, parts, own, room


def _stretches(count: int, room: int) -> list[tuple[int, int]]:
    """Start and length of what is read of `count` frames, or of an unknown number (0)."""
    if count <= room:
        return [(0, room)]
    length = max(2, room // STRETCHES)
    pieces = max(1, room // length)
    gap = (count - length) / max(1, pieces - 1)
    return [(round(index * gap), length) for index in range(pieces)]


def _without_repeats(
    frames: Rgb8, parts: list[tuple[int, int]], path: Path
) -> tuple[Rgb8, list[tuple[int, int]], list[str]]:
    kept: list[int] = []
    runs = []
    for first, last in parts:
        begun = len(kept)
        kept.append(first)
        for index in range(first + 1, last):
            if _difference(frames[kept[-1]], frames[index]) >= REPEATED:
                kept.append(index)
        runs.append((begun, len(kept)))
    left_out = len(frames) - len(kept)
    if not any(last - first > 1 for first, last in runs):
        raise FootageError(
            str(path), "a clip in which something moves", f"{len(frames)} frames that are alike",
            "Give footage that changes from frame to frame.",
        )  # fmt: skip
    said = f"{left_out} frames that repeat the one before them are left out."
    return frames[kept], runs, [said] if left_out else []


def _split_at_cuts(frames: Rgb8, parts: list[tuple[int, int]]) -> tuple[list[tuple[int, int]], int]:
    steps = [
        (index, _difference(frames[index - 1], frames[index]))
        for first, last in parts
        for index in range(first + 1, last)
    ]
    limit = max(CUT_LEAST, CUT_FACTOR * float(np.median([step for _, step in steps])))
    cuts = {index for index, step in steps if step > limit}
    if len(cuts) > CUTS_AT_MOST * len(steps):
        cuts = set()
    return list(_divided(parts, cuts)), len(cuts)


def _divided(parts: list[tuple[int, int]], cuts: set[int]) -> Iterator[tuple[int, int]]:
    for first, last in parts:
        bounds = [first, *sorted(cut for cut in cuts if first < cut < last), last]
        yield from pairwise(bounds)


def _difference(one: Rgb8, other: Rgb8) -> float:
    return float(np.abs(one.astype(np.int16) - other).mean()) / 255


def _held(first: int, last: int) -> int:
    steps = last - first - 1
    return max(1, round(steps * HELD_BACK)) if steps >= LEAST_TO_HOLD_BACK else 0
