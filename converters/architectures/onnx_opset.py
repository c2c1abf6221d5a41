"""Brings an ONNX graph to opset 17, from before or after, and leaves out what is only ballast."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import onnx
import onnx.inliner
import onnx.version_converter
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.package import IR_VERSION_MAX, OPSET
from converters.architectures.base import NotThis

_OWN_DOMAINS = ("", "ai.onnx")
_FIRST_OPSET = 5
"""What is older was written before ONNX 1.0."""
_LAST_OLD_RESIZE = 10
"""Until then the corners of pixels were aligned; onnx's converter leaves that to a new default."""
_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")


def normalised(model: onnx.ModelProto) -> tuple[onnx.ModelProto, list[str]]:
    """The same graph in opset 17 and IR 10, not yet checked, and what was done to it.

    Raises: NotThis: it cannot be brought there. Whatever onnx raises: it is damaged.
    """
    done = []
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    foreign = {
        f"{node.domain}.{node.op_type}"
        for node in _nodes(model.graph)
        if node.domain not in _OWN_DOMAINS
    }
    if foreign:
        raise NotThis(
            f"it has operations that are not of ONNX: {', '.join(sorted(foreign)[:8])}"
            + (f" and {len(foreign) - 8} more" if len(foreign) > 8 else "")
        )
    for node in _nodes(model.graph):
        node.domain = ""
    opset = max((e.version for e in model.opset_import if e.domain in _OWN_DOMAINS), default=1)
    if not _FIRST_OPSET <= opset <= onnx.defs.onnx_opset_version():
        raise NotThis(
            f"its opset is {opset}, and what is known here is {_FIRST_OPSET} to "
            f"{onnx.defs.onnx_opset_version()}"
        )
    given = {tensor.name for tensor in model.graph.initializer}
    listed = [value for value in model.graph.input if value.name in given]
    for value in listed:
        model.graph.input.remove(value)
    if listed:
        done.append(f"{len(listed)} weights that were listed as inputs are weights alone")
    del model.graph.value_info[:]
    model.ir_version = IR_VERSION_MAX
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", opset))
    if opset < OPSET:
        try:
            model = onnx.version_converter.convert_version(model, OPSET)
        except RuntimeError as error:
            said = " ".join(str(error).split()).rpartition("failed: ")[2]
            raise NotThis(
                f"it cannot be brought from opset {opset} to {OPSET}: {said[:200]}"
            ) from None
        model.ir_version = IR_VERSION_MAX
        if opset <= _LAST_OLD_RESIZE:
            _resize_as_before(model.graph)
    elif opset > OPSET:
        _lower(model.graph, opset)
        del model.opset_import[:]
        model.opset_import.append(helper.make_opsetid("", OPSET))
    if opset != OPSET:
        done.append(f"brought from opset {opset} to {OPSET}")
    _constants_as_weights(model.graph)
    prune(model.graph)
    return model, done


def prune(graph: onnx.GraphProto) -> None:
    """Leave out nodes and weights that no output depends on."""
    producers = {name: node for node in graph.node for name in node.output if name}
    wanted: set[str] = set()
    kept: set[int] = set()
    waiting = [value.name for value in graph.output]
    while waiting:
        name = waiting.pop()
        if name in wanted:
            continue
        wanted.add(name)
        node = producers.get(name)
        if node is not None and id(node) not in kept:
            kept.add(id(node))
            waiting.extend(reads(node))
    nodes = [node for node in graph.node if id(node) in kept]
    if len(nodes) < len(graph.node):
        copies = []
        for node in nodes:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copies.append(copy)
        del graph.node[:]
        graph.node.extend(copies)
    for tensor in [t for t in graph.initializer if t.name not in wanted]:
        graph.initializer.remove(tensor)


def reads(node: onnx.NodeProto) -> set[str]:
    """The values that a node takes, those that its subgraphs take from outside among them."""
    found = {name for name in node.input if name}
    for graph in _subgraphs(node):
        inside = {v.name for v in graph.input} | {t.name for t in graph.initializer}
        for inner in graph.node:
            found |= reads(inner) - inside
            inside |= set(inner.output)
        found |= {value.name for value in graph.output} - inside
    return found


def _subgraphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    for node in graph.node:
        yield node
        for inner in _subgraphs(node):
            yield from _nodes(inner)


def _constants_as_weights(graph: onnx.GraphProto) -> None:
    kept = []
    for node in graph.node:
        tensor = _constant(node) if node.op_type == "Constant" else None
        if tensor is None:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            kept.append(copy)
        else:
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(kept)


def _constant(node: onnx.NodeProto) -> TensorProto | None:
    (attribute,) = node.attribute
    tensor = TensorProto()
    if attribute.name == "value":
        tensor.CopyFrom(attribute.t)
        return tensor
    if attribute.name in ("value_float", "value_floats"):
        return numpy_helper.from_array(np.array(helper.get_attribute_value(attribute), np.float32))
    if attribute.name in ("value_int", "value_ints"):
        return numpy_helper.from_array(np.array(helper.get_attribute_value(attribute), np.int64))
    return None


def _resize_as_before(graph: onnx.GraphProto) -> None:
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and (tensor := _constant(node)) is not None:
            known[node.output[0]] = numpy_helper.to_array(tensor)
    for node in _nodes(graph):
        if node.op_type != "Resize":
            continue
        factors = known.get(node.input[2]) if len(node.input) > 2 else None
        smaller = factors is not None and factors.size > 0 and factors.min() < 1
        stated = {attribute.name for attribute in node.attribute}
        for name, value in (
            ("coordinate_transformation_mode", "asymmetric"),
            ("nearest_mode", "ceil" if smaller else "floor"),
        ):
            if name not in stated:
                node.attribute.append(helper.make_attribute(name, value))


