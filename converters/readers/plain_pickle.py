"""Pickles of NumPy arrays, without PyTorch's container around them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NoReturn

from converters.readers.base import Reader
from converters.readers.pickled_torch import TORCH_REBUILDERS, Storage
from converters.readers.pickles import Machine
from converters.readers.state_dict import named_arrays
from converters.readers.storages import arrays_of
from converters.weights import Weights

_NEWEST_PROTOCOL = 5
# How protocols 0 and 1 begin: a name, or a list or dictionary that is put by.
_TEXT = re.compile(rb"\(*(?:[ci][A-Za-z_][\w.]*\n[A-Za-z_][\w.]*\n|[dl]p\d+\n)|[})\]]q\x00")


def _sniff(path: Path, head: bytes) -> bool:
    return (head[:1] == b"\x80" and head[1:2] <= bytes([_NEWEST_PROTOCOL]) and len(head) > 2) or (
        _TEXT.match(head) is not None
    )


def _no_storages(_: Any) -> NoReturn:
    raise ValueError("an object that stands outside of the pickle")


def _read(path: Path) -> Weights:
    with path.open("rb") as file:
        size = path.stat().st_size
        value = Machine(file, size, str(path), TORCH_REBUILDERS, _no_storages).load()
    found = named_arrays(value, str(path))

    def raw(storage: Storage) -> NoReturn:
        _no_storages(storage)

    arrays = arrays_of(found.arrays, raw, str(path))
    evidence = "a pickle without any container"
    return Weights(arrays, READER.name, (path,), found.facts, (evidence, *found.evidence))


READER = Reader("pickle", "pickle of NumPy arrays", "*.pkl", _sniff, _read)
"""To be asked last: many a text begins like a pickle."""
