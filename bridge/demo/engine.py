"""A real engine for the demo: Panda3D, drawing offscreen, its picture read back as an array."""

from __future__ import annotations

import ctypes
import os
import sys
from functools import cache
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.errors import EngineError
from bridge.frames import Pixels

if TYPE_CHECKING:
    from bridge.demo.scene import Scene

SAMPLES = 4
"""Per pixel, on a graphics card. A software renderer gets one: four would take it two to three
times as long, since it pays for every triangle."""
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "basic render", "gdi generic")
FIELD_OF_VIEW = 62.0
"""Degrees, across."""

INSTALL_PANDA = "Run: pip install 'framebridge[demo]'"
INSTALL_GL = "Run: sudo apt-get install -y libegl1 libgl1 libgl1-mesa-dri"
SETTINGS = """
audio-library-name null
print-pipe-types 0
sync-video 0
notify-level error
notify-level-egldisplay fatal
notify-level-x11display fatal
"""
"""What the two displays would print on standard error when they cannot start is in EngineError."""
HEADLESS, DISPLAY = "p3headlessgl", "pandagl"
_pipes: dict[str, Any] = {}


def has_display() -> bool:
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _require_libraries() -> None:
    """Asks the loader for what p3headlessgl is linked to: with one of them gone Panda3D prints
    to standard error and returns nothing."""
    for library in ("libEGL.so.1", "libGL.so.1"):
        try:
            ctypes.CDLL(library)
        except OSError as error:
            raise EngineError("demo engine", library, "no such library", INSTALL_GL) from error


@cache
def panda() -> Any:
    """panda3d.core, quiet."""
    try:
        from panda3d import core
    except ImportError as error:
        raise EngineError("demo engine", "Panda3D", "no module panda3d", INSTALL_PANDA) from error
    core.loadPrcFileData("framebridge demo", SETTINGS)
    return core


class _View:
    """One buffer with a camera of its own shape, and its picture in memory."""

    def __init__(self, engine: PandaEngine, width: int, height: int, samples: int) -> None:
        core = engine.core
        frame = core.FrameBufferProperties()
        frame.setRgbaBits(8, 8, 8, 8)
        frame.setDepthBits(24)
        frame.setMultisamples(samples if samples > 1 else 0)
        size = core.WindowProperties.size(width, height)
        # A parasite buffer would be no larger than the one it shares.
        flags = core.GraphicsPipe.BFFbPropsOptional | core.GraphicsPipe.BFRefuseParasite
        flags |= core.GraphicsPipe.BFRefuseWindow
        first: Any = engine.views[0].buffer if engine.views else None
        shared = (first.getGsg(), first) if first is not None else ()
        self.buffer: Any = engine.graphics.makeOutput(
            engine.pipe, f"demo {width}x{height}", 0, frame, size, flags, *shared
        )
        if self.buffer is None:
            raise EngineError("demo engine", "an OpenGL buffer", "none", engine.remedy)
        self.texture = core.Texture("picture")
        copy = core.GraphicsOutput.RTMCopyRam
        self.buffer.addRenderTexture(self.texture, copy, core.GraphicsOutput.RTPColor)
        self.buffer.setClearColorActive(True)
        self.buffer.setActive(False)
        lens = core.PerspectiveLens()
        lens.setNearFar(0.5, 2000.0)
        lens.setAspectRatio(width / height)
        lens.setFov(FIELD_OF_VIEW)
        camera = core.Camera("camera", lens)
        self.camera = engine.scene.rig.attachNewNode(camera)
        self.buffer.makeDisplayRegion().setCamera(self.camera)
        self.width, self.height = width, height

    def draw(self, engine: PandaEngine) -> Pixels:
        """Draws this view alone and reads it back."""
        self.buffer.setActive(True)
        engine.graphics.renderFrame()
        self.buffer.setActive(False)
        stored = self.texture.getRamImage() if self.buffer.isValid() else b""
        if len(stored) != self.width * self.height * 4:
            wanted = f"a picture of {self.width}x{self.height}"
            raise EngineError("demo engine", wanted, "none", "Start the engine anew.")
        # Panda3D keeps BGRA, bottom row first. Four strided copies take an eighth of the time of
        # numpy.take and a third of getRamImageAs("RGBA").
        bgra = np.frombuffer(stored, np.uint8).reshape(self.height, self.width, 4)[::-1]
        rgba = np.empty((self.height, self.width, 4), np.uint8)
        for channel, place in enumerate((2, 1, 0)):
            rgba[..., channel] = bgra[..., place]
        rgba[..., 3] = 255
        return rgba


