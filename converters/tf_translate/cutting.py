"""TensorFlow's slices, of pictures and of the sizes that a graph calculates with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from converters.tf_translate.context import Context, Translator, static_of, value_of
from converters.tf_translate.layout import cut, squeezed
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.sizes import AnySize, Size
from converters.tf_translate.values import Known, Static, Value

_END = int(np.iinfo(np.int64).max)


def _masked(attr: Mapping[str, Any], name: str, index: int) -> bool:
    return bool(int(attr.get(name, 0)) >> index & 1)


def _entries(node: Node, given: list[Known], rank: int) -> list[Any]:
    """What stands between the brackets, as numpy has it: slices, indices, None and dots."""
    starts, ends, steps = (
        static_of(known, "the bounds of a slice").sizes() for known in given[1:4]
    )
    if not len(starts) == len(ends) == len(steps) <= 32:
        raise Untranslatable("the bounds of a slice are not of one length")
    entries: list[Any] = []
    for index, (start, end, step) in enumerate(zip(starts, ends, steps, strict=True)):
        if _masked(node.attr, "ellipsis_mask", index):
            entries.append(Ellipsis)
        elif _masked(node.attr, "new_axis_mask", index):
            entries.append(None)
        elif _masked(node.attr, "shrink_axis_mask", index):
            entries.append(start)
        else:
            entries.append(
                slice(
                    None if _masked(node.attr, "begin_mask", index) else start,
                    None if _masked(node.attr, "end_mask", index) else end,
                    step,
                )
            )
    used = sum(entry is not None and entry is not Ellipsis for entry in entries)
    if used > rank:
        raise Untranslatable("a slice has more axes than what it cuts")
    if Ellipsis not in entries:
        entries.append(Ellipsis)
    at = entries.index(Ellipsis)
    return [*entries[:at], *([slice(None)] * (rank - used)), *entries[at + 1 :]]


def _strided(context: Context, node: Node, given: list[Known]) -> Known:
    if isinstance(given[0], Static):
        array = given[0].array
        found = array[tuple(_entries(node, given, array.ndim))]
        made: Any = np.empty((), object) if isinstance(found, Size) else np.asarray(found)
        if isinstance(found, Size):
            made[()] = found
        return Static(made)
    value = given[0]
    entries = _entries(node, given, value.rank)
    if None in entries:
        raise Untranslatable("a slice adds an axis to a picture")
    dropped = []
    for axis, entry in enumerate(entries):
        if not isinstance(entry, slice):
            dropped.append(axis)
            index = _known(entry)
            entry = slice(index, None if index == -1 else index + 1, 1)
        value = _along(context, value, axis, entry)
    return squeezed(context, value, dropped)


def _along(context: Context, value: Value, axis: int, entry: slice) -> Value:
    side, step = value.sizes[axis], entry.step
    if isinstance(side, int):
        bounds = slice(*(None if b is None else _known(b) for b in (entry.start, entry.stop, step)))
        start, stop, step = bounds.indices(side)
        size: AnySize = len(range(start, stop, step))
        if size == 0:
            raise Untranslatable("a slice leaves nothing")
        if (start, stop, step) == (0, side, 1):
            return value
        if step != 1:
            return _stepped(context, value, axis, start, stop, step, size)
        return cut(context, value, axis, start, stop, size)
    if step not in (1, None):
        return _stepped_free(context, value, axis, entry)
    start = 0 if entry.start is None else _from_end(entry.start, side)
    stop = _END if entry.stop is None else _from_end(entry.stop, side)
    first = start if start >= 0 else side + start
    last = side if stop == _END else stop if stop >= 0 else side + stop
    size = last - first
    # What stands before the end of a side has to be there in the smallest frame too.
    context.sides.longer(side, max(abs(start), 0 if stop == _END else abs(stop)) - 1)
    if isinstance(size, int) and size <= 0:
        raise Untranslatable("a slice leaves nothing")
    return cut(context, value, axis, start, stop, size)


def _stepped(
    context: Context, value: Value, axis: int, start: int, stop: int, step: int, size: AnySize
) -> Value:
    if step < 0 and stop < 0:
        stop = int(np.iinfo(np.int64).min)
    made = context.graph.slice(value.name, [start], [stop], [value.stored_axis(axis)], [step])
    return Value(made, (*value.sizes[:axis], size, *value.sizes[axis + 1 :]), value.order)


def _stepped_free(context: Context, value: Value, axis: int, entry: slice) -> Value:
    """Every nth row or column, or all of them turned round."""
    side, step = value.sizes[axis], _known(entry.step)
    start = 0 if entry.start is None else _known(entry.start)
    if entry.stop is not None or (step == -1) != (entry.start is None and step < 0) or step == 0:
        raise Untranslatable("a slice with a step has bounds that depend on the frame")
    if step < 0:
        start, size = -1, side
    elif 0 <= start < step:
        size = (side - start - 1) // step + 1
    else:
        raise Untranslatable("a slice with a step begins inside the picture")
    return _stepped(context, value, axis, start, -1 if step < 0 else _END, step, size)


def _from_end(bound: Any, side: AnySize) -> int:
    """A bound as a number, from the end where it is negative."""
    if isinstance(bound, Size):
        found = bound - side
        if isinstance(found, Size) or found > 0 or found != int(found):
            raise Untranslatable("a slice ends where only the frame's size tells")
        return int(found) or _END
    return int(bound)


def _known(bound: Any) -> int:
    if isinstance(bound, Size):
        raise Untranslatable("a slice begins or ends where only the frame's size tells")
    return int(bound)


def _slice(context: Context, node: Node, given: list[Known]) -> Known:
    starts, sizes = (static_of(known, "the bounds of a slice").sizes() for known in given[1:3])
    if isinstance(given[0], Static):
        entries = [
            slice(_known(start), None if size == -1 else _known(start) + _known(size))
            for start, size in zip(starts, sizes, strict=True)
        ]
        return Static(given[0].array[tuple(entries)])
    value = value_of(given[0])
    if not len(starts) == len(sizes) == value.rank:
        raise Untranslatable("a slice has other axes than what it cuts")
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        stop = None if size == -1 else start + size
        value = _along(context, value, axis, slice(start, stop, 1))
    return value


TRANSLATORS: dict[str, Translator] = {"StridedSlice": _strided, "Slice": _slice}
