"""A TensorFlow graph between a picture and a picture, node by node, as an ONNX graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np

from converters.graph import NetworkGraph
from converters.tf_translate import (
    arithmetic,
    borders,
    convolutions,
    cutting,
    layout,
    normalisation,
    resizing,
)
from converters.tf_translate.context import FRAME, Context, Translator
from converters.tf_translate.folding import FOLDS, folded
from converters.tf_translate.nodes import Node, Nodes, Untranslatable, in_order
from converters.tf_translate.sizes import AnySize, Sides, Size
from converters.tf_translate.values import Known, Static, Value
from converters.weights import Array

TRANSLATORS: dict[str, Translator] = {
    **arithmetic.TRANSLATORS, **convolutions.TRANSLATORS, **borders.TRANSLATORS,
    **layout.TRANSLATORS, **cutting.TRANSLATORS, **resizing.TRANSLATORS,
    **normalisation.TRANSLATORS,
}  # fmt: skip
OPERATIONS = frozenset({"Placeholder", "Const", "NoOp", *TRANSLATORS, *FOLDS})
"""Everything that a graph may hold between its input and its output."""


_SMALL = 64
_MOST_VALUES = 1 << 27


@dataclass(frozen=True, slots=True)
class Translated:
    """
    Attributes:
        graph: takes `context.FRAME`.
        result: the picture that it gives.
        sides: what the frame's sides have to be.
    """

    graph: NetworkGraph
    result: Value
    sides: Sides


def unknown_operations(nodes: Sequence[Node]) -> list[str]:
    """The operations that are not known here, each with how often it stands there."""
    counted = Counter(node.op for node in nodes if node.op not in OPERATIONS)
    return [f"{op[:60]} ({count})" for op, count in counted.most_common(20)]


def free_or(sides: Sides, letter: str, side: int | None) -> AnySize:
    """A side of the frame, where the graph does not fix it."""
    return Size(letter, Fraction(1), Fraction(0), sides) if side is None else side


def translate(
    nodes: Nodes, arrays: Mapping[str, Array], source: str, target: str, order: str,
    channels: int, fixed: tuple[int | None, int | None] = (None, None),
) -> Translated:  # fmt: skip
    """The ONNX graph from the placeholder `source` to the value `target`, for one picture.

    Args:
        nodes: see `nodes.nodes_of`.
        arrays: of the constants, by their nodes' names.
        order: of the placeholder's axes, "NHWC" or "NCHW".
        fixed: height and width, where they are.
    Raises: Untranslatable: with every operation that is not known, or the node that asks for what
        cannot be had.
    """
    needed = in_order(nodes, [target])
    if unknown := unknown_operations(needed):
        raise Untranslatable(f"it has operations that are not known here: {', '.join(unknown)}")
    context = Context()
    height, width = (
        free_or(context.sides, letter, side) for letter, side in zip("HW", fixed, strict=True)
    )
    shape = {"N": 1, "C": channels, "H": height, "W": width}
    frame = Value(FRAME, tuple(shape[letter] for letter in order), order)
    known: dict[str, Known] = {f"{source}:0": frame}
    for node in needed:
        if node.name != source:
            _translate(context, node, arrays, known)
    found = known.get(target if ":" in target else f"{target}:0")
    if not isinstance(found, Value) or found.rank != 4:
        raise Untranslatable(f"{target!r} is no picture that is made of the frame")
    return Translated(context.graph, found, context.sides)


def _translate(
    context: Context, node: Node, arrays: Mapping[str, Array], known: dict[str, Known]
) -> None:
    try:
        given = [known[reference] for reference in node.inputs]
    except KeyError as missing:
        raise Untranslatable(f"{node.name!r} takes {missing}, which nothing gives") from None
    try:
        made = _result(context, node, arrays, given)
    except Untranslatable as reason:
        raise Untranslatable(f"at {node.name[:80]!r} ({node.op}) {reason}") from None
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What does not fit together in a file that was damaged, or made to be.
        raise Untranslatable(
            f"{node.name[:80]!r} ({node.op}) does not fit what it takes: {str(error)[:200]}"
        ) from None
    for index, each in enumerate([made] if isinstance(made, (Static, Value)) else made):
        _check_extent(node, each)
        known[f"{node.name}:{index}"] = each


def _check_extent(node: Node, made: Known) -> None:
    """Raises: Untranslatable: even a small picture would need more memory than there is."""
    if isinstance(made, Value):
        sides = [
            float(size.factor * _SMALL + size.offset) if isinstance(size, Size) else size
            for size in made.sizes
        ]
        if prod(max(side, 1) for side in sides) > _MOST_VALUES:
            raise Untranslatable(
                f"of a small picture it would make {prod(sides):.0e} values at {node.name[:80]!r}"
            )


def _result(
    context: Context, node: Node, arrays: Mapping[str, Array], given: list[Known]
) -> Known | Sequence[Known]:
    if node.op == "Const":
        array = arrays.get(node.name)
        if array is None:
            raise Untranslatable("its value is not in the file")
        return Static(np.asarray(array))
    if node.op == "Placeholder":
        raise Untranslatable("it takes more than one picture")
    if node.op == "NoOp":
        return []
    statics = [known for known in given if isinstance(known, Static)]
    if len(statics) == len(given):
        constant = folded(node, statics)
        if constant is not None:
            return constant
    translator = TRANSLATORS.get(node.op)
    if translator is None:
        raise Untranslatable("it works on values of the frame, not on sizes and constants alone")
    return translator(context, node, given)
