"""What the shipped edges-to-shoes makes of drawings, without PyTorch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.inference.package import ModelPackage
from converters.scores.lines import inside
from converters.scores.plain_model import PlainModel
from models.recipes.edges_to_shoes.sketches import SIDE, SKETCHES, draw
from tests.converters.proving import openvino_run

PACKAGE = Path(__file__).parents[3] / "models" / "edges-to-shoes"


@pytest.fixture(scope="module")
def model() -> PlainModel:
    return PlainModel(ModelPackage.open(PACKAGE), threads=1)


def test_it_asks_for_lines_and_has_kernels_in_half_the_bytes() -> None:
    package = ModelPackage.open(PACKAGE)
    assert package.manifest.frame_input is not None
    assert package.manifest.frame_input.content == "lines"
    assert package.graph_path().stat().st_size < 2.5 * package.manifest.cost.parameters


def test_an_empty_sheet_stays_white(model: PlainModel) -> None:
    blank = np.full((SIDE, SIDE, 3), 255, np.uint8)
    assert model.run(blank).min() > 240


@pytest.mark.parametrize("name", SKETCHES)
def test_a_sketch_becomes_a_dark_shoe_on_clean_white(model: PlainModel, name: str) -> None:
    drawing = draw(name)
    made = model.run(drawing)
    # Thin straps and heels apart, what lies inside the outline is filled.
    filled = inside(drawing)
    assert np.median(made[filled]) < 200
    assert made[:8].min() > 235
    assert made[:, :4].min() > 235
    assert made[:, -4:].min() > 235
    far = ~filled
    assert np.median(made[far]) > 253


def test_the_same_drawing_gives_the_same_picture(model: PlainModel) -> None:
    first, other, again = (model.run(draw(name)) for name in ("boot", "sneaker", "boot"))
    assert (first == again).all()
    assert (first != other).any()


def test_each_sketch_gets_its_own_shading_and_not_one_flat_colour(model: PlainModel) -> None:
    for name in SKETCHES:
        drawing = draw(name)
        made = model.run(drawing).mean(axis=2)
        shoe = made[inside(drawing) & (drawing[..., 0] == 255)]
        assert shoe.std() > 5, name


def test_openvino_makes_the_same_pictures(model: PlainModel) -> None:
    drawing = draw("ankle boot")
    frame = drawing.transpose(2, 0, 1)[None].astype(np.float32) / 127.5 - 1
    graph = ModelPackage.open(PACKAGE).load_graph()
    (picture,) = openvino_run(graph, {"frame": frame}).values()
    made = (picture[0].transpose(1, 2, 0) + 1) * 127.5
    assert np.abs(made - model.run(drawing)).max() < 0.5
