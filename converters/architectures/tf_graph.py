"""Any TensorFlow graph from a picture to a picture, of operations that are known.

Its input and output, its channels and its size are in the graph. What black and white are to it is
told by how it begins and ends, and tried: a network that restores pictures gives back what it gets,
and does so only in its own range.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from bridge.errors import NetworkError
from bridge.inference.manifest import Channels, FrameInput, FrameOutput, Size, Task, Tiling
from converters.architectures.base import Architecture, Found, Network, NotThis
from converters.references.ops import Ops
from converters.tf_translate import ranges
from converters.tf_translate.nodes import Node, Nodes, Untranslatable, ends, in_order, nodes_of
from converters.tf_translate.ranges import KNOWN, UNIT, Range
from converters.tf_translate.reach import reach
from converters.tf_translate.reference import interpret
from converters.tf_translate.sizes import ratio
from converters.tf_translate.tidying import tidy
from converters.tf_translate.translation import Translated, translate
from converters.tf_translate.trial import ALIKE, Pair, tried
from converters.weights import Array, Weights

_MOST_ENDS = 16
_TRIED_SIDE = 32


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        source, target: names of the placeholder and of the value that is the result.
        order, order_out: of the placeholder's and the result's axes, "NHWC" or "NCHW".
        fixed: height and width, where the graph fixes them.
        range_in, range_out: what black and white are.
    """

    source: str
    target: str
    order: str
    channels: int
    fixed: tuple[int, int] | None
    scale: int
    order_out: str = "NHWC"
    range_in: Range = UNIT
    range_out: Range = UNIT
    task: Task = "upscale"
    sure: bool = True


def _recognise(weights: Weights) -> Found:
    listed = weights.facts.get("graph")
    if listed is None:
        raise NotThis("its file holds no TensorFlow graph")
    try:
        nodes = nodes_of(listed)
        config, evidence = _ends(nodes, weights)
        config, told = _ranges(nodes, weights, config)
    except Untranslatable as reason:
        raise NotThis(str(reason)) from None
    colours = "RGB" if config.channels == 3 else "Y"
    return Found(
        config,
        f"a TensorFlow graph, {colours}, x{config.scale}",
        {
            "scale": config.scale, "channels": config.channels, "input": config.source,
            "output": config.target, "range": [list(config.range_in), list(config.range_out)],
            "fixed": None if config.fixed is None else list(config.fixed[::-1]),
        },
        [*evidence, *told],
    )  # fmt: skip


def _ends(nodes: Nodes, weights: Weights) -> tuple[Config, list[str]]:
    """Where the graph begins and ends; of several pictures that it gives, the largest."""
    named = [str(name) for name in weights.facts.get("outputs", ())]
    targets = named or [
        node.name for node in ends(nodes) if node.op not in ("Placeholder", "Const")
    ]
    if not targets:
        raise Untranslatable("nothing in it is calculated")
    reasons = []
    found: list[Config] = []
    for target in targets[:_MOST_ENDS]:
        try:
            found.append(_between(nodes, weights, target))
        except Untranslatable as reason:
            reasons.append(str(reason))
    if not found:
        raise Untranslatable(reasons[0])
    best = max(found, key=lambda config: config.scale)
    evidence = [
        f"a graph from {best.source!r} to {best.target!r}, "
        f"{'of three colours' if best.channels == 3 else 'of brightness alone'}, "
        f"{best.scale} times the size"
    ]
    if len(found) > 1:
        evidence.append(f"of {len(found)} pictures that it gives, the largest is taken")
    return best, evidence


def _between(nodes: Nodes, weights: Weights, target: str) -> Config:
    placeholders = [node for node in in_order(nodes, [target]) if node.op == "Placeholder"]
    if len(placeholders) != 1:
        names = ", ".join(node.name[:40] for node in placeholders[:6]) or "none"
        raise Untranslatable(f"{target!r} is made of other than one input: {names}")
    reasons = []
    for order, channels, fixed in _layouts(placeholders[0]):
        config = Config(placeholders[0].name, target, order, channels, fixed, 1)
        try:
            made = _translated(nodes, weights, config)
            scale = _scale(made, config)
        except Untranslatable as reason:
            reasons.append(str(reason))
            continue
        return replace(config, scale=scale, order_out=made.result.order)
    raise Untranslatable(reasons[0])


