"""Make a package of a next-frame network's weights: graph, parity, manifest, card, picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image

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

from ..parity import difference_of_255, parity_of
from .graph import FRAME, INJECT, NEXT_FRAME, NEXT_STATE, SPEED, STATE, Shape, build_graph
from .network import NextFrameNetwork

FILE = "model.onnx"
PARITY_LIMIT = 5e-3
"""Of 255, after one tick. More than rounding in float32 would be a mistake in the graph; norms make
rounding errors larger where a frame is nearly flat, so that PyTorch's own float32 is up to 3e-3
from its float64."""
PARITY_SIZES = ((32, 32), (40, 104), (96, 64))
"""Height and width: small ones are mostly border, where padding could differ."""


@dataclass(frozen=True, slots=True)
class About:
    """What a manifest says that cannot be counted.

    Attributes:
        name: of the package.
        description: for whoever chooses it, in plain words.
        recipe: the command that makes it again.
        data: what it learned from.
        license: SPDX.
        limits: a sentence each.
        speed: where the knob stands at first.
    """

    name: str
    title: str
    description: str
    recipe: str
    data: str
    license: str = "MIT"
    version: str = "1.0.0"
    limits: list[str] = field(default_factory=list)
    speed: float = 1.0


def make_package(
    folder: Path,
    weights: Mapping[str, torch.Tensor],
    about: About,
    shape: Shape | None = None,
    quality: list[Quality] | None = None,
    preview: Image.Image | None = None,
) -> onnx.ModelProto:
    """Write a package with its card; one that is there is replaced.

    Args:
        weights: `NextFrameNetwork.state_dict()`, best of the averages.
        shape: of that network.
        quality: figures that were measured.
        preview: what the card shows.
    Returns: the graph that it has.
    Raises: ValueError: the graph differs from the network by more than PARITY_LIMIT.
    """
    shape = shape or Shape()
    model = build_graph({name: value.cpu() for name, value in weights.items()}, shape)
    parity = measure_parity(weights, shape, model)
    manifest = make_manifest(about, model, shape, parity, quality)
    save(folder, manifest, {FILE: model.SerializeToString()})
    if preview is not None:
        # 256 colours are enough to show what moves, and a third of the bytes.
        quantized = preview.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        quantized.save(folder / PREVIEW, optimize=True)
    write_card(folder)
    return model


def measure_parity(
    weights: Mapping[str, torch.Tensor], shape: Shape, model: onnx.ModelProto, seed: int = 0
) -> Parity:
    """The largest difference after one tick between the graph and PyTorch, of 255; on noise, a
    smooth frame, black, white and grey, of small sizes.

    Raises: ValueError: it is larger than PARITY_LIMIT.
    """
    network = NextFrameNetwork(shape.width, shape.levels).eval()
    network.load_state_dict(dict(weights))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(seed)
    worst = 0.0
    one = np.ones(1, np.float32)
    for height, width in PARITY_SIZES:
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        smooth = 0.5 + 0.4 * np.sin(np.stack([rows / 7, columns / 9, (rows + columns) / 11]))[None]
        flats = [np.full((1, 3, height, width), level, np.float32) for level in (0, 0.5, 1)]
        for frame in (random.random((1, 3, height, width), np.float32), smooth, *flats):
            fed = {FRAME: frame, STATE: np.zeros_like(frame), INJECT: one, SPEED: one}
            (found,) = session.run([NEXT_FRAME], fed)
            with torch.no_grad():
                wanted = network(torch.from_numpy(frame)).numpy()
            worst = max(worst, difference_of_255(found, wanted))
    against = f"PyTorch {torch.__version__.split('+')[0]}, one tick, flat frames included"
    return parity_of(worst, PARITY_LIMIT, against)


def make_manifest(
    about: About,
    model: onnx.ModelProto,
    shape: Shape,
    parity: Parity | None = None,
    quality: list[Quality] | None = None,
) -> Manifest:
    """The manifest of a graph of `build_graph`."""
    cost = count_cost(model)
    widths = ", ".join(str(width) for width in shape.widths)
    return Manifest(
        format=1,
        name=about.name,
        version=about.version,
        task="predict",
        license=about.license,
        title=about.title,
        description=about.description,
        architecture=f"U-Net of {widths} channels with instance norms, "
        f"{cost.parameters:,} parameters, which says of each pixel from where it is carried and "
        "what is added",
        source=Source(recipe=about.recipe, data=about.data),
        # The norms look at the whole frame.
        tiling=Tiling(tileable=False),
        quality=quality or [],
        cost=cost,
        limits=about.limits,
        # `save` fills in the hash.
        graphs=[Graph(file=FILE, precision="float32", sha256="0" * 64, parity=parity)],
        inputs=[
            FrameInput(
                name=FRAME,
                size=Size(
                    multiple_of=shape.multiple,
                    padding="reflect",
                    min=[4 * shape.multiple] * 2,
                    max=[2048, 2048],
                ),
            ),
            StateInput(name=STATE),
            # 0, so that it plays by itself: where no frame comes, black would be injected.
            ParameterInput(
                name=INJECT, kind="float", default=0.0, min=0.0, max=1.0,
                label="Share of the engine's frame",
            ),
            ParameterInput(
                name=SPEED, kind="float", default=about.speed, min=0.0, max=2.0,
                label="Speed, 1 as it was learned, 0 to hold the picture",
            ),
        ],
        outputs=[
            FrameOutput(name=NEXT_FRAME),
            StateOutput(name=NEXT_STATE, feeds=STATE, initial="noise"),
        ],
    )  # fmt: skip
