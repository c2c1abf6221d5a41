"""The page's pictures: of each kind of package what one judges it by."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from bridge.demo.engine import PandaEngine
from bridge.demo.sketches import SKETCHES
from bridge.errors import EngineError
from bridge.inference.manifest import Size
from models.recipes.gallery.pictures import TRUTH, WHOLE, rows
from tests.inference.small_models import generator, network


@pytest.fixture(scope="module")
def engine() -> None:
    try:
        PandaEngine(32, 32).close()
    except EngineError as error:
        pytest.skip(f"no engine on this machine: {error}")


def test_a_generator_is_shown_at_ticks_of_two_seeds(tmp_path: Path) -> None:
    sheet = rows(generator().write(tmp_path / "generator"))
    assert [len(row) for row in sheet] == [4, 4, 4]
    pictures = [picture for row in sheet for _, picture in row]
    assert {picture.shape for picture in pictures} == {(8, 12, 3)}
    assert len({picture.tobytes() for picture in pictures}) >= 10
    assert sheet[0][0][0].startswith("tick 30,")


def test_a_model_of_lines_is_shown_on_the_sketches(tmp_path: Path) -> None:
    small = network(size=Size(fixed=[64, 64]))
    port = msgspec.structs.replace(small.manifest.inputs[0], content="lines")
    sheet = rows(small.stating(inputs=[port]).write(tmp_path / "lines"))
    assert [label for label, _ in sheet[0]] == [sketch.name for sketch in SKETCHES]
    for drawings, results in (sheet[:2], sheet[2:]):
        assert all(drawing.mean() > 200 for _, drawing in drawings)
        assert all(
            not np.array_equal(a, b) for (_, a), (_, b) in zip(drawings, results, strict=True)
        )


@pytest.mark.usefixtures("engine")
def test_an_upscaler_is_shown_beside_bicubic_and_the_truth(tmp_path: Path) -> None:
    small = network(scale=3, tail="DCR").stating(task="upscale")
    scene, lettering = rows(small.write(tmp_path / "upscaler"))
    for row in (scene, lettering):
        assert row[0][0].startswith("bicubic, ")
        assert {picture.shape for _, picture in row} == {row[0][1].shape}
    assert scene[2][1].shape == (TRUTH[1] // 4, TRUTH[0] // 4, 3)


@pytest.mark.usefixtures("engine")
def test_a_deblurring_model_is_shown_blurred_and_sharp(tmp_path: Path) -> None:
    details, whole = rows(network().stating(task="deblur").write(tmp_path / "deblurrer"))
    labels = [label for label, _ in details]
    assert labels[0].startswith("with motion blur, ")
    assert labels[2] == "rendered sharp"
    assert whole[0][1].shape == details[0][1].shape == (WHOLE[1], WHOLE[0], 3)


@pytest.mark.usefixtures("engine")
def test_another_look_is_shown_on_the_scene_and_on_a_drawing(tmp_path: Path) -> None:
    sheet = rows(network().write(tmp_path / "look"))
    assert [len(row) for row in sheet] == [2, 2]
    assert [row[0][1].shape for row in sheet] == [row[1][1].shape for row in sheet]
