"""The engine's window, where there is a display: what came back, as its audience would see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.errors import EngineError
from bridge.frames import Pixels

if TYPE_CHECKING:
    from bridge.demo.engine import PandaEngine


class ResultWindow:
    """A window of the engine that shows one picture, uploaded as a texture."""

    def __init__(self, engine: PandaEngine, width: int, height: int) -> None:
        """
        Raises: EngineError: the display gives no window.
        """
        core = engine.core
        self._graphics = engine.graphics
        self._size = width, height
        size = core.WindowProperties.size(width, height)
        size.setTitle("Framebridge")
        flags = core.GraphicsPipe.BFRequireWindow | core.GraphicsPipe.BFFbPropsOptional
        frame = core.FrameBufferProperties()
        frame.setRgbaBits(8, 8, 8, 0)
        shared = engine.views[0].buffer
        self._window: Any = self._graphics.makeOutput(
            engine.pipe, "result", 10, frame, size, flags, shared.getGsg(), shared
        )
        if self._window is None:
            raise EngineError("demo engine", "a window", "none", "Unset DISPLAY to do without.")
        self._texture: Any = core.Texture("result")
        self._texture.setup2dTexture(width, height, core.Texture.TUnsignedByte, core.Texture.FRgba8)
        card = core.CardMaker("result")
        card.setFrameFullscreenQuad()
        root = core.NodePath("result window")
        root.attachNewNode(card.generate()).setTexture(self._texture)
        root.setDepthTest(False)
        lens = core.OrthographicLens()
        lens.setFilmSize(2, 2)
        lens.setNearFar(-10, 10)
        self._root = root
        self._window.makeDisplayRegion().setCamera(root.attachNewNode(core.Camera("eye", lens)))
        self._window.setActive(False)

    def show(self, pixels: Pixels) -> None:
        """Show a picture: uint8 (H, W, 4), RGBA, top row first, of the window's size."""
        # Panda3D keeps BGRA, bottom row first.
        bgra = np.ascontiguousarray(pixels[::-1, :, [2, 1, 0, 3]])
        self._texture.setRamImage(bgra.data.cast("B"))
        self._window.setActive(True)
        self._graphics.renderFrame()
        self._window.setActive(False)

    def close(self) -> None:
        self._graphics.removeWindow(self._window)
        self._root.removeNode()
