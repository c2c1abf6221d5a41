"""What a stream runs: its contract, and the digest that names whatever decides its pixels."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np
import pytest

from bridge.errors import LimitError, ParameterError
from bridge.frames import FrameFormat
from bridge.inference.backends import openvino
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions

FORMAT = FrameFormat(width=12, height=8)
CPU = RunOptions(provider="cpu", backend="onnxruntime")


@pytest.fixture
def package(tmp_path: Path, small_models: ModuleType) -> ModelPackage:
    return small_models.network(scale=2, tail="DCR").write(tmp_path / "small")


def test_a_chain_states_what_it_takes_and_makes(package: ModelPackage) -> None:
    chain = Chain([package], FORMAT, CPU)
    assert chain.packages == [package]
    assert (chain.source, chain.result) == (FORMAT, FORMAT.resized(24, 16))
    assert chain.execution.provider == "cpu"


@pytest.mark.parametrize("count", [0, 2])
def test_a_chain_has_exactly_one_package_so_far(count: int, package: ModelPackage) -> None:
    with pytest.raises(LimitError, match=f"got {count}"):
        Chain([package] * count, FORMAT, CPU)


def test_two_chains_of_one_package_make_the_same_bytes(package: ModelPackage) -> None:
    frame = np.random.default_rng(0).integers(0, 256, FORMAT.shape, np.uint8)
    results = [np.zeros((16, 24, 4), np.uint8) for _ in range(3)]
    first = Chain([package], FORMAT, CPU)
    first.run(frame, results[0])
    first.run(frame, results[1])
    Chain([package], FORMAT, CPU).run(frame, results[2])
    assert results[0].tobytes() == results[1].tobytes() == results[2].tobytes()
    assert results[0].any()


def test_parameters_reach_the_package(tmp_path: Path, small_models: ModuleType) -> None:
    chain = Chain([small_models.knobs().write(tmp_path / "knobs")], FORMAT, CPU)
    digest = chain.digest
    frame = np.full(FORMAT.shape, 100, np.uint8)
    result = np.zeros(FORMAT.shape, np.uint8)
    chain.set_parameters({"invert": True})
    chain.run(frame, result)
    assert (result[..., :3] == 155).all()
    with pytest.raises(ParameterError):
        chain.set_parameters({"invert": False, "look": "loud"})
    chain.run(frame, result)
    assert (result[..., :3] == 155).all()
    assert chain.digest == digest


def test_the_price_of_linear_frames_is_told(package: ModelPackage) -> None:
    assert Chain([package], FORMAT, CPU).notes == []
    (note,) = Chain([package], msgspec.structs.replace(FORMAT, transfer="linear"), CPU).notes
    assert re.fullmatch(r"frames of linear light: \d+\.\d ms more a frame .*", note)


def test_the_digest_is_the_same_for_the_same_chain(package: ModelPackage) -> None:
    first, second = Chain([package], FORMAT, CPU), Chain([package], FORMAT, CPU)
    assert first.digest == second.digest
    assert len(first.digest) == 64
    assert int(first.digest, 16)


def test_the_digest_does_not_depend_on_the_folder(
    package: ModelPackage, tmp_path: Path, small_models: ModuleType
) -> None:
    moved = small_models.network(scale=2, tail="DCR").write(tmp_path / "elsewhere" / "small")
    assert Chain([moved], FORMAT, CPU).digest == Chain([package], FORMAT, CPU).digest


def test_another_package_has_another_digest(
    package: ModelPackage, tmp_path: Path, small_models: ModuleType
) -> None:
    other = small_models.network(scale=2, tail="DCR", seed=1).write(tmp_path / "other")
    assert Chain([other], FORMAT, CPU).digest != Chain([package], FORMAT, CPU).digest


@pytest.mark.skipif(openvino.installed_version() is None, reason="OpenVINO is not installed")
def test_another_backend_and_another_compute_have_another_digest(package: ModelPackage) -> None:
    computes = [("onnxruntime", "float32")]
    computes += [("openvino", compute) for compute in openvino.available_computes()]
    digests = {
        Chain([package], FORMAT, RunOptions(backend=backend, compute=compute)).digest
        for backend, compute in computes
    }
    assert len(digests) == len(computes)


@pytest.mark.parametrize(
    "change",
    [
        {"width": 13},
        {"height": 9},
        {"pixel_format": "bgra8"},
        {"rows": "bottom_first"},
        {"alpha": "opaque"},
        {"transfer": "linear"},
    ],
    ids=str,
)
def test_another_contract_has_another_digest(
    change: dict[str, object], package: ModelPackage
) -> None:
    other = msgspec.structs.replace(FORMAT, **change)
    assert Chain([package], other, CPU).digest != Chain([package], FORMAT, CPU).digest


def test_width_and_height_exchanged_have_another_digest(package: ModelPackage) -> None:
    turned = FORMAT.resized(8, 12)
    assert Chain([package], turned, CPU).digest != Chain([package], FORMAT, CPU).digest


def test_the_digest_is_equal_across_processes(package: ModelPackage) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from bridge.frames import FrameFormat\n"
        "from bridge.inference.chain import Chain\n"
        "from bridge.inference.package import ModelPackage\n"
        "from bridge.inference.runner import RunOptions\n"
        "package = ModelPackage.open(Path(sys.argv[1]))\n"
        "options = RunOptions(provider='cpu', backend='onnxruntime')\n"
        "print(Chain([package], FrameFormat(width=12, height=8), options).digest)\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program, str(package.folder)],
        capture_output=True, check=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    assert printed.strip() == Chain([package], FORMAT, CPU).digest
