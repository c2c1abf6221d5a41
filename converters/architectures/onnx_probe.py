"""Tries a stranger's graph out: what it takes for a picture, at which sizes, in which range.

Everything here runs in a process of its own (`converters.apart`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto

from converters.apart import packed, unpacked
from converters.architectures.base import NotThis
from converters.architectures.onnx_opset import normalised, prune
from converters.architectures.onnx_ports import Port, with_ports
from converters.architectures.onnx_range import Range, picture, tell
from converters.weights import Array

_TYPES = {
    TensorProto.FLOAT: np.float32, TensorProto.FLOAT16: np.float16, TensorProto.DOUBLE: np.float64,
    TensorProto.UINT8: np.uint8,
}  # fmt: skip
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128)
_SIDE = 48
"""Pixels that a picture to try with has at least."""
_SINGLE_SIDES = (256, 512, 128, 224, 64, 320, 640, 1024)
"""Sizes to try where a graph does not say that it takes only one."""
_LARGEST_SCALE = 16
_FIXED_MOST = 4096


@dataclass(frozen=True, slots=True)
class Sizes:
    """
    Attributes:
        fixed: width and height, where it takes one size alone.
    """

    fixed: tuple[int, int] | None = None
    multiple_of: int = 1
    least: int = 1

    @property
    def sample(self) -> tuple[int, int]:
        """Width and height of a picture that shows everything."""
        if self.fixed:
            return self.fixed
        step = self.multiple_of
        return step * math.ceil(96 / step), step * math.ceil(72 / step)


def import_graph(request: dict[str, Any]) -> dict[str, Any]:
    """The core graph of a model, and what was found out; a refusal is a plain answer too.

    Args:
        request: "model": as in the file; "options": "range" and "layout" where the user gave them.
    """
    model = onnx.ModelProto()
    model.ParseFromString(request["model"])
    try:
        return _imported(model, request["options"])
    except NotThis as reason:
        return {"refused": str(reason)}


def run_file(request: dict[str, Any]) -> dict[str, Any]:
    """A picture through the file as it is: no change of opset, layout or type but numpy's."""
    graph = Trial(
        request["model"], Port(**request["taken"]), [(request["output"], Port(**request["given"]))]
    )
    return packed(graph.run(unpacked(request["picture"]))[0])


class Trial:
    """A graph in ONNX Runtime, between pictures."""

    def __init__(self, model: bytes, taken: Port, given: Sequence[tuple[str, Port | None]]) -> None:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = 2
        self._session = onnxruntime.InferenceSession(
            model, options, providers=["CPUExecutionProvider"]
        )
        weights = {value.name for value in self._session.get_overridable_initializers()}
        (self._source,) = (v for v in self._session.get_inputs() if v.name not in weights)
        self.taken = taken
        self.given = list(given)

    def raw(self, source: Array) -> list[Array]:
        """Results as the graph gives them, of float (1, C, H, W)."""
        if self.taken.dtype == "uint8":
            source = np.rint(source).clip(0, 255)
        values = self.taken.of_nchw(source).astype(self.taken.dtype)
        found: list[Array] = self._session.run(
            [name for name, _ in self.given], {self._source.name: np.ascontiguousarray(values)}
        )
        return found

    def run(self, source: Array) -> list[Array]:
        """Results as float (1, C, H, W)."""
        return [
            port.to_nchw(value).astype(np.float64) if port else value
            for value, (_, port) in zip(self.raw(source), self.given, strict=True)
        ]


