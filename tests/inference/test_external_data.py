"""Weights in files of their own: nothing outside the package is ever read."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from bridge.errors import (
    GraphMismatchError,
    HashMismatchError,
    UnsafePackageError,
)
from bridge.inference.external_data import external_tensors
from bridge.inference.package import (
    ModelPackage,
    file_sha256,
    save,
)
from tests.inference.on_disk import GRAPH, WEIGHTS, put


def _external(
    folder: Path, entries: dict[str, str] | list[tuple[str, str]], data: bytes | None = None
) -> ModelPackage:
    """The package's first weight moved out of the graph, to where `entries` say."""
    model = onnx.load_model(folder / GRAPH)
    tensor = next(t for t in model.graph.initializer if t.name == "first")
    if data is None:
        data = numpy_helper.to_array(tensor).tobytes()
    (folder / WEIGHTS).write_bytes(data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    pairs = entries.items() if isinstance(entries, dict) else entries
    for key, value in pairs:
        tensor.external_data.add(key=key, value=value)
    return put(folder, model)


def test_external_data_beside_the_graph_is_read(folder: Path, small_models: ModuleType) -> None:
    package = _external(folder, {"location": WEIGHTS})
    expected = small_models.network().core.graph.initializer[0]
    found = package.load_graph().graph.initializer[0]
    assert found.name == expected.name
    assert np.array_equal(numpy_helper.to_array(found), numpy_helper.to_array(expected))


@pytest.mark.parametrize(
    "location",
    [
        f"../{WEIGHTS}",
        f"sub/../../{WEIGHTS}",
        f"..\\{WEIGHTS}",
        f"/{WEIGHTS}",
        f"C:\\{WEIGHTS}",
        f"C:{WEIGHTS}",
        f"\\\\host\\share\\{WEIGHTS}",
        "",
        ".",
        "absent.bin",
    ],
)
def test_external_data_elsewhere_is_refused(location: str, folder: Path) -> None:
    package = _external(folder, {"location": location})
    shutil.copy(folder / WEIGHTS, folder.parent / WEIGHTS)
    with pytest.raises(UnsafePackageError) as caught:
        package.load_graph()
    assert caught.value.place == f"{folder / GRAPH} first"


def test_the_absolute_path_of_the_data_is_refused_even_inside_the_folder(folder: Path) -> None:
    with pytest.raises(UnsafePackageError):
        _external(folder, {"location": str(folder / WEIGHTS)}).load_graph()


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_linked_external_data_is_refused(link: Callable[[Path, Path], None], folder: Path) -> None:
    package = _external(folder, {"location": WEIGHTS})
    (folder / WEIGHTS).rename(folder.parent / WEIGHTS)
    link(folder.parent / WEIGHTS, folder / WEIGHTS)
    with pytest.raises(UnsafePackageError, match="link"):
        package.load_graph()
    with pytest.raises(UnsafePackageError, match="link"):
        ModelPackage.open(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="special files are POSIX")
def test_external_data_in_a_pipe_or_a_device_is_refused_and_not_waited_for(folder: Path) -> None:
    package = _external(folder, {"location": WEIGHTS})
    (folder / WEIGHTS).unlink()
    os.mkfifo(folder / WEIGHTS)
    with pytest.raises(UnsafePackageError, match="special file"):
        package.load_graph()


def test_external_data_changed_after_the_package_was_opened_is_refused(folder: Path) -> None:
    package = _external(folder, {"location": WEIGHTS})
    with (folder / WEIGHTS).open("r+b") as file:
        file.write(b"\1")
    with pytest.raises(HashMismatchError):
        package.load_graph()
    with pytest.raises(HashMismatchError):
        ModelPackage.open(folder)


def test_a_graph_changed_after_the_package_was_opened_is_refused(
    folder: Path, small_models: ModuleType
) -> None:
    package = ModelPackage.open(folder)
    (folder / GRAPH).write_bytes(small_models.network(seed=1).core.SerializeToString())
    with pytest.raises(HashMismatchError):
        package.load_graph()


def test_external_data_that_the_manifest_does_not_name_is_refused(folder: Path) -> None:
    _external(folder, {"location": WEIGHTS})
    shutil.copy(folder / WEIGHTS, folder / "others.bin")
    with pytest.raises(UnsafePackageError, match="manifest names in `data`"):
        _external(folder, {"location": "others.bin"}).load_graph()


def test_many_tensors_of_the_same_bytes_are_no_way_to_any_amount_of_memory(folder: Path) -> None:
    with (folder / WEIGHTS).open("wb") as file:
        file.truncate(1 << 26)  # a hole: it takes no room on the disk
    model = onnx.load_model(folder / GRAPH)
    for index in range(33):
        tensor = model.graph.initializer.add(name=f"again{index}", data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=WEIGHTS)
    package = put(folder, model)
    resource = pytest.importorskip("resource")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnsafePackageError, match="less than 2 GiB"):
        package.load_graph()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 19


