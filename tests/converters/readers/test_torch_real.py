"""Every published PyTorch file is read as PyTorch itself reads it."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters import detect
from tests.converters.proving import shared

FILES = {
    "fsrcnn-pytorch/FSRCNN-x2.pt": 20,
    "fsrcnn-pytorch/ckpt-x2.pt": 20,
    "espcn-pytorch/ESPCN-x2.pt": 6,
    "espcn-pytorch/ESPCN-x3.pt": 6,
    "vdsr-pytorch/model_epoch_50.pth": 20,
    "realesrgan-compact/realesr-animevideov3.pth": 53,
    "fast-neural-style/candy_nc16_b1_e2_1e05_1e10.model": 62,
    "fast-neural-style/mosaic_nc16_b1_e2_1e05_1e10.model": 62,
    "fast-neural-style/mosaic_nc8_b1_e2_1e05_1e10.model": 62,
    "celeba-ae/autoencoder_lat200.pt": 16,
    "mnist-vae/G--300.ckpt": 6,
    "mnist-vae/vae_epoch_25.pth": 10,
}


@pytest.mark.parametrize("name", FILES)
def test_its_arrays_are_finite_and_complete(name: str) -> None:
    weights = detect.read(shared(name))
    assert len(weights.arrays) == FILES[name]
    assert all(np.isfinite(array).all() for array in weights.arrays.values())
    assert weights.evidence


def test_of_a_whole_module_the_class_and_what_is_plain_of_its_parts_is_told() -> None:
    weights = detect.read(shared("vdsr-pytorch/model_epoch_50.pth"))
    assert weights.facts["epoch"] == 50
    assert weights.facts["class"] == "vdsr.Net"
    part = weights.facts["attributes"]["residual_layer.3.conv"]
    assert part["class"] == "torch.nn.modules.conv.Conv2d"
    assert part["padding"] == [1, 1]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_its_arrays_are_those_that_pytorch_loads(name: str, stand_ins: None) -> None:
    path = shared(name)
    torch = pytest.importorskip("torch")
    theirs = torch.load(path, map_location="cpu", weights_only=False)
    for key in ("model", "params"):
        theirs = theirs[key] if isinstance(theirs, dict) and key in theirs else theirs
    if isinstance(theirs, torch.nn.Module):
        theirs = dict(parameters(theirs))
    ours = detect.read(path).arrays
    assert list(ours) == list(theirs)
    for key, tensor in theirs.items():
        array = tensor.detach().numpy()
        assert (ours[key].dtype, ours[key].shape) == (array.dtype, array.shape)
        assert np.array_equal(ours[key], array)


def parameters(module: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Modules of PyTorch 0.2 lack what today's `named_parameters` asks for."""
    for name, parameter in module._parameters.items():
        if parameter is not None:
            yield f"{above}{name}", parameter
    for name, child in module._modules.items():
        yield from parameters(child, f"{above}{name}.")


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes that PyTorch has to find for VDSR's whole module."""
    torch = pytest.importorskip("torch")
    vdsr: Any = types.ModuleType("vdsr")
    for name in ("Net", "Conv_ReLU_Block"):
        setattr(vdsr, name, type(name, (torch.nn.Module,), {"__module__": "vdsr"}))
    backends = types.ModuleType("torch.nn.backends")
    thnn: Any = types.ModuleType("torch.nn.backends.thnn")
    thnn._get_thnn_function_backend = lambda: None
    for module in (vdsr, backends, thnn):
        monkeypatch.setitem(sys.modules, module.__name__, module)


def test_the_wrong_name_changes_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "model.png"
    copy.write_bytes(shared("fast-neural-style/mosaic_nc8_b1_e2_1e05_1e10.model").read_bytes())
    assert len(detect.read(copy).arrays) == 62
