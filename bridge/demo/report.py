"""What the demo leaves behind: `report.json`, `clip.mp4`, `before-after.png`."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from bridge.demo.show import Showing
from bridge.frames import Pixels
from bridge.media import Still, VideoOutput, write_picture

_ZOOM, _MARGIN, _CAPTION = 3, 12, 34
_PAPER, _INK = (18, 18, 22), (235, 235, 235)


def summary_line(seen: Showing) -> str:
    """The one line that the demo ends with."""
    p50, p99 = _percentiles(seen.ages_ms)
    model, _ = _percentiles(seen.model_ms)
    return (
        f"demo: {seen.returned} of {seen.submitted} frames back,"
        f" {ticks_per_second(seen):.0f} ticks/s,"
        f" age p50 {p50:.1f} ms p99 {p99:.1f} ms, model {model:.1f} ms"
    )


def live_line(seen: Showing, seconds: float) -> str:
    """One line while it runs."""
    age, _ = _percentiles(seen.ages_ms[-120:])
    model, _ = _percentiles(seen.model_ms[-120:])
    return (
        f"{seen.seconds:4.1f} of {seconds:g} s   {ticks_per_second(seen):5.1f} ticks/s   "
        f"{seen.shown} shown, {seen.dropped} dropped, {seen.skipped} skipped   "
        f"age {age:.1f} ms   model {model:.1f} ms"
    )


def ticks_per_second(seen: Showing) -> float:
    return seen.ticks / seen.seconds if seen.seconds else 0.0


def write_report(folder: Path, seen: Showing, facts: dict[str, Any]) -> None:
    """Write `report.json`: the counts, the timings and `facts`."""
    age_p50, age_p99 = _percentiles(seen.ages_ms)
    model_p50, model_p99 = _percentiles(seen.model_ms)
    report = {
        "summary": summary_line(seen),
        **facts,
        "seconds": round(seen.seconds, 3),
        "ticks": seen.ticks,
        "ticks_per_second": round(ticks_per_second(seen), 2),
        "submitted": seen.submitted,
        "returned": seen.returned,
        "dropped": seen.dropped,
        "skipped": seen.skipped,
        "shown": seen.shown,
        "age_ms": {"p50": round(age_p50, 2), "p99": round(age_p99, 2)},
        "model_ms": {"p50": round(model_p50, 2), "p99": round(model_p99, 2)},
    }
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")


def write_clip(path: Path, seen: Showing) -> None:
    """The results as they were shown, every other one, at the speed at which they were shown."""
    if not seen.clip:
        return
    fps = Fraction(max(1, round(seen.shown / max(seen.seconds, 0.1) / 2)))
    with VideoOutput(path, fps) as video:
        for index, rgb in enumerate(seen.clip):
            alpha = np.full((*rgb.shape[:2], 1), 255, np.uint8)
            video.write(Still(str(index), np.concatenate([rgb, alpha], 2), has_alpha=False))


def write_before_after(
    path: Path, before: Pixels, after: Pixels, truth: Pixels | None, model: str
) -> dict[str, float]:
    """The same detail as it was, as the network makes it, and as it should be.

    Args:
        before: the frame that was sent, uint8 (h, w, 4).
        after: its result, uint8 (H, W, 4).
        truth: the scene drawn at the result's size, or None.
    Returns: the dB of bicubic and of the network against the truth; empty without one.
    """
    height, width, _ = after.shape
    resized = (
        Image.fromarray(before).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    )
    plain, made = np.asarray(resized), after[:, :, :3]
    decibels: dict[str, float] = {}
    enlarged = before.shape != after.shape
    panels = [("bicubic" if enlarged else "before", plain), (model, made)]
    if truth is not None:
        true = truth[:, :, :3]
        decibels = {"bicubic_db": psnr(plain, true), "model_db": psnr(made, true)}
        panels = [
            (f"bicubic  {decibels['bicubic_db']:.2f} dB", plain),
            (f"{model}  {decibels['model_db']:.2f} dB", made),
            ("rendered at full size", true),
        ]
    x, y, w, h = _busiest(panels[-1][1])
    cut = [(label, picture[y : y + h, x : x + w]) for label, picture in panels]
    write_picture(path, _sheet(cut), keep_alpha=False)
    return decibels


def psnr(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures of the same shape, in dB, over all channels."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else round(float(10 * np.log10(255**2 / error)), 2)


def _busiest(picture: npt.NDArray[np.uint8]) -> tuple[int, int, int, int]:
    """The region, a quarter of the picture's sides, that has the strongest edges."""
    height, width = picture.shape[:2]
    w, h = max(16, width // 4), max(16, height // 4)
    grey = picture.mean(2)
    edges = np.zeros(grey.shape)
    edges[1:, 1:] = np.abs(np.diff(grey, axis=0))[:, 1:] + np.abs(np.diff(grey, axis=1))[1:]
    sums = np.pad(edges.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    energy = sums[h:, w:] - sums[:-h, w:] - sums[h:, :-w] + sums[:-h, :-w]
    y, x = np.unravel_index(int(np.argmax(energy)), energy.shape)
    return int(x), int(y), w, h


def _sheet(panels: list[tuple[str, npt.NDArray[np.uint8]]]) -> Pixels:
    h, w = panels[0][1].shape[:2]
    zoom = max(1, min(_ZOOM, 1440 // (w * len(panels))))
    wide, high = w * zoom, h * zoom
    size = (len(panels) * (wide + _MARGIN) + _MARGIN, high + _CAPTION + 2 * _MARGIN)
    sheet = Image.new("RGBA", size, _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=18)
    for index, (label, picture) in enumerate(panels):
        left = _MARGIN + index * (wide + _MARGIN)
        enlarged = Image.fromarray(picture).resize((wide, high), Image.Resampling.NEAREST)
        sheet.paste(enlarged, (left, _MARGIN))
        draw.text((left, high + _MARGIN + 8), label, fill=_INK, font=font)
    return np.asarray(sheet)


def _percentiles(values: list[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 0.0
    p50, p99 = np.percentile(values, [50, 99])
    return float(p50), float(p99)
