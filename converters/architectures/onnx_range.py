"""Which range of values a network of pictures works in: what its first and last steps say, and what
it makes of a picture in each range."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import numpy_helper

from converters.weights import Array

Range = tuple[float, float]
RANGES: tuple[Range, ...] = ((0.0, 1.0), (0.0, 255.0), (-1.0, 1.0))
"""The more common, the earlier."""
_CLEAR = 0.05
"""So much better is better."""
_SAME = 2 / 255
"""Pictures so near each other on average are one: then it does not matter which range is taken."""
_SAID = 0.6
"""How much a step of the graph counts that says what the range is."""
_UNEQUAL = 0.1
"""How much it counts against a range that the result has another."""
_THROUGH = ("Cast", "Transpose", "Unsqueeze", "Squeeze", "Pad", "Identity", "Reshape", "Split")
_MOST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Ranges:
    """
    Attributes:
        certain: no other range gives a picture that is nearly as good, but another.
    """

    taken: Range
    given: Range
    evidence: list[str]
    certain: bool


def named(values: Range) -> str:
    low, high = values
    return f"{low:g}..{high:g}"


def picture(channels: int, height: int, width: int) -> Array:
    """Soft areas, hard edges, black and white, and a little noise: float64 (1, C, H, W), 0 to 1."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:height, 0:width]
    across, down = columns / max(width - 1, 1), rows / max(height - 1, 1)
    planes = []
    for index in range(channels):
        plane = 0.5 + 0.35 * np.sin(3 * across + index) * np.cos(4 * down - index)
        plane[(across - 0.3) ** 2 + (down - 0.4) ** 2 < 0.03] = 0.95 - 0.1 * index
        plane[(across > 0.6) & (down > 0.55) & (across < 0.85)] = 0.05 + 0.1 * index
        planes.append(plane)
    made = np.stack(planes) + 0.02 * random.standard_normal((channels, height, width))
    made[:, : height // 8, : width // 8] = 0.0
    made[:, -(height // 8) :, : width // 8] = 1.0
    return made.clip(0, 1)[None]


def tell(
    run: Callable[[Array], Array], model: onnx.ModelProto, sample: Array, scale: int,
    fixed: tuple[Range | None, Range | None] = (None, None),
) -> Ranges:  # fmt: skip
    """The ranges of a network's input and result.

    Args:
        run: (1, C, H, W) to (1, C, H * scale, W * scale), both in the network's ranges.
        sample: 0 to 1.
        fixed: what is known of either already.
    """
    said_in = _first_steps(model) if fixed[0] is None else None
    said_out = _last_steps(model) if fixed[1] is None else None
    rows: list[tuple[float, Range, Range, str]] = []
    pictures: dict[Range, Array] = {}
    for low, high in RANGES if fixed[0] is None else (fixed[0],):
        result = run(low + (high - low) * sample)
        given = fixed[1] or said_out or _looks_like(result)
        score, words = _score(result, given, sample, scale)
        if said_in == (low, high):
            score += _SAID
        if given != (low, high):
            score -= _UNEQUAL
        rows.append((score, (low, high), given, words))
        pictures[low, high] = (result - given[0]) / (given[1] - given[0])
    # The first of equals is the more common one.
    best = max(rows, key=lambda row: row[0])
    best = next(row for row in rows if row[0] > best[0] - _CLEAR / 2 or row is best)
    others = [row for row in rows if row is not best]
    evidence = []
    if said_in:
        evidence.append(f"its first steps take {named(said_in)}")
    if said_out:
        evidence.append(f"its last steps give {named(said_out)}")
    if fixed[0] is None:
        tried = "; ".join(f"in {named(row[1])} {row[3]}" for row in rows)
        evidence.append(f"tried with a picture in each range: {tried}")
    evidence.append(f"so it takes {named(best[1])} and gives {named(best[2])}")
    certain = all(
        row[0] < best[0] - _CLEAR or np.abs(pictures[row[1]] - pictures[best[1]]).mean() < _SAME
        for row in others
    )
    return Ranges(best[1], best[2], evidence, certain)


def _looks_like(result: Array) -> Range:
    low, high = np.quantile(result, [0.02, 0.98])
    if high - low > 4:
        return 0.0, 255.0
    return (-1.0, 1.0) if low < -0.25 else (0.0, 1.0)


def _score(result: Array, given: Range, sample: Array, scale: int) -> tuple[float, str]:
    """Higher is a saner picture: like the one that went in, inside its range, not flat."""
    if not np.isfinite(result).all():
        return -3.0, "it gives NaN or infinity"
    values = (result - given[0]) / (given[1] - given[0])
    outside = float(np.mean((values < -0.05) | (values > 1.05)))
    _, channels, height, width = sample.shape
    squares = values.reshape(1, channels, height, scale, width, scale)
    small = squares.mean(axis=(3, 5))
    spread = float(small.std())
    likeness = 0.0
    if spread > 1e-6:
        likeness = abs(float(np.corrcoef(small.mean(1).ravel(), sample.mean(1).ravel())[0, 1]))
    apart = min(float(np.abs(small - sample).mean()), 1.0)
    flat = 0.5 if spread < 0.02 else 0.0
    words = f"it resembles its source by {likeness:.2f}, with {outside:.0%} outside {named(given)}"
    return likeness - apart - outside - flat, words


def _constants(model: onnx.ModelProto) -> dict[str, Array]:
    small = [t for t in model.graph.initializer if np.prod(t.dims, dtype=float) <= 4]
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in small}


def _first_steps(model: onnx.ModelProto) -> Range | None:
    """What is subtracted, divided by and so on before the first layer."""
    constants = _constants(model)
    name = model.graph.input[0].name
    if model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8:
        return 0.0, 255.0
    for _ in range(_MOST_STEPS):
        nodes = [node for node in model.graph.node if name in node.input]
        if len(nodes) != 1:
            return None
        node = nodes[0]
        other = [constants[n] for n in node.input if n in constants and n != name]
        if node.op_type in ("Sub", "Add", "Mul", "Div") and len(other) == 1 and other[0].size:
            size = float(np.abs(other[0]).mean())
            if node.op_type == "Div":
                return (0.0, 255.0) if size > 32 else (0.0, 1.0) if 0.1 < size < 1 else None
            if node.op_type == "Mul":
                return (0.0, 255.0) if size < 0.03 else (0.0, 1.0) if 1 < size < 8 else None
            return (0.0, 255.0) if size > 32 else (0.0, 1.0) if 0.3 < size < 0.6 else None
        if node.op_type not in _THROUGH or not node.output:
            return None
        name = node.output[0]
    return None


def _last_steps(model: onnx.ModelProto) -> Range | None:
    """The interval that a last tanh, sigmoid or clip leaves, moved by what comes after it."""
    constants = _constants(model)
    makers = {name: node for node in model.graph.node for name in node.output}
    value = model.graph.output[0]
    if value.type.tensor_type.elem_type == onnx.TensorProto.UINT8:
        return 0.0, 255.0
    name = value.name
    steps: list[tuple[str, float]] = []
    for _ in range(_MOST_STEPS):
        node = makers.get(name)
        if node is None:
            return None
        if node.op_type in ("Tanh", "Sigmoid", "Clip"):
            bounds = _bounds(node, constants)
            return None if bounds is None else _nearest(bounds, steps)
        if node.op_type in _THROUGH[:-1] and node.op_type != "Pad":
            name = node.input[0]
            continue
        known = [n for n in node.input if n in constants]
        if node.op_type not in ("Add", "Sub", "Mul", "Div") or len(known) != 1:
            return None
        if node.op_type in ("Sub", "Div") and node.input[1] != known[0]:
            return None
        steps.append((node.op_type, float(constants[known[0]].mean())))
        name = next(n for n in node.input if n != known[0])
    return None


def _bounds(node: onnx.NodeProto, constants: dict[str, Array]) -> Range | None:
    if node.op_type == "Tanh":
        return -1.0, 1.0
    if node.op_type == "Sigmoid":
        return 0.0, 1.0
    limits = [constants.get(n) for n in node.input[1:3]]
    if len(limits) < 2 or any(limit is None or limit.size != 1 for limit in limits):
        return None
    low, high = (float(limit.ravel()[0]) for limit in limits if limit is not None)
    return low, high


def _nearest(bounds: Range, steps: list[tuple[str, float]]) -> Range | None:
    change: dict[str, Callable[[float, float], float]] = {
        "Add": lambda x, by: x + by, "Sub": lambda x, by: x - by, "Mul": lambda x, by: x * by,
        "Div": lambda x, by: x / by if by else np.inf,
    }  # fmt: skip
    low, high = bounds
    for operation, by in reversed(steps):
        low, high = change[operation](low, by), change[operation](high, by)
    low, high = min(low, high), max(low, high)
    for candidate in RANGES:
        width = candidate[1] - candidate[0]
        # A style network's 150 tanh + 127.5 reaches a little beyond what a picture has.
        if max(abs(low - candidate[0]), abs(high - candidate[1])) <= 0.25 * width:
            return candidate
    return None
