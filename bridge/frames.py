"""What a frame is: bytes, and the contract that says how to read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from bridge.errors import FrameFormatError

PixelFormat = Literal["rgba8", "bgra8"]
Rows = Literal["top_first", "bottom_first"]
Transfer = Literal["srgb", "linear"]
Alpha = Literal["straight", "opaque"]

Pixels = npt.NDArray[np.uint8]
"""uint8 (H, W, 4) in the order and row direction of a FrameFormat."""

MAX_SIDE = 16384
BYTES_PER_PIXEL = 4


class FrameFormat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The contract of a frame; both sides state it when a stream opens.

    Rows are tightly packed: the stride is always width * 4 bytes.
    """

    width: int
    height: int
    pixel_format: PixelFormat = "rgba8"
    rows: Rows = "top_first"
    transfer: Transfer = "srgb"
    alpha: Alpha = "straight"

    def __post_init__(self) -> None:
        for name, side in (("width", self.width), ("height", self.height)):
            if not 1 <= side <= MAX_SIDE:
                raise ValueError(f"{name} must be 1 to {MAX_SIDE}, got {side}")

    @property
    def stride(self) -> int:
        """Bytes from one row to the next."""
        return self.width * BYTES_PER_PIXEL

    @property
    def size_bytes(self) -> int:
        return self.stride * self.height

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, 4)."""
        return (self.height, self.width, BYTES_PER_PIXEL)

    def resized(self, width: int, height: int) -> FrameFormat:
        """The same contract at another size."""
        return msgspec.structs.replace(self, width=width, height=height)

    def check(self, pixels: object, place: str = "frame") -> Pixels:
        """`pixels` itself, when it is a frame of this format.

        Raises: FrameFormatError: it is no uint8 array of this shape, or its rows are not
            contiguous.
        """
        if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8:
            found = f"{pixels.dtype}" if isinstance(pixels, np.ndarray) else type(pixels).__name__
            raise FrameFormatError(
                place, "a uint8 numpy array", found, "Convert it to uint8 first."
            )
        if pixels.shape != self.shape:
            raise FrameFormatError(
                place,
                f"shape {self.shape} (height, width, 4)",
                f"shape {pixels.shape}",
                "Open a stream of the frame's own size.",
            )
        if not pixels.flags.c_contiguous:
            raise FrameFormatError(
                place,
                f"rows of {self.stride} contiguous bytes",
                f"strides {pixels.strides}",
                "Pass numpy.ascontiguousarray(frame).",
            )
        return pixels


@dataclass(frozen=True, slots=True)
class Frame:
    """Pixels with their contract.

    Attributes:
        pixels: uint8 (H, W, 4), as `format` states.
        frame_id: grows by at least one from frame to frame.
        time_ns: monotonic clock at the moment the frame was handed over.
    """

    pixels: Pixels
    format: FrameFormat
    frame_id: int = 0
    time_ns: int = 0
