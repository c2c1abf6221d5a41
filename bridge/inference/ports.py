"""Whether a graph has the inputs and outputs that its manifest states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridge.errors import GraphMismatchError
from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    LatentInput,
    Manifest,
    ParameterInput,
    StateOutput,
)

if TYPE_CHECKING:
    import onnx


def check_ports(model: onnx.ModelProto, manifest: Manifest, manifest_place: str) -> None:
    """Compare the names, types and shapes of both.

    Args:
        manifest_place: of the manifest, for errors.
    Raises: GraphMismatchError: they differ.
    """
    declared: dict[str, onnx.TypeProto.Tensor] = {}
    initialized = {tensor.name for tensor in model.graph.initializer}
    for what, ports, values in (
        ("inputs", manifest.inputs, [v for v in model.graph.input if v.name not in initialized]),
        ("outputs", manifest.outputs, list(model.graph.output)),
    ):
        stated, found = {p.name for p in ports}, {v.name for v in values}
        if stated != found:
            raise GraphMismatchError(
                f"{manifest_place} {what}",
                f"the graph's {what} {sorted(found)}",
                f"{sorted(stated)}",
                "Name each port of the graph once.",
            )
        types = {v.name: v.type.tensor_type for v in values}
        declared |= types
        for index, port in enumerate(ports):
            place = f"{manifest_place} {what}[{index}]"
            if isinstance(port, (FrameInput, FrameOutput)):
                _check_picture_port(port, types[port.name], place)
            elif isinstance(port, ParameterInput):
                _check_parameter_port(port, types[port.name], place)
            elif isinstance(port, LatentInput):
                _check_latent_port(port, types[port.name], place)
            elif isinstance(port, StateOutput):
                _check_state_port(port, declared[port.feeds], types[port.name], place)


def _type_name(number: int) -> str:
    import onnx

    # A graph may hold a number that names no type.
    names = onnx.TensorProto.DataType
    return names.Name(number) if number in names.values() else str(number)


def _check_picture_port(
    port: FrameInput | FrameOutput, tensor: onnx.TypeProto.Tensor, place: str
) -> None:
    import onnx

    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    dims = dims_of(tensor)
    channels = 3 if port.channels == "RGB" else 1
    good = tensor.elem_type in floats and len(dims) == 4
    good = good and dims[0] in (None, 1) and dims[1] in (None, channels)
    if good and isinstance(port, FrameInput):
        width, height = port.size.fixed or (None, None)
        good = dims[2] in (None, height) and dims[3] in (None, width)
    elif good and isinstance(port, FrameOutput) and port.size is not None:
        good = dims[2] in (None, port.size[1]) and dims[3] in (None, port.size[0])
    if not good:
        raise GraphMismatchError(
            place,
            f"a float tensor (1, {channels}, H, W) of the stated size",
            f"type {_type_name(tensor.elem_type)} with shape {dims}",
            "Correct `channels` or `size`, or convert the graph again.",
        )


def dims_of(tensor: onnx.TypeProto.Tensor) -> list[int | None]:
    """The dimensions of a tensor; None where one is open."""
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]


def _check_state_port(
    port: StateOutput, taken: onnx.TypeProto.Tensor, given: onnx.TypeProto.Tensor, place: str
) -> None:
    import onnx

    kinds = {"float32": onnx.TensorProto.FLOAT, "float16": onnx.TensorProto.FLOAT16}
    found = [f"{_type_name(t.elem_type)} {dims_of(t)}" for t in (taken, given)]
    good = taken.elem_type == given.elem_type == kinds[port.dtype]
    good = good and all(t.HasField("shape") for t in (taken, given))
    good = good and len(dims_of(taken)) == len(dims_of(given))
    pairs = zip(dims_of(taken), dims_of(given), strict=good)
    if not good or any(a != b and None not in (a, b) for a, b in pairs):
        raise GraphMismatchError(
            place,
            f"a {port.dtype} output of the shape of the input {port.feeds!r}, which it feeds",
            f"{found[1]}, and {found[0]} of the input",
            "Correct `dtype` or `feeds`, or convert the graph again.",
        )


def _check_latent_port(port: LatentInput, tensor: onnx.TypeProto.Tensor, place: str) -> None:
    import onnx

    dims = dims_of(tensor)
    good = tensor.elem_type == onnx.TensorProto.FLOAT and len(dims) == 2
    if not (good and dims[0] in (None, 1) and dims[1] in (None, port.length)):
        raise GraphMismatchError(
            place,
            f"a float tensor (1, {port.length})",
            f"type {_type_name(tensor.elem_type)} with shape {dims}",
            "Correct `length`, or convert the graph again.",
        )


def _check_parameter_port(port: ParameterInput, tensor: onnx.TypeProto.Tensor, place: str) -> None:
    import onnx

    kinds = {
        "float": onnx.TensorProto.FLOAT,
        "colour": onnx.TensorProto.FLOAT,
        "int": onnx.TensorProto.INT64,
        "choice": onnx.TensorProto.INT64,
        "bool": onnx.TensorProto.BOOL,
    }
    elements = 1
    for dim in tensor.shape.dim:
        elements *= dim.dim_value
    wanted = 3 if port.kind == "colour" else 1
    if tensor.elem_type != kinds[port.kind] or elements != wanted:
        raise GraphMismatchError(
            place,
            f"{wanted} element(s) of {_type_name(kinds[port.kind])}"
            f" for a parameter of kind {port.kind}",
            f"{elements} of {_type_name(tensor.elem_type)}",
            "Correct `kind`, or convert the graph again.",
        )
