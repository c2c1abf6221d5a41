"""Frozen TensorFlow graphs, read without TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import FramebridgeError, WeightsError
from converters.readers.base import head_of
from converters.readers.tf_frozen import READER
from tests.converters.proving import shared
from tests.converters.readers.checkpoint_writer import DTYPES, fixed32, number, part, varint

REAL = (
    "espcn-tf-pb/ESPCN_x2.pb", "espcn-tf-pb/ESPCN_x3.pb",
    "fsrcnn-tf1/FSRCNN_x2.pb", "fsrcnn-tf1/FSRCNN_x3.pb",
)  # fmt: skip
KERNEL = np.random.default_rng(0).standard_normal((3, 3, 1, 2)).astype(np.float32)


def shape(*sides: int) -> bytes:
    return b"".join(part(2, number(1, side)) for side in sides)


def attribute(key: str, value: bytes) -> bytes:
    return part(5, part(1, key.encode()) + part(2, value))


def node(name: str, op: str, inputs: tuple[str, ...] = (), *attributes: bytes) -> bytes:
    taken = b"".join(part(3, given.encode()) for given in inputs)
    return part(1, part(1, name.encode()) + part(2, op.encode()) + taken + b"".join(attributes))


def tensor(dtype: int, sides: tuple[int, ...], *values: bytes) -> bytes:
    return part(8, number(1, dtype) + part(2, shape(*sides)) + b"".join(values))


def constant(name: str, value: bytes) -> bytes:
    return node(name, "Const", (), attribute("dtype", number(6, 1)), attribute("value", value))


def array_node(name: str, array: np.ndarray) -> bytes:
    content = part(4, array.tobytes())
    return constant(name, tensor(DTYPES[array.dtype.str[1:]], array.shape, content))


GRAPH = (
    node("x", "Placeholder", (), attribute("shape", part(7, shape(1, -1, -1, 1))))
    + array_node("kernel", KERNEL)
    + node("kernel/read", "Identity", ("kernel",))
    + node(
        "conv", "Conv2D", ("x:0", "kernel/read", "^kernel"),
        attribute("strides", part(1, part(3, b"\1\2\2\1"))),
        attribute("padding", part(2, b"SAME")),
        attribute("explicit", part(1, number(3, 0) + number(3, 7))),
        attribute("T", number(6, 1)),
        attribute("flag", number(5, 1)),
        attribute("alpha", fixed32(4, int(np.float32(0.5).view(np.uint32)))),
        attribute("_class", part(1, part(2, b"loc:@kernel"))),
    )
    + part(4, number(1, 26))
)  # fmt: skip


def read(tmp_path: Path, content: bytes, name: str = "anything"):
    path = tmp_path / name
    path.write_bytes(content)
    assert READER.sniff(path, head_of(path))
    return READER.read(path)


def test_constants_are_arrays_and_the_nodes_are_facts(tmp_path: Path) -> None:
    weights = read(tmp_path, GRAPH)
    assert set(weights.arrays) == {"kernel"}
    assert weights.arrays["kernel"].tobytes() == KERNEL.tobytes()
    graph = json.loads(json.dumps(weights.facts["graph"]))
    assert [found["op"] for found in graph] == ["Placeholder", "Const", "Identity", "Conv2D"]
    assert graph[0]["attributes"] == {"shape": [1, -1, -1, 1]}
    assert graph[3] == {
        "name": "conv", "op": "Conv2D", "inputs": ["x:0", "kernel/read", "^kernel"],
        "attributes": {
            "strides": [1, 2, 2, 1], "padding": "SAME", "explicit": [0, 7], "T": "float",
            "flag": True, "alpha": 0.5,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (tensor(1, (2, 3), fixed32(5, 0x3F800000)), np.ones((2, 3), np.float32)),
        (tensor(1, (2,)), np.zeros(2, np.float32)),
        (tensor(1, (3,), part(5, np.float32([1, 2]).tobytes())), np.float32([1, 2, 2])),
        (tensor(2, (2,), part(6, np.float64([1, 2]).tobytes())), np.array([1.0, 2.0])),
        (tensor(3, (2,), number(7, -1), number(7, 300)), np.int32([-1, 300])),
        (tensor(3, (3,), part(7, varint(5) + varint((1 << 64) - 2) + varint(300))),
            np.int32([5, -2, 300])),
        (tensor(9, (), number(10, -7)), np.array(-7, np.int64)),
        (tensor(10, (2,), part(11, b"\1\0")), np.array([True, False])),
        (tensor(19, (2,), number(13, 0x3C00), number(13, 0xC000)), np.float16([1, -2])),
        (tensor(14, (2,), part(4, b"\x80\x3f\x00\xc0")), np.float32([1, -2])),
        (tensor(4, (3,), part(4, b"abc")), np.uint8([97, 98, 99])),
        (tensor(1, (0, 4)), np.zeros((0, 4), np.float32)),
        (tensor(1, (0,), part(4, b"")), np.zeros(0, np.float32)),
    ],
)  # fmt: skip
def test_values_however_they_stand_there(tmp_path: Path, value: bytes, expected) -> None:
    found = read(tmp_path, GRAPH + constant("value", value)).arrays["value"]
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


def test_texts_are_left_out(tmp_path: Path) -> None:
    weights = read(tmp_path, GRAPH + constant("label", tensor(7, (), part(8, b"cat"))))
    assert weights.facts["skipped"] == {"label": "string"}


@pytest.mark.parametrize(
    "more",
    {
        "a node twice": array_node("kernel", KERNEL),
        "an input that is not there": node("relu", "Relu", ("nothing",)),
        "no name": node("", "Relu"),
        "no operation": node("relu", ""),
        "a constant without a value": node("c", "Const"),
        "an absurd shape": constant("c", tensor(1, (1 << 60,), part(4, b"1234"))),
        "an absurd product": constant("c", tensor(1, (1 << 30, 1 << 30), part(4, b"1234"))),
        "an absurd filling": constant("c", tensor(1, (1 << 30,), fixed32(5, 0))),
        "many fillings": b"".join(
            constant(f"c{n}", tensor(1, (1 << 22,), fixed32(5, 0))) for n in range(5)
        ),
        "a shape that is open": constant("c", tensor(1, (-1,), part(4, b"1234"))),
        "forty sides": constant("c", tensor(1, (1,) * 40, part(4, b"1234"))),
        "too few bytes": constant("c", tensor(1, (2,), part(4, b"1234"))),
        "too many values": constant("c", tensor(1, (1,), part(5, bytes(8)))),
        "half a value": constant("c", tensor(1, (2,), part(5, bytes(6)))),
        "a number over 64 bits": constant("c", tensor(3, (1,), part(7, b"\xff" * 10 + b"\1"))),
        "a cut number": constant("c", tensor(3, (1,), part(7, b"\xff"))),
        "a length past the end": b"\x0a\xff\xff\xff\xff\x0f\x0a",
        "a cut length": b"\x0a\xff",
        "a group": b"\x0b\x0c",
        "a field that no graph has": part(9, b""),
        "no text": part(1, part(1, b"\xff\xfe") + part(2, b"Relu")),
        "a list without end": node("n", "X", (), attribute("a", part(1, part(5, bytes(2 << 20))))),
    }.values(),
)
def test_what_a_graph_may_not_hold(tmp_path: Path, more: bytes) -> None:
    with pytest.raises(WeightsError):
        read(tmp_path, GRAPH + more)


def test_a_graph_whose_weights_are_elsewhere_says_where(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="1 variables, whose values are in a checkpoint"):
        read(tmp_path, node("w", "VariableV2") + node("r", "Identity", ("w",)))


def test_files_of_other_formats_are_left(tmp_path: Path) -> None:
    for content in (
        b"", b"\x0a", b"\x0a\x05", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x0a\x03abc" * 9,
        number(1, 1) + part(2, GRAPH),  # a SavedModel
        part(1, part(2, part(1, part(1, b"Add")))) + part(2, GRAPH),  # a MetaGraphDef
        part(1, part(1, b"v1") + part(2, part(1, part(1, b"Add")))) + part(2, GRAPH),
        number(1, 8) + part(2, b"pytorch"),  # ONNX
        part(1, b"VGG_ILSVRC_16_layers") + part(2, b"data"),  # Caffe
    ):  # fmt: skip
        path = tmp_path / "net.pb"
        path.write_bytes(content)
        assert not READER.sniff(path, head_of(path)), content
    assert not READER.sniff(tmp_path, b"")


def test_real_saved_models_and_meta_graphs_are_left() -> None:
    for name in (
        "deblur-savedmodel/SkipConnections_v2_ssim/saved_model.pb",
        "fsrcnn-tf1/x2/fsrcnn_ckpt.meta", "dcscn/dcscn_L2_F4to4_PS_R1F4.ckpt.meta",
    ):  # fmt: skip
        path = shared(name)
        assert not READER.sniff(path, head_of(path))


@pytest.mark.parametrize("name", ["made", REAL[1], REAL[2]])
def test_damaged_files_are_refused_or_valid(tmp_path: Path, name: str) -> None:
    content = GRAPH if name == "made" else shared(name).read_bytes()
    path = tmp_path / "net.pb"
    refused = 0
    for tenth in range(1, 10):
        path.write_bytes(content[: len(content) * tenth // 10])
        with pytest.raises(WeightsError):
            READER.read(path)
    random = np.random.default_rng(7)
    for at in random.integers(0, len(content), 60):
        broken = bytearray(content)
        broken[at] ^= 1 << int(random.integers(8))
        path.write_bytes(broken)
        try:
            weights = READER.read(path)
        except FramebridgeError:
            refused += 1
        else:
            json.dumps(weights.facts["graph"])
            assert weights.arrays
    assert refused < 60


@pytest.mark.parametrize("name", REAL)
def test_every_array_and_every_attribute_is_what_tensorflow_reads(name: str) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    path = shared(name)
    weights = READER.read(path)
    theirs = tensorflow.compat.v1.GraphDef.FromString(path.read_bytes())
    constants = {
        node.name: tensorflow.make_ndarray(node.attr["value"].tensor)
        for node in theirs.node
        if node.op == "Const"
    }
    assert set(constants) == set(weights.arrays)
    for key, array in constants.items():
        assert weights.arrays[key].dtype == array.dtype
        assert weights.arrays[key].shape == array.shape
        assert weights.arrays[key].tobytes() == array.tobytes()
    for ours, node in zip(weights.facts["graph"], theirs.node, strict=True):
        assert (ours["name"], ours["op"], ours["inputs"]) == (node.name, node.op, [*node.input])
        assert {*node.attr} - {"value", "_output_shapes", "_class"} == {*ours["attributes"]}
        for key, value in node.attr.items():
            kind = value.WhichOneof("value")
            if kind == "list":
                assert ours["attributes"][key] == list(value.list.i)
            elif kind in ("i", "b", "f"):
                assert ours["attributes"][key] == getattr(value, kind)
            elif kind == "s":
                assert ours["attributes"][key] == value.s.decode()


def test_a_graph_that_tensorflow_writes_is_read_the_same(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    v1 = tensorflow.compat.v1
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3), "ones": np.ones((4, 4), np.float32),
        "half": np.float16([1, -2]), "int": np.array(-3, np.int64), "bool": np.array([True, False]),
        "wide": np.linspace(0, 1, 5), "some": np.int32([7, 7, 7]), "byte": np.uint8([1, 200]),
    }  # fmt: skip
    with tensorflow.Graph().as_default() as graph:
        for name, array in arrays.items():
            v1.constant(array, name=name)
    found = read(tmp_path, graph.as_graph_def().SerializeToString()).arrays
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].tobytes() == array.tobytes(), name
