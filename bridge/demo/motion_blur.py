"""Frames as a slow shutter takes them, with the sharp frame as the truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.demo.source import FrameSource
from bridge.frames import Pixels

EXPOSED_TICKS = 5
"""Odd: the sharp frame is the one in the middle."""
_STEPS = 2**14

Light = npt.NDArray[np.float32]


def _decoded() -> npt.NDArray[np.float32]:
    """Light of each sRGB value, 0 to 1. Source: IEC 61966-2-1."""
    value = np.arange(256) / 255
    low, high = value / 12.92, ((value + 0.055) / 1.055) ** 2.4
    return np.where(value <= 0.04045, low, high).astype(np.float32)


def _encoded() -> npt.NDArray[np.uint8]:
    """The sRGB value of light in _STEPS steps."""
    light = np.arange(_STEPS + 1) / _STEPS
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    encoded: npt.NDArray[np.uint8] = np.rint(value * 255).astype(np.uint8)
    return encoded


class BlurredSource:
    """Another source's frames, each the mean light of EXPOSED_TICKS ticks.

    Ticks that follow each other share all but one of their sharp frames, so that a blurred frame
    costs one drawing more, whatever the exposure.
    """

    def __init__(self, sharp: FrameSource) -> None:
        self._sharp = sharp
        self.width, self.height = sharp.width, sharp.height
        self.name = f"{sharp.name}, exposed for {EXPOSED_TICKS} ticks"
        self._light = dict[int, Light]()
        self._decoded, self._encoded = _decoded(), _encoded()

    def render(self, tick: int) -> Pixels:
        half = EXPOSED_TICKS // 2
        ticks = range(tick - half, tick + half + 1)
        self._light = {
            t: light if (light := self._light.get(t)) is not None else self._drawn(t) for t in ticks
        }
        mean = np.mean([self._light[t] for t in ticks], axis=0, dtype=np.float32)
        rgba = np.empty((self.height, self.width, 4), np.uint8)
        rgba[..., :3] = self._encoded[np.rint(mean * np.float32(_STEPS)).astype(np.int32)]
        rgba[..., 3] = 255
        return rgba

    def truth(self, tick: int, scale: int) -> Pixels | None:
        """What a fast shutter sees in the middle of the exposure."""
        return self._sharp.render(tick) if scale == 1 else self._sharp.truth(tick, scale)

    def close(self) -> None:
        self._light.clear()
        self._sharp.close()

    def _drawn(self, tick: int) -> Light:
        light: Light = self._decoded[self._sharp.render(tick)[..., :3]]
        return light
