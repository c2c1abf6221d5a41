"""Every reader and every architecture, in the order in which they are asked."""

from __future__ import annotations

from converters.architectures import (
    celeba_autoencoder,
    espcn,
    fast_neural_style,
    ml5_style,
    mnist,
)
from converters.architectures.base import Architecture
from converters.readers import ml5, torch_legacy, torch_zip
from converters.readers.base import Reader

READERS: tuple[Reader, ...] = (
    torch_zip.READER,
    torch_legacy.READER,
    ml5.READER,
)
"""The more certain a format's marks, the earlier."""

ARCHITECTURES: tuple[Architecture, ...] = (
    espcn.ARCHITECTURE,
    fast_neural_style.ARCHITECTURE,
    ml5_style.ARCHITECTURE,
    celeba_autoencoder.ARCHITECTURE,
    mnist.ARCHITECTURE,
)
"""The more special a network, the earlier."""
