"""What a graph costs and how far one of its pixels looks, counted from its nodes."""

from __future__ import annotations

import math

import onnx
from onnx import NodeProto, TensorProto, helper

from bridge.inference.manifest import Cost
from bridge.inference.outline import KEPT_BYTES
from converters.shape_folding import fold_shapes

PROBE_SIDE = 1024
"""Pixels of each free side of the frame that multiply-accumulates are counted on."""

Shapes = dict[str, list[int]]


def count_cost(model: onnx.ModelProto) -> Cost:
    """Parameters, and multiply-accumulates of convolutions and products of matrices for each pixel
    of the frame; of the picture that is made, where there is no frame.

    Args:
        model: or its outline. First input (1, C, H, W), or first output if no input is a picture;
            fixed sides are taken as they are.
    Raises: ValueError: the shapes of some tensors cannot be told without a run.
    """
    floats = (TensorProto.FLOAT, TensorProto.FLOAT16)
    parameters = sum(math.prod(t.dims) for t in model.graph.initializer if t.data_type in floats)
    nodes, shapes = traced(model, PROBE_SIDE, PROBE_SIDE)
    macs = sum(macs_of(node, shapes) for node in nodes)
    ports = [port.name for port in (*model.graph.input, *model.graph.output)]
    pictures = [shapes[name] for name in ports if len(shapes.get(name, ())) == 4]
    if not pictures:
        raise ValueError("no input and no output is a picture")
    return Cost(
        parameters=parameters, macs_per_input_pixel=round(macs / math.prod(pictures[0][2:]))
    )


def receptive_radius(model: onnx.ModelProto) -> int:
    """How many pixels to each side an output pixel depends on, at the input's resolution.

    Raises: ValueError: a node changes the resolution on the way, other than by DepthToSpace.
    """
    weights = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    # Weights may be stored as float16, with a Cast behind them.
    casts = [node for node in model.graph.node if node.op_type == "Cast"]
    weights |= {n.output[0]: weights[n.input[0]] for n in casts if n.input[0] in weights}
    radius = {model.graph.input[0].name: 0}
    for node in model.graph.node:
        inputs = [radius[name] for name in node.input if name in radius]
        reach = _reach(node, weights[node.input[1]]) if node.op_type == "Conv" else 0
        radius[node.output[0]] = max(inputs, default=0) + reach
    return radius[model.graph.output[0].name]


def macs_of(node: NodeProto, shapes: Shapes) -> int:
    """Multiply-accumulates of one convolution or product of matrices; 0 of any other node.

    Raises: ValueError: the shape of what it takes or gives is not known.
    """
    if node.op_type in ("Conv", "ConvTranspose"):
        # The filter is met once by each output position, or input position if transposed.
        meets = node.output[0] if node.op_type == "Conv" else node.input[0]
        return math.prod(_shape(node.input[1], shapes)) * math.prod(_shape(meets, shapes)[2:])
    if node.op_type in ("Gemm", "MatMul"):
        first, result = _shape(node.input[0], shapes), _shape(node.output[0], shapes)
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        return math.prod(result) * first[0 if transposed else -1]
    return 0


def _reach(node: NodeProto, dims: list[int]) -> int:
    attributes = {a.name: list(a.ints) for a in node.attribute}
    if any(stride != 1 for stride in attributes.get("strides", [])):
        raise ValueError(f"{node.name}: a radius is counted for strides of 1 only")
    dilations = attributes.get("dilations", [1, 1])
    reaches: list[int] = [(side - 1) * d // 2 for side, d in zip(dims[2:], dilations, strict=True)]
    return max(reaches)


def _shape(name: str, shapes: Shapes) -> list[int]:
    shape = shapes.get(name)
    if shape is None or not all(shape):
        raise ValueError(f"{name}: its shape cannot be told without a run")
    return shape


def traced(model: onnx.ModelProto, width: int, height: int) -> tuple[list[NodeProto], Shapes]:
    """The nodes without arithmetic on shapes, and the shape of every tensor, when the free sides of
    (1, C, H, W) inputs are `height` and `width`; other free sides are 1.

    Args:
        model: or its outline.
    Raises: ValueError: the shapes of some tensors cannot be told without a run.
    """
    graph = model.graph
    # Inference copies a model several times: the large weights stay behind, their shapes go along.
    small = [t for t in graph.initializer if _tells_shapes(t)]
    large = [t for t in graph.initializer if not _tells_shapes(t)]
    inputs = [_fixed(port, width, height) for port in graph.input]
    inputs += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in large]
    outputs = [
        helper.make_tensor_value_info(port.name, port.type.tensor_type.elem_type, None)
        for port in graph.output
    ]
    bare = helper.make_model(
        helper.make_graph(graph.node, "shapes", inputs, outputs, small),
        opset_imports=model.opset_import,
        ir_version=model.ir_version,
    )
    folded = fold_shapes(bare)
    try:
        inferred = onnx.shape_inference.infer_shapes(folded, strict_mode=True, data_prop=True).graph
    except onnx.shape_inference.InferenceError as error:
        raise ValueError(" ".join(str(error).split())[:300]) from None
    values = [*inferred.input, *inferred.value_info, *inferred.output]
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
    shapes |= {tensor.name: list(tensor.dims) for tensor in folded.graph.initializer}
    return list(inferred.node), shapes


def _tells_shapes(tensor: onnx.TensorProto) -> bool:
    """Whether its values are there, and few: an outline has none of its weights'."""
    has_values = any(field.name.endswith("_data") for field, _ in tensor.ListFields())
    return tensor.ByteSize() <= KEPT_BYTES and (has_values or not math.prod(tensor.dims))


def _fixed(port: onnx.ValueInfoProto, width: int, height: int) -> onnx.ValueInfoProto:
    fixed = onnx.ValueInfoProto()
    fixed.CopyFrom(port)
    for index, dim in enumerate(fixed.type.tensor_type.shape.dim):
        if not dim.dim_value:
            dim.dim_value = {2: height, 3: width}.get(index, 1)
    return fixed
