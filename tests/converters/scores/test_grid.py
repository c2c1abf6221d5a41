"""The regular pattern of a network's strides in flat areas."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from bridge.errors import MediaError, UnsupportedModelError
from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, Size
from bridge.inference.package import ModelPackage, save
from converters.graph import NetworkGraph
from converters.scores.grid import (
    BLOCK,
    INPUT,
    METRIC,
    METRIC_RATIO,
    Grid,
    flat_places,
    grid_of,
    grid_of_package,
    spectra,
)
from tests.converters.proving import shared

HEIGHT, WIDTH = 160, 240
PLACES = [(y, x) for y in range(0, HEIGHT - BLOCK, 16) for x in range(0, WIDTH - BLOCK, 16)]

Picture = npt.NDArray[np.float64]


def noise(levels: float, seed: int = 0) -> Picture:
    random = np.random.default_rng(seed)
    return np.asarray(120 + random.normal(0, levels, (HEIGHT, WIDTH, 3)))


def pattern(period: int, seed: int = 0) -> Picture:
    """A random tile of mean 0 and root mean square 1, repeated: (HEIGHT, WIDTH, 1)."""
    tile = np.random.default_rng(seed).normal(0, 1, (period, period))
    tile = (tile - tile.mean()) / tile.std()
    return np.asarray(np.tile(tile, (HEIGHT // period, WIDTH // period))[..., None])


def found(picture: Picture) -> Grid:
    return grid_of(spectra(picture, PLACES))


@pytest.mark.parametrize("period", [2, 4, 8])
@pytest.mark.parametrize("levels", [0.25, 1.0, 4.0])
def test_a_grid_of_known_strength_is_found_under_noise(period: int, levels: float) -> None:
    grid = found(noise(1.0) + levels * pattern(period))
    assert grid.levels == pytest.approx(levels, rel=0.15)
    assert grid.over_neighbours_db > 1


def test_lines_of_one_direction_are_found() -> None:
    _, x = np.mgrid[:HEIGHT, :WIDTH]
    lines = np.where(x % 4 == 0, 1.0, 0.0)[..., None]
    assert found(noise(0.5) + lines).levels == pytest.approx(float(lines.std()), rel=0.1)


@pytest.mark.parametrize("levels", [0.5, 1.0, 2.0])
def test_noise_is_no_grid(levels: float) -> None:
    grid = found(noise(levels))
    assert grid.levels < 0.05 * levels
    assert abs(grid.over_neighbours_db) < 0.5


def test_a_gradient_is_no_grid() -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    gradient = (20 + 0.5 * x + 0.3 * y)[..., None].repeat(3, 2)
    assert found(gradient).levels < 1e-3


@pytest.mark.parametrize("period", [16 / 3, 5, 3.2])
def test_a_pattern_of_no_stride_is_no_grid(period: float) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = 2 * np.sin(2 * np.pi * x / period) + 2 * np.sin(2 * np.pi * y / period)
    assert found(noise(1.0) + waves[..., None]).levels < 0.2


def test_what_falls_with_frequency_as_pictures_do_is_no_grid() -> None:
    frequency = np.hypot(
        np.fft.fftfreq(HEIGHT)[:, None] * HEIGHT, np.fft.fftfreq(WIDTH)[None, :] * WIDTH
    )
    frequency[0, 0] = np.inf
    waves = np.fft.fft2(np.random.default_rng(4).normal(0, 1, (HEIGHT, WIDTH)))
    clouds = np.fft.ifft2(waves / frequency).real
    clouds = 3 * clouds / clouds.std()
    assert found((120 + clouds)[..., None].repeat(3, 2)).levels < 0.1


def test_flat_is_what_lies_near_a_plane() -> None:
    picture = noise(1.0)
    picture[:, 120:] = noise(30.0)[:, 120:]
    places = flat_places(picture)
    assert places
    assert max(x for _, x in places) + BLOCK <= 120
    assert flat_places(picture[: BLOCK - 1]) == []


def test_a_bare_number_without_energy_has_no_ratio() -> None:
    assert Grid(0.0, 0.0, 9).over_neighbours_db == 0
    assert Grid(1.0, 2.0, 9).levels == 0


def package(folder: Path, weights: npt.NDArray[np.float32], scale: int = 1) -> ModelPackage:
    """A frame halved by means and enlarged by a transposed convolution of one channel."""
    graph = NetworkGraph()
    if scale == 1:
        means = graph.conv("frame", np.full((1, 3, 2, 2), 1 / 12, np.float32), stride=2)
        x = graph.conv_transpose(means, weights, stride=2, padding=(weights.shape[2] - 1) // 2)
    else:
        x = graph.nearest("frame", scale)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H2", "W2"))])
    manifest = Manifest(
        format=1, name="strides", version="1.0.0", task="deblur", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame", size=Size(multiple_of=2))],
        outputs=[FrameOutput(name="out", scale=scale)],
    )  # fmt: skip
    return save(folder / "strides", manifest, {"model.onnx": model.SerializeToString()})


def flat_pictures(folder: Path) -> Path:
    folder.mkdir()
    for seed in range(2):
        pixels = np.clip(np.rint(noise(0.7, seed)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{seed}.png")
    return folder


def test_a_transposed_convolution_that_overlaps_unevenly_leaves_a_grid(tmp_path: Path) -> None:
    """As generators of deblurring networks do; without overlap there is none."""
    dataset = flat_pictures(tmp_path / "flat")
    even = np.ones((1, 3, 2, 2), np.float32)
    clean, ratio = grid_of_package(package(tmp_path / "a", even), dataset, lambda *said: None)
    assert (clean.metric, ratio.metric) == (METRIC, METRIC_RATIO)
    assert clean.value < 0.1
    # Weights whose four phases sum to 1.02, 1, 1 and 0.98: steps of two levels at 120.
    uneven = even + np.array([[0.02, 0], [0, -0.02]], np.float32)
    left, above = grid_of_package(package(tmp_path / "b", uneven), dataset, lambda *said: None)
    assert left.value == pytest.approx(120 * 0.02 / math.sqrt(2), rel=0.1)
    assert above.value > 10
    assert left.baseline[INPUT] < 0.1
    assert [row[0] for row in left.rows] == ["0.png", "1.png"]


def test_what_cannot_be_measured_gets_a_clear_word(tmp_path: Path) -> None:
    even = np.ones((1, 3, 2, 2), np.float32)
    dataset = flat_pictures(tmp_path / "flat")
    with pytest.raises(UnsupportedModelError, match="at their size"):
        grid_of_package(package(tmp_path / "x", even, scale=2), dataset, lambda *said: None)
    good = package(tmp_path / "y", even)
    with pytest.raises(MediaError, match="none in it"):
        grid_of_package(good, tmp_path / "nothing", lambda *said: None)
    rough = tmp_path / "rough"
    rough.mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(rough / "0.png")
    with pytest.raises(MediaError, match="flat areas"):
        grid_of_package(good, rough, lambda *said: None)


def test_the_published_picture_of_deblurgan_was_made_too_small_to_show_its_grid() -> None:
    """It is a JPEG at 0.69 of the size that the network worked at: what is left at the frequencies
    of strides is no more than in the sharp photograph."""
    folder = shared("deblur-images/deblurgan")
    pictures = {
        name: np.asarray(Image.open(folder / f"test1_{name}.jpg").convert("RGB"))
        for name in ("blur", "sharp", "restored")
    }
    places = flat_places(pictures["blur"])
    restored, sharp = (grid_of(spectra(pictures[n], places)) for n in ("restored", "sharp"))
    assert restored.levels < 0.2
    assert restored.levels <= sharp.levels
