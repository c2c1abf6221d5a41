"""What every transport gives: slots, which are textures that two processes share."""

from __future__ import annotations

from typing import Protocol

from bridge.frames import Pixels


class Slot(Protocol):
    """One shared texture. Who may touch it is agreed by message, never by the slot."""

    name: str

    @property
    def pixels(self) -> Pixels:
        """uint8 (H, W, 4): the memory itself."""

    def close(self) -> None:
        """Give up this process's view; the maker's `close` also takes the name away."""
