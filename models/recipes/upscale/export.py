"""From a checkpoint to a package."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Graph,
    Manifest,
    Parity,
    Quality,
    Size,
    Source,
    Tiling,
)
from bridge.inference.package import ModelPackage, save
from converters.card import PREVIEW, write_card
from converters.cost import count_cost, receptive_radius
from converters.scores.psnr_y import METRIC, PSNR_Y

from ..luma import luma
from ..parity import difference_of_255, parity_of
from ..recipe import Options
from .graph import FRAME, UPSCALED, build_graph
from .network import Shape, UpscaleNetwork
from .preview import write_preview
from .words import architecture, description, limits, published

FILE = "model.onnx"
PARITY_LIMIT = 5e-3
"""Of 255. More than rounding in float32 would be a mistake in the graph; at a scale of 4, PyTorch's
own float32 is up to 9e-4 from its float64 on noise."""
PARITY_SIZES = ((16, 16), (17, 31), (96, 64), (180, 320))
"""Height and width: small ones are mostly border, where padding could differ."""
TEST_SETS = {"Set5": "set5", "Set14": "set14"}
"""Folders of `Options.data / "sr-images"`."""


def export_package(
    name: str, shape: Shape, state: dict[str, Any], folder: Path, options: Options
) -> None:
    """Write the package of a checkpoint, measured where the test sets are there.

    Args:
        state: as `Run.save` writes it.
    Raises: ValueError: the graph differs from the network.
    """
    network = UpscaleNetwork(shape).eval()
    network.load_state_dict(state["learner"]["averages"]["upscale"])
    model = build_graph(network)
    graph = model.SerializeToString()
    parity = measure_parity(network, graph)
    # Steps, not minutes: the same amount of training on a slower machine.
    recipe = f"make train NAME={name}  # {state['step']} steps, seed {state['seed']}"
    manifest = make_manifest(name, network, model, parity, recipe)
    package = save(folder, manifest, {FILE: graph})
    manifest.quality = measure(package, shape.scale, options.data / "sr-images")
    package = save(folder, manifest, {FILE: graph})
    write_preview(package, folder / PREVIEW)
    write_card(folder)


def make_manifest(
    name: str, network: UpscaleNetwork, model: onnx.ModelProto, parity: Parity, recipe: str
) -> Manifest:
    """All but what has to be measured on pictures."""
    shape, radius = network.shape, receptive_radius(model)
    # Fewer than the graph holds: there, bicubic and the repetition for three colours count too.
    trained = sum(weight.numel() for weight in network.parameters())
    return Manifest(
        format=1,
        name=name,
        version="1.0.0",
        task="upscale",
        license="MIT",
        title=f"Upscale x{shape.scale}" + (", fast" if name.endswith("-fast") else ""),
        description=description(shape.scale),
        architecture=architecture(shape, trained),
        source=Source(
            recipe=recipe,
            data="T91 (Yang et al.) and 60 pictures of BSD200; none of them is in the package",
        ),
        tiling=Tiling(overlap=radius),
        cost=count_cost(model),
        limits=limits(name, radius),
        # `save` fills in the hash.
        graphs=[Graph(file=FILE, precision="float32", sha256="0" * 64, parity=parity)],
        inputs=[
            FrameInput(
                name=FRAME,
                size=Size(multiple_of=1, padding="edge", min=[16, 16], max=[4096, 4096]),
            )
        ],
        outputs=[FrameOutput(name=UPSCALED, scale=shape.scale)],
    )


def measure_parity(network: UpscaleNetwork, graph: bytes, seed: int = 0) -> Parity:
    """The largest difference on luma between the graph and PyTorch, of 255.

    Raises: ValueError: it is larger than PARITY_LIMIT.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(seed)
    worst = 0.0
    for height, width in PARITY_SIZES:
        frame = random.random((1, 3, height, width), np.float32)
        (result,) = session.run([UPSCALED], {FRAME: frame})
        found = luma(result[0].transpose(1, 2, 0))
        with torch.no_grad():
            wanted = network(torch.from_numpy(luma(frame[0].transpose(1, 2, 0)))[None, None])
        worst = max(worst, difference_of_255(found, wanted[0, 0].numpy()))
    against = f"PyTorch {torch.__version__.split('+')[0]}, on luma, borders included"
    return parity_of(worst, PARITY_LIMIT, against)


def measure(package: ModelPackage, scale: int, pictures: Path) -> list[Quality]:
    """Every figure on each test set that is there; bicubic's and published ones beside it."""
    figures = []
    for dataset, name in TEST_SETS.items():
        if not (pictures / name).is_dir():
            continue
        command = (
            f"framebridge models score models/{package.name} "
            f"--dataset ../shared/data/sr-images/{name}"
        )
        for found in PSNR_Y.run(package, pictures / name, lambda done, count, picture: None):
            baseline = {name: round(value, 2) for name, value in found.baseline.items()}
            if found.metric == METRIC:
                baseline |= published(dataset, scale)
            figures.append(
                Quality(
                    dataset=dataset, metric=found.metric, value=_down(found.value),
                    baseline=baseline, command=command,
                )
            )  # fmt: skip
    return figures


def _down(value: float) -> float:
    """Two decimals, never rounded up."""
    return math.floor(100 * value) / 100
