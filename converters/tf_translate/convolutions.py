"""Convolutions, with TensorFlow's paddings written out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from converters.tf_translate.context import (
    Context,
    Translator,
    choice,
    pair,
    static_of,
)
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.sizes import AnySize, difference, divided_up
from converters.tf_translate.values import Known, Static, Value
from converters.weights import Array

ORDERS = ("NHWC", "NCHW")


def padded(
    context: Context, node: Node, size: AnySize, letter: str, kernel: int, stride: int
) -> tuple[int, int, AnySize]:
    """Zeros before and after one side, and the side that comes out.

    Args:
        kernel: how far it reaches, dilation included.
    """
    padding = choice(node.attr, "padding", "VALID", "SAME", "EXPLICIT")
    if padding == "SAME":
        out = divided_up(size, stride)
        total = max(difference((out - 1) * stride + kernel, size), 0)
        return total // 2, total - total // 2, out
    before = after = 0
    if padding == "EXPLICIT":
        before, after = explicit(node, letter)
    context.sides.longer(size + before + after, kernel - 1)
    return before, after, (size + before + after - kernel) // stride + 1


def explicit(node: Node, letter: str) -> tuple[int, int]:
    """Of one side, as the node's own list has them."""
    numbers = node.attr.get("explicit_paddings") or []
    if not isinstance(numbers, Sequence) or len(numbers) != 8:
        raise Untranslatable("its explicit paddings are not eight numbers")
    order = choice(node.attr, "data_format", *ORDERS)
    start = 2 * order.index(letter)
    before, after = int(numbers[start]), int(numbers[start + 1])
    if not (0 <= before <= 1024 and 0 <= after <= 1024):
        raise Untranslatable(f"it pads by {before} and {after}")
    return before, after


def _kernel(context: Context, known: Known) -> Array:
    kernel = context.numbers(static_of(known, "a kernel"))
    if kernel.ndim != 4 or kernel.size == 0:
        raise Untranslatable(f"a kernel has the shape {list(kernel.shape)}")
    return kernel


def _convolved(context: Context, node: Node, given: Known, weight: Array, groups: int) -> Known:
    """With a weight (O, I / groups, kh, kw)."""
    order = choice(node.attr, "data_format", *ORDERS)
    x = context.picture(given, order)
    if x.along("C") != weight.shape[1] * groups:
        raise Untranslatable(
            f"a kernel takes {weight.shape[1] * groups} channels and gets {x.along('C')}"
        )
    strides, dilations = pair(node.attr, "strides", order), pair(node.attr, "dilations", order)
    before, after, out = [], [], {"N": x.along("N"), "C": weight.shape[0]}
    for index, letter in enumerate("HW"):
        reach = (weight.shape[2 + index] - 1) * dilations[index] + 1
        low, high, out[letter] = padded(
            context, node, x.along(letter), letter, reach, strides[index]
        )
        before.append(low)
        after.append(high)
    made = context.graph.add(
        "Conv", [x.name, context.graph.constant(weight, np.float32)],
        kernel_shape=list(weight.shape[2:]), strides=list(strides), dilations=list(dilations),
        pads=[*before, *after], group=groups,
    )  # fmt: skip
    return Value(made, tuple(out[letter] for letter in order), order)


def _conv(context: Context, node: Node, given: list[Known]) -> Known:
    weight = _kernel(context, given[1]).transpose(3, 2, 0, 1)
    order = choice(node.attr, "data_format", *ORDERS)
    channels = context.picture(given[0], order).along("C")
    inside = weight.shape[1]
    groups = channels // inside if isinstance(channels, int) and channels % inside == 0 else 1
    if weight.shape[0] % groups:
        raise Untranslatable(f"a kernel has {weight.shape[0]} filters in {groups} groups")
    return _convolved(context, node, given[0], weight, groups)


def _depthwise(context: Context, node: Node, given: list[Known]) -> Known:
    kernel = _kernel(context, given[1])
    kh, kw, channels, each = kernel.shape
    weight = kernel.transpose(2, 3, 0, 1).reshape(channels * each, 1, kh, kw)
    return _convolved(context, node, given[0], weight, channels)


def _transposed(context: Context, node: Node, given: list[Known]) -> Known:
    """The gradient of a convolution: given (sizes of the result, kernel, x)."""
    wanted = static_of(given[0], "the size of a transposed convolution's result").sizes()
    kernel = _kernel(context, given[1])
    order = choice(node.attr, "data_format", *ORDERS)
    x = context.picture(given[2], order)
    weight = kernel.transpose(3, 2, 0, 1)
    strides, dilations = pair(node.attr, "strides", order), pair(node.attr, "dilations", order)
    if len(wanted) == 2:
        found = {"H": wanted[0], "W": wanted[1]}
    elif len(wanted) == 4:
        found = dict(zip(order, wanted, strict=True))
    else:
        raise Untranslatable("a transposed convolution has no size of its result")
    if dilations != (1, 1) or x.along("C") != weight.shape[0]:
        raise Untranslatable(
            f"a transposed kernel {list(kernel.shape)} meets {x.along('C')} channels"
        )
    padding = choice(node.attr, "padding", "VALID", "SAME", "EXPLICIT")
    before, after, more = [], [], []
    for index, letter in enumerate("HW"):
        side, stride = weight.shape[2 + index], strides[index]
        full = (x.along(letter) - 1) * stride + side
        total = difference(full, found[letter])
        if padding == "EXPLICIT":
            low, high = explicit(node, letter)
        else:
            kept = max(total, 0) if padding == "SAME" else 0
            low, high = kept // 2, kept - kept // 2
        extra = low + high - total
        if not 0 <= extra < stride:
            raise Untranslatable("a transposed convolution cannot have the size that it is given")
        before.append(low)
        after.append(high)
        more.append(extra)
    made = context.graph.add(
        "ConvTranspose", [x.name, context.graph.constant(weight, np.float32)],
        kernel_shape=list(weight.shape[2:]), strides=list(strides), pads=[*before, *after],
        output_padding=more,
    )  # fmt: skip
    sizes = {"N": x.along("N"), "C": weight.shape[1], "H": found["H"], "W": found["W"]}
    return Value(made, tuple(sizes[letter] for letter in order), order)


def _dense(context: Context, node: Node, given: list[Known]) -> Known:
    weight = context.numbers(static_of(given[1], "a matrix"))
    x = given[0]
    if isinstance(x, Static) or x.rank != 2 or weight.ndim != 2 or node.attr.get("transpose_a"):
        raise Untranslatable("it multiplies matrices other than a vector by weights")
    weight = weight.T if node.attr.get("transpose_b") else weight
    if x.sizes[1] != weight.shape[0]:
        raise Untranslatable(f"a matrix {list(weight.shape)} meets {x.sizes[1]} values")
    made = context.graph.add("MatMul", [x.name, context.graph.constant(weight, np.float32)])
    return Value(made, (x.sizes[0], weight.shape[1]))


TRANSLATORS: dict[str, Translator] = {
    "Conv2D": _conv, "DepthwiseConv2dNative": _depthwise, "Conv2DBackpropInput": _transposed,
    "MatMul": _dense,
}  # fmt: skip
