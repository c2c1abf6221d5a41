"""Make the package, and the same weights as a `.pict`, from a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
from converters.architectures.pix2pix import ARCHITECTURE, SIDE
from converters.card import PREVIEW, write_card
from converters.contact_sheet import write_contact_sheet
from converters.cost import count_cost
from converters.half_weights import with_half_weights
from converters.readers.pict import READER
from converters.scores.lines import Rgb8, measure
from converters.scores.plain_model import PlainModel
from converters.weights import Weights
from converters.writers.pict import write_pict

from ..parity import difference_of_255, parity_of
from ..recipe import Options
from .network import Pix2PixNetwork, arrays_of
from .pairs import drawings_of
from .sketches import SKETCHES, draw

NAME = "edges-to-shoes"
FILE = "model.onnx"
PICT = f"{NAME}.pict"
PARITY_LIMIT = 5e-3
"""Of 255. Rounding in float32, which fourteen norms enlarge one after the other, gives 1e-3; more
would be a mistake in the graph."""
FLAT_LIMIT = 0.25
"""Of 255, on sheets without a line: a norm enlarges what rounding leaves of a flat map, and each
runtime rounds in another order."""
COMMAND = (
    f"framebridge models score models/{NAME} --measure lines "
    "--dataset ../shared/data/pix2pix/edges2shoes100"
)
DESCRIPTION = (
    "Makes a picture of a shoe of its line drawing, stroke by stroke while it is drawn. Draw black "
    "lines two or three pixels wide on white, from the side, the toe to the left: an outline that "
    "is closed, the sole, the opening. It is a pix2pix, and its weights fit into a .pict."
)
DATA = (
    "85 of 100 pairs of edges2shoes (edges of Xie and Tu's network, photographs of UT Zappos50K); "
    "every seventh by name is held back for measuring. None of them is in the package"
)
LIMITS = (
    f"It works at {SIDE}x{SIDE}, whatever the size of the frame.",
    "It has seen 85 shoes. Lines do not tell a colour, so most of what it makes is dark and brown.",
    "Outlines with wide gaps, or of anything but a shoe, are filled in patches.",
    "Each drawing is normalised by its own statistics: one stroke can change the whole picture.",
    "Between heel and sole smudges can be left on the white, and where dark turns into light a "
    "fine grid can be seen.",
    "0.42 of the mean picture's L1 was aimed at and not reached. Outlines filled with one colour "
    "each, known from the photograph, have 0.373; but over the 85 pairs neither the number of "
    "lines nor the shape of a shoe tells how bright it is. Longer training made it worse.",
)

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class PictCheck:
    """How far the pictures of the `.pict`, read back and converted, are from the package's.

    Attributes:
        mean, worst: difference of a value, of 255, over all SKETCHES.
    """

    mean: float
    worst: float


def export(state: dict[str, Any], folder: Path, options: Options) -> None:
    """
    Raises: ValueError: the graph differs from the network. FileNotFoundError: the pairs that it is
        measured on are missing.
    """
    network = network_of(state)
    graph = graph_of(arrays_of(network))
    pict = options.trained / NAME / PICT
    check = write_checked_pict(pict, network)
    manifest = make_manifest(network, graph, state, check)
    package = save(folder, manifest, {FILE: graph.SerializeToString()})
    pairs = options.data / "pix2pix/edges2shoes100"
    if not pairs.is_dir():
        raise FileNotFoundError(f"{pairs}: no such folder; give --data")
    quality = quality_of(package, pairs)
    manifest = make_manifest(network, graph, state, check, quality)
    package = save(folder, manifest, {FILE: graph.SerializeToString()})
    write_preview(package, folder / PREVIEW)
    write_card(folder)


def network_of(state: dict[str, Any]) -> Pix2PixNetwork:
    """The averaged network of a checkpoint, kernels rounded to float16: what the package has."""
    weights = state["learner"]["averages"]["network"]
    kernels = {k: w for k, w in weights.items() if w.ndim == 4}
    inner = [f"convolutions.{index}.weight" for index in range(len(kernels))]
    down = tuple(kernels[name].shape[0] for name in inner[: len(inner) // 2])
    up = tuple(kernels[name].shape[1] for name in inner[len(inner) // 2 :])
    network = Pix2PixNetwork(down, up).eval()
    network.load_state_dict({k: w.half().float() if w.ndim == 4 else w for k, w in weights.items()})
    return network


def graph_of(arrays: dict[str, Any]) -> onnx.ModelProto:
    """As any `.pict` is converted, with kernels stored as float16."""
    weights = Weights(arrays, "recipe", (Path(NAME),))
    found = ARCHITECTURE.recognise(weights)
    return with_half_weights(ARCHITECTURE.build(weights, found.config).model)


def measure_parity(network: Pix2PixNetwork, graph: onnx.ModelProto) -> Parity:
    """The largest difference between the graph and PyTorch on drawings and noise.

    Raises: ValueError: it is larger than PARITY_LIMIT, or FLAT_LIMIT on sheets without a line.
    """
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    worst = _difference(network, graph, [draw(name) for name in SKETCHES] + [noise])
    flat = _difference(network, graph, [np.full_like(noise, level) for level in (0, 255)])
    against = f"PyTorch {torch.__version__.split('+')[0]}, kernels as stored"
    parity_of(flat, FLAT_LIMIT, f"{against}, sheets without a line")
    return parity_of(worst, PARITY_LIMIT, against)


def _difference(network: Pix2PixNetwork, graph: onnx.ModelProto, drawings: Sequence[Rgb8]) -> float:
    session = _session(graph)
    worst = 0.0
    for drawing in drawings:
        x = drawings_of([(drawing, drawing)])
        with torch.no_grad():
            wanted = network(x).numpy()
        # Both are -1 to 1.
        worst = max(worst, difference_of_255(_run(session, x.numpy()) / 2, wanted / 2))
    return worst


def write_checked_pict(path: Path, network: Pix2PixNetwork) -> PictCheck:
    """Write the `.pict`, read it back, convert it, and compare what both draw."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = arrays_of(network)
    write_pict(path, arrays)
    sessions = [_session(graph_of(a)) for a in (arrays, dict(READER.read(path).arrays))]
    differences = []
    for name in SKETCHES:
        drawing = draw(name)
        x = drawings_of([(drawing, drawing)]).numpy()
        first, second = (_run(session, x) for session in sessions)
        differences.append(127.5 * np.abs(first - second))
    return PictCheck(float(np.mean(differences)), float(np.max(differences)))


