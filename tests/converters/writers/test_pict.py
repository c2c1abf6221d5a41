"""What the writer of .pict writes is what its layout says, and is read back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import WeightsError
from converters.readers.pict import READER
from converters.writers.pict import MU, write_pict

ARRAYS = {
    "generator/b": np.array([0.5, -2.0], np.float32),
    "generator/a": np.random.default_rng(3).standard_normal((2, 3, 5)).astype(np.float32),
    "generator/c": np.float32([[1e-5]]),
}


def parts(raw: bytes) -> list[bytes]:
    found = []
    while raw:
        length = int.from_bytes(raw[:4], "big")
        found.append(raw[4 : 4 + length])
        raw = raw[4 + length :]
    return found


def test_three_parts_are_written_with_sorted_names_and_one_table(tmp_path: Path) -> None:
    write_pict(tmp_path / "w.pict", ARRAYS)
    listed, table, codes = parts((tmp_path / "w.pict").read_bytes())
    assert [entry["name"] for entry in json.loads(listed)] == sorted(ARRAYS)
    assert [entry["shape"] for entry in json.loads(listed)] == [[2, 3, 5], [2], [1, 1]]
    assert len(table) == 1024
    assert len(codes) == 33
    values = np.frombuffer(table, "<f4")
    assert (np.diff(values) > 0).all()
    assert np.frombuffer(codes, np.uint8).min() == 0
    assert np.frombuffer(codes, np.uint8).max() == 255


def test_what_is_read_back_is_within_half_a_step_of_the_companded_scale(tmp_path: Path) -> None:
    write_pict(tmp_path / "w.pict", ARRAYS)
    read = READER.read(tmp_path / "w.pict").arrays
    scale = max(np.abs(array).max() for array in ARRAYS.values())

    def companded(x: np.ndarray) -> np.ndarray:
        return np.sign(x) * np.log1p(MU * np.abs(x.astype(np.float64)) / scale) / np.log1p(MU)

    flat = np.concatenate([array.ravel() for array in ARRAYS.values()])
    step = (companded(flat).max() - companded(flat).min()) / 256
    for name, array in ARRAYS.items():
        assert read[name].shape == array.shape
        assert np.abs(companded(read[name]) - companded(array)).max() <= 0.5001 * step


@pytest.mark.parametrize("value", [0.0, 0.25, -3.0])
def test_equal_weights_are_kept(tmp_path: Path, value: float) -> None:
    write_pict(tmp_path / "w.pict", {"a": np.full((2, 2), value, np.float32)})
    read = READER.read(tmp_path / "w.pict").arrays["a"]
    assert np.allclose(read, value, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.empty((0, 2), np.float32), np.float32([1, np.nan])])
def test_what_cannot_be_written_leaves_no_file(tmp_path: Path, bad: np.ndarray) -> None:
    with pytest.raises(WeightsError):
        write_pict(tmp_path / "w.pict", {"good": ARRAYS["generator/a"], "bad": bad})
    assert not (tmp_path / "w.pict").exists()
