"""Operations that only move values: axes, blocks, joins and cuts."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod

import numpy as np

from converters.tf_translate.context import (
    Context,
    Translator,
    choice,
    flag,
    one_shape,
    static_of,
    value_of,
)
from converters.tf_translate.convolutions import ORDERS
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.sizes import AnySize, Size, rounded_down
from converters.tf_translate.values import STORED, Known, Static, Value, checked_axis, objects


def _transpose(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    way = static_of(given[1], "an order of axes").whole_numbers()
    if sorted(way) != list(range(value.rank)):
        raise Untranslatable(f"it orders {value.rank} axes by {way[:8]}")
    sizes = tuple(value.sizes[axis] for axis in way)
    if value.rank != 4:
        return Value(context.graph.transpose(value.name, way), sizes)
    order = "".join(value.order[axis] for axis in way)
    if order in ORDERS:
        return Value(value.name, sizes, order)
    # The result's axes count as NHWC from here on; what they were is of no matter.
    seen = dict(zip("NHWC", order, strict=True))
    moved = [STORED.index(seen[letter]) for letter in STORED]
    return Value(context.graph.transpose(value.name, moved), sizes, "NHWC")


def _blocks(context: Context, node: Node, given: list[Known]) -> Known:
    order = choice(node.attr, "data_format", *ORDERS)
    x, block = context.picture(given[0], order), int(node.attr.get("block_size", 0))
    channels = x.along("C")
    if not 2 <= block <= 64 or isinstance(channels, Size):
        raise Untranslatable(f"its blocks are of {block} pixels")
    if node.op == "DepthToSpace":
        if channels % block**2:
            raise Untranslatable(f"{channels} channels are to become blocks of {block}")
        made = context.graph.depth_to_space(x.name, block)
        channels, factor = channels // block**2, Fraction(block)
    else:
        made = context.graph.add("SpaceToDepth", [x.name], blocksize=block)
        channels, factor = channels * block**2, Fraction(1, block)
    sizes = {"N": x.along("N"), "C": channels}
    for letter in "HW":
        side = x.along(letter)
        if isinstance(side, Size):
            found = rounded_down(side * factor)
            if found != side * factor:
                raise Untranslatable("it cuts a side into blocks that do not fit")
        elif (side * factor).denominator != 1:
            raise Untranslatable(f"it cuts {side} pixels into blocks of {block}")
        else:
            found = int(side * factor)
        sizes[letter] = found
    return Value(made, tuple(sizes[letter] for letter in order), order)


def reshaped(context: Context, value: Value, sizes: Sequence[AnySize]) -> Value:
    """With TensorFlow's axes as `sizes`; four of them are taken as NHWC."""
    if tuple(sizes) == value.sizes:
        return value
    shape = [size if isinstance(size, int) else -1 for size in sizes]
    flat = context.in_tf_axes(value)
    if shape.count(-1) > 1:
        made = context.graph.add("Reshape", [flat, context.sizes_tensor(sizes)])
    else:
        made = context.graph.reshape(flat, shape)
    return context.from_tf_axes(made, sizes)


def _whole_of(sizes: Sequence[AnySize]) -> tuple[int, list[tuple[str, Fraction, Fraction]]]:
    """How many values there are: a number, times sizes that are not known."""
    free = sorted((size.side, size.factor, size.offset) for size in sizes if isinstance(size, Size))
    return prod(size for size in sizes if isinstance(size, int)), free


