"""What a graph does at one size of frame, layer by layer: arithmetic, and bytes moved and held."""

from __future__ import annotations

import math
from dataclasses import dataclass

import onnx
from onnx import NodeProto, TensorProto, helper

from converters.cost import Shapes, macs_of, traced

FLOAT32_BYTES = 4
LANES = 16
"""Output channels are calculated in groups of as many, whether there are or not: the width of what
processors and GPUs multiply at once."""

_ROOTS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
_ELEMENTWISE = {
    "Relu", "LeakyRelu", "PRelu", "Clip", "Sigmoid", "Tanh", "Elu", "Selu", "HardSigmoid",
    "HardSwish", "Softplus", "Mul", "Add", "Sub", "Div", "Neg", "Min", "Max",
}  # fmt: skip
_VIEWS = {"Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten", "Dropout"}
_TWICE = {"InstanceNormalization", "LayerNormalization", "LpNormalization", "Softmax"}
"""What reads its input for a sum, and again to apply it."""
_FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16}


@dataclass(frozen=True, slots=True)
class Layer:
    """One node, with the elementwise ones that are calculated on its way.

    Attributes:
        macs: multiply-accumulates.
        busy_macs: the same with output channels filled up to groups of LANES.
        read: floats that it takes from memory, weights among them.
        written: floats that it puts there.
    """

    name: str
    op_type: str
    macs: int
    busy_macs: int
    read: int
    written: int

    @property
    def values(self) -> int:
        return self.read + self.written


@dataclass(frozen=True, slots=True)
class Work:
    """One frame through a graph.

    Attributes:
        size: width and height of the frame that is taken, or made where none is taken.
        layers: in the order of the graph, without those that only look at values another way.
        weights: floats that stand in the file.
        held: floats between layers where most of them are needed at once, the input among them.
    """

    size: tuple[int, int]
    layers: list[Layer]
    weights: int
    held: int

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def values(self) -> int:
        """Floats read and written by all layers."""
        return sum(layer.values for layer in self.layers)


def work_of(model: onnx.ModelProto, width: int, height: int) -> Work:
    """
    Args:
        model: or its outline; fixed sides stay as they are, whatever is asked for.
    Raises: ValueError: the shapes of some tensors cannot be told without a run.
    """
    nodes, shapes = traced(model, width, height)
    changing = {port.name for port in model.graph.input}
    changing |= {name for node in nodes for name in node.output}
    changing -= {tensor.name for tensor in model.graph.initializer}
    constant = {name for node in nodes for name in node.input} - changing
    readers: dict[str, int] = {}
    for node in nodes:
        for name in dict.fromkeys(node.input):
            readers[name] = readers.get(name, 0) + 1
    for port in model.graph.output:
        readers[port.name] = readers.get(port.name, 0) + 1
    layers: dict[str, Layer] = {}
    within: dict[str, str] = {}
    """By the name of a tensor: the layer that makes it, where more may be done on the way."""
    for index, node in enumerate(nodes):
        taken = [name for name in node.input if name and name not in constant]
        if not taken:
            constant.update(node.output)  # calculated once, when the graph is loaded
            continue
        if node.op_type in _VIEWS or not any(_is_picture(shapes, name) for name in node.output):
            within |= {node.output[0]: within[taken[0]]} if taken[0] in within else {}
            continue
        on_the_way = node.op_type in _ELEMENTWISE and len(taken) == 1
        if on_the_way and taken[0] in within and readers[taken[0]] == 1:
            # It changes what the layer before would have written; its own weights are few.
            within[node.output[0]] = within[taken[0]]
            continue
        key = f"{index} {node.name}"
        layers[key] = _layer(node, shapes)
        if node.op_type in _ROOTS:
            within[node.output[0]] = key
    floats = [t for t in model.graph.initializer if t.data_type in _FLOATS]
    ports = [port.name for port in (*model.graph.input, *model.graph.output)]
    pictures = [shapes[name] for name in ports if len(shapes.get(name, ())) == 4]
    sides = pictures[0] if pictures else [1, 1, height, width]
    return Work(
        (sides[3], sides[2]), list(layers.values()), sum(math.prod(t.dims) for t in floats),
        _held(model, nodes, shapes, constant),
    )  # fmt: skip


def _layer(node: NodeProto, shapes: Shapes) -> Layer:
    macs = macs_of(node, shapes)
    read = sum(_count(shapes, name) for name in dict.fromkeys(node.input) if name)
    if node.op_type in _TWICE:
        read += _count(shapes, node.input[0])
    if node.op_type == "Resize":
        read = _count(shapes, node.input[0])
    written = sum(_count(shapes, name) for name in node.output if name)
    busy = round(macs * _fill(node, shapes))
    return Layer(node.name, node.op_type, macs, busy, read, written)


def _fill(node: NodeProto, shapes: Shapes) -> float:
    """How many times more is multiplied than needed, in whole groups of LANES."""
    if node.op_type not in ("Conv", "ConvTranspose"):
        return 1
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    groups = int(attributes.get("group", 1))
    channels = shapes[node.output[0]][1] // groups
    if channels <= 1 < groups:  # depthwise: the groups themselves lie side by side
        channels = groups
    return (-(-channels // LANES) * LANES) / channels


def _held(
    model: onnx.ModelProto, nodes: list[NodeProto], shapes: Shapes, constant: set[str]
) -> int:
    """The most floats that are alive at once; elementwise nodes write where they read."""
    root: dict[str, str] = {}
    last: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.input:
            last[name] = index
    for port in model.graph.output:
        last[port.name] = len(nodes)
    alive = {port.name: _count(shapes, port.name) for port in model.graph.input}
    alive = {name: count for name, count in alive.items() if name in last and name not in constant}
    until = {name: last[name] for name in alive}
    most = sum(alive.values())
    for index, node in enumerate(nodes):
        taken = [name for name in node.input if name and name not in constant]
        if not taken:
            continue
        source = root.get(taken[0], taken[0])
        view = node.op_type in _VIEWS
        in_place = node.op_type in _ELEMENTWISE and until.get(source) == index
        same = _count(shapes, node.output[0]) == alive.get(source)
        for name in (name for name in node.output if name):
            if source in alive and (view or (in_place and same)):
                root[name] = source
                until[source] = max(until[source], last.get(name, index))
            else:
                alive[name] = _count(shapes, name)
                until[name] = last.get(name, index)
        most = max(most, sum(alive.values()))
        alive = {name: count for name, count in alive.items() if until[name] > index}
    return most


def _count(shapes: Shapes, name: str) -> int:
    shape = shapes.get(name)
    if shape is None or not all(shape):
        raise ValueError(f"{name}: its shape cannot be told without a run")
    return math.prod(shape)


def _is_picture(shapes: Shapes, name: str) -> bool:
    """Or any other tensor that is worth counting: sizes and indices are not."""
    return len(shapes.get(name, ())) > 1 or math.prod(shapes.get(name, (0,))) > 64
