"""SavedModels, read as data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import FramebridgeError, UnsafeWeightsError, WeightsError
from converters import parity
from converters.architectures.tf_graph import ARCHITECTURE
from converters.readers.base import head_of
from converters.readers.protobuf_wire import fields
from converters.readers.saved_model import READER
from converters.tf_translate.trial import soft_picture
from tests.converters.proving import prove, shared
from tests.converters.readers.checkpoint_writer import part
from tests.converters.readers.saved_model_writer import (
    calls,
    folder,
    function,
    node,
    one_layer,
    saved,
    signature,
    text,
)

KERNEL = np.random.default_rng(0).standard_normal((3, 3, 3, 3)).astype(np.float32) / 6
ARRAYS = {
    "layer/kernel/.ATTRIBUTES/VALUE": KERNEL,
    "other/.ATTRIBUTES/VALUE": np.zeros((3, 3, 3, 3), np.float32),
}
REAL = "deblur-savedmodel/SkipConnections_v2_ssim"


def test_functions_are_laid_out_and_variables_are_constants(tmp_path: Path) -> None:
    path = folder(tmp_path / "net", one_layer(), ARRAYS)
    assert READER.sniff(path, b"")
    read = READER.read(path)
    assert {n["name"]: (n["op"], n["inputs"]) for n in read.facts["graph"]} == {
        "call//shown//r": ("Relu", ["call//conv:0"]),
        "call//conv": ("Conv2D", ["x:0", "call//read:0"]),
        "call//read": ("Identity", ["v:0"]), "v": ("Const", []), "x": ("Placeholder", []),
    }  # fmt: skip
    np.testing.assert_array_equal(read.arrays["v"], KERNEL)
    assert read.facts["outputs"] == ["call//shown//r:0"]
    network = prove(ARCHITECTURE, read)
    assert network.inputs[0].size.fixed == [6, 8]  # type: ignore[union-attr]


def test_the_file_of_the_graph_stands_for_its_folder(tmp_path: Path) -> None:
    file = folder(tmp_path / "net", one_layer(), ARRAYS) / "saved_model.pb"
    assert READER.sniff(file, head_of(file))
    np.testing.assert_array_equal(READER.read(file).arrays["v"], KERNEL)


def test_other_folders_and_files_are_left(tmp_path: Path) -> None:
    (tmp_path / "a.pb").write_bytes(b"\x0a\x03abc")
    assert not READER.sniff(tmp_path, b"")
    assert not READER.sniff(tmp_path / "a.pb", head_of(tmp_path / "a.pb"))
    assert not READER.sniff(tmp_path / "none", b"")


@pytest.mark.parametrize("op", ["ReadFile", "WriteFile", "PyFunc", "EagerPyFunc", "RestoreV2"])
def test_graphs_that_reach_outside_are_refused_before_anything(tmp_path: Path, op: str) -> None:
    inside = node(3, "bad", op, ["conv:output:0"])
    # Without any variables: nothing beside the graph is even looked for.
    path = folder(tmp_path / "net", one_layer(inside, "bad:contents:0"), {})
    with pytest.raises(UnsafeWeightsError, match=op):
        READER.read(path)


def test_what_only_loads_and_saves_is_not_part_of_what_is_served(tmp_path: Path) -> None:
    read = READER.read(folder(tmp_path / "net", one_layer(), ARRAYS))
    assert not any("Restore" in n["op"] or "Assign" in n["op"] for n in read.facts["graph"])


def test_operations_that_are_not_known_are_named(tmp_path: Path) -> None:
    inside = node(3, "new", "Einstein", ["conv:output:0"])
    read = READER.read(folder(tmp_path / "net", one_layer(inside, "new:output:0"), ARRAYS))
    with pytest.raises(Exception, match=r"not known here: Einstein \(1\)"):
        ARCHITECTURE.recognise(read)


def _model(functions: bytes, *more: bytes) -> bytes:
    nodes = node(1, "x", "Placeholder") + node(1, "call", "PartitionedCall", ["x"], calls("f"))
    return saved(nodes, functions, signature("serving_default", "x:0", ["call:0"]))


@pytest.mark.parametrize(
    ("functions", "reason"),
    [
        (b"", "the function 'f'"),
        (function("f", ["y"], node(3, "n", "PartitionedCall", ["y"], calls("f")),
                  {"z": "n:output:0"}), "calls at most"),
        (function("f", [], b"", {}), "0 values for 'f'"),
        (function("f", ["y"], b"", {"z": "gone:output:0"}), "the node 'gone'"),
        (function("f", ["y"], node(3, "n", "Relu", ["y"]), {"z": "n:output:many"}),
         "the number of an output"),
    ],
)  # fmt: skip
def test_calls_that_lead_nowhere_are_errors(tmp_path: Path, functions: bytes, reason: str) -> None:
    with pytest.raises(WeightsError, match=reason):
        READER.read(folder(tmp_path / "net", _model(functions), {}))


def test_functions_that_double_each_other_end_in_time(tmp_path: Path) -> None:
    def twice(name: str, inner: str) -> bytes:
        nodes = node(3, "a", "PartitionedCall", ["y"], calls(inner))
        nodes += node(3, "b", "PartitionedCall", ["a:output:0"], calls(inner))
        return function(name, ["y"], nodes, {"z": "b:output:0"})

    functions = b"".join(twice("f" if i == 0 else f"f{i}", f"f{i + 1}") for i in range(40))
    functions += function("f40", ["y"], node(3, "n", "Relu", ["y"]), {"z": "n:activations:0"})
    with pytest.raises(WeightsError, match="at most 100000 nodes"):
        READER.read(folder(tmp_path / "net", _model(functions), {}))


def test_of_two_graphs_the_one_that_serves_is_read(tmp_path: Path) -> None:
    training = saved(node(1, "other", "Placeholder"))
    served = one_layer()
    tag = part(1, part(4, b"serve"))
    graph = next(each.bytes for each in fields(memoryview(served)) if each.tag == 2)
    content = training + part(2, tag + bytes(graph))
    read = READER.read(folder(tmp_path / "net", content, ARRAYS))
    assert read.facts["outputs"] == ["call//shown//r:0"]


def test_descriptions_without_measure_are_refused(tmp_path: Path) -> None:
    node_with_a_novel = node(1, "x", "Placeholder", (), text("note", "x" * (17 << 20)))
    with pytest.raises(WeightsError, match="beside the arrays"):
        READER.read(folder(tmp_path / "net", saved(node_with_a_novel), {}))


def test_nothing_served_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="serving_default"):
        READER.read(folder(tmp_path / "net", saved(node(1, "x", "Placeholder")), {}))


def test_variables_without_values_are_errors(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="index"):
        READER.read(folder(tmp_path / "net", one_layer(), {}))
    with pytest.raises(WeightsError, match="its value in the checkpoint"):
        READER.read(folder(tmp_path / "other", one_layer(), {"b": KERNEL}))


def test_damaged_files_end_in_an_error_or_are_read(tmp_path: Path) -> None:
    content = one_layer()
    path = folder(tmp_path / "net", content, ARRAYS)
    random = np.random.default_rng(0)
    cases = [content[: len(content) * tenth // 10] for tenth in range(10)]
    for at in random.integers(0, len(content), 150):
        flipped = bytearray(content)
        flipped[at] ^= 1 << int(random.integers(8))
        cases.append(bytes(flipped))
    refused = 0
    for case in cases:
        (path / "saved_model.pb").write_bytes(case)
        try:
            READER.read(path)
        except FramebridgeError:
            refused += 1
    assert refused >= 10


def test_the_real_one_becomes_a_package_of_its_size() -> None:
    read = READER.read(shared(REAL))
    found = ARCHITECTURE.recognise(read)
    assert found.facts["range"] == [[0, 1], [0, 1]]
    network = prove(ARCHITECTURE, read)
    assert network.inputs[0].size.fixed == [32, 32]  # type: ignore[union-attr]


def test_the_real_one_gives_what_tensorflow_gives() -> None:
    """On a picture with edges this network multiplies differences by up to 740, and it was saved in
    float64. TensorFlow's own float32 is 0.007 of 255 off its float64, and so are we; the network
    itself, calculated in float64, is the same to 3e-6."""
    tf = pytest.importorskip("tensorflow")
    from converters.references.tensorflow_ops import TensorFlowOps

    path = shared(REAL)
    read = READER.read(path)
    config = ARCHITECTURE.recognise(read).config
    network = ARCHITECTURE.build(read, config)
    for picture in (soft_picture(3, (32, 32)), parity.inputs_for(network)["frame"]):
        given = {"frame": picture}
        ours = parity.run(network.model.SerializeToString(), given)["result"]
        exact = ARCHITECTURE.reference(parity.NumpyOps(), read, config, given)["result"]
        float32 = ARCHITECTURE.reference(TensorFlowOps(), read, config, given)["result"]
        with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:
            tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path))
            feed = {"serving_default_input_1:0": picture.transpose(0, 2, 3, 1)}
            theirs = session.run("StatefulPartitionedCall:0", feed).transpose(0, 3, 1, 2)
        floor = np.abs(float32 - theirs).max() * 255
        apart = np.abs(ours - theirs).max() * 255
        print(f"SavedModel: {apart:.1e} of 255, TensorFlow in float32 {floor:.1e}")
        assert np.abs(exact - theirs).max() * 255 <= 1e-4
        assert apart <= max(1e-3, 2 * floor)


def test_what_tensorflow_saves_is_read(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")

    class Net(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.kernels = [tf.Variable(KERNEL), tf.Variable(KERNEL[::-1] / 2)]
            self.slope = tf.Variable([0.1, 0.2, 0.3])
            self.unused = tf.Variable(tf.zeros((4, 4)))

        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)])
        def __call__(self, x):
            first = tf.nn.relu(tf.nn.conv2d(x, self.kernels[0], 1, "SAME")) * self.slope
            mean, variance = tf.nn.moments(first, [1, 2], keepdims=True)
            normal = tf.nn.batch_normalization(first, mean, variance, None, None, 1e-3)
            sizes = tf.shape(x)[1:3]
            small = tf.nn.avg_pool2d(normal, 2, 2, "SAME")
            large = tf.image.resize(small, sizes, method="nearest")
            return tf.sigmoid(tf.nn.conv2d(large, self.kernels[1], 1, "SAME")) + 0 * x

    net = Net()
    tf.saved_model.save(net, str(tmp_path / "net"), signatures=net.__call__)
    read = READER.read(tmp_path / "net")
    network = prove(ARCHITECTURE, read, (14, 8), (6, 10))
    assert network.inputs[0].size.multiple_of == 2  # type: ignore[union-attr]
    given = parity.inputs_for(network, (14, 8))
    ours = parity.run(network.model.SerializeToString(), given)["result"]
    theirs = net(given["frame"].transpose(0, 2, 3, 1)).numpy().transpose(0, 3, 1, 2)
    assert np.abs(ours - theirs).max() * 255 <= 1e-3


def test_what_tensorflow_1_saved_is_read(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    v1 = tf.compat.v1
    picture = soft_picture(3, (16, 12)).transpose(0, 2, 3, 1)
    with tf.Graph().as_default(), v1.Session() as session:
        taken = v1.placeholder(tf.float32, (None, None, None, 3), "picture")
        with v1.variable_scope("layer", use_resource=False):
            kernel = v1.get_variable("kernel", initializer=KERNEL)
            slope = v1.get_variable("slope", initializer=np.float32([0.1, 0.2, 0.3]))
        with v1.variable_scope("unused"):
            v1.get_variable("other", initializer=KERNEL * 2)
        x = tf.nn.conv2d(taken, kernel, 1, "SAME")
        made = taken + 0.1 * (tf.nn.relu(x) + slope * (x - abs(x)) * 0.5)
        session.run(v1.global_variables_initializer())
        theirs = session.run(made, {taken: picture}).transpose(0, 3, 1, 2)
        v1.saved_model.simple_save(
            session, str(tmp_path / "net"), {"picture": taken}, {"made": made}
        )
    read = READER.read(tmp_path / "net")
    np.testing.assert_array_equal(read.arrays["layer/kernel"], KERNEL)
    network = prove(ARCHITECTURE, read, (13, 9))
    given = {"frame": picture.transpose(0, 3, 1, 2)}
    ours = parity.run(network.model.SerializeToString(), given)["result"]
    assert np.abs(ours - theirs).max() * 255 <= 1e-3


def test_what_keras_exports_is_read(tmp_path: Path) -> None:
    tf = pytest.importorskip("tensorflow")
    tf.keras.utils.set_random_seed(0)
    layers = tf.keras.layers
    taken = tf.keras.Input((16, 24, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(taken)
    x = layers.BatchNormalization()(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.SeparableConv2D(8, 3, padding="same", activation="elu")(x)
    x = layers.Conv2DTranspose(8, 4, strides=2, padding="same")(x)
    x = layers.LeakyReLU()(layers.Concatenate()([x, taken]))
    model = tf.keras.Model(taken, layers.Conv2D(3, 5, padding="same", activation="tanh")(x))
    model.export(str(tmp_path / "net"), verbose=False)
    read = READER.read(tmp_path / "net")
    network = prove(ARCHITECTURE, read)
    assert network.inputs[0].size.fixed == [24, 16]  # type: ignore[union-attr]
    given = parity.inputs_for(network)
    ours = parity.run(network.model.SerializeToString(), given)["result"]
    theirs = model(given["frame"].transpose(0, 2, 3, 1), training=False).numpy()
    assert np.abs(ours - theirs.transpose(0, 3, 1, 2)).max() * 255 <= 1e-3 * 2
