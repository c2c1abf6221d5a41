"""Frames of a simulation: `python -m models.recipes.next_frame.simulate fluid --output FOLDER`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from .fluid import Fluid
from .growth import Growth
from .starts import drawing
from .world import Batch, World

WORLDS: dict[str, type[World]] = {"fluid": Fluid, "growth": Growth}
SIDE = 128
SETTLING = 200
"""Ticks until little is left of how it began."""
FRAMES = 600
SEED = 2026
"""Not one that networks learn with: those have 1 and the next ones."""
PHOTOGRAPH = "photograph.png"
LEAST_CONTRAST, LEAST_CHANGE = 20.0, 1.0
"""Of 255. What moves less is not alive."""


def simulated(world: World, frames: int, seed: int = SEED) -> Iterator[Batch]:
    """Frames (3, H, W), 0 to 1, one a tick, after it has settled."""
    state = world.states(world.first_pictures(1, np.random.default_rng(seed)))
    for _ in range(SETTLING):
        state = world.step(state)
    for _ in range(frames):
        yield world.pictures(state)[0]
        state = world.step(state)


def assert_alive(frames: Iterator[Batch], window: int = 100) -> tuple[float, float]:
    """Mean contrast and change per tick, of 255.

    Raises: ValueError: in some window of so many ticks it has come to rest, or gone flat.
    """
    contrasts, changes = [], []
    before = None
    for frame in frames:
        contrasts.append(255 * float(frame.std(axis=(1, 2)).mean()))
        if before is not None:
            changes.append(255 * float(np.abs(frame - before).mean()))
        before = frame
    for start in range(0, len(changes), window):
        contrast = float(np.mean(contrasts[start : start + window]))
        change = float(np.mean(changes[start : start + window]))
        if contrast < LEAST_CONTRAST or change < LEAST_CHANGE:
            raise ValueError(
                f"the simulation is dead from tick {start}: contrast {contrast:.2f}, change "
                f"{change:.2f} of 255"
            )
    return float(np.mean(contrasts)), float(np.mean(changes))


def rgb8(frame: Batch) -> Image.Image:
    """A frame (3, H, W) as a picture."""
    levels = np.rint(255 * frame).astype(np.uint8)
    return Image.fromarray(np.ascontiguousarray(levels.transpose(1, 2, 0)))


def write_frames(
    world: World, folder: Path, frames: int = FRAMES, seed: int = SEED
) -> tuple[float, float]:
    """Write frames as PNG files, and a drawn picture in place of a photograph.

    Returns: mean contrast and change per tick, of 255.
    Raises: ValueError: the simulation came to rest.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def written() -> Iterator[Batch]:
        for index, frame in enumerate(simulated(world, frames, seed)):
            rgb8(frame).save(folder / f"frame-{index:04}.png")
            yield frame

    drawn = drawing(world.height, world.width, np.random.default_rng(seed))
    rgb8(drawn).save(folder / PHOTOGRAPH)
    return assert_alive(written())


def main() -> int:
    """Exit status: 0 written, 1 the simulation came to rest."""
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.next_frame.simulate",
        description="Write what a next-frame network learns from, to measure the network with: "
        "consecutive frames as PNG files, and a drawn picture in place of a photograph.",
    )
    parser.add_argument("world", choices=sorted(WORLDS))
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--frames", type=int, default=FRAMES, metavar="N", help="(%(default)s)")
    parser.add_argument(
        "--side", type=int, default=SIDE, metavar="PIXELS", help="width and height (%(default)s)"
    )
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help="(%(default)s)")
    arguments = parser.parse_args()
    world = WORLDS[arguments.world](arguments.side, arguments.side)
    try:
        contrast, change = write_frames(world, arguments.output, arguments.frames, arguments.seed)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{arguments.output}: contrast {contrast:.2f}, change {change:.2f} of 255")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
