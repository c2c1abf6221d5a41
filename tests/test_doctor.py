"""What `framebridge doctor` finds, and what it says to do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bridge import doctor
from bridge.inference.backends import onnxruntime, openvino
from bridge.supervisor.library import shipped_folder


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("FRAMEBRIDGE_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("FRAMEBRIDGE_MODELS", str(tmp_path / "models"))


def problems() -> dict[str, doctor.Finding]:
    return {f.topic: f for f in doctor.examine() if f.level == "problem"}


def test_a_good_machine_has_no_problem() -> None:
    assert problems() == {}


def test_two_runtimes_in_one_environment_are_found_with_the_repair(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = {"onnxruntime": "1.0", "onnxruntime-gpu": "1.0"}
    monkeypatch.setattr(onnxruntime, "installed_distributions", lambda: both)
    finding = problems()["runtime"]
    assert finding.remedy == (
        "pip uninstall -y onnxruntime onnxruntime-gpu && pip install 'framebridge[cuda]'"
    )


def test_a_broken_package_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "models" / "broken"
    shutil.copytree(shipped_folder() / "passthrough", broken)
    (broken / "model.onnx").write_bytes(b"")
    finding = problems()["models"]
    assert "FB-E012" in finding.text
    assert str(broken) in finding.remedy


def test_every_remedy_stands_beside_what_it_mends() -> None:
    assert all(f.remedy for f in doctor.examine() if f.level != "ok")


@pytest.mark.parametrize(("machine", "said"), [("x86_64", True), ("arm64", False)])
def test_the_second_runtime_is_missed_where_it_would_be_faster(
    machine: str, said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "installed_version", lambda: None)
    monkeypatch.setattr(doctor.platform, "machine", lambda: machine)
    remedies = {f.remedy for f in doctor.examine() if f.level == "missing"}
    assert ("pip install 'framebridge[openvino]'" in remedies) is said


@pytest.mark.skipif(openvino.installed_version() is None, reason="OpenVINO is not installed")
def test_the_second_runtime_says_what_it_calculates_in() -> None:
    (finding,) = [f for f in doctor.examine() if f.text.startswith("openvino ")]
    assert finding.level == "ok"
    assert "float32" in finding.text
