"""Draws on the demo's sheet as a person would: by the X server's own test events.

Run with DISPLAY set; prints what came of it as JSON.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from ctypes.util import find_library
from typing import Any

import numpy as np

from bridge.demo.drawing import HandSource

SIDE = 256


class Hand:
    """A mouse and a keyboard, with places in pixels of the sheet in a window."""

    def __init__(self, window: Any) -> None:
        self.left, self.top = window.getProperties().getOrigin()
        self.zoom = window.getYSize() // SIDE
        self.x11 = ctypes.CDLL(find_library("X11"))
        self.tests = ctypes.CDLL(find_library("Xtst"))
        self.x11.XOpenDisplay.restype = ctypes.c_void_p
        self.x11.XStringToKeysym.restype = ctypes.c_ulong
        self.display = ctypes.c_void_p(self.x11.XOpenDisplay(None))
        if not self.display:
            sys.exit("no display")

    def move(self, x: int, y: int) -> None:
        at = self.left + x * self.zoom, self.top + y * self.zoom
        self.tests.XTestFakeMotionEvent(self.display, -1, *at, ctypes.c_ulong(0))
        self.x11.XSync(self.display, 0)

    def button(self, number: int, down: bool) -> None:
        self.tests.XTestFakeButtonEvent(self.display, number, int(down), ctypes.c_ulong(0))
        self.x11.XSync(self.display, 0)

    def key(self, name: str) -> None:
        code = self.x11.XKeysymToKeycode(
            self.display, ctypes.c_ulong(self.x11.XStringToKeysym(name.encode()))
        )
        for down in (1, 0):
            self.tests.XTestFakeKeyEvent(self.display, code, down, ctypes.c_ulong(0))
        self.x11.XSync(self.display, 0)


def main() -> None:
    source = HandSource(SIDE, SIDE)
    source.render(0)
    hand = Hand(source._window._window)
    tick = 0

    def settled() -> np.ndarray:
        nonlocal tick
        for _ in range(6):
            time.sleep(0.02)
            sheet = source.render(tick)
            tick += 1
        return sheet[..., 0].copy()

    def ink(sheet: np.ndarray) -> float:
        return float((255.0 - sheet).sum()) / 255

    def dragged(button: int, *places: tuple[int, int]) -> np.ndarray:
        hand.move(*places[0])
        settled()
        hand.button(button, True)
        for place in places:
            hand.move(*place)
            settled()
        hand.button(button, False)
        return settled()

    said: dict[str, object] = {"begins_with": ink(settled())}
    hand.key("c")
    said["cleared"] = ink(settled())
    sheet = dragged(1, (60, 100), (120, 100), (180, 100))
    rows, columns = np.nonzero(sheet < 128)
    said["line"] = [int(v) for v in (rows.min(), rows.max(), columns.min(), columns.max())]
    hand.move(100, 200)
    said["moved_only"] = ink(settled()) - ink(sheet)
    said["erased"] = ink(dragged(3, (40, 100), (200, 100)))
    hand.key("2")
    said["sketch"] = ink(settled())
    source.show(np.zeros((SIDE, SIDE, 4), np.uint8))
    settled()
    said["ended"] = source.ended
    hand.key("Escape")
    settled()
    said["ended_by_escape"] = source.ended
    source.close()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