def _nested(depth: int, tensor: onnx.TensorProto) -> onnx.GraphProto:
    graph = onnx.GraphProto(name=f"depth {depth}")
    if depth == 0:
        graph.initializer.append(tensor)
        return graph
    attribute = graph.node.add(op_type="If").attribute.add(name="then_branch")
    # Of no stated type, which `onnx` takes for no graph at all.
    attribute.g.CopyFrom(_nested(depth - 1, tensor))
    return graph


def _in_subgraphs(model: onnx.ModelProto, tensor: onnx.TensorProto) -> None:
    model.graph.node.add(op_type="If").attribute.add(name="a").g.CopyFrom(_nested(3, tensor))


def _in_a_constant(model: onnx.ModelProto, tensor: onnx.TensorProto) -> None:
    model.graph.node.add(op_type="Constant").attribute.add(name="value").t.CopyFrom(tensor)


def _in_a_list(model: onnx.ModelProto, tensor: onnx.TensorProto) -> None:
    model.graph.node.add(op_type="Constant").attribute.add(name="v").tensors.append(tensor)


def _in_a_sparse_weight(model: onnx.ModelProto, tensor: onnx.TensorProto) -> None:
    model.graph.sparse_initializer.add().indices.CopyFrom(tensor)


def _in_a_function(model: onnx.ModelProto, tensor: onnx.TensorProto) -> None:
    node = model.functions.add(name="f").node.add(op_type="Loop")
    node.attribute.add(name="body").g.initializer.append(tensor)


def _in_training(model: onnx.ModelProto, tensor: onnx.TensorProto) -> None:
    model.training_info.add().initialization.initializer.append(tensor)


@pytest.mark.parametrize(
    "hide",
    [_in_subgraphs, _in_a_constant, _in_a_list, _in_a_sparse_weight, _in_a_function, _in_training],
)
def test_external_data_is_found_wherever_a_tensor_may_stand(
    hide: Callable[[onnx.ModelProto, onnx.TensorProto], None], folder: Path
) -> None:
    tensor = onnx.TensorProto(name="hidden", dims=[1], data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/hostname")
    model = onnx.load_model(folder / GRAPH)
    hide(model, tensor)
    with pytest.raises(UnsafePackageError) as caught:
        put(folder, model).load_graph()
    assert caught.value.place == f"{folder / GRAPH} hidden"


def test_what_was_loaded_names_no_file_any_more(folder: Path) -> None:
    loaded = _external(folder, {"location": WEIGHTS}).load_graph()
    assert list(external_tensors(loaded)) == []
    assert b"weights.bin" not in loaded.SerializeToString()


def test_saving_names_the_files_of_the_weights_with_their_hashes(
    folder: Path, small_models: ModuleType
) -> None:
    _external(folder, {"location": WEIGHTS})
    files = {name: (folder / name).read_bytes() for name in (GRAPH, WEIGHTS)}
    package = save(folder.parent / "saved", small_models.network().manifest, files)
    data = package.manifest.graphs[0].data
    assert [(entry.file, entry.sha256) for entry in data] == [
        (WEIGHTS, file_sha256(folder / WEIGHTS))
    ]
    assert package.load_graph() == small_models.network().core


def test_external_data_in_a_linked_folder_is_refused(folder: Path) -> None:
    (folder.parent / "outside").mkdir()
    (folder / "sub").symlink_to(folder.parent / "outside")
    package = _external(folder, {"location": f"sub/{WEIGHTS}"})
    shutil.copy(folder / WEIGHTS, folder.parent / "outside" / WEIGHTS)
    with pytest.raises(UnsafePackageError):
        package.load_graph()


@pytest.mark.parametrize("inside_first", [True, False])
def test_a_second_location_does_not_get_past_the_check(inside_first: bool, folder: Path) -> None:
    locations = [("location", WEIGHTS), ("location", f"../{WEIGHTS}")]
    package = _external(folder, locations if inside_first else locations[::-1])
    shutil.copy(folder / WEIGHTS, folder.parent / WEIGHTS)
    with pytest.raises(UnsafePackageError):
        package.load_graph()


@pytest.mark.parametrize(
    "entries",
    [
        {"offset": "1000000"},
        {"length": "1000000"},
        {"offset": "-4"},
        {"length": "-4"},
        {"offset": "four"},
        {"offset": "-0"},
        {"offset": "1_0"},
        {"offset": "٤"},
        {"offset": str(2**63), "length": str(2**63)},
        {"offset": str(10**15 - 1), "length": str(10**15 - 1)},
        {"offset": "9" * 5000},
    ],
)
def test_external_data_that_is_cut_short_is_a_typed_error(
    entries: dict[str, str], folder: Path
) -> None:
    package = _external(folder, {"location": WEIGHTS, **entries})
    with pytest.raises(GraphMismatchError):
        package.load_graph()