def _layouts(node: Node) -> Sequence[tuple[str, int, tuple[int, int] | None]]:
    """What the placeholder's shape leaves open, the likelier first."""
    shape = node.attr.get("shape")
    if not shape:
        return [("NHWC", 3, None), ("NHWC", 1, None)]
    sides = [side if isinstance(side, int) and side > 0 else None for side in shape]
    if len(sides) != 4:
        raise Untranslatable(f"its input {node.name[:80]!r} has {len(sides)} axes, not four")
    if sides[3] not in (1, 3, None) or (sides[3] is None and sides[1] in (1, 3)):
        order, channels, size = "NCHW", sides[1], sides[2:]
    else:
        order, channels, size = "NHWC", sides[3], sides[1:3]
    if channels not in (1, 3, None):
        raise Untranslatable(
            f"its input {node.name[:80]!r} is {shape}: no picture of 1 or 3 colours"
        )
    height, width = size
    if (height is None) != (width is None) or any(side and side > 4096 for side in size):
        raise Untranslatable(f"its input {node.name[:80]!r} has a size of {size}")
    fixed = (height, width) if height is not None and width is not None else None
    return [(order, each, fixed) for each in ((3, 1) if channels is None else (channels,))]


def _translated(nodes: Nodes, weights: Weights, config: Config) -> Translated:
    return translate(
        nodes, weights.arrays, config.source, config.target, config.order, config.channels,
        config.fixed or (None, None),
    )  # fmt: skip


def _scale(made: Translated, config: Config) -> int:
    result = made.result
    if result.along("N") != 1 or result.along("C") != config.channels:
        raise Untranslatable(f"it gives {result.along('C')} channels for {config.channels}")
    if result.name == "frame":
        raise Untranslatable("it changes nothing")
    height, width = config.fixed or (0, 0)
    scales = set()
    for letter, side in zip("HW", (height, width), strict=True):
        size = result.along(letter)
        if isinstance(size, int):
            scales.add(Fraction(size, side) if side else Fraction(0))
        else:
            one = type(size)(letter, Fraction(1), Fraction(0), size.sides)
            scales.add(ratio(size, one))
    (scale, *others) = scales
    if others or scale.denominator != 1 or not 1 <= scale <= 16:
        raise Untranslatable("its result is not the frame's size or a whole multiple of it")
    return int(scale)


def _ranges(nodes: Nodes, weights: Weights, config: Config) -> tuple[Config, list[str]]:
    """The ranges that the graph tells, tried where it leaves some open."""
    said = _said(weights)
    told = said or ranges.taken(nodes, weights.arrays, config.source)
    results = (said,) if said else ranges.given(nodes, weights.arrays, config.target)
    pairs = [
        (taken, given) for given in (results or KNOWN) for taken in ((told,) if told else KNOWN)
    ]
    # What comes back as it went in is likelier than a change of range.
    pairs.sort(key=lambda pair: pair[0] != pair[1])
    made = _translated(nodes, weights, config)
    size = _try_size(made, config, _TRIED_SIDE)
    model = _built(made, config).model.SerializeToString()
    apart = tried(model, size, config.channels, config.scale, pairs)
    # Networks that are nearly linear do well in several ranges: the most usual one is meant.
    alike = [pair for pair in pairs if apart[pair] <= ALIKE]
    chosen = (alike or pairs)[0]
    task: Task = "upscale" if config.scale > 1 else "deblur" if alike else "stylize"
    evidence = [
        f"its {where} operations tell {which} range"
        for where, which, known in (
            ("first", "its input's", told),
            ("last", "its result's", results),
        )
        if known and not said
    ]
    others = " and ".join(_shown(other) for other in alike[1:])
    if said:
        evidence.append(f"its range was said to be {said[0]:g}..{said[1]:g}")
    elif alike:
        evidence.append(
            f"in {_shown(chosen)} its result resembles what it is given (apart by "
            f"{255 * apart[chosen]:.1f} of 255)"
            + (f"; so does it in {others}, which is less usual" if others else "")
        )
    elif not told or not results:
        evidence.append(f"{_shown(chosen)} is assumed: its result resembles its input in no range")
    sure = bool(alike) or bool(told and results)
    found = replace(config, range_in=chosen[0], range_out=chosen[1], task=task, sure=sure)
    return found, evidence


