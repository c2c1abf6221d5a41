"""A clip in place of the engine."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from bridge.errors import MediaError
from bridge.frames import Pixels
from bridge.media import Input

_MOST_BYTES = 512 * 2**20


class ClipSource:
    """Plays a picture, a folder of pictures or a video over and over, a frame a tick.

    Attributes:
        width, height: of the frames, which is the first one's size unless another was asked for.
        name: what plays, for a person to read.
    """

    def __init__(self, path: Path, size: tuple[int, int] | None, on_paper: bool = False) -> None:
        """
        Args:
            size: to which every frame is resized; by default that of the first frame.
            on_paper: what is transparent is white, as around a drawing.
        Raises: MediaError.
        """
        frames = iter(Input(path))
        first = next(frames, None)
        if first is None:
            raise MediaError(str(path), "at least one frame", "none")
        self._on_paper = on_paper
        shape = first.pixels.shape
        self.width: int = size[0] if size else shape[1]
        self.height: int = size[1] if size else shape[0]
        self.name = path.name
        most = max(1, _MOST_BYTES // (self.width * self.height * 4))
        pictures = [first, *islice(frames, most - 1)]
        self._frames = [self._fitted(still.pixels) for still in pictures]

    def render(self, tick: int) -> Pixels:
        return self._frames[tick % len(self._frames)]

    def truth(self, tick: int, scale: int) -> Pixels | None:
        """Nobody knows what a clip would look like."""
        return None

    def close(self) -> None:
        self._frames.clear()

    def _fitted(self, pixels: Pixels) -> Pixels:
        if self._on_paper:
            ink = Image.fromarray(pixels)
            paper = Image.new("RGBA", ink.size, (255, 255, 255, 255))
            pixels = np.asarray(Image.alpha_composite(paper, ink))
        if pixels.shape[:2] == (self.height, self.width):
            return pixels
        resized = Image.fromarray(pixels).resize(
            (self.width, self.height), Image.Resampling.BICUBIC
        )
        return np.asarray(resized)
