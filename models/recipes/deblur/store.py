"""Keeps a bank of pairs on disk: making it takes minutes, and a run may be stopped and resumed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from . import bank, blur, motion
from .bank import Pair, make_bank


def stored_bank(file: Path, paths: list[Path], count: int, side: int, seed: int) -> list[Pair]:
    """What `make_bank` makes of the same; read from `file` if that was made of the same by the
    same code, else made and written there."""
    key = _key(paths, count, side, seed)
    if file.is_file():
        state = torch.load(file, weights_only=True)
        if state["key"] == key:
            return [Pair(blurred, sharp) for blurred, sharp in state["pairs"]]
    pairs = make_bank(paths, count, side, seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    torch.save({"key": key, "pairs": [(pair.blurred, pair.sharp) for pair in pairs]}, part)
    part.replace(file)
    return pairs


def _key(paths: list[Path], count: int, side: int, seed: int) -> str:
    digest = hashlib.sha256(f"{count} {side} {seed}".encode())
    for path in paths:
        digest.update(path.read_bytes())
    for module in (bank, blur, motion):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()
