"""PyTorch's zip and legacy files: types, views, byte order, other pickles; whole and damaged."""

from __future__ import annotations

import argparse
import io
import struct
import tarfile
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import UnsafeWeightsError, WeightsError
from converters import detect
from converters.readers.torch_legacy import READER as LEGACY
from converters.readers.torch_zip import READER as ZIP
from tests.converters.proving import shared
from tests.converters.readers import malicious
from tests.converters.readers.malicious import call, items, named, number, storage, tensor, text

REAL = (
    "espcn-pytorch/ESPCN-x2.pt",
    "vdsr-pytorch/model_epoch_50.pth",
    "fast-neural-style/mosaic_nc8_b1_e2_1e05_1e10.model",
)


def read(path: Path, values: dict[str, bytes], write: Callable = malicious.in_zip) -> Any:
    pairs = b"".join(text(name) + value for name, value in values.items())
    return detect.read(write(path, b"\x80\x02}(" + pairs + b"u.")).arrays


@pytest.mark.parametrize("write", [malicious.in_zip, malicious.in_legacy])
def test_views_with_offsets_and_strides_share_one_storage(tmp_path: Path, write: Callable) -> None:
    arrays = read(
        tmp_path / "w",
        {
            "all": tensor(), "last": tensor((2,), (1,), 2), "turned": tensor((2, 2), (1, 2)),
            "repeated": tensor((3,), (0,), 1), "none": tensor((0, 5), (5, 1), 4),
            "old": tensor((2,), (2,), 1, function="_rebuild_tensor"),
        },
        write,
    )  # fmt: skip
    assert np.array_equal(arrays["all"], [1, 2, 3, 4])
    assert np.array_equal(arrays["last"], [3, 4])
    assert np.array_equal(arrays["turned"], [[1, 3], [2, 4]])
    assert np.array_equal(arrays["repeated"], [2, 2, 2])
    assert arrays["none"].shape == (0, 5)
    assert np.array_equal(arrays["old"], [2, 4])
    assert np.shares_memory(arrays["all"], arrays["last"])
    assert not arrays["all"].flags.writeable


def test_a_legacy_view_of_a_storage_begins_where_it_says(tmp_path: Path) -> None:
    view = items(
        text("storage"), named("torch", "FloatStorage"), text("0"), text("cpu"), number(4),
        items(text("1"), number(1), number(2)),
    ) + b"Q"  # fmt: skip
    arrays = read(tmp_path / "w", {"x": tensor((2,), of=view)}, malicious.in_legacy)
    assert np.array_equal(arrays["x"], [2, 3])
    with pytest.raises(WeightsError, match="inside its storage"):
        read(tmp_path / "w", {"x": tensor((3,), of=view)}, malicious.in_legacy)


def test_types_that_numpy_lacks_are_widened(tmp_path: Path) -> None:
    path = tmp_path / "w"
    values = np.array([1.0, -2.5, 0.0, 3.0], np.float32)
    pickle = b"\x80\x02}" + text("x") + tensor(of=storage(kind="BFloat16Storage")) + b"s."
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("m/data.pkl", pickle)
        file.writestr("m/data/0", (values.view(np.uint32) >> 16).astype("<u2").tobytes())
    array = detect.read(path).arrays["x"]
    assert array.dtype == np.float32
    assert np.array_equal(array, values)


