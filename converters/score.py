"""How good an upscaling package is on a set of pictures: `framebridge models score`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from bridge.errors import InferenceError, UnsupportedModelError
from bridge.inference.manifest import Precision
from bridge.inference.package import ModelPackage
from converters.luma_psnr import (
    LUMA_OFFSET,
    FloatPicture,
    Pair,
    bicubic,
    find_pictures,
    pairs_of,
    psnr,
    y_of,
)

_PAD_MODES = {"reflect": "reflect", "edge": "edge", "zero": "constant"}
_STUDIO_SPAN = 219.0 / 255.0
"""From Y of full range to that of 16 to 235."""


@dataclass(frozen=True, slots=True)
class Row:
    """One picture: PSNR on Y in dB of the network and of Pillow's bicubic."""

    picture: str
    network: float
    bicubic: float


@dataclass(frozen=True, slots=True)
class Score:
    """
    Attributes:
        network, bicubic: means in dB; each picture counts alike.
    """

    package: str
    dataset: str
    scale: int
    rows: list[Row]

    @property
    def network(self) -> float:
        return float(np.mean([row.network for row in self.rows]))

    @property
    def bicubic(self) -> float:
        return float(np.mean([row.bicubic for row in self.rows]))


class Upscaler:
    """The graph of an upscaling package in ONNX Runtime, on the processor."""

    def __init__(
        self, package: ModelPackage, precision: Precision | None = None, threads: int = 0
    ) -> None:
        """
        Raises: UnsupportedModelError: the package enlarges no frames, or wants more than a frame.
            GraphMissingError, GraphMismatchError, HashMismatchError, UnsafePackageError.
        """
        manifest = package.manifest
        port_in, port_out = manifest.frame_input, manifest.frame_output
        place = str(package.folder)
        if port_in is None or port_out is None or port_out.scale < 2:
            raise UnsupportedModelError(
                place, "a package that enlarges frames: one frame in, one out, `scale` 2 or more",
                f"task {manifest.task}", "This figure is one of upscalers alone.",
            )  # fmt: skip
        if port_in.size.fixed:
            width, height = port_in.size.fixed
            raise UnsupportedModelError(
                place, "a package that takes frames of any size",
                f"one of {width}x{height} alone", "Convert it with a free size.",
            )  # fmt: skip
        self._defaults = {
            port.name: np.asarray([port.default], np.float32)
            for port in manifest.parameters.values()
            if port.kind == "float"
        }
        if len(manifest.inputs) != 1 + len(self._defaults):
            raise UnsupportedModelError(
                place, "a package of one frame and knobs", "other inputs", "It has no such figure."
            )
        self.scale = port_out.scale
        self._package, self._in, self._out = package, port_in, port_out
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                package.load_graph(precision).SerializeToString(), options,
                providers=["CPUExecutionProvider"],
            )  # fmt: skip
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "onnxruntime":
                raise
            raise _failed(package, error) from None

    def y(self, pair: Pair) -> FloatPicture:
        """Y (H * scale, W * scale), of 255, of the enlarged small picture; clamped, not rounded.

        Raises: InferenceError.
        """
        planes = self._taken(pair)
        _, height, width = planes.shape
        result = self._run(planes)[:, : height * self.scale, : width * self.scale]
        low, high = self._out.range
        of_255 = np.clip((result - low) / (high - low), 0, 1) * np.float32(255)
        if self._out.channels == "RGB":
            return y_of(of_255.transpose(1, 2, 0), pair.grey)
        if self._out.luma == "studio" or pair.grey:
            return np.asarray(of_255[0], np.float32)
        return np.asarray(of_255[0] * _STUDIO_SPAN + LUMA_OFFSET, np.float32)

    def _taken(self, pair: Pair) -> FloatPicture:
        """(C, H, W) as the graph takes it."""
        rgb = pair.low.astype(np.float32)
        if self._in.channels == "RGB":
            planes = rgb.transpose(2, 0, 1)
        elif self._in.luma == "studio" or pair.grey:
            planes = y_of(pair.low, pair.grey)[None]
        else:
            planes = (rgb @ np.array([0.299, 0.587, 0.114], np.float32))[None]
        low, high = self._in.range
        return np.asarray(low + (high - low) / 255 * planes, np.float32)

    def _run(self, planes: FloatPicture) -> FloatPicture:
        size = self._in.size
        least = size.min or [1, 1]
        pads = [(0, 0)]
        for side, shortest in zip(planes.shape[1:], reversed(least), strict=True):
            wanted = max(side, shortest)
            pads.append((0, -(-wanted // size.multiple_of) * size.multiple_of - side))
        mode = _PAD_MODES[size.padding]
        padded = np.pad(planes, pads, mode=mode)  # type: ignore[call-overload]
        try:
            (result,) = self._session.run(
                [self._out.name], {self._in.name: padded[None], **self._defaults}
            )
        except Exception as error:
            raise _failed(self._package, error) from None
        return np.asarray(result[0], np.float32)


def _failed(package: ModelPackage, error: Exception) -> InferenceError:
    said = " ".join(str(error).split())[:300]
    return InferenceError(
        str(package.folder), "a graph that runs", said, "Try it with `framebridge models verify`."
    )


def _found(dataset: Path) -> Path:
    """A folder, whatever of its name is written in capitals: Set5 is set5 to many."""
    if dataset.is_dir() or not dataset.parent.is_dir():
        return dataset
    alike = [p for p in dataset.parent.iterdir() if p.name.lower() == dataset.name.lower()]
    return alike[0] if len(alike) == 1 else dataset


def score(
    package: ModelPackage, dataset: Path,
    progress: Callable[[int, int, str], None] = lambda done, all_, name: None,
    precision: Precision | None = None,
) -> Score:  # fmt: skip
    """PSNR on Y over a set of pictures, by DCSCN's protocol, with bicubic beside it.

    Each picture is cropped to a multiple of the scale, reduced in 8-bit RGB by Pillow's bicubic,
    enlarged by the package's graph from the 8-bit result, and compared on rounded Y without the
    outermost `scale` pixels. A picture stored in grey is its own Y.
    Args:
        dataset: pictures at any depth.
        progress: called with how many are done, how many there are, and the next one's name.
    Raises: as `Upscaler`; MediaError, InferenceError.
    """
    upscaler = Upscaler(package, precision)
    dataset = _found(Path(dataset))
    scale = upscaler.scale
    count = len(find_pictures(dataset))
    rows: list[Row] = []
    for path, pair in pairs_of(dataset, scale):
        progress(len(rows), count, path.name)
        truth = y_of(pair.high, pair.grey)
        enlarged = bicubic(y_of(pair.low, pair.grey), scale)
        rows.append(
            Row(
                str(path.relative_to(dataset)),
                psnr(truth, upscaler.y(pair), scale),
                psnr(truth, enlarged, scale),
            )
        )
    return Score(package.name, dataset.name or str(dataset), scale, rows)
