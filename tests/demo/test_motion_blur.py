"""A slow shutter: the mean of the light, not of the bytes."""

from __future__ import annotations

import numpy as np

from bridge.demo.motion_blur import EXPOSED_TICKS, BlurredSource
from bridge.demo.source import PatternSource
from bridge.frames import Pixels


class Flicker:
    """White at every other tick."""

    width, height, name = 8, 6, "flicker"

    def __init__(self) -> None:
        self.drawn = 0

    def render(self, tick: int) -> Pixels:
        self.drawn += 1
        frame = np.full((6, 8, 4), 255 if tick % 2 else 0, np.uint8)
        frame[..., 3] = 255
        return frame

    def truth(self, tick: int, scale: int) -> Pixels | None:
        return None

    def close(self) -> None:
        pass


def test_light_is_averaged_and_not_bytes() -> None:
    source = BlurredSource(Flicker())
    value = int(source.render(0)[0, 0, 0])
    half = EXPOSED_TICKS // 2
    share = sum(tick % 2 for tick in range(-half, half + 1)) / EXPOSED_TICKS
    assert value == round(255 * (1.055 * share ** (1 / 2.4) - 0.055))
    assert (source.render(0)[..., 3] == 255).all()


def test_what_stands_still_stays_as_it_is() -> None:
    class Still(Flicker):
        def render(self, tick: int) -> Pixels:
            ramp = np.arange(6 * 8 * 4, dtype=np.uint8).reshape(6, 8, 4)
            ramp[..., 3] = 255
            return ramp

    assert np.array_equal(BlurredSource(Still()).render(5), Still().render(5))


def test_the_truth_is_the_sharp_frame_in_the_middle() -> None:
    sharp = PatternSource(96, 64)
    blurred = BlurredSource(PatternSource(96, 64))
    truth = blurred.truth(40, 1)
    assert truth is not None
    assert np.array_equal(truth, sharp.render(40))
    frame = blurred.render(40).astype(float)
    errors = [np.abs(frame - sharp.render(t)).mean() for t in range(34, 47)]
    assert int(np.argmin(errors)) == 6
    assert min(errors) > 0.3


def test_the_next_tick_costs_one_drawing_more() -> None:
    flicker = Flicker()
    source = BlurredSource(flicker)
    for tick in range(10):
        source.render(tick)
    assert flicker.drawn == EXPOSED_TICKS + 9


def test_a_tick_gives_the_same_bytes_in_any_order() -> None:
    source = BlurredSource(PatternSource(48, 32))
    first = source.render(20).copy()
    source.render(90)
    assert np.array_equal(source.render(20), first)