def make_manifest(
    network: Pix2PixNetwork,
    graph: onnx.ModelProto,
    state: dict[str, Any],
    check: PictCheck,
    quality: Sequence[Quality] = (),
) -> Manifest:
    """With all that can be counted or measured."""
    parameters = sum(weight.numel() for weight in network.parameters())
    return Manifest(
        format=1, name=NAME, version="1.0.0", task="stylize", license="MIT",
        title="Edges to shoes",
        description=DESCRIPTION,
        architecture=f"pix2pix U-Net, eight layers down and eight up, {parameters:,} parameters",
        source=Source(
            recipe=f"python -m models.recipes.make {NAME} --steps {state['step']} "
            f"--seed {state['seed']}",
            data=DATA,
        ),
        tiling=Tiling(tileable=False),
        quality=list(quality),
        cost=count_cost(graph),
        limits=[
            *LIMITS,
            f"As a .pict, whose weights are one byte each, its pictures differ by "
            f"{check.mean:.1f} of 255 in the mean, by {check.worst:.0f} at most.",
        ],
        graphs=[
            # `save` fills in the hash.
            Graph(file=FILE, precision="float32", sha256="0" * 64,
                  parity=measure_parity(network, graph)),
        ],
        inputs=[
            FrameInput(
                name="frame", range=[-1, 1], content="lines",
                size=Size(fixed=[SIDE, SIDE]),
            )
        ],
        outputs=[FrameOutput(name="picture", range=[-1, 1])],
    )  # fmt: skip


def quality_of(package: ModelPackage, pairs: Path) -> list[Quality]:
    """On the pairs held back from training; the share of the mean picture first."""
    found = measure(package, pairs, lambda done, count, name: None)
    return [
        Quality(
            dataset=figure.dataset, metric=figure.metric, value=_up(figure.value),
            baseline={name: round(value, 3) for name, value in figure.baseline.items()},
            command=COMMAND,
        )
        for figure in reversed(found)
    ]  # fmt: skip


def _up(value: float) -> float:
    """Three digits; less would be better than it is."""
    return math.ceil(value * 1000) / 1000


def write_preview(package: ModelPackage, path: Path) -> None:
    """Drawings of our own, and what becomes of them."""
    model = PlainModel(package)
    cells = []
    for name in SKETCHES:
        drawing = draw(name)
        made: Rgb8 = np.rint(model.run(drawing)).astype(np.uint8)
        cells.append([(f"{name}, drawn", drawing), ("made", made)])
    half = (len(cells) + 1) // 2
    rows = [cells[index] + cells[index + half] for index in range(half)]
    write_contact_sheet(path, rows)


def _session(graph: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        graph.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _run(session: Any, drawing: npt.NDArray[Any]) -> Floats:
    result: Floats = session.run(None, {"frame": drawing})[0]
    return result
