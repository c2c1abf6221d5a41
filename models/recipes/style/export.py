"""Makes a package of a checkpoint: graph, parity, figures on a clip, card and preview."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

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
from converters.card import write_card
from converters.cost import count_cost
from converters.scores.flicker import flicker

from ..parity import difference_of_255, parity_of
from ..recipe import Options
from . import wording
from .graph import FRAME, PAINTED, STRENGTH, build_graph, multiple_of
from .learner import TensorEasel, network_of
from .painting import Painting
from .preview import write_preview
from .render import reference, render
from .screen import spread

FILE = "model.onnx"
CLIP = "video/tennis"
PARITY_LIMIT = 1e-3
"""Of 255. More than rounding in float32 would be a mistake in the graph."""
PARITY_SIZES = ((16, 16), (20, 36), (132, 300), (248, 52))
"""Height and width: small ones are mostly border, where padding could differ."""


def export(painting: Painting, checkpoint: dict[str, Any], folder: Path, options: Options) -> None:
    """Write the package with card and preview into `folder`; one that is there is replaced.

    Where the clip is missing, the package has no figures.
    Raises: ValueError: the graph differs from the network.
    """
    network = network_of(painting).eval()
    network.load_state_dict(checkpoint["learner"]["averages"]["painter"])
    model = build_graph(painting, network)
    graph = model.SerializeToString()
    parity = measure_parity(painting, network, graph)
    manifest = _manifest(painting, checkpoint, parity)
    manifest.cost = count_cost(model)
    manifest.architecture += f"; {sum(p.numel() for p in network.parameters()):,} trained weights"
    clip = options.data / CLIP
    if clip.is_dir():
        manifest.quality = _quality(painting, manifest, graph, clip)
        manifest.limits += wording.aims(painting.name, manifest.quality)
    else:
        print(f"{clip}: no such folder; the package has no figures", file=sys.stderr)
    save(folder, manifest, {FILE: graph})
    write_preview(folder)
    write_card(folder)


def measure_parity(painting: Painting, network: nn.Module, graph: bytes) -> Parity:
    """The largest difference between the graph and PyTorch, of 255, painted at full strength.

    Raises: ValueError: it is larger than PARITY_LIMIT.
    """
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    worst = 0.0
    for height, width in PARITY_SIZES:
        frame = random.random((1, 3, height, width), np.float32)
        given = {FRAME: frame, STRENGTH: np.ones(1, np.float32)}
        (found,) = session.run([PAINTED], given)
        wanted = paint(painting, network, frame)
        worst = max(worst, difference_of_255(found, wanted))
    against = f"PyTorch {torch.__version__.split('+')[0]}, borders included"
    return parity_of(worst, PARITY_LIMIT, against)


def paint(painting: Painting, network: nn.Module, frame: Any) -> Any:
    """What the network makes of a frame (1, 3, H, W), in PyTorch, as the graph is to make it."""
    height, width = frame.shape[2:]
    pads = [(0, 0), (0, 0), (0, -height % painting.cell), (0, -width % painting.cell)]
    padded = np.pad(frame, pads, "edge")
    screen = torch.from_numpy(spread(painting.screen_maps(), 0, 0, *padded.shape[2:]))
    with torch.no_grad():
        layers = network(torch.from_numpy(padded)).clamp(0, 1)
        painted = painting.compose(layers, screen, TensorEasel()).numpy()
    return painted[:, :, :height, :width]


def _manifest(painting: Painting, checkpoint: dict[str, Any], parity: Parity) -> Manifest:
    name = f"style-{painting.name}"
    words = wording.WORDS[painting.name]
    size = Size(multiple_of=multiple_of(painting), padding="edge", min=[32, 32], max=[4096, 4096])
    strength = ParameterInput(
        name=STRENGTH, kind="float", default=1.0, min=0.0, max=1.0, label="Strength"
    )
    recipe = (
        f"python -m models.recipes.make {name} --steps {checkpoint['steps']} "
        f"--seed {checkpoint['seed']}"
    )
    return Manifest(
        format=1, name=name, version="1.0.0", task="stylize", license="MIT",
        title=words.title, description=words.description, architecture=words.architecture,
        source=Source(recipe=recipe, data=wording.DATA),
        tiling=Tiling(tileable=False),
        graphs=[Graph(file=FILE, precision="float32", sha256="0" * 64, parity=parity)],
        inputs=[FrameInput(name=FRAME, size=size), strength],
        outputs=[FrameOutput(name=PAINTED)],
        limits=list(words.limits),
    )  # fmt: skip


def _quality(painting: Painting, manifest: Manifest, graph: bytes, clip: Path) -> list[Quality]:
    """Flicker and edge energy on the clip, and the filter's, whose frames are made if missing."""
    if not reference(painting, clip).is_dir():
        print(f"rendering {clip} with the filter", file=sys.stderr)
        render(painting, clip, reference(painting, clip))
    with tempfile.TemporaryDirectory() as folder:
        # Figures are measured on a package; this one lives as long as that takes.
        save(Path(folder) / manifest.name, manifest, {FILE: graph})
        figures = flicker(ModelPackage.open(Path(folder) / manifest.name), clip, _silent)
    place = f"../shared/data/{CLIP}"
    again = (
        f"python -m {render.__module__} {painting.name} {place} && "
        f"framebridge models score models/{manifest.name} --dataset {place} --measure flicker"
    )
    return [
        Quality(
            dataset=figure.dataset, metric=figure.metric, value=round(figure.value, 2),
            baseline={name: round(value, 2) for name, value in figure.baseline.items()},
            command=again,
        )
        for figure in figures
    ]  # fmt: skip


def _silent(done: int, count: int, name: str) -> None:
    """Nobody watches."""
