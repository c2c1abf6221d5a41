"""The network and the painting as one graph: frame and strength in, painted frame out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from torch import nn

from converters.graph import NetworkGraph

from .network import FIRST_KERNEL, SLOPE, STRIDE, Block, LayerNetwork, TileNetwork
from .painting import Painting, Shares
from .planes import Planes

FRAME, STRENGTH, PAINTED = "frame", "strength", "painted"

Number = float | np.float32


class Value:
    """A float32 value (1, C, H, W) of a graph: arithmetic adds nodes."""

    def __init__(self, graph: NetworkGraph, name: str) -> None:
        self.graph, self.name = graph, name

    def __add__(self, other: Value | Number) -> Value:
        return self._with("Add", other)

    __radd__ = __add__

    def __mul__(self, other: Value | Number) -> Value:
        return self._with("Mul", other)

    __rmul__ = __mul__

    def __sub__(self, other: Value | Number) -> Value:
        return self._with("Sub", other)

    def __rsub__(self, other: Value | Number) -> Value:
        return self._with("Sub", other, turned=True)

    def __truediv__(self, other: Value | Number) -> Value:
        return self._with("Div", other)

    def __pow__(self, power: float) -> Value:
        if power != 0.5:
            raise ValueError(f"no power but the root, 0.5, got {power}")
        return Value(self.graph, self.graph.add("Sqrt", [self.name]))

    def __getitem__(self, key: tuple[slice, slice]) -> Value:
        every, channels = key
        if every != slice(None) or channels.step is not None:
            raise ValueError(f"no slice but [:, first:last] of channels, got {key}")
        return Value(self.graph, self.graph.channels(self.name, channels.start, channels.stop))

    def clip(self, low: float, high: float) -> Value:
        return Value(self.graph, self.graph.clip(self.name, low, high))

    def _with(self, kind: str, other: Value | Number, *, turned: bool = False) -> Value:
        if not isinstance(other, Value):
            other = Value(self.graph, self.graph.constant(other, np.float32))
        names = [self.name, other.name]
        return Value(self.graph, self.graph.add(kind, names[::-1] if turned else names))


class GraphEasel:
    """Of values of a graph."""

    def __init__(self, graph: NetworkGraph) -> None:
        self.graph = graph

    def join(self, parts: list[Value]) -> Value:
        return Value(self.graph, self.graph.concat([part.name for part in parts], 1))

    def enlarge(self, value: Value, factor: int) -> Value:
        return Value(self.graph, self.graph.nearest(value.name, factor))

    def mix(self, value: Value, shares: Shares) -> Value:
        return Value(self.graph, self.graph.conv(value.name, shares[..., None, None]))


def build_graph(painting: Painting, network: nn.Module) -> onnx.ModelProto:
    """`frame` (1, 3, H, W), RGB, 0 to 1, and `strength` (1,), to `painted` (1, 3, H, W).

    At strength 0 the result is the frame. H and W are multiples of what `multiple_of` says.
    """
    graph = NetworkGraph()
    whole, sides = FRAME, _sides(graph)
    if painting.cell > 1:
        whole, sides = _filled_up(graph, painting.cell)
    found = Value(graph, _network(graph, network, whole)).clip(0, 1)
    screen = Value(graph, _laid_out(graph, painting.screen_maps(), sides))
    painted = painting.compose(found, screen, GraphEasel(graph))
    if whole != FRAME:
        painted = Value(graph, _cut(graph, painted.name, _sides(graph)))
    frame = Value(graph, FRAME)
    result = frame + (painted - frame) * Value(graph, STRENGTH)
    shape = (1, 3, "H", "W")
    return graph.model([(FRAME, shape), (STRENGTH, (1,))], [(result.name, PAINTED, shape)])


def multiple_of(painting: Painting) -> int:
    """Of which sides of the graph's frame are multiples; one in cells fills itself up."""
    return STRIDE if painting.cell == 1 else 1


