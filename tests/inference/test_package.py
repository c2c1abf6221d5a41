"""A package folder: what is opened, what is refused, and what saving leaves behind."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import msgspec
import onnx
import pytest
from onnx import TensorProto, helper

from bridge.errors import (
    FramebridgeError,
    GraphMismatchError,
    GraphMissingError,
    HashMismatchError,
    ManifestError,
    UnsafePackageError,
)
from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Graph,
    LatentInput,
    Size,
)
from bridge.inference.package import (
    MANIFEST_MAX_BYTES,
    MANIFEST_NAME,
    ModelPackage,
    file_sha256,
    save,
)
from tests.inference.on_disk import GRAPH, content, put, rehashed


def test_a_package_opened_twice_has_the_same_hash(folder: Path) -> None:
    first, second = ModelPackage.open(folder), ModelPackage.open(folder)
    assert first == second
    assert first.sha256 == hashlib.sha256((folder / MANIFEST_NAME).read_bytes()).hexdigest()
    assert first.name == "small"
    assert first.graph_path() == folder / GRAPH


def test_a_graph_is_read_with_its_weights(folder: Path, small_models: ModuleType) -> None:
    assert ModelPackage.open(folder).load_graph() == small_models.network().core


def test_other_weights_or_another_manifest_are_another_package(
    tmp_path: Path, small_models: ModuleType
) -> None:
    packages = [
        small_models.network().write(tmp_path / "a"),
        small_models.network(seed=1).write(tmp_path / "b"),
        small_models.network().stating(version="1.0.1").write(tmp_path / "c"),
    ]
    assert len({package.sha256 for package in packages}) == 3
    assert small_models.network().write(tmp_path / "d").sha256 == packages[0].sha256


def test_a_relative_folder_is_made_absolute(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    assert ModelPackage.open(Path("small")).folder == folder


# Files that are not what the manifest says.


def test_a_changed_graph_is_refused_by_its_hash(folder: Path) -> None:
    with (folder / GRAPH).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(HashMismatchError) as caught:
        ModelPackage.open(folder)
    assert caught.value.place == str(folder / GRAPH)
    assert caught.value.exit_status == 1


def test_a_missing_graph_is_named(folder: Path) -> None:
    (folder / GRAPH).unlink()
    with pytest.raises(GraphMissingError, match=r"graphs\[0\].file: expected the file model"):
        ModelPackage.open(folder)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()])
def test_a_folder_without_a_manifest_is_no_package(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(tmp_path / "empty")
    with pytest.raises(ManifestError):
        ModelPackage.open(tmp_path / "empty")


@pytest.mark.parametrize("name", [GRAPH, MANIFEST_NAME])
def test_a_symbolic_link_in_place_of_a_file_is_refused(name: str, folder: Path) -> None:
    (folder / name).rename(folder.parent / name)
    (folder / name).symlink_to(folder.parent / name)
    with pytest.raises(UnsafePackageError) as caught:
        ModelPackage.open(folder)
    assert caught.value.place == str(folder / name)


@pytest.mark.parametrize("name", [GRAPH, MANIFEST_NAME])
def test_a_folder_in_place_of_a_file_is_refused(name: str, folder: Path) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(UnsafePackageError):
        ModelPackage.open(folder)


def test_a_named_pipe_in_place_of_a_manifest_is_refused_and_not_waited_for(folder: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    (folder / MANIFEST_NAME).unlink()
    os.mkfifo(folder / MANIFEST_NAME)
    with pytest.raises(UnsafePackageError):
        ModelPackage.open(folder)


def test_an_oversized_manifest_is_refused(folder: Path) -> None:
    with (folder / MANIFEST_NAME).open("ab") as file:
        file.write(b"\n#" + b"x" * MANIFEST_MAX_BYTES)
    with pytest.raises(ManifestError, match="at most 1 MiB"):
        ModelPackage.open(folder)


# Graphs that do not fit their manifest.


def test_a_file_that_is_no_onnx_is_a_typed_error(folder: Path) -> None:
    (folder / GRAPH).write_bytes(b"these are not the weights you are looking for")
    with pytest.raises(GraphMismatchError, match="expected an ONNX model"):
        rehashed(folder).load_graph()


@pytest.mark.parametrize("name", [b"result", b"frame", b"make above", b"first.bias"])
def test_a_name_that_is_no_text_is_a_typed_error(name: bytes, folder: Path) -> None:
    content = (folder / GRAPH).read_bytes()
    assert name in content
    (folder / GRAPH).write_bytes(content.replace(name, b"\xff" * len(name), 1))
    with pytest.raises(GraphMismatchError, match="expected an ONNX model"):
        rehashed(folder).load_graph()


def test_an_empty_file_is_a_typed_error(folder: Path) -> None:
    (folder / GRAPH).write_bytes(b"")
    with pytest.raises(GraphMismatchError):
        rehashed(folder).load_graph()


def _opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 18


def _no_opset(model: onnx.ModelProto) -> None:
    del model.opset_import[:]


def _ir_version(model: onnx.ModelProto) -> None:
    model.ir_version = 11


def _input_name(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "image"


def _output_name(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = "image"


def _further_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, [1]))


def _further_output(model: onnx.ModelProto) -> None:
    model.graph.output.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, None))


def _input_type(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


def _no_type(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = 111


def _channels(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1


def _output_channels(model: onnx.ModelProto) -> None:
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 4


def _rank(model: onnx.ModelProto) -> None:
    del model.graph.input[0].type.tensor_type.shape.dim[3:]


def _batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2


def _fixed_size(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 64


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_opset, "opset 18"),
        (_no_opset, "opset None"),
        (_ir_version, "IR version 11"),
        (_input_name, "inputs: expected the graph's inputs ['image'], got ['frame']"),
        (_output_name, "outputs: expected the graph's outputs ['image'], got ['result']"),
        (_further_input, "['frame', 'more']"),
        (_further_output, "['features', 'result']"),
        (_input_type, "inputs[0]: expected a float tensor"),
        (
            _no_type,
            "inputs[0]: expected a float tensor (1, 3, H, W) of the stated size, got type 111",
        ),
        (_channels, "inputs[0]: expected a float tensor (1, 3, H, W)"),
        (_output_channels, "outputs[0]: expected a float tensor (1, 3, H, W)"),
        (_rank, "inputs[0]"),
        (_batch, "inputs[0]"),
        (_fixed_size, "inputs[0]"),
    ],
)
def test_a_graph_that_the_manifest_does_not_describe_is_refused(
    spoil: Callable[[onnx.ModelProto], None], words: str, folder: Path
) -> None:
    model = onnx.load_model(folder / GRAPH)
    spoil(model)
    with pytest.raises(GraphMismatchError) as caught:
        put(folder, model).load_graph()
    assert words in str(caught.value)


def test_a_fixed_size_must_be_the_graphs_own(tmp_path: Path, small_models: ModuleType) -> None:
    model = small_models.network(size=Size(fixed=[24, 16]))
    model.write(tmp_path / "good")
    other = [FrameInput(name="frame", size=Size(fixed=[16, 24]))]
    with pytest.raises(GraphMismatchError, match=r"inputs\[0\]"):
        model.stating(inputs=other).write(tmp_path / "bad")


@pytest.mark.parametrize("index", range(1, 6))
@pytest.mark.parametrize("spoilt", ["type", "shape"])
def test_a_parameter_of_another_type_or_size_is_refused(
    index: int, spoilt: str, tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.knobs()
    tensor = model.core.graph.input[index].type.tensor_type
    if spoilt == "type":
        tensor.elem_type = TensorProto.DOUBLE
    else:
        tensor.shape.dim[0].dim_value = 2
    with pytest.raises(GraphMismatchError, match=rf"inputs\[{index}\]"):
        model.write(tmp_path / "bad")


@pytest.mark.parametrize(
    ("where", "spoil"),
    [
        ("input", lambda tensor: setattr(tensor, "elem_type", TensorProto.FLOAT16)),
        ("output", lambda tensor: setattr(tensor, "elem_type", TensorProto.FLOAT16)),
        ("input", lambda tensor: setattr(tensor.shape.dim[1], "dim_value", 4)),
        ("output", lambda tensor: setattr(tensor.shape.dim[0], "dim_value", 2)),
        ("output", lambda tensor: tensor.shape.dim.add()),
        ("input", lambda tensor: tensor.ClearField("shape")),
    ],
)
def test_a_state_whose_ends_do_not_fit_each_other_is_refused(
    where: str, spoil: Callable[[onnx.TypeProto.Tensor], None], tmp_path: Path,
    small_models: ModuleType,
) -> None:  # fmt: skip
    model = small_models.memory()
    spoil(getattr(model.core.graph, where)[1].type.tensor_type)
    with pytest.raises(GraphMismatchError, match=r"outputs\[1\]: expected a float32 output"):
        model.write(tmp_path / "bad")


def test_a_state_of_another_type_than_the_manifest_says_is_refused(
    tmp_path: Path, small_models: ModuleType
) -> None:
    small_models.memory(dtype="float16").write(tmp_path / "good")
    halves, floats = small_models.memory(dtype="float16"), small_models.memory()
    with pytest.raises(GraphMismatchError, match=r"outputs\[1\]: expected a float32 output"):
        small_models.SmallModel(halves.core, floats.manifest).write(tmp_path / "bad")


@pytest.mark.parametrize("fields", [{"length": 5}, {"length": 1}])
def test_a_latent_code_of_another_length_is_refused(
    fields: dict[str, int], tmp_path: Path, small_models: ModuleType
) -> None:
    inputs = [LatentInput(name="code", **fields)]
    with pytest.raises(GraphMismatchError, match=r"inputs\[0\]: expected a float tensor \(1, "):
        small_models.generator().stating(inputs=inputs).write(tmp_path / "bad")


def test_the_stated_size_of_a_result_must_be_the_graphs_own(
    tmp_path: Path, small_models: ModuleType
) -> None:
    outputs = [FrameOutput(name="result", size=[8, 12])]
    with pytest.raises(GraphMismatchError, match=r"outputs\[0\]"):
        small_models.generator().stating(outputs=outputs).write(tmp_path / "bad")


@pytest.mark.parametrize("name", ["recurrent", "generator"])
def test_a_type_that_does_not_exist_is_named_by_its_number_at_every_port(
    name: str, tmp_path: Path, small_models: ModuleType
) -> None:
    model = getattr(small_models, name)()
    for value in (*model.core.graph.input, *model.core.graph.output):
        spoilt = onnx.ModelProto()
        spoilt.CopyFrom(model.core)
        (found,) = (v for v in (*spoilt.graph.input, *spoilt.graph.output) if v.name == value.name)
        found.type.tensor_type.elem_type = 94
        with pytest.raises(GraphMismatchError, match="94"):
            save(tmp_path / "small", model.manifest, {"model.onnx": spoilt.SerializeToString()})


def test_a_precision_that_the_package_has_not_is_named(folder: Path) -> None:
    with pytest.raises(GraphMissingError, match="precision int8, got only float32"):
        ModelPackage.open(folder).load_graph("int8")


# Saving.


def test_saving_fills_in_the_hashes_and_leaves_no_scratch(
    tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.network()
    package = model.write(tmp_path / "deep" / "small")
    assert sorted(p.name for p in package.folder.iterdir()) == [GRAPH, MANIFEST_NAME]
    assert [p.name for p in package.folder.parent.iterdir()] == ["small"]
    assert package.manifest.graphs[0].sha256 == file_sha256(package.folder / GRAPH)
    assert package == ModelPackage.open(package.folder)


def test_saving_again_replaces_graph_and_manifest_and_keeps_the_card(
    folder: Path, small_models: ModuleType
) -> None:
    (folder / "README.md").write_text("the card")
    package = small_models.network(scale=2, tail="DCR").write(folder)
    assert package.manifest.frame_output.scale == 2
    assert (folder / "README.md").read_text() == "the card"
    assert [p.name for p in folder.parent.iterdir()] == ["small"]


def _bad_graph(models: ModuleType, folder: Path) -> None:
    save(folder, models.network().manifest, {GRAPH: b"no graph"})


def _bad_manifest(models: ModuleType, folder: Path) -> None:
    models.network().stating(version="latest").write(folder)


def _unfit(models: ModuleType, folder: Path) -> None:
    models.network().stating(outputs=[FrameOutput(name="image")]).write(folder)


def _bad_file(models: ModuleType, folder: Path) -> None:
    source = folder.parent.with_suffix(".onnx")
    source.write_bytes(b"no graph at all")
    save(folder, models.network().manifest, {GRAPH: source})


def _unfit_file(models: ModuleType, folder: Path) -> None:
    source = folder.parent.with_suffix(".onnx")
    made = models.network()
    source.write_bytes(made.core.SerializeToString())
    unfit = msgspec.structs.replace(made.manifest, outputs=[FrameOutput(name="image")])
    save(folder, unfit, {GRAPH: source})


def _absent(models: ModuleType, folder: Path) -> None:
    manifest = models.network().manifest
    second = Graph(file="second.onnx", precision="int8", sha256="0" * 64)
    graphs = [*manifest.graphs, second]
    content = models.network().core.SerializeToString()
    save(folder, msgspec.structs.replace(manifest, graphs=graphs), {GRAPH: content})


def test_a_graph_is_saved_from_its_file_as_from_its_bytes(
    folder: Path, tmp_path: Path, small_models: ModuleType
) -> None:
    made = small_models.network()
    source = tmp_path / "elsewhere.onnx"
    source.write_bytes(made.core.SerializeToString())
    package = save(tmp_path / "other" / "small", made.manifest, {GRAPH: source})
    assert package.sha256 == ModelPackage.open(folder).sha256
    assert content(package.folder) == content(folder)
    assert source.exists()


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize(
    "fail", [_bad_graph, _bad_manifest, _unfit, _absent, _bad_file, _unfit_file]
)
def test_a_failed_save_leaves_everything_as_it_was(
    fail: Callable[[ModuleType, Path], None], exists: bool, tmp_path: Path, small_models: ModuleType
) -> None:
    folder = tmp_path / "small"
    if exists:
        small_models.network(seed=9).write(folder)
    before = content(tmp_path) if exists else {}
    with pytest.raises(FramebridgeError):
        fail(small_models, folder)
    assert ({} if not exists else content(tmp_path)) == before
    assert folder.exists() == exists
    assert len(list(tmp_path.iterdir())) == exists


def test_a_save_that_cannot_take_its_place_puts_the_old_package_back(
    folder: Path, small_models: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(folder)
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if Path(target) == folder and "-old" not in self.name:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="No space"):
        small_models.network(seed=1).write(folder)
    assert content(folder) == before
    assert [p.name for p in folder.parent.iterdir()] == ["small"]


def test_what_a_killed_save_left_behind_does_not_stop_the_next(
    folder: Path, small_models: ModuleType
) -> None:
    shutil.copytree(folder, folder.with_name(".small-old"))
    package = small_models.network(seed=1).write(folder)
    assert package.sha256 == ModelPackage.open(folder).sha256
    assert [p.name for p in folder.parent.iterdir()] == ["small"]
