"""Whatever a file holds: a clear error or a valid, finite package, in bounded time, and nothing
half-written. Each reader's own tests go deeper; these go all the way."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.errors import FramebridgeError
from bridge.inference.package import ModelPackage
from converters.convert import convert
from converters.drawing import draw
from converters.parity import run
from converters.writers.pict import write_pict
from tests.converters.architectures.test_espcn import arrays
from tests.converters.proving import SHARED

PICTURE = draw(32, 24)
SMALL_REAL = [
    "espcn-pytorch/ESPCN-x2.pt",
    "fast-neural-style/mosaic_nc8_b1_e2_1e05_1e10.model",
    "fsrcnn-tf1/FSRCNN_x2.pb",
    "keras-h5/model-checkpoint.h5",
]


def safetensors_file(path: Path) -> None:
    pytest.importorskip("safetensors.numpy").save_file(arrays(2), path)


def pict_file(path: Path) -> None:
    write_pict(path, dict(arrays(2)))


def converts_or_says_why(path: Path, folder: Path) -> bool:
    """Whether it became a package; either way nothing else is left."""
    output = folder / "made"
    before = {entry.name for entry in folder.iterdir()}
    refused = ""
    try:
        convert([path], output, picture=PICTURE)
    except FramebridgeError as error:
        refused = str(error)
    if refused:
        assert refused.startswith("FB-E")
        assert len(refused) < 20_000
        assert {entry.name for entry in folder.iterdir()} == before
        return False
    package = ModelPackage.open(output)
    port = package.manifest.frame_input
    assert port is not None
    frame = np.full((1, 1 if port.channels == "Y" else 3, 32, 32), port.range[1], np.float32)
    for result in run(package.graph_path(), {port.name: frame}).values():
        assert np.isfinite(result).all()
    for entry in output.iterdir():
        entry.unlink()
    output.rmdir()
    return True


@pytest.mark.parametrize("write", [safetensors_file, pict_file])
def test_a_file_that_is_cut_short_is_refused(write: Callable[[Path], None], tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    write(whole)
    data = whole.read_bytes()
    for tenth in range(10):
        cut = tmp_path / "cut"
        cut.write_bytes(data[: len(data) * tenth // 10])
        assert not converts_or_says_why(cut, tmp_path), f"{tenth} tenths"


def test_a_flipped_byte_is_an_error_or_a_finite_package(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    safetensors_file(whole)
    data = bytearray(whole.read_bytes())
    random = np.random.default_rng(7)
    # The header is where structure is.
    places = [*random.integers(0, 400, 24), *random.integers(400, len(data), 8)]
    outcomes = set()
    for place in places:
        flipped = bytearray(data)
        flipped[place] ^= 1 << int(random.integers(8))
        path = tmp_path / "flipped"
        path.write_bytes(flipped)
        outcomes.add(converts_or_says_why(path, tmp_path))
    assert False in outcomes


@pytest.mark.parametrize("name", SMALL_REAL)
def test_real_files_that_are_damaged(name: str, tmp_path: Path) -> None:
    source = SHARED / name
    if not source.exists():
        pytest.skip(f"no {source}: real weights are not part of the project")
    data = source.read_bytes()
    random = np.random.default_rng(3)
    path = tmp_path / "damaged"
    for end in (1, 64, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        # HDF5 may end before its file does.
        assert not converts_or_says_why(path, tmp_path) or name.endswith(".h5")
    for place in random.integers(0, len(data), 4):
        flipped = bytearray(data)
        flipped[place] ^= 0x40
        path.write_bytes(flipped)
        converts_or_says_why(path, tmp_path)


def picture(path: Path) -> None:
    Image.fromarray(PICTURE).save(path, "PNG")


def zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(1 << 28))


def nested_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"cos\nsystem\n(S'touch owned'\ntR.")
        archive.writestr("archive/version", b"3\n")


def text(path: Path) -> None:
    path.write_text("weights, sooner or later\n" * 50)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(100_000))


def noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(100_000))


@pytest.mark.parametrize("write", [picture, zip_bomb, nested_zip, text, zeros, noise])
def test_what_is_no_file_of_weights(
    write: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    write(path)
    assert not converts_or_says_why(path, tmp_path)
    assert not (tmp_path / "owned").exists()