class PandaEngine:
    """The scene of `bridge.demo.scene`, drawn by Panda3D at one size or at several.

    A picture depends on `tick` and the size alone, so any tick can be drawn again. Several engines
    can live in one process, one after the other or side by side; use each from the thread that
    made it, since an OpenGL context belongs to a thread.

    Args:
        width, height: size of what `render` draws, in pixels.
        samples: per pixel, against jagged edges; None: SAMPLES on a graphics card, else 1.
    Raises: EngineError: Panda3D or OpenGL is missing; its remedy is the one line that installs it.
    """

    def __init__(self, width: int, height: int, samples: int | None = None) -> None:
        self.core: Any = panda()
        from bridge.demo import scene  # needs Panda3D

        self.pipe, self.remedy = open_pipe(self.core)
        self.graphics: Any = self.core.GraphicsEngine.getGlobalPtr()
        self.scene: Scene = scene.build()
        self.views: list[_View] = []
        self.samples = SAMPLES if samples is None else samples
        self.views.append(_View(self, width, height, self.samples))
        if samples is None and any(name in self.renderer.lower() for name in SOFTWARE):
            self.samples = 1
            self.close()
            self.views.append(_View(self, width, height, self.samples))
        self._pose = scene.pose

    @property
    def width(self) -> int:
        return self._first.width

    @property
    def height(self) -> int:
        return self._first.height

    @property
    def renderer(self) -> str:
        """What draws, as OpenGL names it: `llvmpipe (...)` is the processor."""
        return str(self._first.buffer.getGsg().getDriverRenderer())

    @property
    def _first(self) -> _View:
        if not self.views:
            raise EngineError("demo engine", "an open engine", "a closed one", "Make a new one.")
        return self.views[0]

    def render(self, tick: int) -> Pixels:
        """The picture at `tick`, a sixtieth of a second each.

        Returns: uint8 (H, W, 4), RGBA, sRGB-encoded, alpha 255, top row first, contiguous; a fresh
            array each time.
        """
        view = self._first
        self._pose(self.scene, tick)
        return view.draw(self)

    def render_at(self, tick: int, width: int, height: int) -> Pixels:
        """The same as `render` in another size; the size's buffer is made once and kept."""
        sizes = {(view.width, view.height): view for view in (self._first, *self.views)}
        view = sizes.get((width, height))
        if view is None:
            view = _View(self, width, height, self.samples)
            self.views.append(view)
        self._pose(self.scene, tick)
        return view.draw(self)

    def close(self) -> None:
        """Gives the buffers back; a second call does nothing."""
        for view in reversed(self.views):
            self.graphics.removeWindow(view.buffer)
            view.camera.removeNode()
        self.views.clear()

    def __enter__(self) -> PandaEngine:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_pipe(core: Any) -> tuple[Any, str]:
    """The first of this machine's OpenGL pipes that works, and the remedy if it gives no buffer.

    Raises: EngineError: none of them does.
    """
    choices = []
    if has_display():
        choices.append(DISPLAY)
    if sys.platform.startswith("linux"):
        choices.append(HEADLESS)
    remedy = INSTALL_GL if sys.platform.startswith("linux") else "Install a graphics driver."
    for module in choices:
        if module == HEADLESS:
            _require_libraries()
        if module not in _pipes:  # a second EGL pipe would end the first one's display with it
            _pipes[module] = core.GraphicsPipeSelection.getGlobalPtr().makeModulePipe(module)
        pipe = _pipes[module]
        if pipe is not None and pipe.isValid():
            return pipe, remedy
    raise EngineError("demo engine", "OpenGL", "none that starts", remedy)
