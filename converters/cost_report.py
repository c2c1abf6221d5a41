"""What a package costs at one size of frame, for people and for scripts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from bridge.errors import UnsupportedModelError
from bridge.inference.manifest import Precision
from bridge.inference.package import ModelPackage
from converters.devices import COMMON
from converters.layers import FLOAT32_BYTES
from converters.roofline import (
    ASSUMPTIONS,
    Prediction,
    frame_bytes,
    package_work,
    predict,
    usual_size,
)


@dataclass(frozen=True, slots=True)
class CostReport:
    """
    Attributes:
        size: width and height of the frame that the graph takes: as given, padded or fitted.
        macs_per_pixel: of that frame.
        moved_bytes: read and written by all layers, in float32.
        weights_bytes, held_bytes: in memory in float32: weights, and what passes between layers
            where that is most.
        file_bytes: by precision.
    """

    package: str
    size: tuple[int, int]
    parameters: int
    macs_per_pixel: int
    macs_per_frame: int
    moved_bytes: int
    weights_bytes: int
    held_bytes: int
    file_bytes: dict[Precision, int]
    predictions: list[Prediction]
    assumptions: list[str] = field(default_factory=lambda: list(ASSUMPTIONS))

    def lines(self) -> list[str]:
        """What was counted, a line each."""
        width, height = self.size
        files = ", ".join(f"{kind} {_mb(size)}" for kind, size in self.file_bytes.items())
        memory = self.weights_bytes + self.held_bytes
        return [
            f"{self.package} at {width}x{height}",
            f"parameters             {self.parameters:,}",
            f"multiply-accumulates   {self.macs_per_pixel:,} a pixel, "
            f"{self.macs_per_frame / 1e9:,.2f} billion a frame",
            f"memory traffic         {_mb(self.moved_bytes)} a frame in float32",
            f"memory                 {_mb(memory)} in float32: {_mb(self.weights_bytes)} of "
            f"weights, {_mb(self.held_bytes)} between layers",
            f"files                  {files}",
        ]

    def rows(self) -> list[list[str]]:
        """Each device with its frames a second in float32 and float16, and what limits those."""
        devices = dict.fromkeys(p.device for p in self.predictions)
        of = {(p.device, p.precision): p for p in self.predictions}
        rows = []
        for device in devices:
            full, half = of[device, "float32"], of[device, "float16"]
            bounds = dict.fromkeys((full.bound, half.bound))
            rows.append(
                [
                    device.name, f"{full.frames_per_s:,.0f}", f"{half.frames_per_s:,.0f}",
                    ", ".join(bounds),
                ]
            )  # fmt: skip
        return rows

    def as_map(self) -> dict[str, Any]:
        """Of JSON's own types."""
        facts = asdict(self)
        facts["predictions"] = [
            {
                "device": p.device.name,
                "precision": p.precision,
                "frame_ms": round(p.frame_ms, 4),
                "frames_per_s": round(p.frames_per_s, 1),
                "limited_by": p.bound,
            }
            for p in self.predictions
        ]
        return facts

    def common(self) -> Prediction:
        """Of the device that cards tell of, in float32."""
        return next(p for p in self.predictions if p.device is COMMON and p.precision == "float32")


def cost_of(package: ModelPackage, size: tuple[int, int] | None = None) -> CostReport:
    """
    Args:
        size: width and height of the frame; by default `usual_size`.
    Raises: FrameFormatError: the package does not take such frames. UnsupportedModelError: it makes
        no frame, or its cost cannot be counted without a run.
    """
    try:
        work = package_work(package, *(size or usual_size(package.manifest)))
    except ValueError as error:
        raise UnsupportedModelError(
            str(package.folder), "a graph whose shapes can be told without a run", str(error)
        ) from None
    weights, held = frame_bytes(work)
    pixels = work.size[0] * work.size[1]
    return CostReport(
        package.name, work.size, work.weights, round(work.macs / pixels), work.macs,
        work.values * FLOAT32_BYTES, weights, held,
        {g.precision: (package.folder / g.file).stat().st_size for g in package.manifest.graphs},
        predict(work),
    )  # fmt: skip


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
