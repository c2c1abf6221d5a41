"""Folders of raw float32 files and a manifest, those that are meant to do harm among them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import FramebridgeError, UnsafeWeightsError, WeightsError
from converters.readers.base import head_of
from converters.readers.ml5 import READER
from tests.converters.proving import shared

Edit = Callable[[Path, dict[str, Any]], object]


def folder(path: Path, edit: Edit | None = None) -> Path:
    """Three arrays; `edit` may change the manifest in place, or give its text."""
    random = np.random.default_rng(0)
    manifest: dict[str, Any] = {}
    for name, shape in {"Variable": (2, 2, 3, 4), "Variable_1": (4,), "Variable_2": ()}.items():
        random.standard_normal(shape).astype("<f4").tofile(path / name)
        manifest[name] = {"filename": name, "shape": list(shape)}
    text = edit(path, manifest) if edit else None
    content = text if isinstance(text, str) else json.dumps(manifest)
    (path / "manifest.json").write_text(content)
    return path


@pytest.mark.parametrize("given", ["", "manifest.json", "Variable_1"])
def test_the_folder_its_manifest_and_any_of_its_files_give_the_same(
    tmp_path: Path, given: str
) -> None:
    path = folder(tmp_path) / given
    assert READER.sniff(path, head_of(path))
    arrays = READER.read(path).arrays
    assert {name: array.shape for name, array in arrays.items()} == {
        "Variable": (2, 2, 3, 4), "Variable_1": (4,), "Variable_2": (),
    }  # fmt: skip
    written = np.fromfile(tmp_path / "Variable", "<f4").reshape(2, 2, 3, 4)
    np.testing.assert_array_equal(arrays["Variable"], written)


def test_a_manifest_of_another_name_is_told_by_its_content(tmp_path: Path) -> None:
    path = folder(tmp_path).joinpath("manifest.json").rename(tmp_path / "wave.txt")
    assert READER.sniff(path, head_of(path))
    assert len(READER.read(path).arrays) == 3


def test_files_that_no_manifest_names_are_of_another_format(tmp_path: Path) -> None:
    folder(tmp_path)
    for name, content in {"other.bin": b"\x00" * 16, "other.json": b'{"a": 1}'}.items():
        (tmp_path / name).write_bytes(content)
        assert not READER.sniff(tmp_path / name, content)
    (tmp_path / "empty").mkdir()
    assert not READER.sniff(tmp_path / "empty", b"")
    assert not READER.sniff(tmp_path / "nothing", b"")


def entry(name: str = "Variable", **fields: Any) -> Edit:
    return lambda _, manifest: manifest[name].update(fields)


def linked(target: str) -> Edit:
    def edit(path: Path, _: dict[str, Any]) -> None:
        (path / "Variable_1").unlink()
        (path / "Variable_1").symlink_to(target)

    return edit


def removed(path: Path, _: dict[str, Any]) -> None:
    (path / "Variable_1").unlink()


def in_a_folder(path: Path, _: dict[str, Any]) -> None:
    (path / "Variable_1").unlink()
    (path / "Variable_1").mkdir()


def a_pipe(path: Path, manifest: dict[str, Any]) -> None:
    (path / "Variable_1").unlink()
    os.mkfifo(path / "Variable_1")


def cut(path: Path, _: dict[str, Any]) -> None:
    os.truncate(path / "Variable", 100)


def grown(path: Path, _: dict[str, Any]) -> None:
    os.truncate(path / "Variable", 193)


UNSAFE: dict[str, Edit] = {
    "climbs out": entry(filename="../secret"),
    "deep path": entry(filename="a/b"),
    "absolute": entry(filename="/etc/passwd"),
    "backslash": entry(filename="..\\secret"),
    "drive": entry(filename="C:secret"),
    "parent": entry(filename=".."),
    "nul": entry(filename="a\0b"),
    "link to nowhere": linked("nowhere"),
    "link out": linked("/etc/hostname"),
    "link inside": linked("Variable"),
    "too large": entry(shape=[1 << 20, 1 << 12]),
    "absurd": entry(shape=[1 << 32] * 8),
    "too many": lambda _, m: m.update(
        {f"v{n}": {"filename": f"v{n}", "shape": [1]} for n in range(21_000)}
    ),
}
DAMAGED: dict[str, Edit] = {
    "missing file": removed,
    "a folder for a file": in_a_folder,
    "cut": cut,
    "grown": grown,
    "shape too large for the file": entry(shape=[2, 2, 3, 5]),
    "shape too small for the file": entry(shape=[2, 2, 3]),
    "no shape": lambda _, m: m["Variable"].pop("shape"),
    "negative": entry(shape=[-2, -2, 3, 4]),
    "nothing": entry(shape=[0, 4]),
    "fraction": entry(shape=[2.0, 2, 3, 4]),
    "true": entry(shape=[True, 2, 2, 3, 4]),
    "NaN": entry(shape=[float("nan"), 4]),
    "infinity": entry(shape=[float("inf"), 4]),
    "text": entry(shape="2234"),
    "rank": entry(shape=[1] * 9),
    "nested shape": entry(shape=[[2, 2], [3, 4]]),
    "number for a name": entry(filename=7),
    "no name": entry(filename=""),
    "long name": entry(filename="a" * 5000),
    "one file twice": entry("Variable_1", filename="Variable"),
    "a list": lambda _, m: json.dumps([{"filename": "a", "shape": []}]),
    "not JSON": lambda _, m: json.dumps(m)[:-9],
    "a name twice": lambda _, m: json.dumps(m)[:-1] + "," + json.dumps(m)[1:],
    "no entries": lambda _, m: '{"a": 5, "b": {"filename": "c", "shape": []}}',
    "deep": lambda _, m: '{"filename": 1, "shape": ' + "[" * 90_000,
    "long number": lambda _, m: '{"a": {"filename": "b", "shape": [' + "9" * 90_000 + "]}}",
    "not UTF-8": lambda _, m: json.dumps(m)[:-1] + ', "\udcff": 1}',
    "much JSON": lambda _, m: json.dumps(m) + " " * (2 << 20),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSAFE)
def test_a_manifest_that_leads_out_of_its_folder_or_past_memory_is_refused(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "secret").write_bytes(b"\0" * 192)
    (tmp_path / "model").mkdir()
    path = folder(tmp_path / "model", UNSAFE[name])
    assert READER.sniff(path, b"")
    with pytest.raises(UnsafeWeightsError) as caught:
        READER.read(path)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_folder_is_refused(tmp_path: Path, name: str) -> None:
    def edit(path: Path, manifest: dict[str, Any]) -> None:
        text = DAMAGED[name](path, manifest)
        content = text if isinstance(text, str) else json.dumps(manifest)
        (path / "text").write_bytes(content.encode("utf-8", "surrogateescape"))

    path = folder(tmp_path, edit)
    (path / "text").replace(path / "manifest.json")
    with pytest.raises(WeightsError) as caught:
        READER.read(path)
    assert len(str(caught.value)) < 700
    assert str(path) in caught.value.place


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
@pytest.mark.timeout(10)
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        READER.read(folder(tmp_path, a_pipe))


def test_a_manifest_that_is_a_link_is_refused(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "manifest.json").rename(path / "real.json")
    (path / "manifest.json").symlink_to("real.json")
    assert READER.sniff(path, b"")
    with pytest.raises(UnsafeWeightsError, match="a link"):
        READER.read(path)


def test_a_manifest_cut_or_changed_anywhere_gives_arrays_or_a_clear_error(tmp_path: Path) -> None:
    path = folder(tmp_path) / "manifest.json"
    whole = path.read_bytes()
    changed = [whole[: len(whole) * tenth // 10] for tenth in range(10)]
    random = np.random.default_rng(1)
    for place in random.integers(0, len(whole), 200):
        other = bytearray(whole)
        other[place] ^= 1 << int(random.integers(8))
        changed.append(bytes(other))
    refused = 0
    for content in changed:
        path.write_bytes(content)
        READER.sniff(path, content)
        try:
            arrays = READER.read(tmp_path).arrays
        except FramebridgeError as error:
            refused += type(error) in (WeightsError, UnsafeWeightsError)
        else:
            assert sum(array.size for array in arrays.values()) == 48 + 4 + 1
    assert refused > 100


def test_published_weights_are_read() -> None:
    weights = READER.read(shared("ml5-style-transfer/wave"))
    assert len(weights.arrays) == 48
    assert weights.arrays["Variable_39"].shape == (3, 3, 64, 128)
    assert len(weights.files) == 49
