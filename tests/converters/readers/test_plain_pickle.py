"""Pickles without a container."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import UnsafeWeightsError, WeightsError
from converters import detect
from tests.converters.readers import malicious

VALUES = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1, 2], np.int64)}


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_arrays_of_every_protocol_are_read(protocol: int, tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(pickle.dumps({**VALUES, "epoch": 3}, protocol))
    weights = detect.read(path)
    assert set(weights.arrays) == {"a", "b"}
    for name, value in VALUES.items():
        assert weights.arrays[name].dtype == value.dtype
        assert np.array_equal(weights.arrays[name], value)


@pytest.mark.parametrize("head", [b"", b"\x80\x02", b"\x80\x04"])
@pytest.mark.parametrize("name", malicious.harmful(Path("sentinel")))
def test_harm_is_refused_by_name(
    name: str, head: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    path.write_bytes(head + malicious.harmful(Path("sentinel"))[name] + b".")
    with pytest.raises((UnsafeWeightsError, WeightsError)) as caught:
        detect.read(path)
    assert not (tmp_path / "sentinel").exists()
    if head:
        assert isinstance(caught.value, UnsafeWeightsError)


def test_a_tensor_without_its_storage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"\x80\x02" + malicious.state_dict() + b".")
    with pytest.raises(WeightsError, match="outside of the pickle"):
        detect.read(path)