def _lower(graph: onnx.GraphProto, opset: int) -> None:
    """Rewrite what changed after opset 17; onnx's own converter lacks most of it."""
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and (tensor := _constant(node)) is not None:
            weights[node.output[0]] = numpy_helper.to_array(tensor)
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        for inner in _subgraphs(node):
            _lower(inner, opset)
        made = [_copied(node)]
        if onnx.defs.get_schema(node.op_type, opset).since_version > OPSET:
            change = _CHANGES.get(node.op_type)
            made = change(made[0], weights) if change else made
            for part in made:
                _drop_defaults(part, opset)
        nodes.extend(made)
    del graph.node[:]
    graph.node.extend(nodes)


def _copied(node: onnx.NodeProto) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    return copy


def _drop_defaults(node: onnx.NodeProto, opset: int) -> None:
    """Leave out attributes that opset 17 does not know where they say what it does anyway."""
    try:
        old = onnx.defs.get_schema(node.op_type, OPSET)
    except onnx.defs.SchemaError:
        raise NotThis(
            f"{node.op_type} came with a later opset than {OPSET}, and is not known here"
        ) from None
    new = onnx.defs.get_schema(node.op_type, opset)
    for attribute in list(node.attribute):
        if attribute.name in old.attributes:
            continue
        default = new.attributes[attribute.name].default_value
        same = (
            helper.get_attribute_value(attribute) == helper.get_attribute_value(default)
            if (default.name)
            else False
        )
        if not same:
            raise NotThis(f"{node.op_type} with {attribute.name!r} came with a later opset")
        node.attribute.remove(attribute)
    if len(node.input) > old.max_input:
        raise NotThis(f"{node.op_type} with {len(node.input)} inputs came with a later opset")


Weights = dict[str, np.ndarray]  # type: ignore[type-arg]


def _reduction(node: onnx.NodeProto, weights: Weights) -> list[onnx.NodeProto]:
    axes = weights.get(node.input[1]) if len(node.input) > 1 and node.input[1] else np.array([])
    if axes is None:
        raise NotThis(f"the axes of {node.op_type} are calculated")
    idle = any(a.name == "noop_with_empty_axes" and a.i for a in node.attribute)
    if not axes.size and idle:
        return [helper.make_node("Identity", [node.input[0]], list(node.output), node.name)]
    for attribute in [a for a in node.attribute if a.name == "noop_with_empty_axes"]:
        node.attribute.remove(attribute)
    del node.input[1:]
    if axes.size:
        node.attribute.append(helper.make_attribute("axes", [int(a) for a in axes.ravel()]))
    return [node]


def _split(node: onnx.NodeProto, _: Weights) -> list[onnx.NodeProto]:
    for attribute in [a for a in node.attribute if a.name == "num_outputs"]:
        node.attribute.remove(attribute)
    return [node]


def _pad(node: onnx.NodeProto, _: Weights) -> list[onnx.NodeProto]:
    if any(a.name == "mode" and a.s == b"wrap" for a in node.attribute):
        raise NotThis("Pad with mode 'wrap' came with a later opset")
    if len(node.input) > 3 and not node.input[3]:
        del node.input[3:]
    return [node]


def _grid_sample(node: onnx.NodeProto, _: Weights) -> list[onnx.NodeProto]:
    older = {b"linear": b"bilinear", b"cubic": b"bicubic"}
    mode = next((a for a in node.attribute if a.name == "mode"), None)
    if mode is not None:
        mode.s = older.get(mode.s, mode.s)
    return [node]


def _mish(node: onnx.NodeProto, _: Weights) -> list[onnx.NodeProto]:
    x, y = node.input[0], node.output[0]
    return [
        helper.make_node("Softplus", [x], [f"{y}/softplus"]),
        helper.make_node("Tanh", [f"{y}/softplus"], [f"{y}/tanh"]),
        helper.make_node("Mul", [x, f"{y}/tanh"], [y]),
    ]


def _gelu(node: onnx.NodeProto, _: Weights) -> list[onnx.NodeProto]:
    if any(a.name == "approximate" and a.s == b"tanh" for a in node.attribute):
        raise NotThis("Gelu with approximate 'tanh' came with a later opset")
    x, y = node.input[0], node.output[0]
    constants = [
        helper.make_node("Constant", [], [f"{y}/{name}"], value_float=value)
        for name, value in (("root", math.sqrt(0.5)), ("one", 1.0), ("half", 0.5))
    ]
    return [
        *constants,
        helper.make_node("Mul", [x, f"{y}/root"], [f"{y}/scaled"]),
        helper.make_node("Erf", [f"{y}/scaled"], [f"{y}/erf"]),
        helper.make_node("Add", [f"{y}/erf", f"{y}/one"], [f"{y}/added"]),
        helper.make_node("Mul", [x, f"{y}/added"], [f"{y}/doubled"]),
        helper.make_node("Mul", [f"{y}/doubled", f"{y}/half"], [y]),
    ]


_CHANGES: dict[str, Callable[[onnx.NodeProto, Weights], list[onnx.NodeProto]]] = {
    **{f"Reduce{name}": _reduction for name in _REDUCTIONS},
    "Split": _split, "Pad": _pad, "GridSample": _grid_sample, "Mish": _mish, "Gelu": _gelu,
}  # fmt: skip