def _imported(model: onnx.ModelProto, options: dict[str, Any]) -> dict[str, Any]:
    model, evidence = normalised(model)
    if len(model.graph.input) != 1:
        shown = ", ".join(f"{v.name[:60]} {_dims(v)}" for v in model.graph.input[:6])
        raise NotThis(f"it has {len(model.graph.input)} inputs, not one picture: {shown}")
    source = model.graph.input[0]
    reasons = []
    for taken in _ways(source, str(options.get("layout", ""))):
        candidate = onnx.ModelProto()
        candidate.CopyFrom(model)
        _set_batch(candidate.graph.input[0], taken)
        try:
            sizes, output, given, scale = _try_sizes(candidate, taken)
        except NotThis as reason:
            reasons.append(f"as {taken}: {reason}")
            continue
        break
    else:
        raise NotThis("; ".join(dict.fromkeys(reasons)))
    others = [value.name for value in candidate.graph.output if value.name != output]
    for value in [v for v in candidate.graph.output if v.name != output]:
        candidate.graph.output.remove(value)
    prune(candidate.graph)
    if others:
        evidence.append(f"its result is {output[:60]}; left out: {', '.join(others)[:200]}")
    evidence.append(f"it takes pictures as {taken} and gives them as {given}")
    width, height = sizes.sample
    sample = picture(taken.channels, height, width)
    trial = Trial(candidate.SerializeToString(), taken, [(output, given)])
    (once,), (again,) = trial.raw(sample), trial.raw(sample)
    if not np.array_equal(once, again, equal_nan=True):
        raise NotThis("it gives another result each time: it draws random numbers")
    if np.array_equal(once, trial.raw(255 * (1 - sample))[0], equal_nan=True):
        raise NotThis("its result does not depend on the picture")
    told: tuple[Range | None, Range | None] = (None, None)
    if "range" in options:
        low, high = (float(value) for value in options["range"])
        told = ((low, high), (low, high))
        evidence.append(f"its range {low:g}..{high:g} was given")
    bytes_in, bytes_out = taken.dtype == "uint8", given.dtype == "uint8"
    told = ((0.0, 255.0) if bytes_in else told[0], (0.0, 255.0) if bytes_out else told[1])
    ranges = tell(lambda x: trial.run(x)[0], candidate, sample, scale, told)
    core, names = with_ports(candidate, taken, given, sizes.fixed)
    onnx.checker.check_model(core, full_check=True)
    return {
        "model": core.SerializeToString(), "names": list(names), "output": output,
        "taken": taken.as_map(), "given": given.as_map(), "scale": scale,
        "fixed": list(sizes.fixed) if sizes.fixed else None, "multiple_of": sizes.multiple_of,
        "least": sizes.least, "sample": [width, height],
        "ranges": [list(ranges.taken), list(ranges.given)], "certain": ranges.certain,
        "evidence": [*evidence, *ranges.evidence],
    }  # fmt: skip


def _dims(value: onnx.ValueInfoProto) -> list[int | None]:
    dims = value.type.tensor_type.shape.dim
    return [d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None for d in dims]


def _ways(source: onnx.ValueInfoProto, layout: str) -> list[Port]:
    """How the input can be read as a picture, the likelier first.

    Raises: NotThis.
    """
    tensor = source.type.tensor_type
    if tensor.elem_type not in _TYPES:
        kind = TensorProto.DataType.Name(tensor.elem_type)
        raise NotThis(f"its input {source.name[:60]} holds {kind}, not a picture's values")
    dtype = np.dtype(_TYPES[tensor.elem_type]).name
    dims: list[int | None] = _dims(source) if tensor.HasField("shape") else [None] * 4
    if len(dims) not in (3, 4):
        raise NotThis(f"its input {source.name[:60]} has the shape {dims}, not that of a picture")
    first, last = dims[-3], dims[-1]
    if 4 in (first, last) and not {1, 3} & {first, last}:
        raise NotThis(
            "its input has 4 channels; alpha stays beside a model here: export one of RGB alone"
        )
    ways = []
    for way, channels, side in (("nchw", first, last), ("nhwc", last, first)):
        if channels in (1, 3) and (layout == way or (not layout and side not in (1, 3))):
            return [Port(way, channels, len(dims), dtype)]
        if channels in (1, 3, None) and layout in ("", way):
            ways.append((way, channels))
    if not layout and first in (1, 3) and last in (1, 3):
        raise NotThis(
            f"its input {dims} can be read as channels first and as channels last: say which with "
            "--layout nchw or --layout nhwc"
        )
    if not ways:
        raise NotThis(f"its input has the shape {dims}: neither 1 nor 3 channels")
    return [
        Port(way, count, len(dims), dtype)
        for count in (3, 1)
        for way, channels in ways
        if channels in (count, None)
    ]


def _set_batch(source: onnx.ValueInfoProto, taken: Port) -> None:
    """One picture at a time; what is open stays so."""
    dims = source.type.tensor_type.shape.dim
    if taken.rank == 4 and len(dims) == 4:
        dims[0].dim_value = 1


