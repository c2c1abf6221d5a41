"""Every reader and every architecture, in the order in which they are asked."""

from __future__ import annotations

from converters.architectures import espcn
from converters.architectures.base import Architecture
from converters.readers import (
    plain_pickle,
    safetensors,
    torch_legacy,
    torch_process,
    torch_zip,
)
from converters.readers.base import Reader

READERS: tuple[Reader, ...] = (
    torch_process.TORCHSCRIPT,
    torch_process.PROGRAM,
    torch_zip.READER,
    torch_legacy.READER,
    safetensors.READER,
    plain_pickle.READER,
)
"""The more certain a format's marks, the earlier."""

ARCHITECTURES: tuple[Architecture, ...] = (espcn.ARCHITECTURE,)
"""The more special a network, the earlier."""
