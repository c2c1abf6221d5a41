"""Any ONNX graph that makes a picture of a picture, taken as it is.

What it takes is told from the shapes of its ports and by trying it out, in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from bridge.errors import FramebridgeError, NetworkError, WeightsError
from bridge.inference.manifest import FrameInput, FrameOutput, Size, Tiling
from converters.apart import call_apart, packed, unpacked
from converters.architectures.base import Architecture, Found, Network, NotThis
from converters.references.ops import Ops
from converters.weights import Array, Weights

_PROBE = "converters.architectures.onnx_probe"
_LAYOUTS = ("nchw", "nhwc")


@dataclass(frozen=True, slots=True)
class Config:
    """
    Attributes:
        core: the graph in opset 17 and IR 10, between float32 NCHW.
        told: what trying it out has told, as `onnx_probe.import_graph` answers.
    """

    core: bytes
    told: Mapping[str, Any]


def _options(weights: Weights) -> dict[str, Any]:
    """What the user said of the graph.

    Raises: NetworkError: it cannot be so.
    """
    given = weights.facts.get("options") or {}
    options: dict[str, Any] = {}
    if layout := given.get("layout"):
        if str(layout).lower() not in _LAYOUTS:
            raise NetworkError(f"{weights.place} layout", "nchw or nhwc", f"{layout!r}")
        options["layout"] = str(layout).lower()
    if (span := given.get("range")) is not None:
        try:
            low, high = (float(v) for v in (span.split("..") if isinstance(span, str) else span))
            good = np.isfinite([low, high]).all() and low < high
        except (TypeError, ValueError):
            good = False
        if not good:
            raise NetworkError(
                f"{weights.place} range", "two numbers, the lower first: 0..255", f"{span!r}"
            )
        options["range"] = [low, high]
    return options


def _recognise(weights: Weights) -> Found:
    if weights.graph is None:
        raise NotThis("its format holds no graph")
    request = {"model": weights.graph.SerializeToString(), "options": _options(weights)}
    try:
        told = call_apart(f"{_PROBE}:import_graph", request, weights.place)
    except WeightsError as error:
        raise NotThis(f"{error.found}, in place of {error.expected}") from None
    if "refused" in told:
        raise NotThis(told["refused"])
    core = told.pop("model")
    size = told["fixed"]
    facts = {
        "scale": told["scale"], "channels": told["taken"]["channels"],
        "layout": told["taken"]["layout"], "range": told["ranges"][0],
        "result_range": told["ranges"][1], "size": size or "any",
        "multiple_of": told["multiple_of"],
    }  # fmt: skip
    kind = f"{size[0]}x{size[1]} alone" if size else f"multiples of {told['multiple_of']}"
    return Found(
        Config(core, told),
        f"ONNX graph of {len(weights.graph.graph.node)} nodes"
        + (f", x{told['scale']}" if told["scale"] > 1 else ""),
        facts,
        [*told["evidence"], f"tried out at several sizes: {kind}, result x{told['scale']}"],
    )


def _build(weights: Weights, config: Config) -> Network:
    told = config.told
    model = onnx.ModelProto()
    model.ParseFromString(config.core)
    scale, least = told["scale"], told["least"]
    size = Size(multiple_of=told["multiple_of"], padding="edge", min=[least, least])
    if told["fixed"]:
        size = Size(fixed=list(told["fixed"]))
    luma = told["taken"]["channels"] == 1
    limits = []
    if not told["certain"]:
        limits.append("Its range was inferred and is not certain: if it looks wrong, give --range.")
    if luma:
        limits.append("It works on brightness alone; colour is the frame's own.")
    if told["fixed"]:
        limits.append(f"It takes {told['fixed'][0]}x{told['fixed'][1]} pixels and no other size.")
    shared: dict[str, Any] = {"channels": "Y", "luma": "full"} if luma else {}
    name_in, name_out = told["names"]
    return Network(
        model=model,
        task="upscale" if scale > 1 else "stylize",
        inputs=[FrameInput(name=name_in, size=size, range=list(told["ranges"][0]), **shared)],
        outputs=[FrameOutput(name=name_out, scale=scale, range=list(told["ranges"][1]), **shared)],
        title="ONNX graph" + (f" x{scale}" if scale > 1 else ""),
        description=f"Enlarges each frame {scale} times by an imported graph."
        if scale > 1
        else "Changes each frame by an imported graph.",
        tiling=Tiling(tileable=False),
        limits=limits,
        try_size=tuple(told["sample"]),
    )


def _reference(
    ops: Ops, weights: Weights, config: Config, inputs: Mapping[str, Array]
) -> Mapping[str, Array]:
    """The file itself, run as it was: in its own opset, layout and type."""
    assert weights.graph is not None
    told = config.told
    name_in, name_out = told["names"]
    request = {
        "model": weights.graph.SerializeToString(), "taken": told["taken"],
        "given": told["given"], "output": told["output"],
        "picture": packed(np.asarray(inputs[name_in])),
    }  # fmt: skip
    try:
        return {name_out: unpacked(call_apart(f"{_PROBE}:run_file", request, weights.place))}
    except FramebridgeError as error:
        raise NetworkError(
            weights.place, "a graph that ONNX Runtime runs as it is", error.found,
            "It cannot be proved; export it again with opset 17.",
        ) from None  # fmt: skip


ARCHITECTURE = Architecture(
    "onnx-graph", "Any ONNX graph of pictures", "onnx", _recognise, _build, _reference
)