def _said(weights: Weights) -> Range | None:
    """The range that a person gave, as two numbers or "0..255".

    Raises: Untranslatable: it is none.
    """
    options = weights.facts.get("options")
    span = options.get("range") if isinstance(options, Mapping) else None
    if span is None:
        return None
    try:
        low, high = (float(each) for each in (span.split("..") if isinstance(span, str) else span))
    except (TypeError, ValueError):
        low = high = 0.0
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise Untranslatable(f"its range was said to be {span!r}, not as 0..255 or -1..1")
    return low, high


def _shown(pair: Pair) -> str:
    (low, high), (dark, light) = pair
    return f"{low:g}..{high:g}" + ("" if pair[0] == pair[1] else f" to {dark:g}..{light:g}")


def _try_size(made: Translated, config: Config, around: int) -> tuple[int, int]:
    """Width and height that the graph takes."""
    if config.fixed is not None:
        return config.fixed[1], config.fixed[0]
    sides = [
        max(-(-max(wanted, made.sides.least[letter]) // step), 1) * step
        for letter, wanted in (("W", around), ("H", around * 2 // 3))
        for step in (made.sides.multiple[letter],)
    ]
    return sides[0], sides[1]


def _built(made: Translated, config: Config) -> Network:
    """One network of a translation, which it uses up."""
    channels = config.channels
    if config.fixed is None:
        shapes: tuple[Sequence[int | str], Sequence[int | str]] = (
            (1, channels, "H", "W"), (1, channels, "H2", "W2"),
        )  # fmt: skip
        multiple = int(np.lcm(made.sides.multiple["H"], made.sides.multiple["W"]))
        least = [-(-made.sides.least[letter] // multiple) * multiple for letter in ("W", "H")]
        size = Size(
            multiple_of=multiple, padding="edge", min=least if max(least) > multiple else None
        )
    else:
        height, width = config.fixed
        scale = config.scale
        shapes = (1, channels, height, width), (1, channels, height * scale, width * scale)
        size = Size(fixed=[width, height])
    colours: Channels = "RGB" if channels == 3 else "Y"
    limits = []
    if channels == 1:
        limits.append("It works on brightness alone; colour is the frame's own.")
    if config.fixed is not None:
        limits.append(f"It takes {config.fixed[1]}x{config.fixed[0]} pixels and no other size.")
    if not config.sure:
        limits.append("Its range could not be told, only assumed: if it looks wrong, give --range.")
    tidy(made.graph, made.result.name)
    far = None if config.fixed else reach(made.graph, made.result.name)
    return Network(
        model=made.graph.model([("frame", shapes[0])], [(made.result.name, "result", shapes[1])]),
        task=config.task,
        inputs=[
            FrameInput(
                name="frame", size=size, channels=colours, luma="full",
                range=list(config.range_in),
            )
        ],
        outputs=[
            FrameOutput(
                name="result", scale=config.scale, channels=colours, luma="full",
                range=list(config.range_out),
            )
        ],
        title=f"TensorFlow graph x{config.scale}" if config.scale > 1 else "TensorFlow graph",
        description="Runs each frame through a graph that was made in TensorFlow.",
        tiling=Tiling(tileable=False) if far is None else Tiling(overlap=far),
        limits=limits,
        try_size=_try_size(made, config, 37),
    )  # fmt: skip


def _build(weights: Weights, config: Config) -> Network:
    try:
        return _built(_translated(nodes_of(weights.facts.get("graph")), weights, config), config)
    except Untranslatable as reason:
        raise NetworkError(
            weights.place, "a graph of known operations", f"another: {reason}",
            "The file is damaged, or no graph from a picture to a picture.",
        ) from None  # fmt: skip


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    nodes = nodes_of(weights.facts.get("graph"))
    result = interpret(
        ops, nodes, weights.arrays, config.source, config.target, config.order, inputs["frame"]
    )
    return {"result": result.transpose(0, 3, 1, 2) if config.order_out == "NHWC" else result}


ARCHITECTURE = Architecture(
    "tf-graph", "Any TensorFlow graph from a picture to a picture", "tensorflow", _recognise,
    _build, _reference,
)  # fmt: skip
