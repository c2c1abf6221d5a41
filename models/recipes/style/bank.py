"""Small pictures and what a filter finds in each, computed once before training."""

from __future__ import annotations

import hashlib
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from . import drawings, flow, planes
from .drawings import Random, Rgb8
from .painting import Painting

SIDE = 160
"""Pixels. The filter sees each picture as a whole frame, with nothing beyond its border."""
HELD_BACK = 24
DRAWN_SHARE = 0.3
NOISE = 3.0
"""Of 255, standard deviation, in all copies of a picture but one."""
FOLDERS = ("train-images/t91", "train-images/bsd200", "pix2pix/edges2shoes100")
SHOES = 40
HELD_BACK_EVERY = 12

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Bank:
    """Pairs; the last HELD_BACK are for checking.

    Attributes:
        frames: uint8 (N, 3, side, side), RGB.
        layers: uint8 (N, count, side / cell, side / cell), of 255.
    """

    frames: Bytes
    layers: Bytes


def bank_of(painting: Painting, data: Path, folder: Path, seed: int) -> Bank:
    """The bank in `folder`, or a new one that is kept there.

    Raises: FileNotFoundError: there are no pictures in `data`.
    """
    path = folder / "bank.npz"
    mark = _mark(painting, seed)
    if path.is_file():
        with np.load(path) as stored:
            if str(stored["mark"]) == mark:
                return Bank(stored["frames"], stored["layers"])
    bank = make_bank(painting, training_pictures(data), seed)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(path, frames=bank.frames, layers=bank.layers, mark=mark)
    return bank


def make_bank(
    painting: Painting, pictures: list[Rgb8], seed: int, held_back: int = HELD_BACK
) -> Bank:
    """Every HELD_BACK_EVERY-th picture is seen in the last `held_back` alone, no other one there.

    Args:
        pictures: more than one.
    """
    random = np.random.default_rng(seed)
    kept = pictures[::HELD_BACK_EVERY]
    rest = [p for index, p in enumerate(pictures) if index % HELD_BACK_EVERY]
    sources = [rest] * painting.pictures + [kept] * held_back
    side = painting.side(SIDE)
    frames = [_frame(source, random, side) for source in sources]
    layers = [steady_layers(painting, frame, random) for frame in frames]
    return Bank(np.stack([f.transpose(2, 0, 1) for f in frames]), np.stack(layers))


def steady_layers(painting: Painting, frame: Rgb8, random: Random) -> Bytes:
    """uint8, of 255: the mean over noisy copies, one without noise among them."""
    clean = frame.transpose(2, 0, 1).astype(np.float32)
    total = painting.layers(clean / 255)
    for _ in range(painting.jitters - 1):
        noisy = clean + NOISE * random.standard_normal(clean.shape).astype(np.float32)
        total = total + painting.layers(noisy.clip(0, 255) / 255)
    return np.rint(total * (255 / painting.jitters)).astype(np.uint8)


def training_pictures(data: Path) -> list[Rgb8]:
    """In the order of their names.

    Raises: FileNotFoundError: there are none.
    """
    found = []
    for folder in FOLDERS:
        paths = [p for p in sorted((data / folder).glob("*")) if p.suffix in (".png", ".jpg")]
        shoes = "shoes" in folder
        for path in paths[:SHOES] if shoes else paths:
            with Image.open(path) as picture:
                rgb = np.asarray(picture.convert("RGB"))
            # Of a pair the photograph is the right half.
            found.append(rgb[:, rgb.shape[1] // 2 :] if shoes else rgb)
    if not found:
        raise FileNotFoundError(f"{data}: no pictures in {', '.join(FOLDERS)}; give --data")
    return found


def _frame(pictures: list[Rgb8], random: Random, side: int) -> Rgb8:
    """A drawing, or a part of a photograph at some scale."""
    if random.random() < DRAWN_SHARE:
        return drawings.draw(random, side)
    picture = pictures[random.integers(len(pictures))]
    shown = round(side * float(np.exp(random.uniform(-0.7, 0.5))))
    shown = min(*picture.shape[:2], shown)
    top, left = (int(random.integers(length - shown + 1)) for length in picture.shape[:2])
    part = Image.fromarray(picture[top : top + shown, left : left + shown])
    return np.asarray(part.resize((side, side), Image.Resampling.BICUBIC))


def _mark(painting: Painting, seed: int) -> str:
    """Changes when anything changes that a bank depends on."""
    modules = [
        drawings,
        flow,
        planes,
        sys.modules[painting.layers.__module__],
        sys.modules[__name__],
    ]
    parts = [inspect.getsource(module) for module in modules]
    parts.append(f"{seed} {painting.pictures} {painting.jitters}")
    return hashlib.sha256("".join(parts).encode()).hexdigest()
