"""What a filter itself makes of a clip: `python -m models.recipes.style.render ink CLIP`.

The network that learned from it is measured against these frames.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from bridge.errors import FramebridgeError
from bridge.media import Input
from converters.scores.flicker import REFERENCES

from .ink import INK
from .mosaic import MOSAIC
from .oil import OIL
from .painting import Painting

PAINTINGS = {painting.name: painting for painting in (INK, OIL, MOSAIC)}


def render(
    painting: Painting, clip: Path, output: Path,
    progress: Callable[[int, int], None] = lambda done, count: None,
) -> None:  # fmt: skip
    """Write a PNG for each frame of a clip, under the frame's name, into a new folder.

    Raises: MediaError: the clip cannot be read.
    Guarantees: the folder is there once all frames are.
    """
    frames = Input(clip)
    part = output.with_name(f"{output.name}.part")
    part.mkdir(parents=True, exist_ok=True)
    for index, still in enumerate(frames):
        progress(index, frames.count)
        frame = still.pixels[..., :3].transpose(2, 0, 1).astype(np.float32) / np.float32(255)
        rgb = np.rint(255 * painting.render(frame).transpose(1, 2, 0)).astype(np.uint8)
        Image.fromarray(rgb).save(part / f"{still.name}.png", compress_level=1)
    if output.is_dir():
        shutil.rmtree(output)
    part.rename(output)


def reference(painting: Painting, clip: Path) -> Path:
    """Where `converters.scores.flicker` looks for the filter's frames of a clip."""
    return REFERENCES / f"style-{painting.name}" / clip.stem


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.style.render", description="A clip through a painterly "
        "filter, frame by frame; slow, for comparison with the network that learned from it.",
    )  # fmt: skip
    parser.add_argument("filter", choices=sorted(PAINTINGS))
    parser.add_argument("clip", type=Path, help="a video, or a folder of frames")
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER",
        help=f"({REFERENCES}/style-FILTER/CLIP, where the measure of flicker looks)",
    )  # fmt: skip
    arguments = parser.parse_args()
    painting = PAINTINGS[arguments.filter]
    output = arguments.output or reference(painting, arguments.clip)
    try:
        render(painting, arguments.clip, output, _tell)
    except FramebridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    print(output)
    return 0


def _tell(done: int, count: int) -> None:
    print(f"{done} of {count or 'a video'}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
