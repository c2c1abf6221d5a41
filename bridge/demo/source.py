"""Where the demo's pictures come from: a real engine, or a drawn pattern where none can run."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bridge.demo.engine import PandaEngine
from bridge.errors import EngineError
from bridge.frames import Pixels

TICKS_PER_SECOND = 60
TAU = 2.0 * math.pi
WORDS = "FRAMEBRIDGE  -  EVERY ENGINE, EVERY FRAME, ON THE FLY  -  "

Plane = npt.NDArray[np.float32]


class FrameSource(Protocol):
    """Pictures by tick, a sixtieth of a second each; a picture depends on nothing but its tick."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def name(self) -> str:
        """What draws, for a person to read."""

    def render(self, tick: int) -> Pixels:
        """The picture at `tick`.

        Returns: uint8 (H, W, 4), RGBA, sRGB-encoded, alpha 255, top row first, contiguous.
        """

    def truth(self, tick: int, scale: int) -> Pixels | None:
        """What a perfect model would make of the picture: the same drawn `scale` times as wide and
        high; None where nobody knows, such as at scale 1, unless the pictures were spoilt."""

    def close(self) -> None:
        """Gives back what the source holds; a second call does nothing."""


class EngineSource:
    """Pictures of a running engine, which it makes and closes.

    The engine draws twice as wide and high, and each frame is resolved from that with a bicubic
    filter, truth and frame alike: a frame of single samples is aliased, and no upscaler was
    trained on aliases.
    """

    OVERSAMPLED = 2

    def __init__(self, width: int, height: int) -> None:
        """
        Raises: EngineError.
        """
        self.width, self.height = width, height
        self._engine = PandaEngine(width * self.OVERSAMPLED, height * self.OVERSAMPLED)
        self.name = f"Panda3D on {self._engine.renderer}"

    def render(self, tick: int) -> Pixels:
        return self._resolved(self._engine.render(tick))

    def truth(self, tick: int, scale: int) -> Pixels | None:
        if scale == 1:
            return None
        factor = self.OVERSAMPLED * scale
        drawn = self._engine.render_at(tick, self.width * factor, self.height * factor)
        return self._resolved(drawn)

    def close(self) -> None:
        self._engine.close()

    def _resolved(self, drawn: Pixels) -> Pixels:
        height, width = (side // self.OVERSAMPLED for side in drawn.shape[:2])
        # RGBX: Pillow would otherwise multiply by alpha and divide again, for nothing.
        picture = Image.frombuffer("RGBX", drawn.shape[1::-1], drawn, "raw", "RGBX", 0, 1)
        return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC))


