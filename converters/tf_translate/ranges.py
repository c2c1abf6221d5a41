"""Which numbers a graph takes for black and white, as far as its own operations tell.

Between a placeholder and the first layer stands how the picture is brought to the network's own
range; between the last layer and the result, how it is brought back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from converters.tf_translate.nodes import Node, Nodes
from converters.weights import Array

Range = tuple[float, float]
UNIT: Range = (0.0, 1.0)
BYTES: Range = (0.0, 255.0)
SIGNED: Range = (-1.0, 1.0)
KNOWN = (UNIT, BYTES, SIGNED)

_SAME = {
    "Identity", "StopGradient", "Transpose", "Reshape", "Squeeze", "ExpandDims", "DepthToSpace",
    "SpaceToDepth", "StridedSlice", "Slice", "Cast", "PreventGradient", "Snapshot",
}  # fmt: skip
_BOUNDED = {"Tanh": SIGNED, "Sigmoid": UNIT}
_MOST_STEPS = 64


def taken(nodes: Nodes, arrays: Mapping[str, Array], source: str) -> Range | None:
    """What the placeholder takes; nothing where the graph does not tell."""
    if str(nodes[source].attr.get("dtype", "")).lower().removeprefix("dt_") == "uint8":
        return BYTES
    for factor, offset in _ways_in(nodes, arrays, source):
        found = _range_for(factor, offset)
        if found is not None:
            return found
    return None


def _range_for(factor: float, offset: float) -> Range | None:
    middle = -offset / factor  # what becomes zero
    if middle > 2 or 1 / 300 < factor < 1 / 100:
        return BYTES
    if abs(middle + 1) < 1e-3:
        return SIGNED
    # A half, or a mean of values from 0 to 1.
    return UNIT if 0.2 < middle < 1 else None


def _ways_in(nodes: Nodes, arrays: Mapping[str, Array], source: str) -> Iterator[Range]:
    """The factor and the offset that each way from the placeholder begins with."""
    readers: dict[str, list[Node]] = {}
    for node in nodes.values():
        for name in {_name(reference) for reference in node.inputs}:
            readers.setdefault(name, []).append(node)
    ways = [(source, 1.0, 0.0, 0)]
    while ways:
        name, factor, offset, steps = ways.pop()
        for node in readers.get(name, []):
            step = _step(node, nodes, arrays, name)
            if step is not None and steps < _MOST_STEPS and len(ways) < _MOST_STEPS:
                ways.append((node.name, factor * step[0], offset * step[0] + step[1], steps + 1))
            elif factor and (factor, offset) != (1, 0):
                yield factor, offset


def given(nodes: Nodes, arrays: Mapping[str, Array], target: str) -> tuple[Range, ...]:
    """What the result can be, the likelier first; nothing where the graph does not tell."""
    factor, offset = 1.0, 0.0
    name = _name(target)
    low, high = -np.inf, np.inf
    for _ in range(_MOST_STEPS):
        node = nodes[name]
        inputs = [_name(reference) for reference in node.inputs]
        if node.op in _BOUNDED:
            low, high = max(low, _BOUNDED[node.op][0]), min(high, _BOUNDED[node.op][1])
            break
        if node.op in ("ClipByValue", "Relu6"):
            bounds = [0.0, 6.0] if node.op == "Relu6" else [
                _number(nodes, arrays, each) for each in inputs[1:3]
            ]  # fmt: skip
            if None not in bounds:
                low, high = bounds[0] or 0.0, bounds[1] or 0.0
            break
        others = [each for each in inputs if _number(nodes, arrays, each) is None]
        if node.op in ("Minimum", "Maximum", "Relu") and len(others) == 1:
            bound = _bound(node, nodes, arrays, inputs)
            low = max(low, bound) if node.op != "Minimum" else low
            high = min(high, bound) if node.op == "Minimum" else high
            name = others[0]
            continue
        if np.isfinite(low) or np.isfinite(high):
            break
        before = next(iter(others), "")
        step = _step(node, nodes, arrays, before) if before else None
        if step is None:
            break
        factor, offset, name = factor * step[0], factor * step[1] + offset, before
    if not (np.isfinite(low) and np.isfinite(high)):
        return ()
    ends = sorted((low * factor + offset, high * factor + offset))
    return _named(ends[0], ends[1])


def _bound(node: Node, nodes: Nodes, arrays: Mapping[str, Array], inputs: list[str]) -> float:
    numbers = [_number(nodes, arrays, each) for each in inputs]
    return next((number for number in numbers if number is not None), 0.0)


def _named(low: float, high: float) -> tuple[Range, ...]:
    if high > 100:
        return (BYTES,)
    if low > -0.5:
        return (UNIT,)
    # A tanh that learned pictures from 0 to 1 uses its upper half alone.
    return (SIGNED, UNIT)


def _step(
    node: Node, nodes: Nodes, arrays: Mapping[str, Array], name: str
) -> tuple[float, float] | None:
    """Factor and offset of a node that only scales and shifts what `name` gives."""
    inputs = [_name(reference) for reference in node.inputs]
    if node.op in _SAME and inputs and inputs[0] == name:
        return 1.0, 0.0
    if node.op == "Neg":
        return -1.0, 0.0
    if len(inputs) != 2 or inputs[0] == inputs[1]:
        return None
    first = inputs[0] == name
    number = _number(nodes, arrays, inputs[1 if first else 0])
    if number is None:
        return None
    if node.op == "Mul":
        return number, 0.0
    if node.op in ("Add", "AddV2", "BiasAdd"):
        return 1.0, number
    if node.op == "Sub":
        return (1.0, -number) if first else (-1.0, number)
    if node.op in ("RealDiv", "Div") and first and number:
        return 1 / number, 0.0
    return None


def _number(nodes: Nodes, arrays: Mapping[str, Array], name: str) -> float | None:
    """The mean of a small constant: one value, or one a channel."""
    for _ in range(_MOST_STEPS):
        node = nodes[name]
        if node.op == "Const":
            array = arrays.get(name)
            if array is None or not 1 <= array.size <= 4 or array.dtype.kind not in "fiu":
                return None
            return float(array.astype(np.float64).mean())
        if node.op not in ("Identity", "Cast") or not node.inputs:
            return None
        name = _name(node.inputs[0])
    return None


def _name(reference: str) -> str:
    return reference.partition(":")[0]
