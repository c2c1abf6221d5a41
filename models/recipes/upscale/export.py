"""Make the package from a checkpoint: `python -m models.recipes.upscale.export`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
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
from bridge.inference.package import save
from converters.card import PREVIEW, write_card
from converters.cost import count_cost, receptive_radius
from models.recipes.luma import luma
from models.recipes.upscale.evaluate import (
    COMMAND,
    METRIC,
    METRIC_RGB8,
    PICTURES,
    Score,
    Upscaler,
    measure_sets,
)
from models.recipes.upscale.graph import FRAME, UPSCALED, build_graph
from models.recipes.upscale.network import BODY, SCALE, WIDTH, UpscaleNetwork
from models.recipes.upscale.preview import write_preview

FILE = "model.onnx"
PARITY_LIMIT = 1e-3
"""Of 255. More than rounding in float32 would be a mistake in the graph."""
PARITY_SIZES = ((16, 16), (17, 31), (96, 64), (180, 320))
"""Height and width: small ones are mostly border, where padding could differ."""

PUBLISHED = {"Set5": {"c-DCSCN, published": 37.15}, "Set14": {"c-DCSCN, published": 32.74}}
DESCRIPTION = (
    "Doubles the width and height of each frame; edges and lettering come out sharper than by "
    "bicubic. For whoever renders at half the resolution to save time. A small convolutional "
    "network corrects the bicubic enlargement in luma; colour differences are those of bicubic. "
    "It was trained on clean pictures reduced by bicubic: expect noise and compression artifacts "
    "of a frame to be sharpened too."
)


def measure_parity(network: UpscaleNetwork, graph: bytes, seed: int = 0) -> Parity:
    """The largest difference on luma between the graph and PyTorch, of 255.

    Raises: ValueError: it is larger than PARITY_LIMIT.
    """
    upscaler = Upscaler(graph)
    random = np.random.default_rng(seed)
    worst = 0.0
    for height, width in PARITY_SIZES:
        frame = random.random((1, 3, height, width), np.float32)
        (result,) = upscaler.session.run([UPSCALED], {FRAME: frame})
        found = luma(result[0].transpose(1, 2, 0))
        with torch.no_grad():
            wanted = network(torch.from_numpy(luma(frame[0].transpose(1, 2, 0)))[None, None])
        worst = max(worst, 255 * float(np.abs(found - wanted[0, 0].numpy()).max()))
    if worst > PARITY_LIMIT:
        raise ValueError(f"the graph differs from the network by {worst:.2e} of 255 on luma")
    against = f"PyTorch {torch.__version__.split('+')[0]}, on luma, borders included"
    return Parity(against=against, max_abs_error=float(f"{worst:.1e}"), unit="of 255")


def make_manifest(
    network: UpscaleNetwork, graph: bytes, scores: dict[str, Score], recipe: str
) -> Manifest:
    """The manifest of `graph`, with all that can be counted or measured on it."""
    model = onnx.load_from_string(graph)
    return Manifest(
        format=1,
        name="upscale-x2",
        version="1.0.0",
        task="upscale",
        license="MIT",
        title="Upscale x2",
        description=DESCRIPTION,
        architecture=f"{BODY + 1} convolutions of {WIDTH} channels and one to {SCALE**2} "
        f"sub-pixels, on luma, {_trained(network):,} trained parameters, added to bicubic",
        source=Source(
            recipe=recipe,
            data="T91 (Yang et al.) and 60 pictures of BSD200; none of them is in the package",
        ),
        tiling=Tiling(overlap=receptive_radius(model)),
        quality=_quality(scores),
        cost=count_cost(model),
        graphs=[
            # `save` fills in the hash.
            Graph(
                file=FILE,
                precision="float32",
                sha256="0" * 64,
                parity=measure_parity(network, graph),
            )
        ],
        inputs=[
            FrameInput(
                name=FRAME,
                size=Size(multiple_of=1, padding="edge", min=[16, 16], max=[4096, 4096]),
            )
        ],
        outputs=[FrameOutput(name=UPSCALED, scale=SCALE)],
    )


def _trained(network: UpscaleNetwork) -> int:
    # Fewer than the graph holds: there, bicubic and the repetition for three colours count too.
    return sum(weight.numel() for weight in network.parameters())


def _quality(scores: dict[str, Score]) -> list[Quality]:
    as_dcscn = [
        Quality(
            dataset=name,
            metric=METRIC,
            value=round(score.network, 2),
            baseline={"bicubic": round(score.bicubic, 2), **PUBLISHED[name]},
            command=COMMAND,
        )
        for name, score in scores.items()
    ]
    through_rgb8 = [
        Quality(
            dataset=name,
            metric=METRIC_RGB8,
            value=round(score.network_rgb8, 2),
            baseline={"bicubic": round(score.bicubic_rgb8, 2)},
            command=COMMAND,
        )
        for name, score in scores.items()
    ]
    return as_dcscn + through_rgb8


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.upscale.export",
        description="Make the package upscale-x2 from a checkpoint: graph, parity with PyTorch, "
        "figures on Set5 and Set14, card and preview.",
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("out/train/upscale-x2/checkpoint.pt"),
        metavar="FILE", help="as models.recipes.upscale.train wrote it (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--package", type=Path, default=Path("models/upscale-x2"), metavar="FOLDER",
        help="where the package goes; one that is there is replaced (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--pictures", type=Path, default=PICTURES, metavar="FOLDER",
        help="holds set5 and set14 (%(default)s)",
    )  # fmt: skip
    return parser.parse_args()


def main() -> int:
    """Exit status: 0 written, 1 the graph differs from the network, 3 a file is missing."""
    arguments = _arguments()
    if not arguments.checkpoint.is_file():
        print(f"{arguments.checkpoint}: no such file; train, or give --checkpoint", file=sys.stderr)
        return 3
    try:
        state: dict[str, Any] = torch.load(arguments.checkpoint, weights_only=True)
        network = UpscaleNetwork().eval()
        network.load_state_dict(state["average"])
        graph = build_graph(network).SerializeToString()
        scores = measure_sets(graph, arguments.pictures)
        # Steps, not minutes: the same amount of training on a slower machine.
        recipe = (
            f"python -m models.recipes.upscale.train --steps {state['step']} --seed {state['seed']}"
            " && python -m models.recipes.upscale.export"
        )
        manifest = make_manifest(network, graph, scores, recipe)
    except FileNotFoundError as error:
        print(f"{error}: give --pictures", file=sys.stderr)
        return 3
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    save(arguments.package, manifest, {FILE: graph})
    write_preview(Upscaler(graph), arguments.package / PREVIEW)
    write_card(arguments.package)
    print(arguments.package)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
