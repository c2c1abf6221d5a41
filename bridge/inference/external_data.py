"""Weights that lie beside a graph: which files they may come from, and how they get into it.

Neither `onnx` nor ONNX Runtime opens any file of a package: both follow hard links, both leave out
places where ONNX lets a tensor stand, and ONNX Runtime takes some locations for memory addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import GraphMismatchError, UnsafePackageError
from bridge.inference.manifest import DataFile
from bridge.inference.plain_file import read_checked

if TYPE_CHECKING:
    import onnx

_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


def external_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every tensor whose values are not in the model, wherever in it: weights, attributes,
    subgraphs, functions, sparse tensors."""
    import onnx
    from onnx.external_data_helper import uses_external_data

    for message in messages(model):
        if isinstance(message, onnx.TensorProto) and uses_external_data(message):
            yield message


def check_text(model: onnx.ModelProto) -> None:
    """
    Raises: ValueError: a name is no text, which protobuf itself lets through.
    """
    for message in messages(model):
        for field, value in message.ListFields():
            if field.type != field.TYPE_STRING:
                continue
            for text in [value] if isinstance(value, (str, bytes)) else value:
                if isinstance(text, bytes):
                    raise ValueError(f"{field.full_name} is not in UTF-8")


def messages(model: onnx.ModelProto) -> Iterator[Any]:
    """Every protobuf message in a model, itself too."""
    waiting: list[Any] = [model]
    while waiting:
        message = waiting.pop()
        yield message
        for field, value in message.ListFields():
            if field.message_type is not None:
                waiting.extend([value] if hasattr(value, "ListFields") else value)


def take_in(
    model: onnx.ModelProto, folder: Path, files: Sequence[DataFile], path: Path, room: int
) -> None:
    """Put the values of every external tensor into the model itself.

    Args:
        files: what the manifest names; no other file is opened.
        path: of the graph, for errors.
        room: how many bytes the model may grow by.
    Raises: UnsafePackageError: a file that the manifest does not name, or one that is no plain
        file with one name, or too much data. HashMismatchError. GraphMismatchError: data beyond
        the end of its file.
    """
    hashes = {file.file: file.sha256 for file in files}
    read: dict[str, bytes] = {}
    found: list[tuple[onnx.TensorProto, str, int, int]] = []
    for tensor in external_tensors(model):
        place = f"{path} {tensor.name}"
        where = _only(tensor, "location", place)
        if where not in hashes:
            raise UnsafePackageError(
                place,
                "external data in a file of the package that the manifest names in `data`",
                repr(where),
                "Save the package again with its weights beside the graph.",
            )
        if where not in read:
            read[where] = _content(folder / where, hashes[where], place)
        size = len(read[where])
        start = _number(tensor, "offset", 0, place)
        length = _number(tensor, "length", max(0, size - start), place)
        if start + length > size:
            raise GraphMismatchError(
                place, f"external data inside the {size} bytes of {where}",
                f"{length} bytes from {start}", "Copy the whole package folder again.",
            )  # fmt: skip
        found.append((tensor, where, start, length))
    # The same bytes may be claimed by any number of tensors: counted before any is copied.
    if sum(length for *_, length in found) > room:
        raise UnsafePackageError(
            str(path), "a graph and weights of less than 2 GiB", "more",
            "Convert the weights to a smaller precision.",
        )  # fmt: skip
    for tensor, where, start, length in found:
        tensor.raw_data = read[where][start : start + length]
        tensor.ClearField("data_location")
        del tensor.external_data[:]


def _content(path: Path, sha256: str, place: str) -> bytes:
    try:
        return read_checked(path, sha256, sole=True)
    except OSError as error:
        raise UnsafePackageError(
            place, f"external data in {path.name}", error.strerror or "an unreadable file",
            "Copy the whole package folder again.",
        ) from None  # fmt: skip


def _only(tensor: onnx.TensorProto, key: str, place: str) -> str:
    values = [entry.value for entry in tensor.external_data if entry.key == key]
    if len(values) > 1:
        # Whoever takes the last of two is got past a check that takes the first.
        raise UnsafePackageError(place, f"one {key} of external data", f"{len(values)}")
    return values[0] if values else ""


def _number(tensor: onnx.TensorProto, key: str, default: int, place: str) -> int:
    text = _only(tensor, key, place)
    if not text:
        return default
    if not _NUMBER.fullmatch(text):
        raise GraphMismatchError(
            f"{place} {key}", "a number of bytes", repr(text[:40]), "Convert the weights again."
        )
    return int(text)
