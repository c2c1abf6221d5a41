"""Shoes as drawn with a mouse."""

from __future__ import annotations

import pytest

from models.recipes.edges_to_shoes.sketches import SIDE, SKETCHES, draw


@pytest.mark.parametrize("name", SKETCHES)
def test_a_sketch_is_dark_lines_on_white_and_leaves_the_sides_free(name: str) -> None:
    drawing = draw(name)
    assert drawing.shape == (SIDE, SIDE, 3)
    assert 0.01 < (drawing[..., 0] < 128).mean() < 0.08
    for side in (drawing[:6], drawing[-6:], drawing[:, :6], drawing[:, -6:]):
        assert (side == 255).all()


def test_the_same_hand_draws_the_same_and_another_hand_nearly() -> None:
    assert (draw("boot") == draw("boot")).all()
    other = draw("boot", seed=1) < 128
    assert other.any()
    assert (other != (draw("boot") < 128)).any()


def test_thickness_is_that_of_the_strokes() -> None:
    thin, thick = (float((255 - draw("boot", thickness)).sum()) for thickness in (1.5, 3.0))
    assert thick / thin == pytest.approx(2, rel=0.15)