def _try_sizes(model: onnx.ModelProto, taken: Port) -> tuple[Sizes, str, Port, int]:
    """Which sizes it takes, which of its outputs is the picture, and how much larger that is.

    Raises: NotThis: it makes no picture of one.
    """
    dims = _dims(model.graph.input[0]) or [None] * 4
    places = (-2, -1) if taken.layout == "nchw" else (-3, -2)
    height, width = (dims[place] for place in places)
    trial = Trial(model.SerializeToString(), taken, [(v.name, None) for v in model.graph.output])
    last: NotThis | None = None

    def made(width: int, height: int) -> tuple[str, Port, int]:
        return _made(trial, taken, width, height)

    if height is not None or width is not None:
        sides = (width or height or 1, height or width or 1)
        if max(sides) > _FIXED_MOST:
            raise NotThis(f"it takes pictures of {sides[0]}x{sides[1]}, too large to be tried")
        return Sizes(fixed=sides), *made(*sides)
    for multiple in _MULTIPLES:
        try:
            found = {made(*size) for size in _samples(multiple)}
            if len(found) == 1:
                return _with_least(trial, taken, multiple, found.pop())
            last = NotThis("its result is not always so many times larger than its source")
        except NotThis as reason:
            last = reason
    for side in _SINGLE_SIDES:
        try:
            return Sizes(fixed=(side, side)), *made(side, side)
        except NotThis:
            continue
    raise last or NotThis("no size of a picture goes through it")


def _samples(multiple: int) -> Iterator[tuple[int, int]]:
    """Odd and even multiples, none of them square."""
    count = max(math.ceil(_SIDE / multiple), 1)
    count += 1 - count % 2
    yield multiple * count, multiple * (count + 2)
    yield multiple * (count + 3), multiple * (count + 1)


def _with_least(
    trial: Trial, taken: Port, multiple: int, found: tuple[str, Port, int]
) -> tuple[Sizes, str, Port, int]:
    for power in range(10):
        side = multiple << power
        try:
            if _made(trial, taken, side, side) == found:
                return Sizes(multiple_of=multiple, least=side), *found
        except NotThis:
            pass
        if side >= _SIDE:
            break
    return Sizes(multiple_of=multiple, least=multiple * math.ceil(_SIDE / multiple)), *found


def _made(trial: Trial, taken: Port, width: int, height: int) -> tuple[str, Port, int]:
    """The largest picture among the results for one of this size."""
    source = 0.5 + 0.0 * picture(taken.channels, height, width)
    try:
        results = trial.raw(source)
    except MemoryError:
        raise
    except Exception as error:
        said = " ".join(str(error).split())
        if "alloc" in said.lower():
            raise MemoryError from None
        raise NotThis(f"a picture of {width}x{height} does not go through: {said[-160:]}") from None
    best: tuple[str, Port, int] | None = None
    reasons = []
    for (name, _), value in zip(trial.given, results, strict=True):
        try:
            port, scale = _as_picture(value, taken, width, height)
        except NotThis as reason:
            reasons.append(f"{name[:60]} {list(value.shape)} {reason}")
            continue
        if best is None or scale > best[2]:
            best = name, port, scale
    if best is None:
        raise NotThis(f"of a picture of {width}x{height} it makes " + "; ".join(reasons[:4]))
    return best


def _as_picture(value: Array, taken: Port, width: int, height: int) -> tuple[Port, int]:
    if value.dtype.name not in {np.dtype(kind).name for kind in _TYPES.values()}:
        raise NotThis(f"of {value.dtype}")
    if value.ndim not in (3, 4) or (value.ndim == 4 and value.shape[0] != 1):
        raise NotThis("which is not one picture")
    other = "nhwc" if taken.layout == "nchw" else "nchw"
    why = f"which is not a whole number of times {width}x{height}"
    for layout in (taken.layout, other):
        place = -3 if layout == "nchw" else -1
        rows, columns = value.shape[-2:] if layout == "nchw" else value.shape[-3:-1]
        scale = rows // height
        if not 1 <= scale <= _LARGEST_SCALE or (rows, columns) != (height * scale, width * scale):
            continue
        if value.shape[place] == taken.channels:
            return Port(layout, taken.channels, value.ndim, value.dtype.name), scale
        if layout == taken.layout:
            why = f"of {value.shape[place]} channels, where the picture has {taken.channels}"
    raise NotThis(why)
