"""The package of a run: its networks by age in one graph that begins with the footage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Graph,
    Manifest,
    ParameterInput,
    Parity,
    Quality,
    Size,
    Source,
    StateInput,
    StateOutput,
    Tiling,
)
from bridge.inference.package import save
from converters.card import PREVIEW, write_card
from converters.cost import count_cost

from ...parity import difference_of_255, parity_of
from ..graph import FRAME, INJECT, NEXT_FRAME, NEXT_STATE, SPEED, STATE, Shape, build_graph
from .age import AGE, blend, knots
from .folder import storage_error
from .start import begin_from, state_of

FILE = "model.onnx"
PARITY_LIMIT = 0.05
"""Of 255. The graph adds the first picture to its state and takes it off again at each tick."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Made:
    """What a package is made from.

    Attributes:
        networks: weights by name, youngest first; the last one is the finished network.
        start: float32 (1, 3, H, W), 0 to 1: the frame that a stream begins with.
        probes: frames, float32 (N, 3, H, W), and what the last network makes of each: the graph
            must make the same.
        preview: PNG.
    """

    name: str
    networks: Sequence[Mapping[str, Array]]
    shape: Shape
    start: Array
    probes: tuple[Array, Array]
    recipe: str
    data: str
    framework: str
    quality: Sequence[Quality]
    preview: bytes
    limits: Sequence[str] = ()


def make_package(folder: Path, made: Made) -> Manifest:
    """Write the package with its card; one that is there is replaced.

    Raises: ValueError: the graph is not the network. StorageError: there is no room for it.
    Guarantees: on an error the package that was there is as it was.
    """
    graphs = [build_graph(weights, made.shape) for weights in made.networks]
    model = begin_from(blend(graphs), made.start)
    parity = measure_parity(model, made)
    manifest = _manifest(made, graphs[-1], parity)
    try:
        save(folder, manifest, {FILE: model.SerializeToString()})
        (folder / PREVIEW).write_bytes(made.preview)
        write_card(folder)
    except OSError as error:
        raise storage_error(folder, model.ByteSize(), error) from None
    return manifest


def measure_parity(model: onnx.ModelProto, made: Made) -> Parity:
    """The largest difference after one tick at age 1 between graph and network, of 255.

    Raises: ValueError: it is larger than PARITY_LIMIT.
    """
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
    worst = 0.0
    for frame, wanted in zip(*made.probes, strict=True):
        state = state_of(frame[None], made.start)
        fed = {FRAME: np.zeros_like(state), STATE: state, INJECT: none, SPEED: one, AGE: one}
        known = {port.name for port in session.get_inputs()}
        (found,) = session.run([NEXT_FRAME], {k: v for k, v in fed.items() if k in known})
        worst = max(worst, difference_of_255(found[0], wanted))
    against = f"{made.framework}, one tick at age 1 on frames of the clip"
    return parity_of(worst, PARITY_LIMIT, against)


def _manifest(made: Made, finished: onnx.ModelProto, parity: Parity) -> Manifest:
    height, width = made.start.shape[2:]
    count = len(made.networks)
    cost = count_cost(finished)
    ages = ", ".join(f"{knot:.2f}" for knot in knots(count))
    knobs = [
        ParameterInput(name=INJECT, kind="float", default=0.0, min=0.0, max=1.0,
                       label="Share of the engine's frame"),
        ParameterInput(name=SPEED, kind="float", default=1.0, min=0.0, max=2.0,
                       label="Speed, 1 as it was learned, 0 to hold the picture"),
    ]  # fmt: skip
    limits = [
        f"It was learned from one clip at {width}x{height}, and plays at that size alone.",
        *made.limits,
    ]
    if count > 1:
        knobs.append(
            ParameterInput(name=AGE, kind="float", default=1.0, min=0.0, max=1.0,
                           label="Age, from 0, wild, to 1, finished")
        )  # fmt: skip
        limits.append(
            f"{count} networks of one run lie in the graph, at the ages {ages}; all but the last "
            "are stored as float16, and the parameters counted above are those of one."
        )
    return Manifest(
        format=1,
        name=made.name,
        version="1.0.0",
        task="predict",
        license="not stated",
        title=made.name.replace("-", " ").capitalize(),
        description=(
            "Plays on by itself: from each picture it makes the one that would follow in the clip "
            "it was trained on. Frames of the engine can be mixed in as it goes."
        ),
        architecture=f"U-Net of {', '.join(map(str, made.shape.widths))} channels with instance "
        "norms, which says where each pixel comes from and what is added to it",
        source=Source(recipe=made.recipe, data=made.data),
        tiling=Tiling(tileable=False),
        quality=list(made.quality),
        cost=cost,
        limits=limits,
        graphs=[Graph(file=FILE, precision="float32", sha256="0" * 64, parity=parity)],
        inputs=[
            FrameInput(name=FRAME, size=Size(fixed=[width, height], fit="cover")),
            StateInput(name=STATE),
            *knobs,
        ],
        outputs=[
            FrameOutput(name=NEXT_FRAME),
            StateOutput(name=NEXT_STATE, feeds=STATE, initial="noise"),
        ],
    )  # fmt: skip


def as_arrays(weights: Mapping[str, object]) -> dict[str, Array]:
    """CPU tensors, or anything that numpy reads, as float32."""
    return {name: np.asarray(value, np.float32) for name, value in weights.items()}
