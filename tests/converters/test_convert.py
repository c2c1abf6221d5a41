"""From a file of weights to a package, whole or not at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.apply import Applier
from bridge.errors import (
    FramebridgeError,
    NetworkError,
    ParityError,
    UnknownNetworkError,
    UsageError,
    WeightsError,
)
from bridge.inference.package import ModelPackage, file_sha256
from bridge.inference.runner import RunOptions
from converters import convert as convert_module
from converters.convert import Converted, Wishes, convert
from converters.drawing import draw
from converters.parity import Measured
from tests.converters.architectures.test_espcn import arrays
from tests.converters.proving import shared

ROOT = Path(__file__).parents[2]
REAL = [
    "dcscn/dcscn_L7_F32to8_G1.20_NIN_A24_B8_PS_R1F32.ckpt.index",
    "dcscn/dcscn_L7_F32to8_G1.20_Sc3_NIN_A24_B8_PS_R1F32.ckpt.data-00000-of-00001",
    "dcscn/dcscn_L2_F4to4_PS_R1F4.ckpt.meta",
    "fast-neural-style/mosaic_nc8_b1_e2_1e05_1e10.model",
    "fast-neural-style/mosaic_nc8_256x256.onnx",
    "ml5-style-transfer/wave",
    "fsrcnn-tf1/x2",
    "fsrcnn-tf1/FSRCNN_x3.pb",
    "espcn-tf-pb/ESPCN_x2.pb",
    "fsrcnn-pytorch/ckpt-x2.pt",
    "espcn-pytorch/ESPCN-x3.pt",
    "vdsr-pytorch/model_epoch_50.pth",
    "realesrgan-compact/realesr-animevideov3.pth",
    "keras-h5/model-checkpoint.h5",
    "deblur-savedmodel/SkipConnections_v2_ssim",
    "celeba-ae/autoencoder_lat200.pt",
    "mnist-vae/G--300.ckpt",
    "mnist-vae/vae_epoch_25.pth",
]


def espcn_file(folder: Path, **changed: np.ndarray) -> Path:
    safetensors = pytest.importorskip("safetensors.numpy")
    path = folder / "weights"
    safetensors.save_file({**arrays(2), **changed}, path)
    return path


def converted(folder: Path, **wishes: object) -> Converted:
    return convert(
        [espcn_file(folder)], folder / "models" / "small", Wishes(**wishes), picture=draw(48, 36)
    )  # type: ignore[arg-type]


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_package_holds_graph_manifest_card_and_picture(tmp_path: Path) -> None:
    done = converted(tmp_path, license="MIT")
    folder = tmp_path / "models" / "small"
    assert left_in(folder) == ["README.md", "card.png", "model.onnx", "model.toml"]
    assert left_in(tmp_path / "models") == sorted(["small", *left_in(folder)])
    assert (folder / "card.png").stat().st_size < 1_000_000
    with Image.open(folder / "card.png") as card:
        assert card.width == 1200
    manifest = ModelPackage.open(folder).manifest
    assert manifest.source.sha256 == file_sha256(tmp_path / "weights")
    assert manifest.graphs[0].parity is not None
    assert manifest.graphs[0].parity.max_abs_error == done.proof.max_abs_error < 1e-3
    assert manifest.license == "MIT"
    assert "Known limits" in (folder / "README.md").read_text() or not manifest.limits


def test_it_runs_in_the_bridge(tmp_path: Path) -> None:
    done = converted(tmp_path)
    applier = Applier(done.package, RunOptions(provider="cpu", backend="onnxruntime"))
    frame = np.dstack([draw(48, 36), np.full((36, 48), 255, np.uint8)])
    assert applier.run(frame).shape == (72, 96, 4)
    applier.close()


def test_a_package_that_is_there_is_replaced_only_when_told_so(tmp_path: Path) -> None:
    converted(tmp_path, title="first")
    with pytest.raises(UsageError, match="--replace"):
        converted(tmp_path, title="second")
    assert ModelPackage.open(tmp_path / "models" / "small").manifest.title == "first"
    converted(tmp_path, title="second", replace=True)
    assert ModelPackage.open(tmp_path / "models" / "small").manifest.title == "second"


def test_a_name_that_no_package_can_have_is_refused_with_one_that_it_can(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="my-look"):
        converted(tmp_path, name="My Look!")


def test_a_place_that_cannot_be_written_to_is_said_so(tmp_path: Path) -> None:
    path = espcn_file(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="--output"):
        convert([path], tmp_path / "file" / "small")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "small"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="left alone"):
        converted(tmp_path, replace=True)
    assert left_in(folder) == ["thesis.txt"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"conv_2.bias": np.full(8, np.nan, np.float32)}, NetworkError),
        ({"conv_2.bias": np.zeros(9, np.float32)}, NetworkError),
        ({"conv_4.bias": np.zeros(9, np.float32)}, UnknownNetworkError),
    ],
)
def test_what_does_not_fit_ends_in_one_error_and_leaves_nothing(
    tmp_path: Path, changed: dict[str, np.ndarray], error: type[FramebridgeError]
) -> None:
    path = espcn_file(tmp_path, **changed)
    with pytest.raises(error):
        convert([path], tmp_path / "models" / "small")
    assert left_in(tmp_path) in (["weights"], ["models", "weights"])


def test_a_graph_that_is_not_the_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No such fault is known; the gate itself is what is tried here.
    monkeypatch.setattr(convert_module.parity, "measure", lambda *_: Measured("a reference", 0.8))
    with pytest.raises(ParityError, match="within"):
        converted(tmp_path)
    assert left_in(tmp_path / "models") == []


def test_an_unknown_network_is_told_what_was_found_and_why_the_nearest_said_no(
    tmp_path: Path,
) -> None:
    path = espcn_file(tmp_path, **{"extra.weight": np.zeros((2, 3), np.float32)})
    with pytest.raises(UnknownNetworkError) as caught:
        convert([path], tmp_path / "small")
    text = str(caught.value)
    assert "7 arrays" in text
    assert "conv_1.weight [16, 3, 5, 5]" in text
    assert text.count("Not ") <= 4
    assert "ONNX" in text


def test_one_architecture_alone_can_be_asked_for(tmp_path: Path) -> None:
    assert converted(tmp_path, architecture="espcn").architecture.name == "espcn"
    with pytest.raises(UnknownNetworkError):
        converted(tmp_path, architecture="dcscn", replace=True)
    with pytest.raises(UsageError, match="espcn"):
        converted(tmp_path, architecture="none-such", replace=True)


def test_two_files_of_different_kinds_are_not_mixed(tmp_path: Path) -> None:
    first = espcn_file(tmp_path)
    (tmp_path / "other").mkdir()
    second = espcn_file(tmp_path / "other")
    with pytest.raises(UnknownNetworkError):
        convert([first, second], tmp_path / "small")


def test_the_command_prints_json_and_only_that(tmp_path: Path) -> None:
    done = run("convert", str(espcn_file(tmp_path)), "--output", str(tmp_path / "small"), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["format"] == "safetensors"
    assert report["architecture"] == "espcn"
    assert report["configuration"]["scale"] == 2
    assert report["parity"]["max_abs_error"] < 1e-3
    assert report["parameters"] > 0
    assert report["macs_per_input_pixel"] > 0
    assert report["seconds"] > 0
    assert report["evidence"]


def test_the_command_refuses_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    done = run("convert", str(tmp_path / "empty"), "--output", str(tmp_path / "small"))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("FB-E090")
    assert "Traceback" not in done.stderr
    assert left_in(tmp_path) == ["empty"]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"weights, sooner or later", "a text"),
        (b"\x00\x01\x02\x03", "begins with 00 01 02 03"),
    ],
)
def test_what_a_file_is_instead_is_said(head: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(head * 40)
    with pytest.raises(WeightsError, match=said):
        convert([tmp_path / "weights.pth"], tmp_path / "small")


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="nothing of that name"):
        convert([tmp_path / "none"], tmp_path / "small")


@pytest.mark.parametrize("name", REAL)
def test_real_files_convert_without_a_word(name: str, tmp_path: Path) -> None:
    done = convert([shared(name)], tmp_path / "package", picture=draw(48, 36))
    assert done.proof.max_abs_error < 1e-3
    assert done.package.manifest.cost.parameters > 0


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bridge.cli.main", *words],
        capture_output=True, text=True, timeout=100, cwd=ROOT,
    )  # fmt: skip
