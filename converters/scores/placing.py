"""Where a picture goes in a network's tensor and back, in numpy and as the bridge does it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.errors import FrameFormatError
from bridge.inference.manifest import FrameInput, FrameOutput, Manifest
from bridge.inference.placement import Placement, place
from converters.luma_psnr import LUMA_OFFSET, RGB_TO_LUMA, FloatPicture

# As the bridge's own: BT.601 of R, G and B of 255, and Y of black.
_LUMA = {"studio": (RGB_TO_LUMA, LUMA_OFFSET), "full": ((0.299, 0.587, 0.114), 0.0)}


def placed_at(manifest: Manifest, width: int, height: int) -> Placement:
    """How a picture passes through; one below the least size is padded up to it.

    Raises: FrameFormatError: it is larger than the package takes. UnsupportedModelError.
    """
    port = manifest.frame_input
    if port is None or port.size.fixed or not port.size.min:
        return place(manifest, width, height)
    least_width, least_height = port.size.min
    if width >= least_width and height >= least_height:
        return place(manifest, width, height)
    assert manifest.frame_output is not None  # whoever calls has checked
    step, scale = port.size.multiple_of, manifest.frame_output.scale
    if port.size.max and (width > port.size.max[0] or height > port.size.max[1]):
        raise FrameFormatError(
            f"{manifest.name}: frame size", f"at most {port.size.max[0]}x{port.size.max[1]}",
            f"{width}x{height}",
        )  # fmt: skip
    sides = [
        -(-max(w, n) // step) * step for w, n in ((width, least_width), (height, least_height))
    ]
    output = (width * scale, height * scale)
    pad = (0, 0, sides[0] - width, sides[1] - height)
    return Placement((0, 0, width, height), (width, height), pad, (0, 0, *output), output)


def taken(planes: FloatPicture, way: Placement, port: FrameInput | FrameOutput) -> FloatPicture:
    """Cropped, resized and padded as `way` says.

    Args:
        planes: float32 (C, H, W) in the port's range.
    Returns: float32 (C, h, w), of the size of the network's input.
    """
    x, y, width, height = way.crop
    planes = planes[:, y : y + height, x : x + width]
    left, top, right, bottom = way.pad
    pads = ((0, 0), (top, bottom), (left, right))
    if way.resized != (width, height):
        planes = _shrunk(planes, way.resized)
    mode = "zero" if not isinstance(port, FrameInput) or port.size.fixed else port.size.padding
    if mode == "zero":
        # Around a frame it is black, whatever number that is.
        black = values_of_255(port, np.zeros((1, 1, 3), np.uint8)).item(0)
        return np.asarray(np.pad(planes - np.float32(black), pads) + np.float32(black), np.float32)
    return np.asarray(np.pad(planes, pads, mode=mode), np.float32)  # type: ignore[call-overload]


def given_back(planes: FloatPicture, way: Placement) -> FloatPicture:
    """What belongs to the picture of a network's output (C, h, w), at the result's size."""
    x, y, width, height = way.kept
    planes = planes[:, y : y + height, x : x + width]
    return planes if (width, height) == way.output else linear(planes, way.output)


def values_of_255(port: FrameInput | FrameOutput, rgb: npt.NDArray[np.generic]) -> FloatPicture:
    """(C, H, W) in the port's channels and range of RGB (H, W, 3) of 255."""
    low, high = port.range
    of_255 = rgb.astype(np.float32)
    planes = of_255.transpose(2, 0, 1) if port.channels == "RGB" else luma_of(port, of_255)[None]
    return np.asarray(np.float32((high - low) / 255) * planes + np.float32(low), np.float32)


def luma_of(port: FrameInput | FrameOutput, rgb: FloatPicture) -> FloatPicture:
    """Y (H, W) of 255, studio or full as the port says, of RGB (H, W, 3) of 255."""
    weights, offset = _LUMA[port.luma]
    return np.asarray(rgb @ np.asarray(weights, np.float32) + np.float32(offset), np.float32)


def rgb_of(
    port: FrameOutput, planes: FloatPicture, source: FloatPicture | None, way: Placement
) -> FloatPicture:
    """RGB (H, W, 3) of 255, not clamped, of what a network made.

    Args:
        planes: (C, H, W) in the port's range.
        source: RGB (H, W, 3) of 255 of the frame it was made of, whose colours a network of
            brightness leaves as they are; grey without one.
    """
    low, high = port.range
    of_255 = (planes - np.float32(low)) * np.float32(255 / (high - low))
    if port.channels == "RGB":
        return np.asarray(of_255.transpose(1, 2, 0), np.float32)
    weights, offset = _LUMA[port.luma]
    rise = np.float32(1 / sum(weights))
    if source is None:
        grey = (of_255[0] - np.float32(offset)) * rise
        return np.asarray(np.repeat(grey[..., None], 3, 2), np.float32)
    x, y, width, height = way.crop
    colour = source[y : y + height, x : x + width]
    if way.output != (width, height):
        colour = linear(colour.transpose(2, 0, 1), way.output).transpose(1, 2, 0)
    return np.asarray(colour + ((of_255[0] - luma_of(port, colour)) * rise)[..., None], np.float32)


def linear(planes: FloatPicture, size: tuple[int, int]) -> FloatPicture:
    """(C, H, W) to (C, h, w) of `size` (width, height): centres aligned, edges clamped."""
    for axis, wanted in ((1, size[1]), (2, size[0])):
        side = planes.shape[axis]
        if side == wanted:
            continue
        at = np.clip((np.arange(wanted) + 0.5) * (side / wanted) - 0.5, 0, side - 1)
        start = np.minimum(at.astype(np.intp), max(side - 2, 0))
        shape = [1, 1, 1]
        shape[axis] = wanted
        share = (at - start).astype(np.float32).reshape(shape)
        after = np.minimum(start + 1, side - 1)
        planes = planes.take(start, axis) * (1 - share) + planes.take(after, axis) * share
    return np.asarray(planes, np.float32)


def _shrunk(planes: FloatPicture, size: tuple[int, int]) -> FloatPicture:
    """Averaged over whole pixels first, so that fine detail does not alias."""
    channels, height, width = planes.shape
    across, down = max(1, width // size[0]), max(1, height // size[1])
    planes = planes[:, : height // down * down, : width // across * across]
    blocks = planes.reshape(channels, height // down, down, width // across, across)
    return linear(np.asarray(blocks.mean((2, 4), dtype=np.float32)), size)
