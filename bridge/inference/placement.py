"""Where a frame's pixels go in a model's tensor, and where they come back: numbers only."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import FrameFormatError, UnsupportedModelError
from bridge.frames import MAX_SIDE, FrameFormat
from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    LatentInput,
    Manifest,
    ParameterInput,
    StateInput,
    StateOutput,
)

_SERVED = (FrameInput, FrameOutput, ParameterInput, StateInput, StateOutput, LatentInput)

Box = tuple[int, int, int, int]
"""x, y, width, height in pixels."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The way of one frame size through one model.

    The region `crop` of the frame is resized to `resized`, padded by `pad` (left, top, right,
    bottom), and run; then the region `kept` of the model's picture is resized to `output`.
    A size that equals the one before it means that nothing is resized.
    """

    crop: Box
    resized: tuple[int, int]
    pad: tuple[int, int, int, int]
    kept: Box
    output: tuple[int, int]

    @property
    def model(self) -> tuple[int, int]:
        """Width and height of the model's input."""
        left, top, right, bottom = self.pad
        return self.resized[0] + left + right, self.resized[1] + top + bottom


def place(manifest: Manifest, width: int, height: int) -> Placement:
    """How a frame of `width` x `height` passes through the package.

    A package without a frame input takes frames of any size: they are stretched to its own.
    Raises: FrameFormatError: the package does not take frames of this size.
        UnsupportedModelError: the package makes no frame.
    """
    source, result = manifest.frame_input, made_by(manifest)
    if source is None:
        assert result.size is not None  # the manifest has checked
        made = result.size[0], result.size[1]
        return Placement((0, 0, width, height), made, (0, 0, 0, 0), (0, 0, *made), made)
    size, scale = source.size, result.scale
    if max(width, height) * scale > MAX_SIDE:
        raise FrameFormatError(
            f"{manifest.name}: frame size",
            f"sides of at most {MAX_SIDE // scale}, for a result of at most {MAX_SIDE}",
            f"{width}x{height}",
            "Send smaller frames.",
        )
    whole = (0, 0, width, height)
    if size.fixed is None:
        _check_limits(manifest.name, size.min, size.max, width, height)
        pad = (0, 0, -width % size.multiple_of, -height % size.multiple_of)
        if size.padding == "reflect" and (pad[2] >= width or pad[3] >= height):
            raise FrameFormatError(
                f"{manifest.name}: frame size",
                f"sides longer than the padding to a multiple of {size.multiple_of}",
                f"{width}x{height}",
                "Send larger frames.",
            )
        output = (width * scale, height * scale)
        return Placement(whole, (width, height), pad, (0, 0, *output), output)
    to_width, to_height = size.fixed
    if size.fit == "stretch":
        kept = (0, 0, to_width * scale, to_height * scale)
        return Placement(
            whole, (to_width, to_height), (0, 0, 0, 0), kept, (width * scale, height * scale)
        )
    if size.fit == "cover":
        crop = _centred_crop(width, height, to_width, to_height)
        kept = (0, 0, to_width * scale, to_height * scale)
        output = (crop[2] * scale, crop[3] * scale)
        return Placement(crop, (to_width, to_height), (0, 0, 0, 0), kept, output)
    factor = min(to_width / width, to_height / height)
    inner = max(1, round(width * factor)), max(1, round(height * factor))
    left, top = (to_width - inner[0]) // 2, (to_height - inner[1]) // 2
    pad = (left, top, to_width - inner[0] - left, to_height - inner[1] - top)
    kept = (left * scale, top * scale, inner[0] * scale, inner[1] * scale)
    return Placement(whole, inner, pad, kept, (width * scale, height * scale))


def result_format(manifest: Manifest, source: FrameFormat) -> FrameFormat:
    """The contract of what the package makes of frames of the contract `source`: of the frame's
    size times the scale, or of the package's own where it takes no frame.

    Raises: FrameFormatError, UnsupportedModelError.
    """
    return source.resized(*place(manifest, source.width, source.height).output)


def made_by(manifest: Manifest) -> FrameOutput:
    """The picture that the package makes.

    Raises: UnsupportedModelError: it makes none.
    """
    result = manifest.frame_output
    if result is None:
        raise UnsupportedModelError(
            manifest.name,
            "a frame output",
            f"task {manifest.task} with {[type(p).__name__ for p in manifest.outputs]}",
            "Choose a package that makes a frame.",
        )
    return result


def check_served(manifest: Manifest, place: str) -> None:
    """
    Args:
        place: what the error names, beside the port.
    Raises: UnsupportedModelError: a port of the package is of a role that this version does not
        serve.
    """
    for port in (*manifest.inputs, *manifest.outputs):
        if not isinstance(port, _SERVED):
            role = type(port).__struct_config__.tag
            raise UnsupportedModelError(
                f"{place} {port.name}",
                "ports of role frame, parameter, state or latent", f"role {role}",
                "This version runs packages that make a frame.",
            )  # fmt: skip


def _check_limits(
    name: str, least: list[int] | None, most: list[int] | None, width: int, height: int
) -> None:
    for limit, word in ((least, "at least"), (most, "at most")):
        if limit is None:
            continue
        small = word == "at least"
        outside = any(
            side < bound if small else side > bound
            for side, bound in zip((width, height), limit, strict=True)
        )
        if outside:
            raise FrameFormatError(
                f"{name}: frame size", f"{word} {limit[0]}x{limit[1]}", f"{width}x{height}",
                "Send frames of another size.",
            )  # fmt: skip


def _centred_crop(width: int, height: int, to_width: int, to_height: int) -> Box:
    if width * to_height > height * to_width:
        inner = max(1, round(height * to_width / to_height)), height
    else:
        inner = width, max(1, round(width * to_height / to_width))
    return (width - inner[0]) // 2, (height - inner[1]) // 2, *inner
