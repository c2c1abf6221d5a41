"""L1 of pictures made from line drawings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bridge.errors import MediaError
from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, Size
from bridge.inference.package import ModelPackage, save
from converters.graph import NetworkGraph
from converters.scores import lines
from converters.scores.lines import GAP, Rgb8
from tests.converters.proving import shared

SIDE = 64
MODELS = Path(__file__).parents[3] / "models"


def outline(gap: int = 0) -> Rgb8:
    """A rectangle of one pixel thick lines, part of whose upper side is missing."""
    sheet = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((12, 20, 51, 43), outline="black")
    if gap:
        pen.line((30, 20, 30 + gap - 1, 20), "white")
    return np.asarray(sheet)


def photograph(colour: tuple[int, int, int]) -> Rgb8:
    sheet = Image.new("RGB", (SIDE, SIDE), "white")
    ImageDraw.Draw(sheet).rectangle((12, 20, 51, 43), fill=colour)
    return np.asarray(sheet)


def dataset(folder: Path, count: int = 9) -> Path:
    folder = folder / "pairs"
    folder.mkdir()
    for index in range(count):
        both = np.concatenate([outline(), photograph((20 * index, 100, 200 - 20 * index))], 1)
        Image.fromarray(both).save(folder / f"{index}.png")
    return folder


def unchanged(folder: Path) -> ModelPackage:
    """Gives the drawing itself back."""
    graph = NetworkGraph()
    x = graph.sum("frame", graph.constant([0.0], np.float32))
    shape = (1, 3, SIDE, SIDE)
    model = graph.model([("frame", shape)], [(x, "picture", shape)])
    manifest = Manifest(
        format=1, name="unchanged", version="1.0.0", task="stylize", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame", size=Size(fixed=[SIDE, SIDE]))],
        outputs=[FrameOutput(name="picture")],
    )  # fmt: skip
    return save(folder / "unchanged", manifest, {"model.onnx": model.SerializeToString()})


def test_every_seventh_pair_is_held_back_from_the_first_on(tmp_path: Path) -> None:
    others, held_back = lines.split(dataset(tmp_path, 9))
    assert [file.name for file in held_back] == ["0.png", "7.png"]
    assert [file.stem for file in others] == ["1", "2", "3", "4", "5", "6", "8"]


def test_a_closed_outline_is_filled_with_its_lines_and_nothing_more() -> None:
    filled = np.zeros((SIDE, SIDE), bool)
    filled[20:44, 12:52] = True
    assert (lines.inside(outline()) == filled).all()


def test_an_outline_with_a_small_gap_is_filled_too_and_one_with_a_wide_gap_is_not() -> None:
    whole = lines.inside(outline()).sum()
    assert lines.inside(outline(GAP - 1)).sum() >= whole - GAP * GAP
    assert lines.inside(outline(3 * GAP)).sum() < whole / 4


def test_lines_that_shut_nothing_off_are_all_that_is_filled() -> None:
    sheet = Image.new("RGB", (SIDE, SIDE), "white")
    ImageDraw.Draw(sheet).line((3, 60, 60, 5), "black")
    drawing = np.asarray(sheet)
    assert (lines.inside(drawing) == (drawing[..., 0] == 0)).all()


def test_the_best_colour_is_better_than_any_near_it() -> None:
    random = np.random.default_rng(1)
    pairs = [(outline(), random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)) for _ in range(3)]
    best = lines.best_colour(pairs)

    def error(colour: lines.Rgb) -> float:
        return sum(lines.l1(lines.filled(d, colour), p) for d, p in pairs)

    for channel in range(3):
        for step in (-5, 5):
            other = best.copy()
            other[channel] += step
            assert error(other) > error(best)


def test_figures_are_those_of_the_pairs_held_back_beside_what_the_others_teach(
    tmp_path: Path,
) -> None:
    told: list[tuple[int, int, str]] = []
    found = lines.LINES.run(
        unchanged(tmp_path), dataset(tmp_path), lambda *facts: told.append(facts)
    )
    figures = {figure.metric: figure for figure in found}
    inside, edge = 24 * 40, 2 * (24 + 38)

    def of_white(index: int) -> float:
        return float(np.abs(255 - np.array([20 * index, 100, 200 - 20 * index])).mean())

    def of_black(index: int) -> float:
        return float(np.array([20 * index, 100, 200 - 20 * index]).mean())

    # The lines are black, and the rest of the drawing white.
    expected = [
        (of_white(i) * (inside - edge) + of_black(i) * edge) / SIDE**2 for i in (0, 7)
    ]  # fmt: skip
    assert [row[1] for row in figures["l1"].rows] == pytest.approx(expected)
    learned = [1, 2, 3, 4, 5, 6, 8]
    mean = np.array([20 * np.mean(learned), 100, 200 - 20 * np.mean(learned)])
    median = np.array([80, 100, 120])
    for name, colour in (("mean picture", mean), ("filled outline", median)):
        wanted = [
            np.abs(colour - [20 * i, 100, 200 - 20 * i]).mean() * inside / SIDE**2 for i in (0, 7)
        ]
        assert figures["l1"].baseline[name] == pytest.approx(np.mean(wanted), rel=1e-4)
    share = figures["l1_of_mean_picture"]
    assert share.baseline["mean picture"] == 1
    assert share.value == pytest.approx(
        figures["l1"].value / figures["l1"].baseline["mean picture"]
    )
    assert told == [(0, 2, "0.png"), (1, 2, "7.png")]


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="two or more pictures"):
        lines.split(tmp_path)


@pytest.mark.parametrize(("content", "said"), [(b"no picture", "a picture"), (None, "two halves")])
def test_what_is_no_pair_is_refused_by_its_name(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "odd.png"
    if content is None:
        Image.new("RGB", (33, 16)).save(file)
    else:
        file.write_bytes(content)
    with pytest.raises(MediaError, match=rf"odd\.png.*{said}"):
        lines.read_pair(file)


def test_the_shipped_package_reaches_what_its_card_states() -> None:
    pairs = shared("pix2pix/edges2shoes100")
    package = ModelPackage.open(MODELS / "edges-to-shoes")
    found = {f.metric: f for f in lines.measure(package, pairs, lambda done, count, name: None)}
    share = found["l1_of_mean_picture"]
    assert len(share.baseline) == 2
    assert share.value < 0.5
    assert share.value < share.baseline["filled outline"]
    stated = {q.metric: q for q in package.manifest.quality}
    for metric, figure in found.items():
        assert stated[metric].value == pytest.approx(figure.value, abs=0.002 * figure.value)
