"""What a composed graph must do, said once more in plain numpy and float64.

Nothing of `bridge.inference.placement` and `pixels` is used: only a manifest, a frame's contract
and its bytes. The core itself runs in ONNX Runtime, as float.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from bridge.frames import FrameFormat
from bridge.inference.manifest import FrameInput, Manifest

Plane = npt.NDArray[np.float64]
"""float64 (C, H, W), 0 to 255 until it is rounded."""

_LUMA = {
    "studio": ((65.738 / 256, 129.057 / 256, 25.064 / 256), 16.0),
    "full": ((0.299, 0.587, 0.114), 0.0),
}


def run(
    frame: bytes,
    format: FrameFormat,
    manifest: Manifest,
    core: onnx.ModelProto,
    parameters: Mapping[str, npt.NDArray[Any]] | None = None,
) -> npt.NDArray[np.uint8]:
    """uint8 (H', W', 4), in the frame's own order of rows and channels."""
    port_in, port_out = manifest.frame_input, manifest.frame_output
    assert port_in is not None
    assert port_out is not None
    colour, alpha = _read(frame, format)
    if format.transfer == "linear":
        colour = srgb_of_light(colour / 255) * 255
    colour, alpha = (_cropped(picture, port_in) for picture in (colour, alpha))
    height, width = colour.shape[1:]

    tensor, (top, left, inner_height, inner_width) = _to_model_size(colour, port_in)
    made = _run_core(core, port_in, tensor, parameters or {})
    low, high = port_out.range
    made = (made - low) / (high - low) * 255

    scale = port_out.scale
    made = made[
        :,
        top * scale : (top + inner_height) * scale,
        left * scale : (left + inner_width) * scale,
    ]
    made = linear(made, height * scale, width * scale)
    if port_out.channels == "Y":
        own = linear(colour, height * scale, width * scale)
        weights, _ = _LUMA[port_out.luma]
        made = own + (made - _luma(own, port_out.luma)) / sum(weights)
    alpha = linear(alpha, height * scale, width * scale)
    if format.alpha == "opaque":
        alpha = np.full_like(alpha, 255)
    if format.transfer == "linear":
        made = light_of_srgb(np.clip(made / 255, 0, 1)) * 255
    return _written(made, alpha, format)


def srgb_of_light(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """IEC 61966-2-1, both from 0 to 1."""
    return np.where(
        light <= 0.0031308, light * 12.92, 1.055 * light.clip(1e-9) ** (1 / 2.4) - 0.055
    )


def light_of_srgb(value: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The way back."""
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear(picture: Plane, height: int, width: int) -> Plane:
    """Linear interpolation between pixel centres, the border's pixels repeated beyond it."""
    for axis, to in ((1, height), (2, width)):
        have = picture.shape[axis]
        if have == to:
            continue
        at = np.clip((np.arange(to) + 0.5) * have / to - 0.5, 0, have - 1)
        below = np.floor(at).astype(int)
        above = np.minimum(below + 1, have - 1)
        share = (at - below).reshape([-1 if a == axis else 1 for a in range(3)])
        picture = picture.take(below, axis) * (1 - share) + picture.take(above, axis) * share
    return picture


def _read(frame: bytes, format: FrameFormat) -> tuple[Plane, Plane]:
    """Colour (3, H, W), RGB, and alpha (1, H, W), top row first."""
    rows = np.frombuffer(frame, np.uint8).reshape(format.height, format.width, 4)
    rows = rows.astype(np.float64)
    if format.rows == "bottom_first":
        rows = rows[::-1]
    red, green, blue = (2, 1, 0) if format.pixel_format == "bgra8" else (0, 1, 2)
    return np.stack([rows[..., c] for c in (red, green, blue)]), rows[None, :, :, 3]


def _written(colour: Plane, alpha: Plane, format: FrameFormat) -> npt.NDArray[np.uint8]:
    red, green, blue = colour
    order = (blue, green, red) if format.pixel_format == "bgra8" else (red, green, blue)
    picture = np.clip(np.rint(np.stack([*order, alpha[0]], axis=-1)), 0, 255).astype(np.uint8)
    return picture[::-1] if format.rows == "bottom_first" else picture


def _cropped(picture: Plane, port: FrameInput) -> Plane:
    """The middle in the proportions of a fixed size, where the frame is to cover it."""
    if port.size.fixed is None or port.size.fit != "cover":
        return picture
    to_width, to_height = port.size.fixed
    _, height, width = picture.shape
    if width / height > to_width / to_height:
        keep = round(height * to_width / to_height)
        start = (width - keep) // 2
        return picture[:, :, start : start + keep]
    keep = round(width * to_height / to_width)
    start = (height - keep) // 2
    return picture[:, start : start + keep]


def _to_model_size(picture: Plane, port: FrameInput) -> tuple[Plane, tuple[int, int, int, int]]:
    """The model's picture, and where in it the frame lies: top, left, height, width."""
    _, height, width = picture.shape
    size = port.size
    if size.fixed is None:
        below, right = -height % size.multiple_of, -width % size.multiple_of
        around = ((0, 0), (0, below), (0, right))
        if size.padding == "zero":
            return np.pad(picture, around), (0, 0, height, width)
        return np.pad(picture, around, size.padding), (0, 0, height, width)
    to_width, to_height = size.fixed
    if size.fit != "contain":
        return _shrunk(picture, to_height, to_width), (0, 0, to_height, to_width)
    share = min(to_width / width, to_height / height)
    inner_height, inner_width = round(height * share), round(width * share)
    top, left = (to_height - inner_height) // 2, (to_width - inner_width) // 2
    black = np.zeros((3, to_height, to_width))
    inner = _shrunk(picture, inner_height, inner_width)
    black[:, top : top + inner_height, left : left + inner_width] = inner
    return black, (top, left, inner_height, inner_width)


def _shrunk(picture: Plane, height: int, width: int) -> Plane:
    """Means of whole blocks of pixels first, and what remains linearly."""
    channels, have_height, have_width = picture.shape
    down, across = max(1, have_height // height), max(1, have_width // width)
    rows, columns = have_height // down, have_width // across
    blocks = picture[:, : rows * down, : columns * across]
    blocks = blocks.reshape(channels, rows, down, columns, across).mean((2, 4))
    return linear(blocks, height, width)


def _luma(colour: Plane, kind: str) -> Plane:
    weights, offset = _LUMA[kind]
    return sum(w * plane for w, plane in zip(weights, colour, strict=True))[None] + offset


def _run_core(
    core: onnx.ModelProto,
    port: FrameInput,
    picture: Plane,
    parameters: Mapping[str, npt.NDArray[Any]],
) -> Plane:
    low, high = port.range
    planes = picture if port.channels == "RGB" else _luma(picture, port.luma)
    tensor = (planes / 255 * (high - low) + low)[None].astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        core.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (made,) = session.run(None, {port.name: tensor, **parameters})
    return np.asarray(made[0], np.float64)
