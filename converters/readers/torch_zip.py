"""PyTorch's zip format: `data.pkl` and one stored entry for each storage, as torch.save writes it
since version 1.6.

Source: torch/serialization.py and caffe2/serialize/inline_container.h of PyTorch 2.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from bridge.errors import FramebridgeError, WeightsError
from converters.readers.base import Reader
from converters.readers.pickled_torch import TORCH_REBUILDERS, Storage, storage_of
from converters.readers.pickles import Machine
from converters.readers.state_dict import named_arrays
from converters.readers.storages import arrays_of
from converters.readers.zip_directory import ZipDirectory
from converters.weights import Array, Weights

_PICKLE = "data.pkl"
_MOST_PICKLE_BYTES = 256 << 20


def _sniff(path: Path, head: bytes) -> bool:
    if not head.startswith(b"PK\3\4"):
        return False
    # The pickle is the first entry in what torch.save writes; elsewhere the directory tells.
    if b"/data.pkl" in head[:1024]:
        return True
    try:
        return _root(ZipDirectory(path)) is not None
    except FramebridgeError:
        return False


def _root(directory: ZipDirectory) -> str | None:
    """The folder inside the zip that holds the pickle, with its slash."""
    places = [name for name in directory.entries if name.rpartition("/")[2] == _PICKLE]
    return min(places, key=len).removesuffix(_PICKLE) if places else None


def _read(path: Path) -> Weights:
    directory = ZipDirectory(path)
    directory.check()
    root = _root(directory)
    if root is None:
        raise WeightsError(str(path), f"a zip with {_PICKLE}", "none", "It is no file of PyTorch.")
    place = f"{path} {root}{_PICKLE}"
    if directory.entries[root + _PICKLE].size > _MOST_PICKLE_BYTES:
        raise WeightsError(place, f"at most {_MOST_PICKLE_BYTES:,} bytes", "a larger pickle")
    pickle = directory.read(root + _PICKLE).tobytes()
    machine = Machine(io.BytesIO(pickle), len(pickle), place, TORCH_REBUILDERS, storage_of)
    found = named_arrays(machine.load(), place)
    big_endian = _is_big_endian(directory, root)

    def raw(storage: Storage) -> Array:
        data = directory.read(f"{root}data/{storage.key}")
        if len(data) != storage.count * storage.element_bytes:
            raise WeightsError(
                f"{path} {root}data/{storage.key[:60]}",
                f"{storage.count * storage.element_bytes:,} bytes", f"{len(data):,}",
                "The file is damaged.",
            )  # fmt: skip
        return data

    arrays = arrays_of(found.arrays, raw, place, big_endian)
    evidence = [f"a zip with {root}{_PICKLE}, as torch.save writes it; all checksums are right"]
    if big_endian:
        evidence.append("its byteorder is big")
    return Weights(arrays, READER.name, (path,), found.facts, (*evidence, *found.evidence))


def _is_big_endian(directory: ZipDirectory, root: str) -> bool:
    name = f"{root}byteorder"
    if name not in directory.entries:
        return False
    if directory.entries[name].size > 16:
        raise WeightsError(f"{directory.path} {name}", "little or big", "something longer")
    order = np.asarray(directory.read(name)).tobytes().strip()
    if order not in (b"little", b"big"):
        raise WeightsError(f"{directory.path} {name}", "little or big", f"{order!r}")
    return order == b"big"


READER = Reader(
    "torch-zip", "PyTorch state dict, checkpoint or module (zip)", "*.pt, *.pth, *.ckpt",
    _sniff, _read,
)  # fmt: skip
