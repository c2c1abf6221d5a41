"""The sheet and the sketches: dark lines on white, that grow as a hand would draw them."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.demo.drawing import DRAWN_TICKS, HELD_TICKS, SketchSource
from bridge.demo.sheet import Sheet
from bridge.demo.sketches import SKETCHES, Sketch


def ink(pixels: np.ndarray) -> float:
    return float((255.0 - pixels[..., 0]).sum()) / 255


def test_a_new_sheet_is_white_and_opaque() -> None:
    pixels = Sheet(40, 30).pixels()
    assert pixels.shape == (30, 40, 4)
    assert (pixels == 255).all()


def test_the_pen_draws_a_thin_dark_line_where_it_went() -> None:
    sheet = Sheet(256, 256)
    sheet.stroke([(0.25, 0.5), (0.75, 0.5)])
    line = sheet.pixels()[:, 128, 0]
    assert line.min() < 100
    assert 2.0 < ink(sheet.pixels()[:, 128:129]) < 3.0
    assert (line[:125] == 255).all()
    assert (sheet.pixels()[:, :60] == 255).all()


def test_a_click_leaves_a_dot() -> None:
    sheet = Sheet(256, 256)
    sheet.stroke([(0.5, 0.5)])
    assert 3 < ink(sheet.pixels()) < 7


def test_the_eraser_takes_the_line_away_again() -> None:
    sheet = Sheet(128, 128)
    sheet.stroke([(0.1, 0.5), (0.9, 0.5)])
    sheet.erase([(0.05, 0.5), (0.5, 0.5)])
    assert (sheet.pixels()[:, :56] == 255).all()
    assert ink(sheet.pixels()) > 20
    sheet.clear()
    assert (sheet.pixels() == 255).all()


def test_strokes_beyond_the_edge_do_no_harm() -> None:
    sheet = Sheet(32, 32)
    sheet.stroke([(-3.0, 0.5), (4.0, 0.5)])
    sheet.stroke([])
    assert ink(sheet.pixels()) > 5


@pytest.mark.parametrize("sketch", SKETCHES, ids=lambda sketch: sketch.name)
def test_a_sketch_lies_on_the_sheet_and_is_drawn_whole(sketch: Sketch) -> None:
    places = np.array([point for stroke in sketch.strokes for point in stroke])
    assert places.min() > 0
    assert places.max() < 1
    assert list(sketch.drawn(1.0)) == [pytest.approx(np.array(s)) for s in sketch.strokes]
    assert list(sketch.drawn(0.0)) == []


def test_a_sketch_grows_with_the_ticks_and_makes_room_for_the_next() -> None:
    source = SketchSource(128, 128)
    amounts = [ink(source.render(tick)) for tick in (0, 60, 120, 180, 240, DRAWN_TICKS)]
    assert amounts == sorted(amounts)
    assert amounts[-1] > 4 * amounts[1] > 0
    assert ink(source.render(DRAWN_TICKS + HELD_TICKS)) < amounts[1]


def test_a_tick_of_a_sketch_gives_the_same_bytes_in_any_order() -> None:
    source = SketchSource(96, 64)
    first = source.render(100).copy()
    source.render(500)
    assert np.array_equal(source.render(100), first)
