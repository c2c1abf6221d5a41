"""Every reader and every architecture, in the order in which they are asked."""

from __future__ import annotations

from converters.architectures import espcn, pix2pix
from converters.architectures.base import Architecture
from converters.readers import pict
from converters.readers.base import Reader

READERS: tuple[Reader, ...] = (pict.READER,)
"""The more certain a format's marks, the earlier."""

ARCHITECTURES: tuple[Architecture, ...] = (espcn.ARCHITECTURE, pix2pix.ARCHITECTURE)
"""The more special a network, the earlier."""