class PatternSource:
    """A moving test picture, drawn with numpy: rings that grow finer outwards, a wheel of spokes,
    a sky that changes its colour and a line of text that runs below them."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        self.height = height
        self.name = "drawn pattern"
        self._canvases: dict[int, _Canvas] = {}

    def render(self, tick: int) -> Pixels:
        return self._at(1).draw(tick)

    def truth(self, tick: int, scale: int) -> Pixels | None:
        return self._at(scale).draw(tick) if scale > 1 else None

    def close(self) -> None:
        self._canvases.clear()

    def _at(self, scale: int) -> _Canvas:
        if scale not in self._canvases:
            self._canvases[scale] = _Canvas(self.width * scale, self.height * scale)
        return self._canvases[scale]


class _Canvas:
    """What does not move, kept for one size; lengths are in picture heights.

    Waves are looked up in a table of 4096 steps by an integer phase, so that a tick costs one
    addition and one look-up a pixel. Where a wave would be finer than two pixels it fades to
    grey, as a picture taken with a lens would.
    """

    STEPS = 4096
    RINGS = 300.0
    """Phase of the rings in turns per squared height."""
    SPOKES = 36
    RADIUS = 0.36

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        y, x = np.mgrid[0:height, 0:width].astype(np.float32) + np.float32(0.5)
        self.x, self.y = (x - width / 2.0) / height, y / height
        turns = np.arange(self.STEPS) * (TAU / self.STEPS)
        self.wave = np.cos(turns).astype(np.float32)
        self.steep = np.tanh(4.0 * np.cos(turns)).astype(np.float32)

        reach = width / height * 0.25
        ring_r = np.hypot(self.x + reach, self.y - 0.43)
        self.ring_phase = self._steps(self.RINGS * ring_r**2 / 2.0)
        self.ring_share = self._disc(ring_r) * self._seen(self.RINGS * ring_r)

        wheel_x, wheel_y = self.x - reach, self.y - 0.43
        wheel_r = np.hypot(wheel_x, wheel_y)
        self.wheel_phase = self._steps(self.SPOKES * np.arctan2(wheel_y, wheel_x) / TAU)
        pitch = self.SPOKES / (TAU * np.maximum(wheel_r, 1e-4))
        self.wheel_share = self._disc(wheel_r) * self._seen(pitch)
        self.discs = np.maximum(self._disc(ring_r), self._disc(wheel_r))
        self.backdrop_phase = self._steps(0.35 * self.x + 0.2 * self.y)
        self.top = max(1, round(height * 0.86))
        self.text = self._line(height - self.top)

    def _steps(self, turns: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
        steps: npt.NDArray[np.int32] = np.floor((turns % 1.0) * self.STEPS).astype(np.int32)
        return steps

    def _disc(self, r: Plane) -> Plane:
        """1 inside RADIUS, 0 outside, one pixel of both between."""
        share: Plane = np.clip((self.RADIUS - r) * self.height + 0.5, 0.0, 1.0).astype(np.float32)
        return share

    def _seen(self, per_height: Plane) -> Plane:
        """How much of a wave of that frequency a pixel grid of this size can show, 0 to 1."""
        return np.clip(2.0 - 4.0 * per_height / self.height, 0.0, 1.0).astype(np.float32)

    @staticmethod
    def _line(height: int) -> Plane:
        """WORDS once over, float32 (height, any), 0 to 1."""
        font = ImageFont.load_default(size=max(4.0, height * 0.62))
        length = max(1, math.ceil(font.getlength(WORDS)))
        picture = Image.new("L", (length, height))
        ImageDraw.Draw(picture).text((0, height / 2), WORDS, fill=255, font=font, anchor="lm")
        return np.asarray(picture, np.float32) / np.float32(255.0)

    def draw(self, tick: int) -> Pixels:
        t = tick / TICKS_PER_SECOND
        mask = self.STEPS - 1
        rings = self.wave[(self.ring_phase - round(t * 0.8 * self.STEPS)) & mask]
        wheel = self.steep[(self.wheel_phase + round(t * 1.5 * self.STEPS)) & mask]
        bend = self.wave[(self.backdrop_phase + round(t * 0.11 * self.STEPS)) & mask]
        rings *= self.ring_share
        wheel *= self.wheel_share
        grey = np.float32(128.0) * self.discs
        paper = np.float32(1.0) - self.discs
        rgba = np.empty((self.height, self.width, 4), np.uint8)
        rgba[..., 3] = 255
        # high, low: the backdrop at the top and at the bottom; sway: how far its colour moves
        bands = ((34.0, 214.0, 26.0), (48.0, 96.0, -30.0), (120.0, 70.0, 30.0))
        paints = ((110.0, 120.0), (118.0, 78.0), (96.0, -60.0))
        for channel in range(3):
            (high, low, sway), (ring, spoke) = bands[channel], paints[channel]
            plane = np.float32(sway) * bend
            plane += np.float32(high) + np.float32(low - high) * self.y
            plane *= paper
            plane += grey
            plane += np.float32(ring) * rings
            plane += np.float32(spoke) * wheel
            rgba[..., channel] = plane
        self._write(rgba, t)
        return rgba

    def _write(self, rgba: Pixels, t: float) -> None:
        start = t * 0.30 * self.height
        whole = math.floor(start)
        part = np.float32(start - whole)
        columns = (np.arange(self.width + 1) + whole) % self.text.shape[1]
        line = self.text[:, columns]
        line = line[:, :-1] * (np.float32(1.0) - part) + line[:, 1:] * part
        for channel, (paper, ink) in enumerate(((14.0, 255.0), (12.0, 214.0), (30.0, 140.0))):
            rgba[self.top :, :, channel] = np.float32(paper) + np.float32(ink - paper) * line


def open_source(width: int, height: int) -> tuple[FrameSource, str]:
    """The best source that this machine can run.

    Returns: the source, and what the person should be told: nothing when it is the engine, else
        why it is not and what would change that.
    """
    try:
        return EngineSource(width, height), ""
    except EngineError as error:
        notice = f"Showing a drawn pattern instead of an engine. {error}"
        return PatternSource(width, height), notice
