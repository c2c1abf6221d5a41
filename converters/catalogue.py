"""Every reader and every architecture, in the order in which they are asked."""

from __future__ import annotations

from converters.architectures import espcn, onnx_graph, real_esrgan, rrdb
from converters.architectures.base import Architecture
from converters.readers import onnx_file
from converters.readers.base import Reader

READERS: tuple[Reader, ...] = (onnx_file.READER,)
"""The more certain a format's marks, the earlier."""

ARCHITECTURES: tuple[Architecture, ...] = (
    # First: where a graph is, it tells the wiring, and names of weights do not.
    onnx_graph.ARCHITECTURE,
    espcn.ARCHITECTURE,
    real_esrgan.ARCHITECTURE,
    rrdb.ARCHITECTURE,
)
"""The more special a network, the earlier."""