def _filled_up(graph: NetworkGraph, cell: int) -> tuple[str, str]:
    """The frame up to whole cells at its right and bottom, with its last pixels; and its sides."""
    side = graph.constant([cell], np.int64)
    more = graph.add("Add", [_sides(graph), graph.constant([cell - 1], np.int64)])
    wanted = graph.add("Mul", [graph.add("Div", [more, side]), side])
    missing = graph.add("Sub", [wanted, _sides(graph)])
    pads = [graph.constant([0] * 6, np.int64), missing]
    return graph.add("Pad", [FRAME, graph.add("Concat", pads, axis=0)], mode="edge"), wanted


def _laid_out(graph: NetworkGraph, maps: Planes, sides: str) -> str:
    """The maps again and again to the right and down: (1, C, *sides)."""
    period = graph.constant([maps.shape[1]], np.int64)
    more = graph.add("Add", [sides, graph.constant([maps.shape[1] - 1], np.int64)])
    once = graph.constant([1, 1], np.int64)
    repeats = graph.add("Concat", [once, graph.add("Div", [more, period])], axis=0)
    repeated = graph.add("Tile", [graph.constant(maps[None], np.float32), repeats])
    return _cut(graph, repeated, sides)


def _sides(graph: NetworkGraph) -> str:
    """Height and width of the frame, int64 (2,)."""
    return graph.slice(graph.add("Shape", [FRAME]), [2], [4], [0])


def _cut(graph: NetworkGraph, value: str, sides: str) -> str:
    """The upper left part of a picture."""
    bounds = [graph.constant([0, 0], np.int64), sides, graph.constant([2, 3], np.int64)]
    return graph.add("Slice", [value, *bounds])


def _network(graph: NetworkGraph, network: nn.Module, frame: str) -> str:
    assert isinstance(network, (LayerNetwork, TileNetwork))
    centred = graph.add("Sub", [frame, graph.constant(0.5, np.float32)])
    features = _convolved(graph, centred, network.head, (FIRST_KERNEL - STRIDE) // 2)
    features = _blocks(graph, graph.leaky_relu(features, SLOPE), network.blocks)
    if isinstance(network, LayerNetwork):
        layers = graph.pixel_shuffle(_convolved(graph, features, network.tail, 1), STRIDE)
        return _coloured(graph, frame, layers) if network.coloured else layers
    features = graph.leaky_relu(_convolved(graph, features, network.gather, 0), SLOPE)
    features = _blocks(graph, features, network.deep)
    return _convolved(graph, features, network.tail, 1)


def _coloured(graph: NetworkGraph, frame: str, layers: str) -> str:
    soft = graph.add("AveragePool", [frame], kernel_shape=[STRIDE] * 2, strides=[STRIDE] * 2)
    scales = graph.constant([1, 1, STRIDE, STRIDE], np.float32)
    soft = graph.add(
        "Resize", [soft, "", scales], mode="linear", coordinate_transformation_mode="half_pixel"
    )
    colours, rest = graph.channels(layers, 0, 3), graph.channels(layers, 3, 2**31)
    return graph.concat([graph.sum(colours, soft), rest], 1)


def _blocks(graph: NetworkGraph, features: str, blocks: nn.ModuleList) -> str:
    for block in blocks:
        assert isinstance(block, Block)
        inner = graph.leaky_relu(_convolved(graph, features, block.first, 1), SLOPE)
        inner = graph.sum(features, _convolved(graph, inner, block.second, 1))
        features = graph.leaky_relu(inner, SLOPE)
    return features


def _convolved(graph: NetworkGraph, x: str, layer: nn.Module, padding: int) -> str:
    assert isinstance(layer, nn.Conv2d)
    weight, bias = (_numpy(part) for part in (layer.weight, layer.bias))
    return graph.conv(x, weight, bias, stride=layer.stride[0], pads=(padding,) * 4)


def _numpy(values: Any) -> npt.NDArray[np.float32]:
    return np.asarray(values.detach().cpu().numpy(), np.float32)
