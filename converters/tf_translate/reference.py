"""The same graphs run node by node on arrays as TensorFlow has them, to prove translations.

It shares nothing with the translation but the list of nodes: sizes are numbers here, axes stay as
TensorFlow has them, and paddings come from the sizes of what is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from converters.references.ops import Ops, Pads, same_pads
from converters.tf_translate.nodes import Node, Nodes, Untranslatable, in_order
from converters.weights import Array

Step = Callable[[Ops, Node, list[Array]], Any]


def interpret(
    ops: Ops, nodes: Nodes, arrays: Mapping[str, Array], source: str, target: str, order: str,
    frame: Array,
) -> Array:  # fmt: skip
    """What the graph makes of a frame.

    Args:
        order: of the placeholder's axes, "NHWC" or "NCHW".
        frame: (1, C, H, W).
    Returns: the value `target` with its own axes.
    """
    given = frame.transpose(0, 2, 3, 1) if order == "NHWC" else frame
    known: dict[str, Array] = {f"{source}:0": given}
    for node in in_order(nodes, [target]):
        if node.name == source or node.op == "NoOp":
            continue
        if node.op == "Const":
            known[f"{node.name}:0"] = np.asarray(arrays[node.name])
            continue
        step = _STEPS.get(node.op)
        if step is None:
            raise Untranslatable(f"{node.op} is not known here")
        made = step(ops, node, [known[reference] for reference in node.inputs])
        for index, each in enumerate(made if isinstance(made, (list, tuple)) else [made]):
            known[f"{node.name}:{index}"] = np.asarray(each)
    return known[target if ":" in target else f"{target}:0"]


def _last(node: Node) -> bool:
    return bool(node.attr.get("data_format", "NHWC") == "NHWC")


def _first(node: Node, x: Array) -> Array:
    """Channels first."""
    return x.transpose(0, 3, 1, 2) if _last(node) else x


def _own(node: Node, x: Array) -> Array:
    return x.transpose(0, 2, 3, 1) if _last(node) else x


def _two(node: Node, name: str) -> tuple[int, int]:
    four = node.attr.get(name) or [1, 1, 1, 1]
    return (four[1], four[2]) if _last(node) else (four[2], four[3])


def _explicit(node: Node) -> Pads:
    eight = node.attr["explicit_paddings"]
    (top, bottom, left, right) = eight[2:6] if _last(node) else eight[4:8]
    return top, left, bottom, right


def _pads(node: Node, x: Array, kernel: tuple[int, int], strides: tuple[int, int]) -> Pads:
    if node.attr["padding"] == "VALID":
        return 0, 0, 0, 0
    if node.attr["padding"] == "EXPLICIT":
        return _explicit(node)
    _, _, height, width = x.shape
    top, _, bottom, _ = same_pads(height, width, kernel[0], strides[0])
    _, left, _, right = same_pads(height, width, kernel[1], strides[1])
    return top, left, bottom, right


def _spread(weight: Array, dilations: tuple[int, int]) -> Array:
    """A kernel with the zeros of its dilation written out."""
    down, across = dilations
    out, inside, kh, kw = weight.shape
    full = np.zeros((out, inside, (kh - 1) * down + 1, (kw - 1) * across + 1), weight.dtype)
    full[:, :, ::down, ::across] = weight
    return full


def _convolve(ops: Ops, node: Node, x: Array, weight: Array, groups: int) -> Array:
    x = _first(node, x)
    weight = _spread(weight, _two(node, "dilations"))
    strides = _two(node, "strides")
    kernel = (weight.shape[2], weight.shape[3])
    pads = _pads(node, x, kernel, strides)
    if strides[0] == strides[1]:
        return _own(node, ops.conv(x, weight, stride=strides[0], pads=pads, groups=groups))
    every = ops.conv(x, weight, pads=pads, groups=groups)
    return _own(node, every[:, :, :: strides[0], :: strides[1]])


def _conv(ops: Ops, node: Node, given: list[Array]) -> Array:
    x, kernel = given
    groups = x.shape[3 if _last(node) else 1] // kernel.shape[2]
    return _convolve(ops, node, x, kernel.transpose(3, 2, 0, 1), groups)


def _depthwise(ops: Ops, node: Node, given: list[Array]) -> Array:
    x, kernel = given
    side = kernel.shape[:2]
    weight = np.moveaxis(kernel.reshape(*side, -1), 2, 0)[:, None]
    return _convolve(ops, node, x, weight, kernel.shape[2])


def _transposed(ops: Ops, node: Node, given: list[Array]) -> Array:
    sizes, kernel, x = given
    x, strides = _first(node, x), _two(node, "strides")
    kernel = kernel.astype(np.float32)
    sizes = sizes.reshape(-1)
    height, width = sizes if len(sizes) == 2 else sizes[1:3] if _last(node) else sizes[2:4]
    if node.attr["padding"] == "EXPLICIT":
        top, left, _, _ = _explicit(node)
    elif node.attr["padding"] == "SAME":
        top, _, _, _ = same_pads(int(height), int(width), kernel.shape[0], strides[0])
        _, left, _, _ = same_pads(int(height), int(width), kernel.shape[1], strides[1])
    else:
        top = left = 0
    # Each value laid out with zeros between, then an ordinary convolution with the kernel turned.
    wide = np.zeros(
        (1, x.shape[1], (x.shape[2] - 1) * strides[0] + 1, (x.shape[3] - 1) * strides[1] + 1),
        np.float64,
    )
    wide[:, :, :: strides[0], :: strides[1]] = x
    turned = kernel[::-1, ::-1].transpose(2, 3, 0, 1)
    kh, kw = kernel.shape[:2]
    full = ops.conv(wide, turned, pads=(kh - 1, kw - 1, kh - 1 + strides[0], kw - 1 + strides[1]))
    return _own(node, full[:, :, top : top + int(height), left : left + int(width)])


def _pool(ops: Ops, node: Node, given: list[Array]) -> Array:
    x = _first(node, given[0]).astype(np.float64)
    kernel, strides = _two(node, "ksize"), _two(node, "strides")
    top, left, bottom, right = _pads(node, x, kernel, strides)
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    largest = node.op == "MaxPool"
    x = np.pad(x, widths, constant_values=-np.inf if largest else np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(2, 3))
    windows = windows[:, :, :: strides[0], :: strides[1]]
    found = windows.max((-1, -2)) if largest else np.nanmean(windows, (-1, -2))
    return _own(node, found)


def _batch_norm(ops: Ops, node: Node, given: list[Array]) -> Array:
    x, gamma, beta, mean, variance = given
    x, epsilon = _first(node, x), node.attr.get("epsilon", 1e-4)
    if node.attr.get("is_training", True):
        return _own(node, ops.instance_norm(x, gamma, beta, epsilon))
    return _own(node, ops.batch_norm(x, mean, variance, gamma, beta, epsilon))


def _blocks(ops: Ops, node: Node, given: list[Array]) -> Array:
    x, block = _first(node, given[0]), node.attr["block_size"]
    if node.op == "DepthToSpace":
        return _own(node, ops.depth_to_space(x, block))
    _, channels, height, width = x.shape
    parts = x.reshape(1, channels, height // block, block, width // block, block)
    return _own(
        node,
        parts.transpose(0, 3, 5, 1, 2, 4).reshape(1, -1, height // block, width // block),
    )


def _places(node: Node, out: int, inside: int) -> Array:
    """Where each pixel of a resize lies in what it resizes."""
    if node.attr.get("align_corners") and out > 1:
        return np.arange(out) * (inside - 1) / (out - 1)
    if node.attr.get("half_pixel_centers"):
        return (np.arange(out) + 0.5) * inside / out - 0.5
    return np.arange(out) * inside / out


def _resize(ops: Ops, node: Node, given: list[Array]) -> Array:
    x = given[0].astype(np.float64)
    for axis, out in zip((1, 2), given[1].reshape(-1), strict=True):
        side = x.shape[axis]
        at = _places(node, int(out), side)
        if node.op == "ResizeNearestNeighbor":
            at = np.floor(at + 0.5 * bool(node.attr.get("half_pixel_centers")))
            x = x.take(at.clip(0, side - 1).astype(int), axis)
            continue
        at = at.clip(0, side - 1)
        low = np.floor(at).astype(int)
        part = (at - low).reshape((-1, 1) if axis == 2 else (-1, 1, 1))
        x = x.take(low, axis) * (1 - part) + x.take((low + 1).clip(0, side - 1), axis) * part
    return x


def _pad(ops: Ops, node: Node, given: list[Array]) -> Array:
    widths = given[1].reshape(-1, 2).astype(int)
    if node.op == "MirrorPad":
        mode: Any = node.attr.get("mode", "REFLECT").lower()
        return np.pad(given[0], widths, mode=mode)
    fill = given[2].item() if len(given) > 2 else 0
    return np.pad(given[0], widths, constant_values=fill)


def _strided(ops: Ops, node: Node, given: list[Array]) -> Array:
    entries: list[Any] = []
    for index, (start, end, step) in enumerate(zip(*given[1:4], strict=True)):
        bit = 1 << index

        def masked(what: str, bit: int = bit) -> bool:
            return bool(node.attr.get(f"{what}_mask", 0) & bit)

        if masked("ellipsis"):
            entries.append(...)
        elif masked("new_axis"):
            entries.append(None)
        elif masked("shrink_axis"):
            entries.append(int(start))
        else:
            low = None if masked("begin") else int(start)
            entries.append(slice(low, None if masked("end") else int(end), int(step)))
    return np.asarray(given[0][tuple(entries)])


def _slice(ops: Ops, node: Node, given: list[Array]) -> Array:
    return np.asarray(given[0][tuple(
        slice(int(start), None if size == -1 else int(start + size))
        for start, size in zip(given[1], given[2], strict=True)
    )])  # fmt: skip


def _split(ops: Ops, node: Node, given: list[Array]) -> list[Array]:
    if node.op == "Split":
        return list(np.split(given[1], node.attr["num_split"], int(given[0])))
    lengths, whole = given[1].copy(), given[0].shape[int(given[2])]
    lengths[lengths == -1] = whole - lengths.sum() - 1
    return list(np.split(given[0], np.cumsum(lengths)[:-1], int(given[2])))


def _reduced(function: Callable[..., Any]) -> Step:
    def step(ops: Ops, node: Node, given: list[Array]) -> Array:
        keep = bool(node.attr.get("keep_dims") or node.attr.get("keepdims"))
        axes = tuple(int(axis) for axis in given[1].reshape(-1))
        x = given[0].astype(np.float64) if given[0].dtype.kind == "f" else given[0]
        return np.asarray(function(x, axis=axes, keepdims=keep))

    return step


def _dense(ops: Ops, node: Node, given: list[Array]) -> Array:
    return ops.linear(given[0], given[1] if node.attr.get("transpose_b") else given[1].T)


def _bias_add(ops: Ops, node: Node, given: list[Array]) -> Array:
    x, bias = given
    return np.asarray(x + (bias if _last(node) else bias.reshape(1, -1, 1, 1)))


def _squeeze(ops: Ops, node: Node, given: list[Array]) -> Array:
    axes = node.attr.get("squeeze_dims") or node.attr.get("axis")
    return np.squeeze(given[0], tuple(axes) if axes else None)


def _unstack(ops: Ops, node: Node, given: list[Array]) -> list[Array]:
    return list(np.moveaxis(given[0], node.attr.get("axis", 0), 0))


def _cast(ops: Ops, node: Node, given: list[Array]) -> Array:
    kind = str(node.attr.get("DstT", "float32")).lower()
    whole = "int" in kind and given[0].dtype.kind == "f"
    return np.trunc(given[0]).astype(np.int64) if whole else given[0]


def _divide(ops: Ops, node: Node, given: list[Array]) -> Array:
    whole = node.op == "Div" and all(each.dtype.kind in "iu" for each in given)
    return np.asarray(given[0] // given[1] if whole else given[0] / given[1])


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, 0)


def _selu(x: Array) -> Array:
    return 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))


def _plain(function: Callable[..., Any]) -> Step:
    return lambda ops, node, given: function(*given)


_STEPS: dict[str, Step] = {
    "Conv2D": _conv, "DepthwiseConv2dNative": _depthwise, "Conv2DBackpropInput": _transposed,
    "MatMul": _dense, "BiasAdd": _bias_add, "MaxPool": _pool, "AvgPool": _pool,
    **dict.fromkeys(("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"), _batch_norm),
    "DepthToSpace": _blocks, "SpaceToDepth": _blocks, "ResizeNearestNeighbor": _resize,
    "ResizeBilinear": _resize, "Pad": _pad, "PadV2": _pad, "MirrorPad": _pad,
    "StridedSlice": _strided, "Slice": _slice, "Split": _split, "SplitV": _split,
    "Mean": _reduced(np.mean), "Sum": _reduced(np.sum), "Max": _reduced(np.max),
    "Min": _reduced(np.min), "Prod": _reduced(np.prod), "Squeeze": _squeeze, "Unpack": _unstack,
    "Cast": _cast, "RealDiv": _divide, "Div": _divide,
    "Relu": lambda ops, node, given: ops.relu(given[0]),
    "LeakyRelu": lambda ops, node, given: ops.leaky_relu(given[0], node.attr.get("alpha", 0.2)),
    "Elu": lambda ops, node, given: ops.elu(given[0]),
    "Tanh": lambda ops, node, given: ops.tanh(given[0]),
    "Sigmoid": lambda ops, node, given: ops.sigmoid(given[0]),
    "Relu6": lambda ops, node, given: ops.clip(given[0], 0, 6),
    "ClipByValue": _plain(lambda x, low, high: np.clip(x, low, high)),
    "Softplus": _plain(_softplus), "Selu": _plain(_selu),
    **dict.fromkeys(
        ("Identity", "StopGradient", "PreventGradient", "Snapshot", "PlaceholderWithDefault"),
        _plain(lambda x: x),
    ),
    **dict.fromkeys(("Add", "AddV2"), _plain(lambda a, b: a + b)),
    "AddN": _plain(lambda *parts: sum(parts[1:], parts[0])),
    "Sub": _plain(lambda a, b: a - b), "Mul": _plain(lambda a, b: a * b),
    "Maximum": _plain(np.maximum), "Minimum": _plain(np.minimum), "Abs": _plain(np.abs),
    "Neg": _plain(lambda x: -x), "Sqrt": _plain(np.sqrt), "Exp": _plain(np.exp),
    "Log": _plain(np.log), "Rsqrt": _plain(lambda x: x**-0.5), "Square": _plain(lambda x: x * x),
    "Pow": _plain(np.power), "SquaredDifference": _plain(lambda a, b: (a - b) ** 2),
    "Reciprocal": _plain(lambda x: 1 / x), "Inv": _plain(lambda x: 1 / x),
    "FloorDiv": _plain(lambda a, b: a // b), "FloorMod": _plain(lambda a, b: a % b),
    "Transpose": _plain(lambda x, way: x.transpose(way)),
    "Reshape": _plain(lambda x, shape: x.reshape([int(side) for side in shape])),
    "ExpandDims": _plain(lambda x, axis: np.expand_dims(x, int(axis.item()))),
    "ConcatV2": _plain(lambda *given: np.concatenate(given[:-1], int(given[-1]))),
    "Concat": _plain(lambda *given: np.concatenate(given[1:], int(given[0]))),
    "Pack": lambda ops, node, given: np.stack(given, node.attr.get("axis", 0)),
    "Shape": _plain(lambda x: np.array(x.shape)), "Rank": _plain(lambda x: np.array(x.ndim)),
    "Size": _plain(lambda x: np.array(x.size)), "Tile": _plain(np.tile),
    "Fill": _plain(lambda shape, value: np.full([int(side) for side in shape], value)),
    "Range": _plain(lambda start, end, step: np.arange(start.item(), end.item(), step.item())),
    "Gather": _plain(np.take), "GatherV2": _plain(lambda x, at, axis: x.take(at, int(axis))),
    "ZerosLike": _plain(np.zeros_like), "OnesLike": _plain(np.ones_like),
}  # fmt: skip


def steps() -> frozenset[str]:
    """The operations that are known here."""
    return frozenset(_STEPS)
