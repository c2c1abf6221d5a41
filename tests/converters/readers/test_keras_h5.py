"""Keras weights in HDF5, read in a process of their own."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import FramebridgeError, UnsafeWeightsError, WeightsError
from converters.readers import h5_process, keras_h5
from converters.readers.base import head_of
from converters.readers.keras_h5 import READER
from tests.converters.proving import shared
from tests.converters.readers.h5_writer import LAYERS, expected, keras_2

SIGNATURE = b"\x89HDF\r\n\x1a\n"


def same(found: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


@pytest.fixture
def h5(tmp_path: Path) -> Any:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "net", "w") as file:
        yield file


def read(file: Any) -> Any:
    path = Path(file.filename)
    file.close()
    assert READER.sniff(path, head_of(path))
    return READER.read(path)


@pytest.mark.parametrize(
    "how", [{}, {"compression": "gzip", "shuffle": True}, {"compression": "lzf"}]
)
def test_weights_alone_come_in_the_order_of_their_layers(h5: Any, how: dict[str, Any]) -> None:
    keras_2(h5, **how)
    weights = read(h5)
    same(weights.arrays, expected())
    assert weights.facts == {
        "skipped": {}, "keras_version": "2.5.0", "layout": "keras", "layers": list(LAYERS)
    }  # fmt: skip


def test_a_whole_model_gives_its_weights_and_its_configuration(h5: Any) -> None:
    config = {"class_name": "Functional", "config": {"name": "net"}}
    h5.attrs["model_config"] = json.dumps(config)
    h5.attrs["keras_version"] = "2.9.0"
    keras_2(h5.create_group("model_weights"))
    h5.create_group("optimizer_weights/Adam")["iter"] = 5
    weights = read(h5)
    same(weights.arrays, expected())
    assert weights.facts["config"] == config
    assert weights.facts["keras_version"] == "2.9.0"


def test_long_lists_of_layers_are_put_together(h5: Any) -> None:
    keras_2(h5)
    del h5.attrs["layer_names"]
    names = [name.encode() for name in LAYERS]
    h5.attrs["layer_names0"], h5.attrs["layer_names1"] = names[:2], names[2:]
    weights = read(h5)
    same(weights.arrays, expected())


def test_the_layout_of_keras_3(h5: Any) -> None:
    arrays = {
        "layers/conv2d/vars/0": np.ones((3, 3, 1, 2), np.float32),
        "layers/conv2d/vars/1": np.zeros(2, np.float32),
        "layers/sequential/layers/dense/vars/0": np.eye(3, dtype=np.float32),
    }
    for name, array in arrays.items():
        h5[name] = array
    h5["optimizer/vars/0"] = 1
    weights = read(h5)
    same(weights.arrays, arrays)
    assert weights.facts["layout"] == "keras 3"
    assert weights.facts["skipped"] == {"optimizer": "the optimizer's"}


def test_any_other_file_gives_its_arrays_by_their_paths(h5: Any) -> None:
    h5["a/b"] = np.arange(3, dtype=">i4")
    h5["a/a/b"] = np.zeros(2)
    h5["optimizer/x"] = np.array([1, -1], np.int8)
    h5["text"] = "hello"
    h5["complex"] = np.zeros(2, np.complex64)
    weights = read(h5)
    assert weights.facts["layout"] == "plain"
    assert set(weights.facts["skipped"]) == {"text", "complex"}
    assert set(weights.arrays) == {"a/a/b", "a/b", "optimizer/x"}
    assert weights.arrays["a/b"].dtype == np.dtype("<i4")
    assert weights.arrays["a/b"].tolist() == [0, 1, 2]


def test_a_file_with_something_before_it(tmp_path: Path, h5: Any) -> None:
    keras_2(h5)
    h5.close()
    content = (tmp_path / "net").read_bytes()
    for before in (512, 1024, 4096):
        path = tmp_path / f"after{before}"
        path.write_bytes(b"MATLAB".ljust(before, b" ") + content)
        assert READER.sniff(path, head_of(path))
    same(READER.read(path).arrays, expected())


def zipped(path: Path, entries: Sequence[tuple[str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def keras_zip(path: Path) -> Path:
    h5py = pytest.importorskip("h5py")
    inner = io.BytesIO()
    with h5py.File(inner, "w") as file:
        file["layers/conv2d/vars/0"] = np.arange(36, dtype=np.float32).reshape(3, 3, 1, 4)
        file["layers/conv2d/vars/1"] = np.arange(4, dtype=np.float32)
    return zipped(path, [
        ("metadata.json", b"{}"), ("config.json", b'{"class_name": "Functional"}'),
        ("model.weights.h5", inner.getvalue()),
    ])  # fmt: skip


def test_a_keras_file(tmp_path: Path) -> None:
    path = keras_zip(tmp_path / "net.zip")
    assert READER.sniff(path, head_of(path))
    weights = READER.read(path)
    assert weights.arrays["layers/conv2d/vars/0"].shape == (3, 3, 1, 4)
    assert weights.facts["config"] == {"class_name": "Functional"}


def test_a_flipped_bit_in_the_weights_of_a_keras_file_is_an_error(tmp_path: Path) -> None:
    path = keras_zip(tmp_path / "net.keras")
    content = bytearray(path.read_bytes())
    content[content.index(SIGNATURE) + 700] ^= 4
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="CRC"):
        READER.read(path)


def test_a_keras_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    for entries in ([("model.weights.h5", b"no HDF5")], [("model.weights.h5", b"")]):
        path = zipped(tmp_path / "net.keras", entries)
        assert READER.sniff(path, head_of(path))
        with pytest.raises(WeightsError):
            READER.read(path)


def test_files_of_other_formats_are_left(tmp_path: Path) -> None:
    path = zipped(tmp_path / "torch.h5", [("archive/data.pkl", b"x"), ("archive/version", b"3")])
    assert not READER.sniff(path, head_of(path))
    path = tmp_path / "generator.h5"
    for content in (
        b"", b"PK\x03\x04", b"\x80\x02}q\x00." + bytes(506) + SIGNATURE, bytes(5000),
        bytes(100) + SIGNATURE + bytes(500), b"\x89PNG\r\n\x1a\n".ljust(512) + SIGNATURE,
    ):  # fmt: skip
        path.write_bytes(content)
        assert not READER.sniff(path, head_of(path)), content[:20]
    assert not READER.sniff(tmp_path, b"")
    assert not READER.sniff(tmp_path / "nothing", b"")


def test_a_file_that_needs_another_is_unsafe(tmp_path: Path, h5: Any) -> None:
    h5py = pytest.importorskip("h5py")
    keras_2(h5)
    h5["more"] = h5py.ExternalLink(str(tmp_path / "other"), "/secret")
    with pytest.raises(UnsafeWeightsError, match="in another file"):
        read(h5)


def test_links_within_the_file_lead_nowhere_twice(h5: Any) -> None:
    h5py = pytest.importorskip("h5py")
    keras_2(h5)
    h5["conv2d_9/again"] = h5["/"]
    h5["soft"] = h5py.SoftLink("/conv2d_9")
    weights = read(h5)
    assert set(weights.arrays) == set(expected())
    assert weights.facts["skipped"]["soft"] == "a soft link"


def test_a_file_without_arrays_is_refused(h5: Any) -> None:
    h5.create_group("nothing")
    with pytest.raises(WeightsError, match="arrays of numbers"):
        read(h5)


def test_damaged_files_are_refused_or_finite(tmp_path: Path, h5: Any) -> None:
    keras_2(h5)
    h5.close()
    path = tmp_path / "net"
    content = path.read_bytes()
    for tenth in (2, 5, 9):
        path.write_bytes(content[: len(content) * tenth // 10])
        with pytest.raises(WeightsError):
            READER.read(path)
    random = np.random.default_rng(3)
    for at in random.integers(0, 4096, 5):
        broken = bytearray(content)
        broken[at] ^= 1 << int(random.integers(8))
        path.write_bytes(broken)
        try:
            weights = READER.read(path)
        except FramebridgeError:
            continue
        assert weights.arrays


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import os; os.abort()", "signal 6|exit status 3"),
        ("import sys; sys.exit(7)", "exit status 7"),
        ("import sys; sys.stdout.buffer.write(b'\\xff' * 8)", "ends the process"),
        ("import sys; sys.stdout.buffer.write((9).to_bytes(8, 'little') + b'{]')", "ends the"),
        ("import sys; sys.stdout.buffer.write((2).to_bytes(8, 'little') + b'[]')", "ends the"),
        (
            "import json, sys; m = json.dumps({'name': 'x', 'dtype': '|O8', 'shape': [1],"
            " 'bytes': 8}).encode();"
            " sys.stdout.buffer.write(len(m).to_bytes(8, 'little') + m + b'12345678')",
            "ends the process",
        ),
        (
            "import json, sys; m = json.dumps({'name': 'x', 'dtype': '<f4', 'shape': [1 << 60],"
            " 'bytes': 1 << 62}).encode();"
            " sys.stdout.buffer.write(len(m).to_bytes(8, 'little') + m + b'12345678')",
            "ends the process",
        ),
    ],
)
def test_a_process_that_dies_or_lies_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    program = tmp_path / "program.py"
    program.write_text(script)
    monkeypatch.setattr(h5_process, "__file__", str(program))
    (tmp_path / "net").write_bytes(SIGNATURE)
    with pytest.raises(WeightsError, match=said):
        READER.read(tmp_path / "net")


def test_a_process_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.py"
    program.write_text("while True: pass")
    monkeypatch.setattr(h5_process, "__file__", str(program))
    monkeypatch.setattr(keras_h5, "TIME_LIMIT_S", 0.3)
    (tmp_path / "net").write_bytes(SIGNATURE)
    with pytest.raises(WeightsError, match="takes longer than"):
        READER.read(tmp_path / "net")


def test_every_array_of_a_real_file_is_what_h5py_reads() -> None:
    h5py = pytest.importorskip("h5py")
    path = shared("keras-h5/model-checkpoint.h5")
    assert READER.sniff(path, head_of(path))
    weights = READER.read(path)
    with h5py.File(path) as file:
        wanted = {
            name: file[layer][name][()]
            for layer in file.attrs["layer_names"]
            for name in file[layer].attrs["weight_names"]
        }
    assert len(wanted) == 16
    same(weights.arrays, wanted)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("ending", ["keras", "h5", "weights.h5"])
def test_what_keras_writes_is_read(tmp_path: Path, ending: str) -> None:
    keras = pytest.importorskip("keras")
    layers = keras.layers
    frame = keras.Input((None, None, 3))
    inner = keras.Sequential([keras.Input((None, None, 4)), layers.Conv2D(5, 1)], name="nested")
    out = inner(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(frame)))
    model = keras.Model(frame, out)
    path = tmp_path / f"net.{ending}"
    if ending == "weights.h5":
        model.save_weights(path)
    else:
        model.save(path)
    weights = READER.read(path)
    ours = sorted((a.shape, a.tobytes()) for a in weights.arrays.values())
    theirs = sorted((a.shape, a.tobytes()) for a in model.get_weights())
    assert ours == theirs
    if ending != "weights.h5":
        assert weights.facts["config"]["class_name"] == "Functional"
