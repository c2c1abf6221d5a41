"""Padding, and the largest or the mean of a window."""

from __future__ import annotations

from typing import Any

import numpy as np

from converters.tf_translate.context import Context, Translator, choice, pair, static_of, value_of
from converters.tf_translate.convolutions import ORDERS, padded
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.values import Known, Value


def _pad(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    numbers = static_of(given[1], "a padding").whole_numbers()
    if len(numbers) != 2 * value.rank or any(not 0 <= n <= 1024 for n in numbers):
        raise Untranslatable(f"it pads {value.rank} axes by {numbers[:8]}")
    mode, fill = "constant", 0.0
    if node.op == "MirrorPad":
        mode = {"REFLECT": "reflect", "SYMMETRIC": "edge"}[
            choice(node.attr, "mode", "REFLECT", "SYMMETRIC")
        ]
        # A mirror at the edge repeats one row; ONNX has no other way to say it.
        if mode == "edge" and max(numbers) > 1:
            raise Untranslatable("it mirrors more than one row with the border repeated")
    elif len(given) > 2:
        fill = float(context.numbers(static_of(given[2], "a padding's value")).reshape(()))
    before, after = [0] * value.rank, [0] * value.rank
    sizes = []
    for axis, size in enumerate(value.sizes):
        low, high = numbers[2 * axis], numbers[2 * axis + 1]
        stored = value.stored_axis(axis)
        before[stored], after[stored] = low, high
        sizes.append(size + low + high)
        if mode == "reflect":
            context.sides.longer(size, max(low, high))
    inputs = [value.name, context.graph.constant([*before, *after], np.int64)]
    if fill:
        inputs.append(context.graph.constant(fill, np.float32))
    return Value(context.graph.add("Pad", inputs, mode=mode), tuple(sizes), value.order)


def _pool(context: Context, node: Node, given: list[Known]) -> Known:
    order = choice(node.attr, "data_format", *ORDERS)
    x = context.picture(given[0], order)
    kernels, strides = pair(node.attr, "ksize", order), pair(node.attr, "strides", order)
    before, after = [], []
    out = {"N": x.along("N"), "C": x.along("C")}
    for index, letter in enumerate("HW"):
        low, high, out[letter] = padded(
            context, node, x.along(letter), letter, kernels[index], strides[index]
        )
        before.append(low)
        after.append(high)
    more: dict[str, Any] = {} if node.op == "MaxPool" else {"count_include_pad": 0}
    made = context.graph.add(
        "MaxPool" if node.op == "MaxPool" else "AveragePool", [x.name], kernel_shape=list(kernels),
        strides=list(strides), pads=[*before, *after], **more,
    )  # fmt: skip
    return Value(made, tuple(out[letter] for letter in order), order)


TRANSLATORS: dict[str, Translator] = {
    "Pad": _pad, "PadV2": _pad, "MirrorPad": _pad, "MaxPool": _pool, "AvgPool": _pool,
}  # fmt: skip
