"""A window of the demo's engine: shows one picture, and tells what was done with mouse and keys."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridge.demo.engine import open_pipe, panda
from bridge.errors import EngineError
from bridge.frames import Pixels

USUAL_SIDE = 512
"""A picture whose shorter side is half of that or less is enlarged by a whole number."""
_MOST_WIDE = 1600
_TINY = 128
"""Sides up to that show their pixels as squares; larger pictures are enlarged smoothly."""


class Window:
    """A window that shows pictures of one size, uploaded as a texture.

    Use it from the thread that made it, as an engine.

    Attributes:
        closed: somebody has closed it.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        """
        Args:
            width, height: of the pictures; the window is as large, or a whole number of times.
        Raises: EngineError: Panda3D or OpenGL is missing, or the display gives no window.
        """
        core = panda()
        self._core: Any = core
        self._graphics: Any = core.GraphicsEngine.getGlobalPtr()
        pipe, _ = open_pipe(core)
        zoom = max(1, min(USUAL_SIDE // min(width, height), _MOST_WIDE // width))
        size = core.WindowProperties.size(width * zoom, height * zoom)
        size.setTitle(title)
        flags = core.GraphicsPipe.BFRequireWindow | core.GraphicsPipe.BFFbPropsOptional
        frame = core.FrameBufferProperties()
        frame.setRgbaBits(8, 8, 8, 0)
        self._window: Any = self._graphics.makeOutput(pipe, title, 10, frame, size, flags)
        if self._window is None:
            raise EngineError("demo engine", "a window", "none", "Unset DISPLAY to do without.")
        self._texture: Any = core.Texture("picture")
        self._texture.setup2dTexture(width, height, core.Texture.TUnsignedByte, core.Texture.FRgba8)
        if max(width, height) <= _TINY:
            self._texture.setMagfilter(core.SamplerState.FTNearest)
        card = core.CardMaker("picture")
        card.setFrameFullscreenQuad()
        self._root: Any = core.NodePath("window")
        self._root.attachNewNode(card.generate()).setTexture(self._texture)
        self._root.setDepthTest(False)
        lens = core.OrthographicLens()
        lens.setFilmSize(2, 2)
        lens.setNearFar(-10, 10)
        eye = self._root.attachNewNode(core.Camera("eye", lens))
        self._window.makeDisplayRegion().setCamera(eye)
        self._window.setActive(False)
        self._listen()

    def _listen(self) -> None:
        core = self._core
        self._devices: Any = core.NodePath("devices")
        device = self._devices.attachNewNode(core.MouseAndKeyboard(self._window, 0, "device"))
        self._mouse: Any = core.MouseWatcher("mouse")
        thrower = core.ButtonThrower("buttons")
        thrower.setModifierButtons(core.ModifierButtons())  # or Shift would rename the others
        device.attachNewNode(self._mouse).attachNewNode(thrower)
        self._traverser: Any = core.DataGraphTraverser()
        self._queue: Any = core.EventQueue.getGlobalEventQueue()

    @property
    def closed(self) -> bool:
        return bool(self._window.isClosed()) or not self._window.getProperties().getOpen()

    def show(self, pixels: Pixels) -> None:
        """Show a picture: uint8 (H, W, 4), RGBA, top row first, of the window's size."""
        # Panda3D keeps BGRA, bottom row first.
        bgra = np.ascontiguousarray(pixels[::-1, :, [2, 1, 0, 3]])
        self._texture.setRamImage(bgra.data.cast("B"))
        self._window.setActive(True)
        self._graphics.renderFrame()
        self._window.setActive(False)

    def events(self) -> list[str]:
        """What was pressed and let go since the last call: `mouse1`, `mouse1-up`, `c`, `escape`."""
        self._traverser.traverse(self._devices.node())
        names = []
        while not self._queue.isQueueEmpty():
            names.append(str(self._queue.dequeueEvent().getName()))
        return names

    def pointer(self) -> tuple[float, float] | None:
        """Where the mouse is, from (0, 0) at the top left to (1, 1); None outside."""
        if not self._mouse.hasMouse():
            return None
        return (self._mouse.getMouseX() + 1) / 2, (1 - self._mouse.getMouseY()) / 2

    def close(self) -> None:
        self._graphics.removeWindow(self._window)
        self._root.removeNode()
        self._devices.removeNode()
