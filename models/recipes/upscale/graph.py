"""The network on luma as one ONNX graph from RGB to RGB.

Luma is linear in RGB, and so is bicubic. So the projection to luma goes into the first
convolution, and adding the same correction to R, G and B into the last: they cost nothing extra,
and colour differences stay those of bicubic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from models.recipes.luma import LUMA_OF_WHITE, RGB_TO_LUMA
from models.recipes.upscale.network import BICUBIC_RADIUS, SCALE, UpscaleNetwork, bicubic_kernel

OPSET = 17
IR_VERSION = 10
FRAME = "frame"
UPSCALED = "upscaled"
RGB = 3

Weights = npt.NDArray[np.float32]


def build_graph(network: UpscaleNetwork) -> onnx.ModelProto:
    """A float32 graph `frame` (1, 3, H, W) to `upscaled` (1, 3, 2H, 2W), RGB, of 1, not clamped.

    It ends in convolution, addition of bicubic and DepthToSpace in DCR order: the twelve channels
    are (row phase, column phase, colour), so that whoever runs the graph can put another tail on.
    """
    graph = _Writer()
    projection = np.asarray(RGB_TO_LUMA, np.float32)[None, :, None, None]
    first = graph.block("head", FRAME, network.head, projection)
    features = first
    for index, block in enumerate(network.body):
        assert isinstance(block, nn.Sequential)
        features = graph.block(f"body{index}", features, block)
    features = graph.node("Add", "skip", [features, first])
    tail, bias = _numpy(network.tail.weight), _numpy(network.tail.bias)
    # (4, ...) to (12, ...): each sub-pixel three times in a row, once for each colour.
    tail, bias = (np.repeat(w, RGB, axis=0) / np.float32(LUMA_OF_WHITE) for w in (tail, bias))
    correction = graph.convolution("tail", features, tail, bias)
    pads = [0, 0, *[BICUBIC_RADIUS] * 2] * 2
    padded = graph.node(
        "Pad", "padded", [FRAME, graph.weight("pads", np.asarray(pads, np.int64))], mode="edge"
    )
    bicubic = graph.convolution("bicubic", padded, _bicubic_rgb(), None, padding=0)
    total = graph.node("Add", "subpixels", [correction, bicubic])
    graph.node("DepthToSpace", UPSCALED, [total], blocksize=SCALE, mode="DCR")
    return graph.model()


def _bicubic_rgb() -> Weights:
    """(12, 3, 5, 5): the four filters for each colour, zero between colours."""
    kernel = bicubic_kernel()[:, 0]
    weights = np.zeros((len(kernel), RGB, RGB, *kernel.shape[1:]), np.float32)
    for colour in range(RGB):
        weights[:, colour, colour] = kernel
    return weights.reshape(-1, RGB, *kernel.shape[1:])


class _Writer:
    """Collects nodes and weights."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []

    def weight(self, name: str, values: npt.NDArray[np.generic]) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, name: str, inputs: list[str], **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        return name

    def convolution(
        self, name: str, source: str, weight: Weights, bias: Weights | None, padding: int = -1
    ) -> str:
        """A convolution of stride 1; by default it pads with zeros and keeps the size."""
        side = weight.shape[2]
        inputs = [source, self.weight(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.weight(f"{name}.bias", bias))
        pads = [side // 2 if padding < 0 else padding] * 4
        return self.node("Conv", name, inputs, kernel_shape=[side, side], pads=pads)

    def block(
        self, name: str, source: str, block: nn.Sequential, projection: Weights | None = None
    ) -> str:
        """Convolution and activation; `projection` (1, C, 1, 1) turns one input channel into C."""
        convolution, activation = block
        assert isinstance(convolution, nn.Conv2d)
        assert convolution.bias is not None
        assert isinstance(activation, nn.PReLU)
        weight = _numpy(convolution.weight)
        if projection is not None:
            weight = weight * projection
        features = self.convolution(name, source, weight, _numpy(convolution.bias))
        slope = float(activation.weight.item())
        return self.node("LeakyRelu", f"{name}.activation", [features], alpha=slope)

    def model(self) -> onnx.ModelProto:
        source, result = (
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, RGB, *sides])
            for name, sides in ((FRAME, ("H", "W")), (UPSCALED, (f"{SCALE}H", f"{SCALE}W")))
        )
        graph = helper.make_graph(self.nodes, "upscale-x2", [source], [result], self.weights)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="models.recipes.upscale",
        )
        onnx.checker.check_model(model, full_check=True)
        return model


def _numpy(values: object) -> Weights:
    assert isinstance(values, nn.Parameter)
    return np.asarray(values.detach().cpu().numpy(), np.float32)
