"""Scores of upscaling packages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from PIL import Image

from bridge.errors import MediaError, UnsupportedModelError
from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, ParameterInput, Size
from bridge.inference.package import ModelPackage, save
from converters.graph import NetworkGraph
from converters.luma_psnr import psnr, read_pair, y_of
from converters.scores.base import Figure, Progress
from converters.scores.psnr_y import psnr_on_y
from tests.converters.proving import shared

MODELS = Path(__file__).parents[3] / "models"


def score(
    package: ModelPackage, pictures: Path, progress: Progress = lambda done, count, name: None
) -> Figure:
    """The figure of Y."""
    return psnr_on_y(package, pictures, progress)[0]


def nearest(channels: int, scale: int, offset: float = 0.0, gain: bool = False) -> onnx.ModelProto:
    graph = NetworkGraph()
    x = graph.nearest(graph.affine("frame", 1, offset), scale)
    inputs: list[Any] = [("frame", (1, channels, "H", "W"))]
    if gain:
        x = graph.add("Mul", [x, "gain"])
        inputs.append(("gain", (1,)))
    return graph.model(inputs, [(x, "big", (1, channels, "H2", "W2"))])


def package(folder: Path, model: onnx.ModelProto, scale: int, **port: Any) -> ModelPackage:
    size = port.pop("size", Size(padding="edge"))
    knobs = [
        ParameterInput(name="gain", kind="float", default=1.0, min=0, max=2)
        for value in model.graph.input
        if value.name == "gain"
    ]
    manifest = Manifest(
        format=1, name="nearest", version="1.0.0", task="upscale", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame", size=size, **port), *knobs],
        outputs=[FrameOutput(name="big", scale=scale, **port)],
    )  # fmt: skip
    return save(folder / "nearest", manifest, {"model.onnx": model.SerializeToString()})


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Pictures")
    random = np.random.default_rng(5)
    for index, (width, height) in enumerate([(42, 37), (30, 52)]):
        small = random.integers(30, 220, (height // 4, width // 4, 3), np.uint8)
        large = Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)
        large.save(folder / f"{index}.png")
    large.convert("L").save(folder / "grey.png")
    return folder


def expected(path: Path, scale: int) -> float:
    """Nearest neighbours, without any package."""
    pair = read_pair(path, scale)
    large = pair.low.repeat(scale, 0).repeat(scale, 1)
    return psnr(y_of(pair.high, pair.grey), y_of(large, pair.grey), scale)


@pytest.mark.parametrize("scale", [2, 3])
@pytest.mark.parametrize("span", [[0.0, 1.0], [-1.0, 1.0], [0.0, 255.0]])
def test_a_package_of_any_scale_and_range_has_its_figure(
    tmp_path: Path, pictures: Path, scale: int, span: list[float]
) -> None:
    found = score(package(tmp_path, nearest(3, scale), scale, range=span), pictures)
    assert [name for name, _, _ in found.rows] == ["0.png", "1.png", "grey.png"]
    for name, value, baseline in found.rows:
        assert value == pytest.approx(expected(pictures / name, scale), abs=0.01)
        assert baseline["bicubic"] > value
    assert found.value == pytest.approx(np.mean([value for _, value, _ in found.rows]))
    assert found.metric == "psnr_y_db"


@pytest.mark.parametrize("luma", ["studio", "full"])
def test_networks_of_brightness_are_measured_alike(
    tmp_path: Path, pictures: Path, luma: str
) -> None:
    made = package(tmp_path, nearest(1, 2), 2, channels="Y", luma=luma)
    for name, value, _ in score(made, pictures).rows:
        assert value == pytest.approx(expected(pictures / name, 2), abs=0.02)


def test_sizes_are_padded_and_cut_and_knobs_stand_as_they_do(
    tmp_path: Path, pictures: Path
) -> None:
    size = Size(multiple_of=8, padding="reflect", min=[32, 32])
    made = package(tmp_path, nearest(3, 2, gain=True), 2, size=size)
    for name, value, _ in score(made, pictures).rows:
        assert value == pytest.approx(expected(pictures / name, 2), abs=0.01)


def test_what_people_see_is_measured_beside_it(tmp_path: Path, pictures: Path) -> None:
    """Nearest neighbours of 8-bit pictures are 8-bit pictures: rounding changes nothing."""
    exact, rounded = psnr_on_y(package(tmp_path, nearest(3, 2), 2), pictures, lambda *said: None)
    assert rounded.metric == "psnr_y_rgb8_db"
    assert rounded.value == pytest.approx(exact.value, abs=1e-3)
    assert rounded.baseline["bicubic"] == pytest.approx(exact.baseline["bicubic"], abs=0.1)
    assert rounded.baseline["bicubic"] != exact.baseline["bicubic"]


def test_progress_names_each_picture(tmp_path: Path, pictures: Path) -> None:
    told: list[tuple[int, int, str]] = []
    score(package(tmp_path, nearest(3, 2), 2), pictures, lambda *said: told.append(said))
    assert told == [(0, 3, "0.png"), (1, 3, "1.png"), (2, 3, "grey.png")]


def test_capitals_in_the_name_of_a_set_do_not_matter(tmp_path: Path, pictures: Path) -> None:
    made = package(tmp_path, nearest(3, 2), 2)
    other = pictures.with_name(pictures.name.upper())
    assert len(score(made, other).rows) == 3
    with pytest.raises(MediaError, match="no such folder"):
        score(made, pictures / "none")


def test_what_is_no_upscaler_gets_a_clear_word(tmp_path: Path, pictures: Path) -> None:
    with pytest.raises(UnsupportedModelError, match="enlarges frames"):
        score(package(tmp_path, nearest(3, 1), 1), pictures)
    with pytest.raises(UnsupportedModelError, match="any size"):
        score(package(tmp_path, nearest(3, 2), 2, size=Size(fixed=[32, 32])), pictures)


@pytest.mark.parametrize(("name", "base"), [("Set5", 33.65), ("Set14", 30.22)])
def test_the_shipped_upscaler_has_the_figures_that_it_states(name: str, base: float) -> None:
    package = ModelPackage.open(MODELS / "upscale-x2")
    stated = {(q.dataset, q.metric): q.value for q in package.manifest.quality}
    found = psnr_on_y(package, shared(f"sr-images/{name.lower()}"), lambda *said: None)
    for figure in found:
        assert figure.value == pytest.approx(stated[name, figure.metric], abs=0.01)
    assert found[0].baseline["bicubic"] == pytest.approx(base, abs=0.005)
