"""Batch norm, and what is calculated over a whole picture."""

from __future__ import annotations

from functools import partial

import numpy as np

from converters.tf_translate.context import Context, Translator, choice, flag, static_of, value_of
from converters.tf_translate.convolutions import ORDERS
from converters.tf_translate.layout import squeezed
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.values import Known, Value, checked_axis


def _batch_norm(context: Context, node: Node, given: list[Known]) -> Known:
    order = choice(node.attr, "data_format", *ORDERS)
    x = context.picture(given[0], order)
    epsilon = float(node.attr.get("epsilon", 1e-4))
    channels = x.along("C")
    gamma, beta = (context.numbers(static_of(known, "a norm's scale")) for known in given[1:3])
    if gamma.shape != (channels,) or beta.shape != (channels,) or epsilon < 0:
        raise Untranslatable(f"a norm of {list(gamma.shape)} meets {channels} channels")
    if flag(node.attr, "is_training", True):
        # The statistics of this picture alone: there is one in a batch.
        context.sides.longer(x.along("H"), 1)
        return x.renamed(context.graph.instance_norm(x.name, len(gamma), gamma, beta, epsilon))
    mean, variance = (
        context.numbers(static_of(known, "a norm's statistics")) for known in given[3:5]
    )
    if mean.shape != gamma.shape or variance.shape != gamma.shape or (variance < 0).any():
        raise Untranslatable("a norm has no mean and variance for each channel")
    return x.renamed(context.graph.batch_norm(x.name, mean, variance, gamma, beta, epsilon))


def _reduce(op: str, context: Context, node: Node, given: list[Known]) -> Known:
    value = value_of(given[0])
    numbers = static_of(given[1], "an axis").whole_numbers()
    axes = sorted({checked_axis(axis, value.rank) for axis in numbers})
    if not axes:
        return value
    stored = sorted(value.stored_axis(axis) for axis in axes)
    if op == "ReduceSum":
        where = context.graph.constant(stored, np.int64)
        made = context.graph.add(op, [value.name, where], keepdims=1)
    else:
        made = context.graph.add(op, [value.name], axes=stored, keepdims=1)
    sizes = tuple(1 if axis in axes else size for axis, size in enumerate(value.sizes))
    found = Value(made, sizes, value.order)
    keep = flag(node.attr, "keep_dims") or flag(node.attr, "keepdims")
    return found if keep else squeezed(context, found, axes)


TRANSLATORS: dict[str, Translator] = {
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _batch_norm),
    **{
        tf: partial(_reduce, op)
        for tf, op in (
            ("Mean", "ReduceMean"), ("Sum", "ReduceSum"), ("Max", "ReduceMax"),
            ("Min", "ReduceMin"),
        )
    },
}  # fmt: skip
