"""Operations that work on each element alone."""

from __future__ import annotations

from functools import partial

import numpy as np

from converters.tf_translate.context import Context, Translator, static_of, value_of
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.values import Known, Static, Value, broadcast


def both(context: Context, a: Known, b: Known) -> tuple[Value, Value]:
    """Two operands with the same number of axes, in the same order."""
    ranks = [known.rank if isinstance(known, Value) else known.array.ndim for known in (a, b)]
    rank = max(ranks)
    orders = [known.order for known in (a, b) if isinstance(known, Value) and known.order]
    order = orders[0] if orders else "NHWC"
    made = [
        context.like(known, rank, order)
        if isinstance(known, Value)
        else context.constant_like(known, rank, order)
        for known in (a, b)
    ]
    return made[0], made[1]


def combine(context: Context, op: str, a: Known, b: Known) -> Value:
    left, right = both(context, a, b)
    sizes = broadcast(left.sizes, right.sizes)
    return Value(context.graph.add(op, [left.name, right.name]), sizes, left.order or right.order)


def _binary(op: str, context: Context, node: Node, given: list[Known]) -> Known:
    a, b = given
    return combine(context, op, a, b)


def _unary(op: str, context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    return value.renamed(context.graph.add(op, [value.name]))


def _same(context: Context, node: Node, given: list[Known]) -> Known:
    return given[0]


def _add_all(context: Context, node: Node, given: list[Known]) -> Known:
    total, *others = given
    for other in others:
        total = combine(context, "Add", total, other)
    return total


def _bias_add(context: Context, node: Node, given: list[Known]) -> Known:
    value, bias = value_of(given[0]), static_of(given[1], "a bias")
    if node.attr.get("data_format") == "NCHW" and value.rank == 4:
        bias = Static(bias.array.reshape(1, -1, 1, 1))
    return combine(context, "Add", value, bias)


def _rsqrt(context: Context, node: Node, given: list[Known]) -> Known:
    return _unary("Reciprocal", context, node, [_unary("Sqrt", context, node, given)])


def _square(context: Context, node: Node, given: list[Known]) -> Known:
    return combine(context, "Mul", given[0], given[0])


def _squared_difference(context: Context, node: Node, given: list[Known]) -> Known:
    apart = combine(context, "Sub", given[0], given[1])
    return combine(context, "Mul", apart, apart)


def _relu6(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    return value.renamed(context.graph.clip(value.name, 0, 6))


def _leaky_relu(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    slope = float(node.attr.get("alpha", 0.2))
    return value.renamed(context.graph.leaky_relu(value.name, slope))


def _elu(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    return value.renamed(context.graph.add("Elu", [value.name], alpha=1.0))


def _selu(context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    made = context.graph.add(
        "Selu", [value.name], alpha=1.6732632423543772, gamma=1.0507009873554805
    )
    return value.renamed(made)


def _clip(context: Context, node: Node, given: list[Known]) -> Known:
    value, low, high = given
    bounds = [context.numbers(static_of(bound, "a bound")) for bound in (low, high)]
    if any(bound.size != 1 for bound in bounds):
        raise Untranslatable("it cuts each value at bounds of its own")
    picture = value_of(value)
    ends = [float(bound.reshape(-1)[0]) for bound in bounds]
    return picture.renamed(context.graph.clip(picture.name, ends[0], ends[1]))


def _cast(context: Context, node: Node, given: list[Known]) -> Known:
    # Of a frame, floats of any width are float32 here; whole numbers come only from its bytes.
    kind = str(node.attr.get("DstT", node.attr.get("dstT", "float32"))).lower()
    if not any(kind.endswith(each) for each in ("float", "float16", "float32", "half", "double",
                                                "float64", "bfloat16")):  # fmt: skip
        raise Untranslatable(f"it turns pictures into {kind}")
    return given[0]


def _pow(context: Context, node: Node, given: list[Known]) -> Known:
    if isinstance(given[1], Static) and np.all(given[1].array == 2):
        return _square(context, node, given)
    return combine(context, "Pow", given[0], given[1])


TRANSLATORS: dict[str, Translator] = {
    **{
        tf: partial(_binary, op)
        for tf, op in (
            ("Add", "Add"), ("AddV2", "Add"), ("Sub", "Sub"), ("Mul", "Mul"), ("RealDiv", "Div"),
            ("Div", "Div"), ("Maximum", "Max"), ("Minimum", "Min"),
        )
    },
    **{
        tf: partial(_unary, op)
        for tf, op in (
            ("Abs", "Abs"), ("Neg", "Neg"), ("Relu", "Relu"), ("Tanh", "Tanh"),
            ("Sigmoid", "Sigmoid"), ("Sqrt", "Sqrt"), ("Exp", "Exp"), ("Log", "Log"),
            ("Softplus", "Softplus"), ("Reciprocal", "Reciprocal"), ("Inv", "Reciprocal"),
        )
    },
    **dict.fromkeys(
        ("Identity", "StopGradient", "PreventGradient", "Snapshot", "PlaceholderWithDefault"),
        _same,
    ),
    "AddN": _add_all, "BiasAdd": _bias_add, "Rsqrt": _rsqrt, "Square": _square,
    "SquaredDifference": _squared_difference, "Relu6": _relu6, "LeakyRelu": _leaky_relu,
    "Elu": _elu, "Selu": _selu, "ClipByValue": _clip, "Cast": _cast, "Pow": _pow,
}  # fmt: skip
