"""What of a graph is known before a frame comes: constants, and sizes that it calculates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.sizes import Size, rounded_down
from converters.tf_translate.values import Static
from converters.weights import Array

_MOST_VALUES = 1 << 28
_TYPES = {
    "float": np.float32, "float32": np.float32, "half": np.float32, "float16": np.float32,
    "bfloat16": np.float32, "double": np.float64, "float64": np.float64, "int32": np.int64,
    "int64": np.int64, "int16": np.int64, "uint8": np.int64, "int8": np.int64, "bool": np.bool_,
}  # fmt: skip

Fold = Callable[[Node, list[Array]], Array]


def _cast(node: Node, given: list[Array]) -> Array:
    kind = str(node.attr.get("DstT", "float32")).lower().removeprefix("dt_")
    array = given[0]
    if kind not in _TYPES:
        raise Untranslatable(f"it turns constants into {kind}")
    wanted = _TYPES[kind]
    if array.dtype != object:
        return array.astype(wanted)
    if not np.issubdtype(wanted, np.integer):
        return array
    return _objects([rounded_down(each) for each in array.reshape(-1)], array.shape)


def _objects(values: list[Any], shape: tuple[int, ...]) -> Array:
    made: Any = np.empty(len(values), object)
    for index, value in enumerate(values):
        made[index] = value
    return np.asarray(made.reshape(shape))


def _pack(node: Node, given: list[Array]) -> Array:
    return np.stack(given, axis=int(node.attr.get("axis", 0)))


def _fill(node: Node, given: list[Array]) -> Array:
    shape = [int(side) for side in given[0].reshape(-1) if not isinstance(side, Size)]
    if len(shape) != given[0].size or not 0 <= np.prod(shape, dtype=float) <= _MOST_VALUES:
        raise Untranslatable("it fills a shape that depends on the frame")
    return np.full(shape, given[1].reshape(()))


def _range(node: Node, given: list[Array]) -> Array:
    start, end, step = (each.reshape(()).item() for each in given)
    if step == 0 or abs((end - start) / step) > 1 << 20:
        raise Untranslatable("it counts without an end")
    return np.arange(start, end, step)


def _gather(node: Node, given: list[Array]) -> Array:
    axis = int(given[2].reshape(())) if len(given) > 2 else 0
    return np.asarray(np.take(given[0], given[1].astype(np.int64), axis=axis))


def _concat(node: Node, given: list[Array]) -> Array:
    *parts, axis = given if node.op == "ConcatV2" else [*given[1:], given[0]]
    return np.concatenate(parts, axis=int(axis.reshape(())))


def _axes(given: list[Array]) -> tuple[int, ...]:
    return tuple(int(axis) for axis in given[1].reshape(-1))


def _keep(node: Node) -> bool:
    return bool(node.attr.get("keep_dims") or node.attr.get("keepdims"))


def _prod(node: Node, given: list[Array]) -> Array:
    return np.asarray(np.prod(given[0], axis=_axes(given), keepdims=_keep(node)))


def _sum(node: Node, given: list[Array]) -> Array:
    return np.asarray(np.sum(given[0], axis=_axes(given), keepdims=_keep(node)))


def _transpose(node: Node, given: list[Array]) -> Array:
    return given[0].transpose([int(axis) for axis in given[1].reshape(-1)])


def _reshape(node: Node, given: list[Array]) -> Array:
    return given[0].reshape([int(side) for side in given[1].reshape(-1)])


def _expand(node: Node, given: list[Array]) -> Array:
    return np.expand_dims(given[0], int(given[1].reshape(())))


def _squeeze(node: Node, given: list[Array]) -> Array:
    axes = node.attr.get("squeeze_dims") or node.attr.get("axis") or None
    return np.squeeze(given[0], None if axes is None else tuple(int(axis) for axis in axes))


def _tile(node: Node, given: list[Array]) -> Array:
    times = [int(each) for each in given[1].reshape(-1)]
    if given[0].size * float(np.prod(times, dtype=float)) > _MOST_VALUES:
        raise Untranslatable("it repeats a constant without measure")
    return np.tile(given[0], times)


def _quotient(a: Array, b: Array) -> Any:
    """TensorFlow 1's Div, which rounds whole numbers down."""
    return a // b if all(each.dtype.kind in "iuO" for each in (a, b)) else a / b


def _plain(function: Callable[..., Any]) -> Fold:
    def fold(node: Node, given: list[Array]) -> Array:
        shape = np.broadcast_shapes(*(array.shape for array in given))
        if np.prod(shape, dtype=float) > _MOST_VALUES:
            raise Untranslatable("a constant would be larger than any network's")
        found = function(*given)
        if isinstance(found, Size):
            return _objects([found], ())
        return np.asarray(found)

    return fold


FOLDS: dict[str, Fold] = {
    **dict.fromkeys(
        ("Identity", "StopGradient", "PreventGradient", "Snapshot", "PlaceholderWithDefault"),
        _plain(lambda x: x),
    ),
    **dict.fromkeys(("Add", "AddV2"), _plain(lambda a, b: a + b)),
    "RealDiv": _plain(lambda a, b: a / b), "Div": _plain(_quotient),
    "Sub": _plain(lambda a, b: a - b), "Mul": _plain(lambda a, b: a * b),
    "FloorDiv": _plain(lambda a, b: a // b), "FloorMod": _plain(lambda a, b: a % b),
    "Maximum": _plain(np.maximum), "Minimum": _plain(np.minimum),
    "Neg": _plain(lambda a: -a), "Abs": _plain(np.abs), "Square": _plain(lambda a: a * a),
    "Sqrt": _plain(np.sqrt), "Rsqrt": _plain(lambda a: 1 / np.sqrt(a)), "Exp": _plain(np.exp),
    "Pow": _plain(np.power), "Reciprocal": _plain(lambda a: 1 / a),
    "Cast": _cast, "Pack": _pack, "Fill": _fill, "Range": _range, "GatherV2": _gather,
    "Gather": _gather, "ConcatV2": _concat, "Concat": _concat, "Prod": _prod, "Sum": _sum,
    "Transpose": _transpose, "Reshape": _reshape, "ExpandDims": _expand, "Squeeze": _squeeze,
    "Tile": _tile,
    "Size": _plain(lambda a: np.asarray(a.size)), "Rank": _plain(lambda a: np.asarray(a.ndim)),
    "Shape": _plain(lambda a: np.asarray(a.shape, np.int64)),
    "ZerosLike": _plain(np.zeros_like), "OnesLike": _plain(np.ones_like),
}  # fmt: skip


def folded(node: Node, given: list[Static]) -> Static | None:
    """The node's result, or nothing where it is none that is folded.

    Raises: Untranslatable; what numpy raises at shapes that do not fit.
    """
    fold = FOLDS.get(node.op)
    if fold is None or not given:
        return None
    with np.errstate(all="ignore"):
        found = fold(node, [static.array for static in given])
    if found.size > _MOST_VALUES:
        raise Untranslatable("a constant would be larger than any network's")
    return Static(found)
