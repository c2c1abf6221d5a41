"""Line drawings as frames: drawn by hand in a window, or by themselves."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bridge.demo.sheet import Point, Sheet
from bridge.demo.sketches import SKETCHES, Sketch
from bridge.demo.window import Window
from bridge.frames import Pixels

DRAWN_TICKS, HELD_TICKS = 270, 90
"""A sketch draws itself for four and a half seconds and stays for one and a half."""
KEYS = f"1 to {len(SKETCHES)}"
HINT = f"left draws, right erases, C clears, {KEYS} load a sketch, Escape ends"


class SketchSource:
    """Ready-made sketches that draw themselves stroke by stroke, one after the other."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.name = "a sketch that draws itself"
        self._sheet = Sheet(width, height)

    def render(self, tick: int) -> Pixels:
        index, at = divmod(tick, DRAWN_TICKS + HELD_TICKS)
        self._sheet.clear()
        for stroke in SKETCHES[index % len(SKETCHES)].drawn(min(1.0, (at + 1) / DRAWN_TICKS)):
            self._sheet.stroke(stroke)
        return self._sheet.pixels()

    def truth(self, tick: int, scale: int) -> Pixels | None:
        """Nobody knows the shoe that was meant."""
        return None

    def close(self) -> None:
        self._sheet.clear()


class HandSource:
    """A window with a sheet to draw on, and beside it what the network makes of the drawing.

    It is a source of frames and a screen at once. It begins with a sketch, so that there is
    something to see and to change.

    Attributes:
        ended: Escape was pressed, or the window closed.
    """

    def __init__(self, width: int, height: int) -> None:
        """
        Raises: EngineError: there is no window to be had.
        """
        self.width, self.height = width, height
        self.name = "a drawing of yours"
        self.ended = False
        self._sheet = Sheet(width, height)
        self._window = Window(2 * width, height, f"Framebridge: {HINT}")
        self._beside: Pixels = np.full((height, width, 4), 255, np.uint8)
        self._held: set[str] = set()
        self._last: Point | None = None
        self._load(SKETCHES[0])

    def render(self, tick: int) -> Pixels:
        self._window.show(np.concatenate([self._sheet.pixels(), self._beside], axis=1))
        for event in self._window.events():
            self._heed(event)
        self.ended = self.ended or self._window.closed
        self._follow()
        return self._sheet.pixels()

    def truth(self, tick: int, scale: int) -> Pixels | None:
        """Nobody knows the shoe that was meant."""
        return None

    def show(self, result: Pixels) -> None:
        """Put a result beside the sheet, at the next `render`."""
        if result.shape[:2] != (self.height, self.width):
            image = Image.fromarray(result)
            result = np.asarray(image.resize((self.width, self.height), Image.Resampling.BILINEAR))
        self._beside = result.copy()

    def close(self) -> None:
        self._window.close()

    def _heed(self, event: str) -> None:
        if event == "escape":
            self.ended = True
        elif event in ("mouse1", "mouse3"):
            self._held.add(event)
            self._follow()  # a click that is over before the next picture leaves its dot
        elif event in ("mouse1-up", "mouse3-up"):
            self._follow()
            self._held.discard(event.removesuffix("-up"))
            self._last = None
        elif event == "c":
            self._sheet.clear()
        elif event.isdecimal() and 1 <= int(event) <= len(SKETCHES):
            self._load(SKETCHES[int(event) - 1])

    def _follow(self) -> None:
        """Draw from where the mouse was to where it is, while a button is held."""
        at = self._window.pointer()
        if not self._held or at is None:
            self._last = None
            return
        place = 2 * at[0], at[1]  # the sheet is the left half
        points = [place] if self._last is None else [self._last, place]
        if "mouse1" in self._held:
            self._sheet.stroke(points)
        else:
            self._sheet.erase(points)
        self._last = place

    def _load(self, sketch: Sketch) -> None:
        self._sheet.clear()
        for stroke in sketch.strokes:
            self._sheet.stroke(stroke)
