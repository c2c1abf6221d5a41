"""DeblurGAN-v2: a feature pyramid on a backbone, whose result is added to the blurred picture.

Sources, each read: VITA-Group/DeblurGANv2 (where KupynOrest/DeblurGANv2 lives now) `predict.py`,
`aug.py`, `models/networks.py`, `models/fpn_inception.py`; `models/fpn_mobilenet.py` in its fork
valgur/DeblurGANv2, as the first has kept only an early draft of that file. Confirmed there:

- The file is {"model": arrays}, their names after `module.` (both prefixes may be missing here).
- `predict.py` runs in training mode, on purpose: all norms take the statistics of the picture.
- RGB to -1..1, then zeros, which are middle grey, at the bottom and the right to the NEXT multiple
  of 32, also where the size is one already; the result is cropped.
- Nearest x2, plus the lateral result, then a 3x3 convolution, norm and relu (`td1` to `td3`).
  `smooth`, nearest x2, plus `lateral0`, `smooth2`, nearest x2, `final`, tanh, plus picture, clamp.
- The Inception backbone does not pad where it halves; reflected borders make up for that: one
  pixel around lateral4, 3 and 1; for lateral2 one left and above, two right and below; for
  lateral0 one right and below. The padding that it lacks makes 128x128 its least padded size.

The padding stands in the graph, made from the size of the frame. A manifest's `multiple_of` adds
nothing to a frame that fits, and the statistics see what is added: it would be another picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bridge.inference.manifest import FrameInput, FrameOutput, Size
from converters.architectures import deblurgan_v2_inception as inception
from converters.architectures import deblurgan_v2_mobilenet as mobilenet
from converters.architectures.base import Architecture, Found, Network, NotThis, take
from converters.architectures.deblurgan_v2_names import Stored
from converters.architectures.deblurgan_v2_norm import picture_norm
from converters.graph import NetworkGraph, Pads
from converters.references.ops import Ops
from converters.weights import Array, Weights

_BLOCK = 32
_EPSILON = 1e-5
Backbone = Literal["mobilenet", "inception"]
_TITLES: Mapping[Backbone, str] = {"mobilenet": "MobileNetV2", "inception": "Inception-ResNet-v2"}
_BACKBONES = {"mobilenet": mobilenet, "inception": inception}
_FIRST: Mapping[Backbone, tuple[str, str]] = {
    "mobilenet": ("features.0.0.weight", "enc0.0.0.weight"),
    "inception": ("inception.conv2d_1a.conv.weight", "enc0.conv.weight"),
}
_LEAST = {"mobilenet": 32, "inception": 96}
"""Of a frame's side: below it PyTorch refuses maps of one value, or reflected borders fail."""
_REFLECTED: Mapping[str, Mapping[int, Pads]] = {
    "mobilenet": {},
    "inception": {
        4: (1, 1, 1, 1), 3: (1, 1, 1, 1), 2: (1, 1, 2, 2), 1: (1, 1, 1, 1), 0: (0, 0, 1, 1),
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        prefix: before all names.
        pyramid: channels of the maps of the pyramid.
        width: channels of the heads' results.
    """

    prefix: str
    backbone: Backbone
    pyramid: int
    width: int


def _recognise(weights: Weights) -> Found:
    end = "fpn.lateral4.weight"
    name = next((name for name in weights.arrays if name.endswith(end)), None)
    if name is None:
        raise NotThis(f"there is no {end}")
    prefix = name.removesuffix(end)

    def shape(name: str) -> tuple[int, ...]:
        array = weights.arrays.get(prefix + name)
        return () if array is None else tuple(array.shape)

    backbone = next(
        (b for b in _FIRST if any(len(shape(f"fpn.{first}")) == 4 for first in _FIRST[b])), None
    )
    if backbone is None:
        raise NotThis("its backbone is neither MobileNetV2 nor Inception-ResNet-v2")
    lateral, head, final = shape(end), shape("head1.block1.weight"), shape("final.weight")
    if len(lateral) != 4 or lateral[2:] != (1, 1) or not lateral[0]:
        raise NotThis("fpn.lateral4 is no 1x1 convolution")
    pyramid = lateral[0]
    if len(head) != 4 or head[0] < 2 or head != (head[0], head[0], 3, 3):
        raise NotThis("head1.block1 is no 3x3 convolution that keeps the channels")
    width = head[0]
    if final != (3, width // 2, 3, 3):
        raise NotThis(f"final.weight is {list(final)}, not {[3, width // 2, 3, 3]}")
    if shape("fpn.td1.0.weight") != (pyramid, pyramid, 3, 3):
        raise NotThis("fpn.td1.0 is no 3x3 convolution of the pyramid's channels")
    return Found(
        Config(prefix, backbone, pyramid, width),
        f"DeblurGAN-v2 on {_TITLES[backbone]}, pyramid of {pyramid}, heads of {width} channels",
        {"backbone": backbone, "pyramid": pyramid, "width": width},
        [f"a pyramid, fpn.lateral0 to 4, on {_TITLES[backbone]}",
         f"the pyramid has {pyramid} channels, the heads {width}"]
        + ([f"all names begin with {prefix}"] if prefix else []),
    )  # fmt: skip


def _stored(weights: Weights, config: Config) -> Stored:
    return Stored(weights, config.prefix, _BACKBONES[config.backbone].STAGES)


def _build(weights: Weights, config: Config) -> Network:
    graph = NetworkGraph()
    pyramid, width, prefix = config.pyramid, config.width, config.prefix

    def normed(x: str, name: str, out: int, inside: int) -> str:
        """A `Sequential` of a 3x3 convolution, a norm and relu."""
        weight = take(weights, f"{prefix}{name}.0.weight", (out, inside, 3, 3))
        x = graph.conv(x, weight, take(weights, f"{prefix}{name}.0.bias", (out,)), pads=(1,) * 4)
        gamma = beta = None
        if f"{prefix}{name}.1.weight" in weights.arrays:
            gamma = take(weights, f"{prefix}{name}.1.weight", (out,))
            beta = take(weights, f"{prefix}{name}.1.bias", (out,))
        return graph.relu(picture_norm(graph, x, gamma, beta, _EPSILON))

    size = graph.slice(graph.add("Shape", ["frame"]), [2], [4], [0])
    maps = _BACKBONES[config.backbone].build(
        graph, _stored(weights, config), _padded(graph, "frame", size)
    )
    lateral = []
    for index, (x, channels) in enumerate(maps):
        out = pyramid if index else width
        name = f"{prefix}fpn.lateral{index}.weight"
        x = graph.conv(x, take(weights, name, (out, channels, 1, 1)))
        border = _REFLECTED[config.backbone].get(index)
        lateral.append(graph.pad_sides(x, border, "reflect") if border else x)
    x, heads = lateral[4], []
    for index in (4, 3, 2, 1):
        if index < 4:
            x = graph.sum(lateral[index], graph.nearest(x, 2))
            x = normed(x, f"fpn.td{4 - index}", pyramid, pyramid)
        head = x
        for block, inside in (("block0", pyramid), ("block1", width)):
            name = f"{prefix}head{index}.{block}.weight"
            kernel = take(weights, name, (width, inside, 3, 3))
            head = graph.relu(graph.conv(head, kernel, pads=(1, 1, 1, 1)))
        heads.append(graph.nearest(head, 2 ** (index - 1)) if index > 1 else head)
    x = normed(graph.concat(heads, 1), "smooth", width, 4 * width)
    x = normed(graph.sum(graph.nearest(x, 2), lateral[0]), "smooth2", width // 2, width)
    final = take(weights, f"{prefix}final.weight", (3, width // 2, 3, 3))
    bias = take(weights, f"{prefix}final.bias", (3,))
    x = graph.tanh(graph.conv(graph.nearest(x, 2), final, bias, pads=(1, 1, 1, 1)))
    # Cropped before the sum, which saves the padded picture.
    ends = [graph.constant(values, np.int64) for values in ([0, 0], [2, 3])]
    x = graph.add("Slice", [x, ends[0], size, ends[1]])
    x = graph.clip(graph.sum(x, "frame"), -1, 1)
    shape, least = (1, 3, "H", "W"), _LEAST[config.backbone]
    title = f"DeblurGAN-v2 on {_TITLES[config.backbone]}"
    return Network(
        model=graph.model([("frame", shape)], [(x, "deblurred", shape)]),
        task="deblur",
        inputs=[FrameInput(name="frame", range=[-1, 1], size=Size(min=[least, least]))],
        outputs=[FrameOutput(name="deblurred", range=[-1, 1])],
        title=title,
        description=f"Takes motion blur out of each frame by {title}.",
        limits=(
            "Norms take their statistics from the whole frame: the same detail comes out "
            "differently in another frame, and tiles do not fit together.",
            "Grey is added at the bottom and the right to the next multiple of 32, as the authors' "
            "own program does, and counts in the statistics.",
        ),
        try_size=(109, 97) if config.backbone == "inception" else (77, 50),
    )


def _padded(graph: NetworkGraph, x: str, size: str) -> str:
    """Zeros at the bottom and the right, to the next multiple of 32.

    Args:
        size: int64 (2,), height and width.
    """
    block = graph.constant([_BLOCK], np.int64)
    more = graph.add("Sub", [block, graph.add("Mod", [size, block])])
    none = graph.constant([0] * 6, np.int64)
    return graph.add("Pad", [x, graph.concat([none, more], 0)], mode="constant")


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    """In the order of the original's `forward`, with the sizes of this one frame."""
    arrays, prefix = weights.arrays, config.prefix
    around: Pads = (1, 1, 1, 1)

    def block(x: Array, name: str) -> Array:
        x = ops.conv(x, arrays[f"{prefix}{name}.0.weight"], arrays[f"{prefix}{name}.0.bias"],
                     pads=around)  # fmt: skip
        gamma, beta = (arrays.get(f"{prefix}{name}.1.{part}") for part in ("weight", "bias"))
        return ops.relu(ops.instance_norm(x, gamma, beta, _EPSILON))

    def head(x: Array, name: str) -> Array:
        for part in ("block0", "block1"):
            x = ops.relu(ops.conv(x, arrays[f"{prefix}{name}.{part}.weight"], pads=around))
        return x

    frame = inputs["frame"]
    height, width = frame.shape[2:]
    below = (height // _BLOCK + 1) * _BLOCK - height
    right = (width // _BLOCK + 1) * _BLOCK - width
    x = ops.pad(frame, (0, 0, below, right), "zero")
    backbone: Callable[..., list[Array]] = _BACKBONES[config.backbone].reference
    enc = backbone(ops, _stored(weights, config), x)
    lateral = [
        ops.conv(each, arrays[f"{prefix}fpn.lateral{index}.weight"])
        for index, each in enumerate(enc)
    ]
    if config.backbone == "inception":
        for index, border in enumerate([(0, 0, 1, 1), around, (1, 1, 2, 2), around, around]):
            lateral[index] = ops.pad(lateral[index], border, "reflect")
    map4 = lateral[4]
    map3 = block(lateral[3] + ops.nearest(map4, 2), "fpn.td1")
    map2 = block(lateral[2] + ops.nearest(map3, 2), "fpn.td2")
    map1 = block(lateral[1] + ops.nearest(map2, 2), "fpn.td3")
    heads = [
        ops.nearest(head(map4, "head4"), 8), ops.nearest(head(map3, "head3"), 4),
        ops.nearest(head(map2, "head2"), 2), head(map1, "head1"),
    ]  # fmt: skip
    smoothed = ops.nearest(block(ops.concat(heads), "smooth"), 2)
    smoothed = ops.nearest(block(smoothed + lateral[0], "smooth2"), 2)
    final = ops.conv(smoothed, arrays[f"{prefix}final.weight"], arrays[f"{prefix}final.bias"],
                     pads=around)  # fmt: skip
    result = ops.clip(ops.tanh(final) + x, -1, 1)
    return {"deblurred": result[:, :, :height, :width]}


ARCHITECTURE = Architecture(
    "deblurgan-v2", "DeblurGAN-v2 (MobileNetV2, Inception-ResNet-v2)", "torch",
    _recognise, _build, _reference,
    r"(.*\.)?(fpn\.(enc\d|td\d|lateral\d|features|inception)|head\d|smooth2?|final)\..+",
)  # fmt: skip
