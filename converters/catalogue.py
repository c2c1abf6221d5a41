"""Every reader and every architecture, in the order in which they are asked."""

from __future__ import annotations

from converters.architectures import dcscn, espcn
from converters.architectures.base import Architecture
from converters.readers.base import Reader

READERS: tuple[Reader, ...] = ()
"""The more certain a format's marks, the earlier."""

ARCHITECTURES: tuple[Architecture, ...] = (dcscn.ARCHITECTURE, espcn.ARCHITECTURE)
"""The more special a network, the earlier."""
