"""Formats that only PyTorch reads, in a process of their own."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from bridge.errors import RuntimeMissingError, UnsafeWeightsError, WeightsError
from converters import detect
from converters.readers import torch_process
from tests.converters.proving import shared, weights_of
from tests.converters.readers import malicious
from tests.converters.readers.malicious import named, tensor, text


@pytest.fixture
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.manual_seed(3)
    return found


@pytest.fixture
def spandrel() -> Any:
    try:
        import spandrel
    except (ImportError, RuntimeError, OSError) as error:
        # Also where the torchvision that it needs was made for another torch.
        pytest.skip(f"spandrel cannot be imported: {error}")
    return spandrel


def network(torch: Any, *more: Any) -> Any:
    nn = torch.nn
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 12, 3, padding=1),
        nn.PixelShuffle(2), *more,
    ).eval()  # fmt: skip


def run(graph: onnx.ModelProto | None, picture: Any) -> Any:
    assert graph is not None
    onnx.checker.check_model(graph, full_check=True)
    assert graph.ir_version <= 10
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, {"frame": np.asarray(picture)})[0]


def script(path: Path, pickle: bytes) -> Path:
    """The parts of a TorchScript file, without code that PyTorch could run."""
    malicious.in_zip(path, pickle)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("archive/constants.pkl", b"\x80\x02).")
        file.writestr("archive/code/__torch__.py", "")
    return path


def test_the_arrays_of_torchscript_need_no_pytorch(tmp_path: Path) -> None:
    value = (
        named("__torch__.net", "Net") + b")\x81}(" + text("conv") + named("__torch__.net", "Conv")
    )
    value += b")\x81}(" + text("weight") + tensor() + text("training") + b"\x89ub" + b"ub"
    weights = detect.read(script(tmp_path / "w", b"\x80\x02" + value + b"."))
    assert weights.reader == "torchscript"
    assert np.array_equal(weights.arrays["conv.weight"], [1, 2, 3, 4])
    assert weights.graph is None
    assert "TorchScript" in weights.evidence[-1]


def test_harm_in_torchscript_is_refused_before_pytorch_sees_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    harm = malicious.harmful(Path("sentinel"))["os.system"]
    with pytest.raises(UnsafeWeightsError, match=r"os\.system"):
        detect.read(script(tmp_path / "w", b"\x80\x02" + harm + b"."))
    assert not Path("sentinel").exists()


@pytest.mark.parametrize("way", ["script", "trace"])
@pytest.mark.filterwarnings("ignore")
def test_torchscript_becomes_a_graph_of_any_size(torch: Any, tmp_path: Path, way: str) -> None:
    module = network(torch)
    made = (
        torch.jit.script(module)
        if way == "script"
        else torch.jit.trace(module, torch.rand(1, 3, 8, 8))
    )
    made.save(str(tmp_path / "w"))
    weights = detect.read(tmp_path / "w")
    assert set(weights.arrays) == set(module.state_dict())
    picture = torch.rand(1, 3, 17, 30)
    assert np.abs(run(weights.graph, picture) - module(picture).detach().numpy()).max() < 1e-5


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_one_size_becomes_a_graph_of_that_size(torch: Any, tmp_path: Path) -> None:
    module = network(torch, torch.nn.Flatten(), torch.nn.Linear(3 * 256 * 256, 5))
    torch.jit.script(module).save(str(tmp_path / "w"))
    graph = detect.read(tmp_path / "w").graph
    picture = torch.rand(1, 3, 128, 128)
    assert np.abs(run(graph, picture) - module(picture).detach().numpy()).max() < 1e-5


@pytest.mark.filterwarnings("ignore")
def test_an_exported_program_becomes_a_graph(torch: Any, tmp_path: Path) -> None:
    module = network(torch)
    sides = {axis: torch.export.Dim(name, min=2, max=4096) for axis, name in ((2, "h"), (3, "w"))}
    program = torch.export.export(module, (torch.rand(1, 3, 16, 16),), dynamic_shapes=(sides,))
    torch.export.save(program, tmp_path / "w.pt2")
    weights = detect.read(tmp_path / "w.pt2")
    assert weights.reader == "exported-program"
    assert weights.arrays
    picture = torch.rand(1, 3, 17, 30)
    assert np.abs(run(weights.graph, picture) - module(picture).detach().numpy()).max() < 1e-5


def test_what_spandrel_knows_becomes_a_graph(torch: Any, spandrel: Any) -> None:
    weights = detect.read(shared("realesrgan-compact/realesr-animevideov3.pth"))
    made = torch_process.by_spandrel(weights)
    assert made.facts["architecture"] == "RealESRGAN Compact"
    assert made.facts["scale"] == 4
    assert made.evidence[-1] == "spandrel knows it as RealESRGAN Compact"
    model = spandrel.ModelLoader().load_from_file(
        shared("realesrgan-compact/realesr-animevideov3.pth")
    )
    picture = torch.rand(1, 3, 21, 34)
    with torch.no_grad():
        theirs = model.model(picture).numpy()
    assert np.abs(run(made.graph, picture) - theirs).max() * 255 < 1e-2


def test_what_spandrel_does_not_know_is_refused_in_words(spandrel: Any) -> None:
    weights = weights_of({"x": np.zeros(3, np.float32)})
    with pytest.raises(WeightsError, match=r"(?i)unsupported") as caught:
        torch_process.by_spandrel(weights)
    assert "Traceback" not in str(caught.value)


@pytest.mark.skipif(
    importlib.util.find_spec("torch") is not None, reason="PyTorch is installed here"
)
def test_without_pytorch_its_installation_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "w", "w") as file:
        file.writestr("w/models/model.json", "{}")
    with pytest.raises(RuntimeMissingError, match=r"framebridge\[torch\]"):
        detect.read(tmp_path / "w")
    with pytest.raises(RuntimeMissingError, match=r"framebridge\[spandrel\]"):
        torch_process.by_spandrel(weights_of({"x": np.zeros(3, np.float32)}))
