"""The picture on the card: what a package makes of five starts, tick by tick."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridge.inference.package import ModelPackage
from converters.contact_sheet import write_contact_sheet
from converters.drawing import draw
from converters.scores.life import Feedback

from .simulate import WORLDS, rgb8, simulated

SIDE = 128
TICKS = (1, 10, 50, 100, 200, 400, 600)


def write_preview(package: ModelPackage, path: Path, world: str = "") -> None:
    """Start the package from a simulated frame, black, white, noise and a drawing.

    Args:
        world: whose frame comes first; by default the one that the package is named after.
    """
    name = world or package.name.removeprefix("next-")
    frame = next(iter(simulated(WORLDS[name](SIDE, SIDE), 1)))
    noise = np.clip(np.random.default_rng(0).normal(127.5, 64, (SIDE, SIDE, 3)), 0, 255)
    starts = {
        "simulated": np.asarray(rgb8(frame)),
        "black": np.zeros((SIDE, SIDE, 3), np.uint8),
        "white": np.full((SIDE, SIDE, 3), 255, np.uint8),
        "noise": noise.astype(np.uint8),
        "a drawing": draw(SIDE, SIDE),
    }
    loop = Feedback(package)
    rows = []
    for label, start in starts.items():
        row = [(label, start)]
        for tick, made in enumerate(loop.run(start, max(TICKS)), 1):
            if tick in TICKS:
                row.append((f"tick {tick}", np.rint(made).astype(np.uint8)))
        rows.append(row)
    write_contact_sheet(path, rows, f"{package.manifest.title}: fed with its own result")
