"""Which reader and which architecture, and on what evidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.errors import UnknownNetworkError, UsageError, WeightsError
from converters.architectures.base import Architecture, Found, NotThis
from converters.catalogue import ARCHITECTURES, READERS
from converters.readers.base import Reader, head_of
from converters.weights import Weights

_MOST_SHOWN = 12
_MOST_REASONS = 4
_OTHER_FILES = (
    (b"\x89PNG", "a PNG picture"), (b"\xff\xd8\xff", "a JPEG picture"), (b"GIF8", "a GIF picture"),
    (b"PK", "a zip of something else"), (b"\x1f\x8b", "a gzip archive"), (b"%PDF", "a PDF"),
    (b"7z\xbc\xaf", "a 7z archive"), (b"Rar!", "a RAR archive"), (b"MATLAB", "a MATLAB file"),
    (b"\x7fELF", "a program"), (b"MZ", "a program"),
)  # fmt: skip


def reader_of(path: Path) -> Reader:
    """The reader for a file or folder, told by its content.

    Raises: WeightsError: it is not there, is empty, or no format that is known.
    """
    if path.is_file() and path.stat().st_size == 0:
        raise WeightsError(str(path), "a file of weights", "an empty file")
    head = head_of(path)
    # A TensorFlow checkpoint goes by a name that none of its files has.
    for reader in READERS:
        if reader.sniff(path, head):
            return reader
    if not path.exists():
        raise WeightsError(str(path), "a file of weights", "nothing of that name")
    raise WeightsError(
        str(path), f"one of: {'; '.join(reader.title for reader in READERS)}",
        "a folder" if path.is_dir() else _shown(head),
        "What a file is called does not matter; its content does.",
    )  # fmt: skip


def read(path: Path) -> Weights:
    """The arrays of a file or folder.

    Raises: WeightsError, UnsafeWeightsError, RuntimeMissingError.
    """
    return reader_of(path).read(path)


def recognise(weights: Weights, name: str = "") -> tuple[Architecture, Found]:
    """The network that these arrays are of.

    Args:
        name: of the one architecture to try; empty for all.
    Raises: UnknownNetworkError: with what was found, and why the nearest ones said no.
    """
    refusals = []
    for architecture in ARCHITECTURES:
        if name in ("", architecture.name):
            try:
                return architecture, architecture.recognise(weights)
            except NotThis as reason:
                refusals.append((architecture, str(reason)))
    known = ", ".join(architecture.name for architecture in ARCHITECTURES)
    if not refusals:
        raise UsageError("--architecture", f"one of {known}", repr(name))
    refusals.sort(key=lambda refusal: -refusal[0].nearness(weights))
    nearest = refusals[:_MOST_REASONS]
    raise UnknownNetworkError(
        weights.place,
        name or f"a network that is known here ({known})",
        f"{len(weights.arrays)} arrays: {listed(weights)}",
        " ".join(f"Not {architecture.name}: {reason}." for architecture, reason in nearest)
        + " Export it to ONNX in its own framework, and convert that.",
    )


def listed(weights: Weights, most: int = _MOST_SHOWN) -> str:
    """Names and shapes, shortened."""
    names: Sequence[str] = list(weights.arrays)
    kept = names if len(names) <= most else [*names[: most // 2], "...", *names[-most // 2 :]]
    return ", ".join(
        name if name == "..." else f"{name[:80]} {list(weights.arrays[name].shape)}"
        for name in kept
    )


def _shown(head: bytes) -> str:
    """What a file that is of no use here may be."""
    for mark, kind in _OTHER_FILES:
        if head.startswith(mark):
            return kind
    if head and all(9 <= byte <= 13 or byte >= 32 for byte in head):
        return "a text"
    return "a file that begins with " + " ".join(f"{byte:02x}" for byte in head[:8])
