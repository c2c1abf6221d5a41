"""Tiny packages for tests: seeded networks whose output spans its range and goes beyond it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Graph,
    LatentInput,
    Manifest,
    MaskInput,
    ParameterInput,
    Size,
    StateInput,
    StateOutput,
)
from bridge.inference.package import IR_VERSION_MAX, OPSET, ModelPackage, save

FILE = "model.onnx"
FRAME = "frame"
RESULT = "result"
FEATURES = 6


@dataclass(frozen=True, slots=True)
class SmallModel:
    """A core graph with a manifest that describes it."""

    core: onnx.ModelProto
    manifest: Manifest

    def write(self, folder: Path) -> ModelPackage:
        return save(folder, self.manifest, {FILE: self.core.SerializeToString()})

    def stating(self, **fields: Any) -> SmallModel:
        """The same graph under a manifest with other fields."""
        return replace(self, manifest=msgspec.structs.replace(self.manifest, **fields))


def network(
    *,
    channels: str = "RGB",
    scale: int = 1,
    tail: str = "",
    range_: Sequence[float] = (0, 1),
    luma: str = "studio",
    size: Size | None = None,
    seed: int = 0,
) -> SmallModel:
    """Two zero-padded 3x3 convolutions and a tail.

    Args:
        tail: how the picture grows: "DCR" or "CRD", a final DepthToSpace; "nearest", a Resize
            before the last convolution; empty at scale 1.
    """
    size = size or Size()
    low, high = (float(side) for side in range_)
    planes = 3 if channels == "RGB" else 1
    shuffled = scale if tail in ("DCR", "CRD") else 1
    last = planes * shuffled**2
    random = np.random.default_rng(seed)
    weights: dict[str, Any] = {
        "first": random.normal(0, 0.5, (FEATURES, planes, 3, 3)),
        "first.bias": random.normal(0, 0.2, FEATURES),
        "last": random.normal(0, 0.45, (last, FEATURES, 3, 3)),
        "last.bias": random.normal(0, 0.2, last),
        "span": high - low,
        "low": low,
        "half": 0.5,
    }
    # The convolutions see -0.5 to 0.5 whatever the range is.
    nodes = [
        _node("Sub", [FRAME, "low"], "above"),
        _node("Div", ["above", "span"], "share"),
        _node("Sub", ["share", "half"], "centred"),
        _conv("centred", "first", "convolved"),
        _node("Relu", ["convolved"], "features"),
    ]
    features = "features"
    if tail == "nearest":
        weights["scales"] = [1, 1, scale, scale]
        nodes.append(_node("Resize", ["features", "", "scales"], "larger", mode="nearest",
                           coordinate_transformation_mode="asymmetric",
                           nearest_mode="floor"))  # fmt: skip
        features = "larger"
    nodes += [
        _conv(features, "last", "made"),
        _node("Add", ["made", "half"], "shifted"),
        _node("Mul", ["shifted", "span"], "scaled"),
        _node("Add", ["scaled", "low"], RESULT if shuffled == 1 else "subpixels"),
    ]
    if shuffled > 1:
        nodes.append(_node("DepthToSpace", ["subpixels"], RESULT, blocksize=scale, mode=tail))
    width, height = size.fixed or ("W", "H")
    grown = (height * scale, width * scale) if size.fixed else ("H2", "W2")
    core = _core(
        nodes,
        [_picture(FRAME, planes, height, width)],
        [_picture(RESULT, planes, *grown)],
        weights,
    )
    picture = {"channels": channels, "range": [low, high], "luma": luma}
    return SmallModel(
        core,
        _manifest(
            [FrameInput(name=FRAME, size=size, **picture)],
            [FrameOutput(name=RESULT, scale=scale, **picture)],
        ),
    )


def identity(
    *,
    channels: str = "RGB",
    range_: Sequence[float] = (0, 1),
    size: Size | None = None,
    luma: str = "studio",
) -> SmallModel:
    """The core returns what it gets."""
    planes = 3 if channels == "RGB" else 1
    core = _core(
        [_node("Identity", [FRAME], RESULT)],
        [_picture(FRAME, planes, "H", "W")],
        [_picture(RESULT, planes, "H", "W")],
        {},
    )
    picture = {"channels": channels, "range": [float(side) for side in range_], "luma": luma}
    return SmallModel(
        core,
        _manifest(
            [FrameInput(name=FRAME, size=size or Size(), **picture)],
            [FrameOutput(name=RESULT, **picture)],
        ),
    )


def single_convolution(scale: int = 1) -> SmallModel:
    """A linear filter, and nothing else but the DepthToSpace of `scale`."""
    planes = 3 * scale**2
    weights = np.random.default_rng(2).normal(0, 0.15, (planes, 3, 3, 3))
    for plane in range(planes):
        weights[plane, plane % 3, 1, 1] += 0.8
    nodes = [_conv(FRAME, "filter", RESULT if scale == 1 else "subpixels")]
    if scale > 1:
        nodes.append(_node("DepthToSpace", ["subpixels"], RESULT, blocksize=scale))
    core = _core(
        nodes,
        [_picture(FRAME, 3, "H", "W")],
        [_picture(RESULT, 3, "H2", "W2")],
        {"filter": weights, "filter.bias": np.zeros(planes)},
    )
    return SmallModel(
        core, _manifest([FrameInput(name=FRAME)], [FrameOutput(name=RESULT, scale=scale)])
    )


def knobs(shape: Sequence[int] = (1,)) -> SmallModel:
    """One parameter of each kind; with the defaults the frame comes back as it was.

    Args:
        shape: of the parameter `strength`, which has one element whatever its rank.
    """
    nodes = [
        _node("Mul", [FRAME, "strength"], "stronger"),
        _node("Cast", ["steps"], "steps.float", to=TensorProto.FLOAT),
        _node("Div", ["steps.float", "white"], "lift"),
        _node("Add", ["stronger", "lift"], "lifted"),
        _node("Sub", ["one", "lifted"], "negative"),
        _node("Where", ["invert", "negative", "lifted"], "turned"),
        _node("Gather", ["looks", "look"], "look.factor"),
        _node("Mul", ["turned", "look.factor"], "looking"),
        _node("Reshape", ["tint", "tint.shape"], "tint.plane"),
        _node("Add", ["looking", "tint.plane"], RESULT),
    ]
    weights = {"white": 255.0, "one": 1.0, "looks": [1.0, 0.5, 0.25]}
    inputs = [
        _picture(FRAME, 3, "H", "W"),
        helper.make_tensor_value_info("strength", TensorProto.FLOAT, list(shape)),
        helper.make_tensor_value_info("steps", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("invert", TensorProto.BOOL, [1]),
        helper.make_tensor_value_info("look", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("tint", TensorProto.FLOAT, [3]),
    ]
    core = _core(nodes, inputs, [_picture(RESULT, 3, "H", "W")], weights)
    core.graph.initializer.append(numpy_helper.from_array(np.array([1, 3, 1, 1]), "tint.shape"))
    return SmallModel(
        core,
        _manifest(
            [
                FrameInput(name=FRAME),
                ParameterInput(name="strength", kind="float", default=1.0, min=0, max=2),
                ParameterInput(name="steps", kind="int", default=0, min=-64, max=64),
                ParameterInput(name="invert", kind="bool", default=False),
                ParameterInput(
                    name="look", kind="choice", default="bright",
                    choices=["bright", "dim", "dark"],
                ),
                ParameterInput(name="tint", kind="colour", default=[0.0, 0.0, 0.0]),
            ],
            [FrameOutput(name=RESULT)],
        ),
    )  # fmt: skip


def memory(
    *,
    initial: str = "zeros",
    dtype: str = "float32",
    takes_frame: bool = True,
    size: Size | None = None,
    state: Sequence[int | str] = (1, 3, "H", "W"),
    picture: Sequence[int] = (12, 8),
    range_: Sequence[float] = (0, 1),
) -> SmallModel:
    """Shows what it remembers, and remembers the frame; without one, the negative of what it shows.

    Args:
        state: shape; where it is not that of the frame, what is shown is its mean.
        picture: width and height of the result where no frame is taken.
    """
    low, high = (float(side) for side in range_)
    width, height = ("W", "H") if takes_frame else picture
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    whole = tuple(state) == (1, 3, "H", "W") or tuple(state[2:]) == (height, width)
    nodes = [_node("Cast", ["before"], "remembered", to=TensorProto.FLOAT)]
    if whole:
        nodes.append(_node("Identity", ["remembered"], RESULT))
    else:
        nodes += [
            _node("ReduceMean", ["remembered"], "mean", keepdims=0),
            _node("Mul", [FRAME, "zero"] if takes_frame else ["blank", "zero"], "dark"),
            _node("Add", ["dark", "mean"], RESULT),
        ]
    if takes_frame and whole:
        nodes.append(_node("Identity", [FRAME], "kept"))
    else:
        nodes.append(_node("Sub", ["ends", "remembered"], "kept"))
    nodes.append(_node("Cast", ["kept"], "after", to=kind))
    weights: dict[str, Any] = {"zero": 0.0, "ends": low + high}
    if not takes_frame:
        weights["blank"] = np.zeros((1, 3, height, width))
    states = [
        helper.make_tensor_value_info(name, kind, list(state)) for name in ("before", "after")
    ]
    core = _core(
        nodes,
        [*([_picture(FRAME, 3, "H", "W")] if takes_frame else []), states[0]],
        [_picture(RESULT, 3, height, width), states[1]],
        weights,
    )
    ends = [low, high]
    frame = [FrameInput(name=FRAME, size=size or Size(), range=ends)] if takes_frame else []
    result = FrameOutput(name=RESULT, range=ends, size=None if takes_frame else list(picture))
    kept = StateOutput(name="after", feeds="before", initial=initial, dtype=dtype)
    return SmallModel(core, _manifest([*frame, StateInput(name="before")], [result, kept]))


def recurrent(*, initial: str = "noise", dtype: str = "float32") -> SmallModel:
    """A network whose every picture depends on all before it, and on a latent code."""
    random = np.random.default_rng(4)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    core = _core(
        [
            _node("Cast", ["before"], "remembered", to=TensorProto.FLOAT),
            _node("Concat", [FRAME, "remembered"], "both", axis=1),
            _conv("both", "gate", "gated"),
            _node("Gemm", ["code", "mix"], "mixed"),
            _node("Reshape", ["mixed", "plane"], "drift"),
            _node("Add", ["gated", "drift"], "moved"),
            _node("Tanh", ["moved"], "fresh"),
            _node("Cast", ["fresh"], "after", to=kind),
            _conv("fresh", "show", RESULT),
        ],
        [
            _picture(FRAME, 3, "H", "W"),
            helper.make_tensor_value_info("before", kind, [1, FEATURES, "H", "W"]),
            helper.make_tensor_value_info("code", TensorProto.FLOAT, [1, 4]),
        ],
        [
            _picture(RESULT, 3, "H", "W"),
            helper.make_tensor_value_info("after", kind, [1, FEATURES, "H", "W"]),
        ],
        {
            "gate": random.normal(0, 0.3, (FEATURES, 3 + FEATURES, 3, 3)),
            "gate.bias": random.normal(0, 0.2, FEATURES),
            "mix": random.normal(0, 0.5, (4, FEATURES)),
            "show": random.normal(0, 0.2, (3, FEATURES, 3, 3)),
            "show.bias": np.full(3, 0.5),
        },
    )
    core.graph.initializer.append(numpy_helper.from_array(np.array([1, FEATURES, 1, 1]), "plane"))
    return SmallModel(
        core,
        _manifest(
            [FrameInput(name=FRAME), StateInput(name="before"), LatentInput(name="code", length=4)],
            [
                FrameOutput(name=RESULT),
                StateOutput(name="after", feeds="before", initial=initial, dtype=dtype),
            ],
        ),
    )


def generator(*, distribution: str = "normal", channels: str = "RGB") -> SmallModel:
    """12 x 8 pixels, each column one of the four numbers of a latent code; no frame goes in."""
    planes = 3 if channels == "RGB" else 1
    core = _core(
        [
            _node("Tile", ["code", "three"], "row"),
            _node("Add", ["row", "zeros"], RESULT),
        ],
        [helper.make_tensor_value_info("code", TensorProto.FLOAT, [1, 4])],
        [_picture(RESULT, planes, 8, 12)],
        {"zeros": np.zeros((1, planes, 8, 12))},
    )
    core.graph.initializer.append(numpy_helper.from_array(np.array([1, 3]), "three"))
    return SmallModel(
        core,
        _manifest(
            [LatentInput(name="code", length=4, distribution=distribution)],
            [FrameOutput(name=RESULT, size=[12, 8], channels=channels)],
        ),
    )


FAULTS = ["none", "huge", "negative", "difference", "quotient", "half"]
PLACES = ["nowhere", "picture", "state", "both"]


def fragile(*, dtype: str = "float32") -> SmallModel:
    """A linear network with a state, 12 x 8, and knobs that break it in the ways there are.

    `fault` at `gain` 1e30: plus infinity, minus infinity, infinity minus infinity, zero divided by
    zero, and a number that only float16 cannot hold; at gain 1 the first three are finite. It is
    added in `place`, at every pixel or at `pixel` alone. `growth` is a factor of the state.
    """
    random = np.random.default_rng(6)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    nodes = [
        _node("Mul", ["gain", "gain"], "square"),
        _node("Neg", ["square"], "minus"),
        _node("Add", ["square", "minus"], "nothing"),
        _node("Div", ["nothing", "none"], "undefined"),
        _node("Concat", ["none", "square", "minus", "nothing", "undefined", "seventy"], "faults",
              axis=0),
        _node("Gather", ["faults", "fault"], "value"),
        _node("Equal", ["order", "pixel"], "here"),
        _node("Or", ["here", "everywhere"], "hit"),
        _node("Gather", ["in.picture", "place"], "picture.share"),
        _node("Gather", ["in.state", "place"], "state.share"),
        _node("Cast", ["picture.share"], "picture.struck", to=TensorProto.BOOL),
        _node("Cast", ["state.share"], "state.struck", to=TensorProto.BOOL),
        _node("And", ["hit", "picture.struck"], "picture.hit"),
        _node("And", ["hit", "state.struck"], "state.hit"),
        _node("Where", ["picture.hit", "value", "none"], "picture.fault"),
        _node("Where", ["state.hit", "value", "none"], "state.fault"),
        _node("Cast", ["before"], "remembered", to=TensorProto.FLOAT),
        _node("Mul", ["remembered", "growth"], "grown"),
        _node("Mul", ["grown", "halves"], "old"),
        _node("Mul", [FRAME, "halves"], "new"),
        _node("Add", ["old", "new"], "blend"),
        _node("Add", ["blend", "state.fault"], "struck"),
        _node("Cast", ["struck"], "after", to=kind),
        _conv("blend", "filter", "filtered"),
        _node("Add", ["filtered", "picture.fault"], RESULT),
    ]  # fmt: skip
    weights: dict[str, Any] = {
        "none": [0.0],
        "seventy": [70_000.0],
        "in.picture": [0.0, 1.0, 0.0, 1.0],
        "in.state": [0.0, 0.0, 1.0, 1.0],
        "halves": np.full((1, 3, 1, 1), 0.5),
        "filter": random.normal(0, 0.1, (3, 3, 3, 3)) + np.eye(3)[:, :, None, None] / 9,
        "filter.bias": np.full(3, 0.1),
    }
    knobs = [
        helper.make_tensor_value_info("gain", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("growth", TensorProto.FLOAT, [1]),
        helper.make_tensor_value_info("fault", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("place", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("pixel", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("everywhere", TensorProto.BOOL, [1]),
    ]
    states = [
        helper.make_tensor_value_info(name, kind, [1, 3, 8, 12]) for name in ("before", "after")
    ]
    core = _core(
        nodes,
        [_picture(FRAME, 3, 8, 12), states[0], *knobs],
        [_picture(RESULT, 3, 8, 12), states[1]],
        weights,
    )
    order = np.arange(96).reshape(1, 1, 8, 12)
    core.graph.initializer.append(numpy_helper.from_array(order, "order"))
    return SmallModel(
        core,
        _manifest(
            [
                FrameInput(name=FRAME, size=Size(fixed=[12, 8])),
                StateInput(name="before"),
                ParameterInput(name="gain", kind="float", default=1.0, min=0, max=3e38),
                ParameterInput(name="growth", kind="float", default=1.0, min=0, max=3e38),
                ParameterInput(name="fault", kind="choice", default="none", choices=FAULTS),
                ParameterInput(name="place", kind="choice", default="nowhere", choices=PLACES),
                ParameterInput(name="pixel", kind="int", default=0, min=0, max=95),
                ParameterInput(name="everywhere", kind="bool", default=False),
            ],
            [
                FrameOutput(name=RESULT),
                StateOutput(name="after", feeds="before", dtype=dtype),
            ],
        ),
    )


def masked() -> SmallModel:
    """Keeps of the frame what a mask says."""
    core = _core(
        [_node("Mul", [FRAME, "keep"], RESULT)],
        [_picture(FRAME, 3, "H", "W"), _picture("keep", 1, "H", "W")],
        [_picture(RESULT, 3, "H", "W")],
        {},
    )
    return SmallModel(
        core,
        _manifest([FrameInput(name=FRAME), MaskInput(name="keep")], [FrameOutput(name=RESULT)]),
    )


def noise() -> SmallModel:
    """Adds other noise at each run."""
    core = _core(
        [
            _node("RandomNormalLike", [FRAME], "grain", mean=0.0, scale=0.2),
            _node("Add", [FRAME, "grain"], RESULT),
        ],
        [_picture(FRAME, 3, "H", "W")],
        [_picture(RESULT, 3, "H", "W")],
        {},
    )
    return SmallModel(core, _manifest([FrameInput(name=FRAME)], [FrameOutput(name=RESULT)]))


def _manifest(inputs: list[Any], outputs: list[Any]) -> Manifest:
    return Manifest(
        format=1, name="small", version="1.0.0", task="stylize", license="MIT",
        graphs=[Graph(file=FILE, precision="float32", sha256="0" * 64)],
        inputs=inputs, outputs=outputs,
    )  # fmt: skip


def _core(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: dict[str, Any],
) -> onnx.ModelProto:
    stored = [
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in weights.items()
    ]
    return helper.make_model(
        helper.make_graph(list(nodes), "core", list(inputs), list(outputs), stored),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION_MAX,
    )


def _picture(name: str, channels: int, height: int | str, width: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, height, width])


def _node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), [output], f"make {output}", **attributes)


def _conv(source: str, weight: str, output: str) -> onnx.NodeProto:
    return _node("Conv", [source, weight, f"{weight}.bias"], output, pads=[1, 1, 1, 1])
