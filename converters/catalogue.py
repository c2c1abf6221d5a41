"""Every reader and every architecture, in the order in which they are asked."""

from __future__ import annotations

from converters.architectures import deblurgan, deblurgan_keras, deblurgan_v2, espcn
from converters.architectures.base import Architecture
from converters.readers.base import Reader

READERS: tuple[Reader, ...] = ()
"""The more certain a format's marks, the earlier."""

ARCHITECTURES: tuple[Architecture, ...] = (
    espcn.ARCHITECTURE, deblurgan.ARCHITECTURE, deblurgan_v2.ARCHITECTURE,
    deblurgan_keras.ARCHITECTURE,
    deblurgan.WITHOUT_DROPOUT, deblurgan.ANY_RESNET,
)  # fmt: skip
"""The more special a network, the earlier."""
