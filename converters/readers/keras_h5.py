"""Keras weights: HDF5 files with weights alone or with a whole model, and `.keras` files.

Arrays are named by layer and weight: "conv2d_1/kernel:0" as Keras 2 has it,
"layers/conv2d_1/vars/0" as Keras 3 has it. Any other HDF5 file gives its arrays by their paths. The
C library that reads them runs in a process of its own, with limits on its time and its memory: what
happens to that process happens to nothing else.

Source: keras, legacy/saving/legacy_h5_format.py and saving/saving_lib.py; HDF5 File Format
Specification 3.0, "Superblock".
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from bridge.errors import RuntimeMissingError, UnsafeWeightsError, WeightsError
from converters.readers import h5_process
from converters.readers.base import Reader
from converters.weights import Array, Weights

TIME_LIMIT_S = 120.0
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_OTHER_FORMATS = (b"PK", b"\x80", b"\x89PNG", b"\xff\xd8")
_MOST_MESSAGE_BYTES = 64 << 20
_MOST_DIRECTORY_BYTES = 16 << 20
_MOST_TENSORS = 100_000
_DTYPE = re.compile(r"<[fiu][248]|\|[iub]1")


def _sniff(path: Path, head: bytes) -> bool:
    try:
        if head.startswith(b"PK\x03\x04"):
            return _is_keras_zip(path)
        return head.startswith(_SIGNATURE) or (
            not head.startswith(_OTHER_FORMATS) and _has_signature(path)
        )
    except (OSError, ValueError):
        return False


def _has_signature(path: Path) -> bool:
    """A file may begin with something of its user's, of 512 bytes or twice, four times ... that."""
    if not path.is_file():
        return False
    size, offset = path.stat().st_size, 512
    with path.open("rb") as file:
        while offset + len(_SIGNATURE) <= size:
            file.seek(offset)
            if file.read(len(_SIGNATURE)) == _SIGNATURE:
                return True
            offset *= 2
    return False


def _is_keras_zip(path: Path) -> bool:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - (1 << 16) - 22))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or int.from_bytes(tail[end + 12 : end + 16], "little") > _MOST_DIRECTORY_BYTES:
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return h5_process.KERAS_WEIGHTS in archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError):
        return False


def _read(path: Path) -> Weights:
    if not path.is_file():
        raise WeightsError(str(path), "a file of weights", "none")
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", h5_process.__file__, str(path.absolute())],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    except OSError as error:
        raise WeightsError(str(path), "a process to read it in", f"{error.strerror}") from None
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    watchdog = threading.Timer(TIME_LIMIT_S, end)
    watchdog.daemon = True
    watchdog.start()
    try:
        assert process.stdout is not None
        with process.stdout:
            arrays, facts = _received(path, process.stdout)
    except _Died:
        status = process.wait()
        raise WeightsError(
            str(path), "a file that is whole",
            f"one that takes longer than {TIME_LIMIT_S:g} s to read"
            if late.is_set()
            else f"one that ends the process that reads it ({_ending(status)})",
            "The file is damaged: copy it again.",
        ) from None  # fmt: skip
    finally:
        watchdog.cancel()
        with suppress(OSError):
            process.kill()
        process.wait()
    if not arrays:
        raise WeightsError(str(path), "arrays of numbers", "none in this file")
    evidence = {
        "keras": "an HDF5 file with Keras' list of layers",
        "keras 3": "an HDF5 file in the layout of Keras 3",
    }.get(str(facts.get("layout")), "an HDF5 file")
    return Weights(arrays, READER.name, (path,), facts, (evidence,))


class _Died(Exception):
    """The process ended before it had said everything."""


def _received(path: Path, pipe: IO[bytes]) -> tuple[dict[str, Array], dict[str, Any]]:
    """What the process says, none of which is taken on trust: its memory may be broken."""
    arrays: dict[str, Array] = {}
    left = h5_process.MOST_ARRAY_BYTES
    while True:
        length = int.from_bytes(_exactly(pipe, 8), "little")
        if length > _MOST_MESSAGE_BYTES:
            raise _Died
        try:
            message = json.loads(_exactly(pipe, length))
            if "facts" in message:
                return arrays, _facts(message["facts"])
            if "missing" in message:
                raise RuntimeMissingError(
                    str(path), "h5py, which reads HDF5 files", str(message["missing"])[:300],
                    "Install it: pip install 'framebridge[convert]'.",
                )  # fmt: skip
            if "expected" in message:
                kind = UnsafeWeightsError if message["unsafe"] else WeightsError
                raise kind(str(path), str(message["expected"]), str(message["found"]))
            name, dtype = str(message["name"]), str(message["dtype"])
            shape, size = [int(side) for side in message["shape"]], int(message["bytes"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _Died from None
        good = _DTYPE.fullmatch(dtype) is not None and all(0 <= s < 1 << 40 for s in shape)
        if not good or size != prod(shape) * np.dtype(dtype).itemsize or name in arrays:
            raise _Died
        left -= size
        if left < 0 or len(arrays) >= _MOST_TENSORS:
            raise _Died
        arrays[name] = np.frombuffer(_exactly(pipe, size), dtype).reshape(shape)


def _exactly(pipe: IO[bytes], size: int) -> bytearray:
    content = bytearray(size)
    view, at = memoryview(content), 0
    while at < size:
        got = pipe.readinto(view[at:])  # type: ignore[attr-defined]
        if not got:
            raise _Died
        at += got
    return content


def _facts(said: dict[str, Any]) -> dict[str, Any]:
    if "config" in said:
        try:
            said["config"] = json.loads(said["config"])
        except (ValueError, RecursionError):
            said["skipped"]["config"] = "not JSON"
            del said["config"]
    return said


def _ending(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


READER = Reader(
    "keras-h5",
    "Keras weights or model (HDF5, .keras)",
    "*.h5, *.hdf5, *.weights.h5, *.keras",
    _sniff,
    _read,
    "convert",
)
