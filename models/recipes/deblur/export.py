"""Make the package of the network's weights: graph, parity, figures, manifest, card, pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

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
    Tiling,
)
from bridge.inference.package import ModelPackage, save
from converters.card import PREVIEW, write_card
from converters.cost import count_cost
from converters.half_weights import with_half_weights
from converters.luma_psnr import Rgb8
from converters.scores.base import Figure
from converters.scores.grid import METRIC as GRID_LEVELS
from converters.scores.grid import grid_of_package
from converters.scores.pairs import psnr_of_pairs
from converters.scores.plain_model import PlainModel

from ..parity import difference_of_255, parity_of
from .graph import FRAME, SHARPER, STRENGTH, build_graph
from .learner import NAME
from .network import STRIDE, WIDTHS, DeblurNetwork, reach
from .preview import write_preview

FILE = "model.onnx"
PARITY_LIMIT = 1e-3
"""Of 255. More than rounding in float32 would be a mistake in the graph."""
PARITY_SIZES = ((16, 16), (24, 40), (96, 64), (184, 320))
"""Height and width: small ones are mostly border, where padding could differ."""

AMPLIFIED = 1.5
"""The correction as learned is multiplied by this: of 1, 1.5, 2 and 2.5 the largest at which none
of the blurred pairs held back becomes worse. Their mean gain is 0.48 dB with 1, 0.60 with 1.5 and
0.61 with 2."""

DESCRIPTION = (
    "Takes motion blur off frames: of a camera that was moved or things that moved while the "
    "shutter was open. Short blurs of a few pixels become clearly crisper, long ones a little. For "
    "footage of cameras, and for engines that render with motion blur. Every frame is treated by "
    "itself."
)
LIMITS = (
    "The aim, 1.0 dB more than the blurred frames of REDS, was not reached. It takes the edge off "
    "blurs of a few pixels; a blur of five pixels or more becomes a little clearer and stays blur.",
    "Tried for more, in trials of half a minute of one core, without a clear gain: banks of "
    "filters gated by the network, whitened input, a loss that weighs long blurs more, smaller "
    "steps. What helped: errors counted squared in the last third, since absolute ones left the "
    "correction too timid. More steps alone do not help: a run of 25,000 came to 0.56 dB on REDS. "
    "Unsharp masking at its best setting for the synthesised pairs loses 0.13 dB on REDS.",
    "Out of focus is not motion: such blur is hardly changed.",
    "A frame without any blur is sharpened as well: the one such pair among those held back fell "
    "from 45 to 34 dB. Turn `strength` down for frames that are mostly sharp.",
    "Drawings with hard edges gain less than photographs do: 0.2 dB when swept by five pixels, "
    "next to nothing by seven.",
    "Trained on photographs of nature, people and towns of which movement was synthesised; never "
    "on blurred frames of a real camera.",
    "A frame is judged by itself: in videos detail may come and go from frame to frame as its blur "
    "does.",
)


def make_package(
    folder: Path, weights: Mapping[str, torch.Tensor], recipe: str, pairs: Path,
) -> None:  # fmt: skip
    """Write a package with its card; one that is there is replaced.

    Args:
        weights: `DeblurNetwork.state_dict()`.
        recipe: the command that makes it again.
        pairs: blurred and sharp pictures to measure it with; nothing is chosen by them.
    Raises: ValueError: the graph differs from the network. FileNotFoundError: no pairs.
    """
    if not pairs.is_dir():
        raise FileNotFoundError(f"{pairs}: no such folder; give --data one that holds it")
    model, parity = checked_graph(weights)
    graphs = {FILE: model.SerializeToString()}
    # Measured first, as a package of the same graph: figures are part of the manifest.
    save(folder, make_manifest(model, parity, recipe), graphs)
    quality = measured(ModelPackage.open(folder), pairs)
    save(folder, make_manifest(model, parity, recipe, quality), graphs)
    package = PlainModel(ModelPackage.open(folder))

    def sharpened(frame: Rgb8) -> Rgb8:
        package.reset()
        return np.rint(package.run(frame)).astype(np.uint8)

    write_preview(sharpened, folder / PREVIEW)
    write_card(folder)


def checked_graph(
    weights: Mapping[str, torch.Tensor], seed: int = 0
) -> tuple[onnx.ModelProto, Parity]:
    """The graph with weights of half the size, and how close it is to the network with the same.

    Raises: ValueError: it differs by more than PARITY_LIMIT.
    """
    rounded = {
        name: _as_stored(value.detach().cpu() * (AMPLIFIED if name.startswith("tail.") else 1))
        for name, value in weights.items()
    }
    model = with_half_weights(build_graph(rounded))
    network = DeblurNetwork().eval()
    network.load_state_dict(rounded)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(seed)
    worst = 0.0
    for height, width in PARITY_SIZES:
        noise = random.random((1, 3, height, width), np.float32)
        flats = [np.full_like(noise, level) for level in (0, 0.5, 1)]
        for frame in (noise, *flats):
            (found,) = session.run([SHARPER], {FRAME: frame, STRENGTH: np.ones(1, np.float32)})
            with torch.no_grad():
                wanted = network(torch.from_numpy(frame)).numpy()
            worst = max(worst, difference_of_255(found, wanted))
    against = (
        f"PyTorch {torch.__version__.split('+')[0]} with the same weights, borders and flat "
        "frames included"
    )
    return model, parity_of(worst, PARITY_LIMIT, against)


def make_manifest(
    model: onnx.ModelProto, parity: Parity, recipe: str,
    quality: list[Quality] | None = None,
) -> Manifest:  # fmt: skip
    """The manifest of a graph of `checked_graph`."""
    cost = count_cost(model)
    widths = ", ".join(str(width) for width in WIDTHS)
    return Manifest(
        format=1,
        name=NAME,
        version="1.0.0",
        task="deblur",
        license="MIT",
        title="Deblur: motion",
        description=DESCRIPTION,
        architecture=f"U-Net of residual blocks, {widths} channels at a half, a quarter and an "
        "eighth of the size, added to the frame; weights stored as float16",
        source=Source(
            recipe=recipe,
            data="T91 (Yang et al.) and 60 pictures of BSD200, blurred by synthesised movement; "
            "none of them is in the package",
        ),
        tiling=Tiling(overlap=reach()),
        quality=quality or [],
        cost=cost,
        limits=list(LIMITS),
        # `save` fills in the hash.
        graphs=[Graph(file=FILE, precision="float32", sha256="0" * 64, parity=parity)],
        inputs=[
            FrameInput(
                name=FRAME,
                size=Size(multiple_of=STRIDE, padding="reflect", min=[16, 16], max=[4096, 4096]),
            ),
            ParameterInput(
                name=STRENGTH,
                kind="float",
                default=1.0,
                min=0.0,
                max=2.0,
                label="How much of the blur to take away",
            ),
        ],
        outputs=[FrameOutput(name=SHARPER)],
    )


def measured(package: ModelPackage, pairs: Path) -> list[Quality]:
    """What a manifest states: PSNR of the pairs, and the grid in flat areas of the blurred ones."""
    blurred = next(path for path in sorted(pairs.iterdir()) if "blur" in path.name)

    def silent(done: int, count: int, name: str) -> None:
        pass

    figures = psnr_of_pairs(package, pairs, silent)
    grid = [f for f in grid_of_package(package, blurred, silent) if f.metric == GRID_LEVELS]
    return [
        *(_stated(figure, pairs, "pairs") for figure in figures),
        *(_stated(figure, blurred, "grid") for figure in grid),
    ]


def _stated(figure: Figure, dataset: Path, measure: str) -> Quality:
    # Never rounded to the better side: of PSNR more is better, of the others less.
    side = math.floor if figure.metric.startswith("psnr") else math.ceil
    return Quality(
        dataset=figure.dataset,
        metric=figure.metric,
        value=side(100 * figure.value) / 100,
        baseline={name: round(value, 2) for name, value in figure.baseline.items()},
        command=f"framebridge models score models/{NAME} --dataset {dataset} --measure {measure}",
    )


def _as_stored(value: torch.Tensor) -> torch.Tensor:
    """Rounded to float16 where `with_half_weights` does."""
    return value.half().float() if value.dim() > 1 else value
