"""A store of blurred and sharp pairs, made once, and patches of them."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from .blur import BORDER, Pair, make_pair

HELD_OUT_EVERY = 20
"""Every twentieth picture is kept back to watch the training with."""
REDUCED = (0.4, 0.8)
"""To how much of its size a picture is brought: reduced ones are sharper than what cameras and
compression leave at full size, as video frames of a small size are."""


def find_pictures(folder: Path) -> list[Path]:
    """PNG files at any depth, in the order of their names.

    Raises: FileNotFoundError: there are too few to hold some back.
    """
    paths = sorted(folder.rglob("*.png"))
    if len(paths) < HELD_OUT_EVERY:
        raise FileNotFoundError(
            f"{folder}: {len(paths)} PNG pictures, at least {HELD_OUT_EVERY} are needed; give "
            "--data a folder that holds train-images"
        )
    return paths


def split(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """Pictures to learn from, and pictures to watch the training with."""
    held_out = paths[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    return [path for path in paths if path not in held_out], held_out


def make_bank(paths: list[Path], count: int, side: int, seed: int) -> list[Pair]:
    """Pairs of random pictures, drawn by their area; the same seed gives the same.

    Args:
        side: no pair is narrower or lower.
    """
    random = torch.Generator().manual_seed(seed)
    pictures = [Image.open(path).convert("RGB") for path in paths]
    areas = torch.tensor([float(p.width * p.height) for p in pictures])
    # By the root: large pictures hold more, but many small ones differ more.
    chosen = torch.multinomial(areas.sqrt(), 2 * count, True, generator=random).tolist()
    least = side + 2 * BORDER
    pairs = []
    for first, second in zip(chosen[::2], chosen[1::2], strict=True):
        low, high = REDUCED
        part = low + (high - low) * float(torch.rand((), generator=random))
        picture = pictures[first]
        part = max(part, least / min(picture.size))
        size = (round(picture.width * part), round(picture.height * part))
        pairs.append(make_pair(picture, pictures[second], size, random))
    return pairs


class Patches:
    """Random patches, flipped and turned.

    Args:
        side: of a patch in pixels.
        flat_share: so many of them are of one colour, blurred and sharp alike.
    """

    def __init__(self, pairs: list[Pair], side: int, flat_share: float) -> None:
        self.pairs, self.side, self.flat_share = pairs, side, flat_share
        self.areas = torch.tensor([float(p.sharp.shape[1] * p.sharp.shape[2]) for p in pairs])

    def draw(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Blurred and sharp: float (count, 3, side, side), of 1, channels last."""
        chosen = torch.multinomial(self.areas, count, True, generator=random).tolist()
        numbers = torch.rand((count, 7), generator=random)
        found = [
            self._patch(self.pairs[index], row) for index, row in zip(chosen, numbers, strict=True)
        ]
        return _batch([blurred for blurred, _ in found]), _batch([sharp for _, sharp in found])

    def _patch(self, pair: Pair, numbers: Tensor) -> tuple[Tensor, Tensor]:
        place_y, place_x, turn, flat, *colour = numbers.tolist()
        side = self.side
        if flat < self.flat_share:
            of_one_colour = torch.tensor(colour)[:, None, None].mul(255).expand(3, side, side)
            return of_one_colour, of_one_colour
        height, width = pair.sharp.shape[1:]
        y, x = int(place_y * (height - side + 1)), int(place_x * (width - side + 1))
        turns = int(8 * turn)
        blurred, sharp = (
            _turned(p[:, y : y + side, x : x + side], turns) for p in (pair.blurred, pair.sharp)
        )
        return blurred, sharp


def _turned(picture: Tensor, turns: int) -> Tensor:
    """One of the eight flips and quarter turns."""
    picture = picture.rot90(turns % 4, (1, 2))
    return picture.flip(2) if turns >= 4 else picture


def _batch(pictures: list[Tensor]) -> Tensor:
    batch = torch.stack([picture.float() for picture in pictures]) / 255
    return batch.contiguous(memory_format=torch.channels_last)
