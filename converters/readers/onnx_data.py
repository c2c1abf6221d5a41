"""Weights in a file beside an ONNX graph, put into it: exporters write large ones so."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import onnx

from bridge.errors import (
    FramebridgeError,
    UnsafePackageError,
    UnsafeWeightsError,
    WeightsError,
)
from bridge.inference.external_data import external_tensors, take_in
from bridge.inference.manifest import DataFile, FileName
from bridge.inference.plain_file import PACKAGE_MAX_BYTES, open_plain
from converters.apart import call_apart

_MOST_FILES = 64
_REMEDY = "Put the exporter's files, which belong together, into one folder."


def with_data(content: bytes, path: Path) -> tuple[bytes, tuple[Path, ...]]:
    """The model with all its weights inside, and the files that they came from.

    Args:
        content: the serialized model.
    Raises: WeightsError: a file is not there, or too short. UnsafeWeightsError: one that is not in
        the graph's own folder, is a link, or would be too much.
    """
    request = {"model": content, "place": str(path)}
    answer = call_apart("converters.readers.onnx_data:locations", request, str(path))
    names: list[str] = answer["locations"]
    if not names:
        return content, ()
    files = [_file(name, path) for name in names]
    model = onnx.ModelProto()
    model.ParseFromString(content)
    try:
        take_in(model, path.parent, files, path, PACKAGE_MAX_BYTES - len(content))
        content = model.SerializeToString()
    except FramebridgeError as error:
        raise UnsafeWeightsError(error.place, error.expected, error.found, _REMEDY) from None
    except ValueError:  # protobuf's own limit
        raise UnsafeWeightsError(str(path), "less than 2 GiB in all", "more") from None
    return content, tuple(path.parent / name for name in names)


def locations(request: dict[str, Any]) -> dict[str, Any]:
    """The names of files that a model's tensors lie in; runs in a process of its own.

    Raises: UnsafeWeightsError: too many, or none that a file can have. WeightsError.
    """
    model = onnx.ModelProto()
    try:
        model.ParseFromString(request["model"])
    except Exception:
        return {"locations": []}  # the inspection of the whole model says what is wrong with it
    found = {
        entry.value
        for tensor in external_tensors(model)
        for entry in tensor.external_data
        if entry.key == "location"
    }
    if len(found) > _MOST_FILES:
        raise UnsafeWeightsError(
            request["place"], f"weights in at most {_MOST_FILES} files", f"{len(found)}"
        )
    return {"locations": sorted(found)}


def _file(name: str, path: Path) -> DataFile:
    """Raises: WeightsError, UnsafeWeightsError."""
    try:
        msgspec.convert(name, FileName)
        with open_plain(path.parent / name, sole=True) as file:
            return DataFile(file=name, sha256=hashlib.file_digest(file, "sha256").hexdigest())
    except UnsafePackageError as error:
        raise UnsafeWeightsError(error.place, error.expected, error.found, _REMEDY) from None
    except msgspec.ValidationError:
        raise UnsafeWeightsError(
            str(path), "weights in a file beside the graph", repr(name[:80]), _REMEDY
        ) from None
    except OSError as error:
        raise WeightsError(
            str(path), f"its weights in {name} beside it", error.strerror or "none", _REMEDY
        ) from None
