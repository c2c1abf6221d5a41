"""Where the demo's results are looked at: a window, where there is a display."""

from __future__ import annotations

from typing import Protocol

from bridge.demo.engine import has_display
from bridge.demo.window import Window
from bridge.errors import EngineError
from bridge.frames import Pixels


class Screen(Protocol):
    """Shows results, and says when whoever watches has had enough."""

    @property
    def ended(self) -> bool: ...

    def show(self, result: Pixels) -> None:
        """Show uint8 (H, W, 4), RGBA, top row first."""


class ResultScreen:
    """A window with the newest result; nothing without a display.

    Attributes:
        ended: Escape was pressed, or the window closed.
    """

    def __init__(self, title: str) -> None:
        self.ended = False
        self._title = title
        self._window: Window | None = None
        self._dark = not has_display()

    def show(self, result: Pixels) -> None:
        if self._dark:
            return
        if self._window is None:
            height, width, _ = result.shape
            try:
                self._window = Window(width, height, self._title)
            except EngineError:
                self._dark = True  # the source has told why already, or needs no engine
                return
        self._window.show(result)
        self.ended = "escape" in self._window.events() or self._window.closed

    def close(self) -> None:
        if self._window is not None:
            self._window.close()
            self._window = None