def _reshape(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    wanted = static_of(given[1], "a shape").sizes()
    unknown = [index for index, size in enumerate(wanted) if size == -1]
    if len(unknown) > 1:
        raise Untranslatable("a shape leaves two sides open")
    if unknown:
        wanted[unknown[0]] = _missing(value.sizes, wanted)
    elif not _as_many(value.sizes, wanted):
        raise Untranslatable("a shape has another number of values")
    return reshaped(context, value, wanted)


def _missing(sizes: Sequence[AnySize], wanted: Sequence[AnySize]) -> AnySize:
    """The side that -1 stands for."""
    rest = list(sizes)
    known = 1
    for size in wanted:
        if isinstance(size, Size) and size in rest:
            rest.remove(size)
        elif isinstance(size, Size):
            raise Untranslatable("a shape splits sides that depend on the frame")
        elif size != -1:
            known *= size
    number, free = _whole_of(rest)
    if len(free) > 1 or not known:
        raise Untranslatable("a shape joins a height and a width that depend on the frame")
    sides = [size for size in rest if isinstance(size, Size)]
    if not sides and number % known:
        raise Untranslatable("a shape does not divide the values that there are")
    return rounded_down(sides[0] * Fraction(number, known)) if sides else number // known


def _as_many(sizes: Sequence[AnySize], wanted: Sequence[AnySize]) -> bool:
    (ours, free), (theirs, others) = _whole_of(sizes), _whole_of(wanted)
    scale = prod((factor for _, factor, _ in free), start=Fraction(ours))
    other = prod((factor for _, factor, _ in others), start=Fraction(theirs))
    return scale == other and [side for side, *_ in free] == [side for side, *_ in others]


def _expand(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    (axis,) = static_of(given[1], "an axis").whole_numbers()
    axis = checked_axis(axis, value.rank + 1)
    made = context.graph.add(
        "Unsqueeze", [context.in_tf_axes(value), context.graph.constant([axis], np.int64)]
    )
    return context.from_tf_axes(made, (*value.sizes[:axis], 1, *value.sizes[axis:]))


def squeezed(context: Context, value: Value, axes: Sequence[int]) -> Value:
    """Without these axes, which are of 1."""
    axes = sorted({checked_axis(axis, value.rank) for axis in axes})
    if any(value.sizes[axis] != 1 for axis in axes):
        raise Untranslatable("it drops an axis that is longer than 1")
    if not axes:
        return value
    made = context.graph.add(
        "Squeeze", [context.in_tf_axes(value), context.graph.constant(axes, np.int64)]
    )
    kept = [size for axis, size in enumerate(value.sizes) if axis not in axes]
    return context.from_tf_axes(made, kept)


def _squeeze(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    axes = node.attr.get("squeeze_dims") or node.attr.get("axis") or []
    return squeezed(
        context, value, axes or [axis for axis, size in enumerate(value.sizes) if size == 1]
    )


def _concat(context: Context, node: Node, given: list[Known]) -> Known:
    *parts, last = given if node.op == "ConcatV2" else [*given[1:], given[0]]
    (axis,) = static_of(last, "an axis").whole_numbers()
    first = next(part for part in parts if isinstance(part, Value))
    values = [
        context.like(part, first.rank, first.order)
        if isinstance(part, Value)
        else context.constant_like(part, first.rank, first.order)
        for part in parts
    ]
    axis = checked_axis(axis, first.rank)
    one_shape(values, axis)
    sizes = list(first.sizes)
    sizes[axis] = sum((value.sizes[axis] for value in values[1:]), first.sizes[axis])
    made = context.graph.concat([value.name for value in values], first.stored_axis(axis))
    return Value(made, tuple(sizes), first.order)


def cut(context: Context, value: Value, axis: int, start: int, end: int, size: AnySize) -> Value:
    """From `start` to before `end` along one of TensorFlow's axes, which is then `size`."""
    if (start, end) == (0, np.iinfo(np.int64).max):
        return value
    made = context.graph.slice(value.name, [start], [end], [value.stored_axis(axis)])
    return Value(made, (*value.sizes[:axis], size, *value.sizes[axis + 1 :]), value.order)


def _split(context: Context, node: Node, given: list[Known]) -> list[Known]:
    if node.op == "SplitV":
        value, parts, axis_of = given
        lengths = static_of(parts, "the lengths of parts").whole_numbers()
    else:
        axis_of, value = given
        lengths = []
    picture = value_of(value)
    (axis,) = static_of(axis_of, "an axis").whole_numbers()
    axis = checked_axis(axis, picture.rank)
    side = picture.sizes[axis]
    if not isinstance(side, int):
        raise Untranslatable("it splits a side that depends on the frame")
    count = int(node.attr.get("num_split", len(lengths)) or 0)
    if node.op == "Split":
        if not 1 <= count <= side or side % count:
            raise Untranslatable(f"it splits {side} into {count}")
        lengths = [side // count] * count
    if -1 in lengths:
        lengths[lengths.index(-1)] = side - sum(lengths) - 1
    if sum(lengths) != side or any(length < 0 for length in lengths):
        raise Untranslatable(f"it splits {side} into {lengths[:8]}")
    found: list[Known] = []
    start = 0
    for length in lengths:
        found.append(cut(context, picture, axis, start, start + length, length))
        start += length
    return found


def _shape(context: Context, node: Node, given: list[Known]) -> Known:
    known = given[0]
    return Static(
        objects(known.sizes) if isinstance(known, Value) else np.array(known.array.shape, np.int64)
    )


def _rank(context: Context, node: Node, given: list[Known]) -> Known:
    return Static(np.asarray(value_of(given[0]).rank, np.int64))


def _stack(context: Context, node: Node, given: list[Known]) -> Known:
    axis = int(node.attr.get("axis", 0))
    values = [value_of(known) for known in given]
    for value in values[1:]:
        if value.sizes != values[0].sizes:
            raise Untranslatable("it stacks what has different sizes")
    axis = checked_axis(axis, values[0].rank + 1)
    where = Static(np.asarray(axis))
    parts = [_expand(context, node, [value, where]) for value in values]
    return _concat(context, Node(node.name, "ConcatV2", (), {}), [*parts, where])


def _unstack(context: Context, node: Node, given: list[Known]) -> list[Known]:
    value = value_of(given[0])
    axis = checked_axis(int(node.attr.get("axis", 0)), value.rank)
    count = value.sizes[axis]
    if not isinstance(count, int) or (flag(node.attr, "num") and count != node.attr["num"]):
        raise Untranslatable("it takes apart a side that depends on the frame")
    return [
        squeezed(context, cut(context, value, axis, index, index + 1, 1), [axis])
        for index in range(count)
    ]


TRANSLATORS: dict[str, Translator] = {
    "Transpose": _transpose, "DepthToSpace": _blocks, "SpaceToDepth": _blocks,
    "Reshape": _reshape, "ExpandDims": _expand, "Squeeze": _squeeze, "ConcatV2": _concat,
    "Concat": _concat, "Split": _split, "SplitV": _split, "Shape": _shape, "Rank": _rank,
    "Pack": _stack, "Unpack": _unstack,
}  # fmt: skip
