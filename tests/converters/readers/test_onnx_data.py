"""Weights beside an ONNX graph: taken from its own folder, and from nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from bridge.errors import FramebridgeError, UnsafeWeightsError, WeightsError
from converters import detect
from tests.converters.readers.test_onnx_file import model

DATA = "net.onnx.data"


def exported(folder: Path) -> Path:
    """As exporters write large networks: a graph, and its weights in one file beside it."""
    path = folder / "net.onnx"
    options = {"save_as_external_data": True, "location": DATA, "size_threshold": 0}
    onnx.save(model(other=np.arange(600, dtype=np.float32)), path, **options)
    assert (folder / DATA).stat().st_size >= 2400
    return path


def pointing_to(folder: Path, location: str) -> Path:
    broken = model()
    tensor = broken.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    path = folder / "net.onnx"
    path.write_bytes(broken.SerializeToString())
    return path


def refused(path: Path) -> FramebridgeError:
    with pytest.raises((UnsafeWeightsError, WeightsError)) as caught:
        detect.read(path)
    return caught.value


def test_they_are_the_same_as_inside(tmp_path: Path) -> None:
    weights = detect.read(exported(tmp_path))
    inside = model(other=np.arange(600, dtype=np.float32)).graph.initializer
    for tensor in inside:
        assert np.array_equal(weights.arrays[tensor.name], onnx.numpy_helper.to_array(tensor))
    assert weights.files == (tmp_path / "net.onnx", tmp_path / DATA)
    assert DATA in weights.evidence[1]


@pytest.mark.parametrize(
    "location", ["/etc/hostname", "../secret", "sub/secret", "", ".hidden", "a" * 200, "*/_ORT_MEM"]
)
def test_a_place_that_is_not_beside_the_graph_is_refused(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    (folder / "sub").mkdir(parents=True)
    for secret in (tmp_path / "secret", folder / "sub" / "secret"):
        secret.write_bytes(bytes(4096))
    refused(pointing_to(folder, location))


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_links_are_not_followed(link: object, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4096))
    path = pointing_to(tmp_path, "net.data")
    link(tmp_path / "secret", tmp_path / "net.data")  # type: ignore[operator]
    assert isinstance(refused(path), UnsafeWeightsError)


def test_a_file_that_is_not_there_or_too_short_is_said_so(tmp_path: Path) -> None:
    path = exported(tmp_path)
    data = (tmp_path / DATA).read_bytes()
    (tmp_path / DATA).write_bytes(data[:-1])
    assert "bytes" in str(refused(path))
    (tmp_path / DATA).unlink()
    assert DATA in str(refused(path))
