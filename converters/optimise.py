"""A simpler graph that gives the same: by onnxslim where it is installed, else by our own passes.

The result is run beside the original, and taken only where there is no difference to speak of.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from bridge.errors import FramebridgeError
from bridge.inference.manifest import FrameInput, FrameOutput
from bridge.inference.package import IR_VERSION_MAX, OPSET
from converters import parity
from converters.apart import call_apart, packed_all, unpacked_all
from converters.architectures.base import Network
from converters.architectures.onnx_opset import prune
from converters.weights import Array

TOLERANCE = 1e-3
"""Of 255: the order of a sum may change."""
_FOLDED_MAX_BYTES = 1 << 20
"""Larger results of constants stay calculated: a file should not grow by what an Expand makes."""
_NEVER_FOLDED = {"RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike",
                 "Multinomial", "Bernoulli"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Optimised:
    """
    Attributes:
        network: with the simpler graph, or as it was.
        notes: what was done, or why nothing was, one sentence each.
    """

    network: Network
    notes: list[str]


def optimise(network: Network) -> Optimised:
    """Simplify the graph of a network, if that changes nothing.

    Guarantees: ports, opset and IR version stay; a failure leaves the network as it was, and says
    so in the notes.
    """
    way = "onnxslim" if importlib.util.find_spec("onnxslim") else "our own passes"
    before = len(network.model.graph.node)
    request = {
        "model": network.model.SerializeToString(), "way": way,
        "tried": [packed_all(parity.inputs_for(network, size)) for size in _sizes(network)],
        "spans": {
            port.name: 255 / (port.range[1] - port.range[0])
            for port in network.outputs
            if isinstance(port, FrameOutput)
        },
    }  # fmt: skip
    try:
        answer = call_apart("converters.optimise:simplified", request, network.title)
        problem = answer["problem"]
    except FramebridgeError as error:
        problem = error.found
    if problem:
        return Optimised(network, [f"not simplified: by {way} {problem}"])
    model = onnx.ModelProto()
    model.ParseFromString(answer["model"])
    after = len(model.graph.node)
    if after >= before:
        return Optimised(network, [f"nothing to simplify in its {before} nodes"])
    note = f"simplified from {before} to {after} nodes by {way}; run beside the original"
    return Optimised(replace(network, model=model), [note])


def simplified(request: dict[str, Any]) -> dict[str, Any]:
    """The simpler graph of a serialized one, and what of it is not as it was; runs in a process of
    its own."""
    old, model = onnx.ModelProto(), onnx.ModelProto()
    for copy in (old, model):
        copy.ParseFromString(request["model"])
    if request["way"] == "onnxslim":
        import onnxslim

        model = onnxslim.slim(model)
    else:
        _without_identities(model.graph)
        _folded(model)
        _without_twins(model.graph)
        prune(model.graph)
    model.ir_version = min(model.ir_version, IR_VERSION_MAX)
    onnx.checker.check_model(model, full_check=True)
    tried = [unpacked_all(inputs) for inputs in request["tried"]]
    problem = difference(old, model, tried, request["spans"])
    return {"model": model.SerializeToString(), "problem": problem}


def difference(
    old: onnx.ModelProto, new: onnx.ModelProto, tried: Sequence[Mapping[str, Array]],
    spans: Mapping[str, float],
) -> str:  # fmt: skip
    """What of the new graph is not as the old one; empty where all is.

    Args:
        tried: values of the inputs, each for one run of both.
        spans: what a difference of 1 is of 255, by the name of the output; 1 where none is given.
    """
    opsets = [(entry.domain, entry.version) for entry in new.opset_import]
    if opsets != [("", OPSET)]:
        return f"it got the opsets {opsets}"
    if [_port(v) for v in new.graph.input] != [_port(v) for v in old.graph.input]:
        return "its inputs became others"
    if [v.name for v in new.graph.output] != [v.name for v in old.graph.output]:
        return "its outputs became others"
    del new.graph.output[:]
    new.graph.output.extend(old.graph.output)
    before, after = (model.SerializeToString() for model in (old, new))
    for inputs in tried:
        expected = parity.run(before, inputs)
        at = ", ".join(f"{name} {list(value.shape)}" for name, value in inputs.items())
        try:
            found = parity.run(after, inputs)
        except Exception as error:
            return f"it does not run with {at}: {' '.join(str(error).split())[:160]}"
        for name, value in expected.items():
            if value.shape != found[name].shape:
                return f"{name} has another shape with {at}"
            apart = np.abs(value.astype(np.float64) - found[name]).max(initial=0.0)
            worst = float(apart * spans.get(name, 1.0))
            if not worst <= TOLERANCE:
                return f"it differs by {worst:.3g} of 255 with {at}"
    return ""


def _port(value: onnx.ValueInfoProto) -> tuple[str, int, list[Any]]:
    tensor = value.type.tensor_type
    # Names of open sides may change; which are open may not.
    dims = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
    return value.name, tensor.elem_type, dims


def _sizes(network: Network) -> list[tuple[int, int]]:
    """Two where frames may have any size: a pass may have fixed what was open."""
    first = network.try_size
    port = next((p for p in network.inputs if isinstance(p, FrameInput)), None)
    if port is None or port.size.fixed:
        return [first]
    step = port.size.multiple_of
    return [first, (first[0] + 2 * step, first[1] + step)]


def _without_identities(graph: onnx.GraphProto) -> None:
    """Readers of an Identity read its source; one that makes a result stays."""
    results = {value.name for value in graph.output}
    sources = {
        node.output[0]: node.input[0]
        for node in graph.node
        if node.op_type == "Identity" and node.output[0] not in results
    }
    if any(attribute.g.node for node in graph.node for attribute in node.attribute):
        return  # a subgraph may read them by name
    for node in graph.node:
        for index, name in enumerate(node.input):
            while name in sources:
                name = sources[name]
            node.input[index] = name


def _folded(model: onnx.ModelProto) -> None:
    """Calculate what depends on constants alone."""
    from onnx.reference import ReferenceEvaluator

    graph = model.graph
    known = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    results = {value.name for value in graph.output}
    for node in list(graph.node):
        plain = not any(a.g.node or a.graphs for a in node.attribute)
        given = [name for name in node.input if name]
        if not plain or node.op_type in _NEVER_FOLDED or results.intersection(node.output):
            continue
        if any(name not in known for name in given) or not (given or node.op_type == "Constant"):
            continue
        values = {name: known[name] for name in given}
        try:
            made = ReferenceEvaluator(_alone(model, node, values)).run(None, values)
        except Exception:
            continue  # what cannot be calculated here stays as it is
        if sum(np.asarray(value).nbytes for value in made) > _FOLDED_MAX_BYTES:
            continue
        for name, value in zip(node.output, made, strict=True):
            known[name] = np.asarray(value)
            graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        graph.node.remove(node)


def _alone(model: onnx.ModelProto, node: onnx.NodeProto, values: dict[str, Any]) -> onnx.ModelProto:
    inputs = [
        onnx.helper.make_tensor_value_info(
            name, onnx.helper.np_dtype_to_tensor_dtype(value.dtype), value.shape
        )
        for name, value in values.items()
    ]
    outputs = [
        onnx.helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None)
        for name in node.output
    ]
    alone = onnx.helper.make_graph([node], "alone", inputs, outputs)
    return onnx.helper.make_model(alone, opset_imports=list(model.opset_import))


def _without_twins(graph: onnx.GraphProto) -> None:
    """One of each constant."""
    if any(attribute.g.node for node in graph.node for attribute in node.attribute):
        return
    first: dict[tuple[Any, ...], str] = {}
    same: dict[str, str] = {}
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        key = (tensor.data_type, array.shape, array.tobytes())
        same[tensor.name] = first.setdefault(key, tensor.name)
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = same.get(name, name)
