"""What a reader is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from converters.weights import Weights

HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Reader:
    """One container format.

    Attributes:
        name: as `[source] reader` of a manifest has it: "pict", "torch-zip", "tf-checkpoint".
        title: for people: "PyTorch state dict or checkpoint (zip)".
        usual_names: what such files are mostly called, for the documentation: "*.pt, *.pth".
        sniff: whether this is such a file, from its path (which may be a folder) and its first
            `HEAD_BYTES`. The name's ending decides nothing. Cheap, and never raises.
        read: the arrays. Raises WeightsError, UnsafeWeightsError, RuntimeMissingError.
        extra: of this package, where one is needed: "torch", "tf"; empty for most.
    """

    name: str
    title: str
    usual_names: str
    sniff: Callable[[Path, bytes], bool]
    read: Callable[[Path], Weights]
    extra: str = ""


def head_of(path: Path) -> bytes:
    """The first `HEAD_BYTES` of a file; nothing for a folder or what cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES)
    except OSError:
        return b""
