"""Folders of raw float32 files and a manifest: checkpoints as ml5 and deeplearn.js keep them.

`manifest.json` is {name: {"filename": text, "shape": [whole numbers]}}; each file holds one array,
little-endian, in C order, and nothing else.

Source: ml5-data-and-models, models/style-transfer; deeplearn.js, scripts/dump_checkpoint_vars.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.base import Reader, head_of
from converters.weights import Array, Weights

MANIFEST = "manifest.json"
_MANIFEST_MAX_BYTES = 1 << 20
_MAX_ARRAYS = 20_000
_MAX_BYTES = 4 << 30
_MAX_RANK = 8
_LONGEST_NAME = 255
_DAMAGED = "Fetch the folder again: the manifest and its files belong together."


def sniff(path: Path, head: bytes) -> bool:
    """A folder with such a manifest, the manifest itself, or a file that one beside it names."""
    if _looks_right(head):
        return True
    try:
        manifest = (path if path.is_dir() else path.parent) / MANIFEST
        if not (manifest.is_file() and _looks_right(head_of(manifest))):
            return False
        if path.is_dir() or manifest.is_symlink():
            return True
        return json.dumps(path.name).encode() in _content(manifest, _MANIFEST_MAX_BYTES)
    except (OSError, ValueError, WeightsError):
        return False


def read(path: Path) -> Weights:
    """Every array that the manifest names.

    Raises:
        WeightsError: the manifest or a file is missing, damaged or of another size than stated.
        UnsafeWeightsError: a name leads out of the folder, a file is a link, or all is too large.
    """
    if path.is_dir():
        manifest = path / MANIFEST
    else:
        manifest = path if _looks_right(head_of(path)) else path.parent / MANIFEST
    place = str(manifest)
    try:
        entries = _parsed(_content(manifest, _MANIFEST_MAX_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        reason = "JSON nested too deep" if isinstance(error, RecursionError) else f"{error}"
        raise WeightsError(place, "a manifest of arrays in JSON", reason, _DAMAGED) from None
    if not 0 < len(entries) <= _MAX_ARRAYS:
        kind = WeightsError if not entries else UnsafeWeightsError
        raise kind(place, f"1 to {_MAX_ARRAYS} arrays", f"{len(entries)}", _DAMAGED)
    shapes = {name: _shape(place, name, entry) for name, entry in entries.items()}
    total = 4 * sum(prod(shape) for shape in shapes.values())
    if total > _MAX_BYTES:
        _unsafe(place, f"at most {_MAX_BYTES} bytes of arrays", f"{total} bytes")
    files = _files(place, manifest.parent, entries)
    arrays = {name: _array(place, name, files[name], shape) for name, shape in shapes.items()}
    return Weights(
        arrays, READER.name, (manifest, *files.values()),
        evidence=(
            f"{MANIFEST} names {len(arrays)} files, and each has the size of float32 in the shape "
            "that is given for it.",
        ),
    )  # fmt: skip


def _looks_right(head: bytes) -> bool:
    return head.lstrip()[:1] == b"{" and b'"filename"' in head and b'"shape"' in head


def _content(path: Path, most: int) -> bytes:
    """A regular file that is no link.

    Raises: OSError: it cannot be opened; WeightsError, UnsafeWeightsError: it is something else,
        or larger than `most` bytes.
    """
    if path.is_symlink():
        _unsafe(str(path), "a file of this folder", "a link")
    # Neither through a link that came meanwhile nor waiting for a pipe.
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | flags)
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise WeightsError(str(path), "a file", "a folder, pipe or device", _DAMAGED)
        if found.st_size > most:
            raise WeightsError(
                str(path), f"at most {most} bytes", f"{found.st_size} bytes", _DAMAGED
            )
        return file.read(most + 1)


def _parsed(content: bytes) -> Mapping[str, Any]:
    """
    Raises: ValueError, RecursionError: no JSON object, or no manifest of arrays.
    """
    entries = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_never)
    if not isinstance(entries, dict):
        raise ValueError("no object")
    for name, entry in entries.items():
        if not (isinstance(entry, dict) and {"filename", "shape"} <= set(entry)):
            raise ValueError(f"no `filename` and `shape` for {name[:80]!r}")
    return entries


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _never(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no number")


def _filename(entry: Mapping[str, Any]) -> str | None:
    name = entry["filename"]
    return name if isinstance(name, str) else None


def _shape(place: str, name: str, entry: Mapping[str, Any]) -> tuple[int, ...]:
    shape = entry["shape"]
    good = isinstance(shape, list) and len(shape) <= _MAX_RANK
    good = good and all(type(side) is int and 0 < side <= _MAX_BYTES for side in shape)
    if not good:
        raise WeightsError(
            f"{place} {name[:80]!r}", f"up to {_MAX_RANK} positive whole numbers",
            f"{str(shape)[:80]}", _DAMAGED,
        )  # fmt: skip
    return tuple(shape)


def _files(place: str, folder: Path, entries: Mapping[str, Any]) -> dict[str, Path]:
    """The file of each array; each is named once, and lies in the folder itself."""
    files: dict[str, Path] = {}
    for name, entry in entries.items():
        file = _filename(entry)
        where = f"{place} {name[:80]!r}"
        if not file or len(file) > _LONGEST_NAME:
            raise WeightsError(where, "the name of a file", f"{str(file)[:80]!r}", _DAMAGED)
        if file in (".", "..") or any(mark in file for mark in "/\\:\0"):
            _unsafe(where, "the name of a file in the same folder", f"{file[:80]!r}")
        files[name] = folder / file
    if len(set(files.values())) < len(files):
        raise WeightsError(place, "a file for each array", "one file for two", _DAMAGED)
    return files


def _array(place: str, name: str, file: Path, shape: tuple[int, ...]) -> Array:
    wanted = 4 * prod(shape)
    where = f"{place} {name[:80]!r}"
    try:
        size = file.lstat().st_size
        content = _content(file, wanted) if size == wanted or file.is_symlink() else b""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise WeightsError(where, f"the file {file.name!r}", f"{reason}", _DAMAGED) from None
    if len(content) != wanted:
        raise WeightsError(
            where, f"{wanted} bytes in {file.name!r}, for float32 of {list(shape)}",
            f"{len(content) or size} bytes", _DAMAGED,
        )  # fmt: skip
    return np.frombuffer(content, "<f4").reshape(shape)


def _unsafe(place: str, expected: str, found: str) -> NoReturn:
    raise UnsafeWeightsError(
        place, expected, found, "Do not use this folder unless you know who made it."
    )


READER = Reader(
    "ml5", "ml5 folder (raw float32 files and manifest.json)", "manifest.json", sniff, read
)