def test_a_big_endian_file_is_turned(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("m/data.pkl", b"\x80\x02" + malicious.state_dict() + b".")
        file.writestr("m/byteorder", "big")
        file.writestr("m/data/0", struct.pack(">4f", 1, 2, 3, 4))
    weights = detect.read(path)
    assert np.array_equal(weights.arrays["weight"], [1, 2, 3, 4])
    assert "its byteorder is big" in weights.evidence


def test_numpy_arrays_inside_are_read(tmp_path: Path) -> None:
    for core in ("numpy.core", "numpy._core"):
        dtype = call(named("numpy", "dtype"), text("f4"), b"\x89", b"\x88")
        dtype += (
            items(number(3), text("<"), b"N", b"N", b"N", number(-1), number(-1), number(0)) + b"b"
        )
        data = call(
            named("_codecs", "encode"),
            text(struct.pack("<4f", 1, 2, 3, 4).decode("latin-1")), text("latin1"),
        )  # fmt: skip
        made = call(
            named(f"{core}.multiarray", "_reconstruct"), named("numpy", "ndarray"),
            items(number(0)), malicious.raw(b"b"),
        )  # fmt: skip
        array = made + items(number(1), items(number(2), number(2)), dtype, b"\x88", data) + b"b"
        arrays = read(tmp_path / "w", {"x": array})
        assert np.array_equal(arrays["x"], [[1, 3], [2, 4]])


def test_the_tar_of_the_first_versions_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with tarfile.open(path, "w") as file:
        for name in ("sys_info", "pickle", "storages"):
            file.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(WeightsError, match=r"0\.1\.10"):
        detect.read(path)


@pytest.mark.parametrize("name", REAL)
def test_every_file_cut_short_is_refused(name: str, tmp_path: Path) -> None:
    whole = shared(name).read_bytes()
    path = tmp_path / "cut"
    for tenth in range(10):
        path.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises((WeightsError, UnsafeWeightsError)):
            detect.read(path)


@pytest.mark.parametrize("name", REAL)
def test_a_flipped_byte_gives_an_error_or_arrays(name: str, tmp_path: Path) -> None:
    source = shared(name)
    whole, right = source.read_bytes(), detect.read(source).arrays
    random = np.random.default_rng(11)
    path = tmp_path / "flipped"
    # The first half of the places lies in the first kilobytes, where the pickles are.
    places = [*random.integers(0, 4096, 30), *random.integers(0, len(whole), 30)]
    refused = 0
    for place in places:
        data = bytearray(whole)
        data[place] ^= 1 << int(random.integers(0, 8))
        path.write_bytes(data)
        try:
            arrays = detect.read(path).arrays
        except (WeightsError, UnsafeWeightsError):
            refused += 1
            continue
        assert arrays
        if name.endswith(".pt"):
            # Only what no checksum covers may differ: padding and dates.
            assert all(np.array_equal(arrays[key], right[key]) for key in right)
    # A legacy file has no checksums, and most of VDSR's pickle is the text of its source.
    assert refused >= (30 if name.endswith(".pt") else 1)


@pytest.mark.parametrize(
    "content",
    [b"", b"\x89PNG\r\n\x1a\n" + bytes(64), b"Some words.\n" * 10, b"PK\3\4", b"\x80\x02", b"{}"],
)
def test_what_is_no_such_file_is_refused_in_words(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        detect.read(path)
    assert str(path) in str(caught.value)
    for reader in (ZIP, LEGACY):
        with pytest.raises(WeightsError):
            reader.read(path)


# --------------------------------------------------------------------- written by PyTorch itself


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


def saved(torch: Any, value: Any, path: Path, legacy: bool, protocol: int = 2) -> Path:
    torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=not legacy)
    return path


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_all_types_and_protocols(torch: Any, tmp_path: Path, legacy: bool, protocol: int) -> None:
    names = [
        "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
        "bool", "complex64", "complex128", "uint16", "uint32", "uint64",
    ]  # fmt: skip
    names += [] if legacy else ["float8_e4m3fn", "float8_e5m2"]
    values = {name: torch.arange(0, 24).reshape(2, 3, 4).to(getattr(torch, name)) for name in names}
    values["part"] = values["float32"].transpose(0, 2)[1:, ::2]
    values["parameter"] = torch.nn.Parameter(torch.ones(3))
    values["scalar"] = torch.tensor(7)
    values["numpy"] = np.arange(6.0).reshape(2, 3).T
    values["numpy scalar"] = np.float64(3)
    arrays = detect.read(saved(torch, values, tmp_path / "w", legacy, protocol)).arrays
    assert set(arrays) == set(values) - {"numpy scalar"}
    for name, value in values.items():
        if name in arrays:
            theirs = value if isinstance(value, np.ndarray) else value.detach()
            narrow = name == "bfloat16" or name.startswith("float8")
            theirs = np.asarray(theirs.float() if narrow else theirs)
            assert arrays[name].dtype == theirs.dtype, name
            assert np.array_equal(arrays[name], theirs), name


def test_every_float8_is_widened_as_pytorch_does(torch: Any, tmp_path: Path) -> None:
    codes = torch.arange(256, dtype=torch.uint8)
    values = {name: codes.view(getattr(torch, name)) for name in ("float8_e4m3fn", "float8_e5m2")}
    arrays = detect.read(saved(torch, values, tmp_path / "w", legacy=False)).arrays
    for name, value in values.items():
        assert np.array_equal(arrays[name], value.float().numpy(), equal_nan=True)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_training_checkpoint_with_everything_in_it(
    torch: Any, tmp_path: Path, legacy: bool
) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    wrapped = OrderedDict((f"module.{k}", v) for k, v in network.state_dict().items())
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.ones(1, 3, 8, 8)).sum().backward()
    optimiser.step()
    checkpoint = {
        "epoch": 3, "args": argparse.Namespace(width=4, folder=Path("x")),
        "device": torch.device("cpu"),
        "size": torch.Size([1, 2]), "generator": wrapped, "discriminator": network.state_dict(),
        "optimizer": optimiser.state_dict(), "rng": torch.get_rng_state(), "dtype": torch.float16,
        "names": {"a", "b"}, "history": [float(i) for i in range(1000)],
    }  # fmt: skip
    weights = detect.read(saved(torch, checkpoint, tmp_path / "w", legacy))
    assert set(weights.arrays) == set(network.state_dict())
    assert weights.facts["epoch"] == 3
    assert weights.facts["args"]["state"]["width"] == 4
    assert any("generator" in line for line in weights.evidence)
    assert any("module." in line for line in weights.evidence)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("legacy", [False, True])
def test_a_whole_module(torch: Any, tmp_path: Path, legacy: bool) -> None:
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, stride=2), torch.nn.BatchNorm2d(4), torch.nn.PReLU(4)
    )
    weights = detect.read(saved(torch, network, tmp_path / "w", legacy))
    ours = weights.arrays
    assert list(ours) == list(network.state_dict())
    for name, value in network.state_dict().items():
        assert np.array_equal(ours[name], value.numpy())
    assert weights.facts["class"] == "torch.nn.modules.container.Sequential"
    assert weights.facts["attributes"]["0"]["stride"] == [2, 2]


def test_a_state_dict_of_two_thousand_tensors(torch: Any, tmp_path: Path) -> None:
    values = {f"layers.{i}.weight": torch.full((3, 3), float(i)) for i in range(2000)}
    arrays = detect.read(saved(torch, values, tmp_path / "w", legacy=False)).arrays
    assert list(arrays) == list(values)
    assert arrays["layers.1999.weight"][0, 0] == 1999


def test_sparse_and_quantised_tensors_are_refused_in_words(torch: Any, tmp_path: Path) -> None:
    sparse = {"x": torch.eye(3).to_sparse()}
    with pytest.raises(WeightsError, match="sparse"):
        detect.read(saved(torch, sparse, tmp_path / "w", legacy=False))
