"""What the demo leaves behind: `report.json`, `clip.mp4`, `before-after.png` or `ticks.png`."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bridge import contact_sheet
from bridge.contact_sheet import Cell, Rgb8
from bridge.demo.show import Showing
from bridge.frames import Pixels
from bridge.media import Still, VideoOutput, write_picture

_TICKS = 8
"""On the picture of ticks."""
_LEAST_FPS = 15
_LEAST_SIDE = 384
"""Of a clip: smaller pictures are enlarged by a whole number."""


def summary_line(seen: Showing, free: bool = False) -> str:
    """The one line that the demo ends with."""
    p50, p99 = _percentiles(seen.ages_ms)
    model, _ = _percentiles(seen.model_ms)
    if free:
        return (
            f"demo: {seen.ticks} ticks of its own, {rate(seen):.0f} ticks/s, model {model:.1f} ms"
        )
    return (
        f"demo: {seen.returned} of {seen.submitted} frames back,"
        f" {rate(seen):.0f} ticks/s,"
        f" age p50 {p50:.1f} ms p99 {p99:.1f} ms, model {model:.1f} ms"
    )


def live_line(seen: Showing, seconds: float, free: bool = False) -> str:
    """One line while it runs."""
    age, _ = _percentiles(seen.ages_ms[-120:])
    model, _ = _percentiles(seen.model_ms[-120:])
    start = f"{seen.seconds:4.1f} of {seconds:g} s   {rate(seen):5.1f} ticks/s   "
    if free:
        return f"{start}{seen.ticks} ticks   model {model:.1f} ms"
    return (
        f"{start}"
        f"{seen.shown} shown, {seen.dropped} dropped, {seen.skipped} skipped   "
        f"age {age:.1f} ms   model {model:.1f} ms"
    )


def rate(seen: Showing) -> float:
    return seen.ticks / seen.seconds if seen.seconds else 0.0


def write_report(folder: Path, seen: Showing, summary: str, facts: dict[str, Any]) -> None:
    """Write `report.json`: the counts, the timings and `facts`."""
    age_p50, age_p99 = _percentiles(seen.ages_ms)
    model_p50, model_p99 = _percentiles(seen.model_ms)
    report = {
        "summary": summary,
        **facts,
        "seconds": round(seen.seconds, 3),
        "ticks": seen.ticks,
        "ticks_per_second": round(rate(seen), 2),
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
    """The results as they were shown, every other one, at the speed at which they were shown; of a
    long drawing fewer, and faster."""
    if not seen.clip:
        return
    least = 1 if seen.clip_every == 2 else _LEAST_FPS
    fps = Fraction(max(least, round(seen.shown / max(seen.seconds, 0.1) / seen.clip_every)))
    zoom = max(1, _LEAST_SIDE // max(seen.clip[0][1].shape[:2]))
    with VideoOutput(path, fps) as video:
        for tick, rgb in seen.clip:
            enlarged = rgb.repeat(zoom, axis=0).repeat(zoom, axis=1)
            alpha = np.full((*enlarged.shape[:2], 1), 255, np.uint8)
            pixels = np.concatenate([enlarged, alpha], 2)
            video.write(Still(str(tick), pixels, has_alpha=False))


def write_before_after(
    path: Path, before: Pixels, after: Pixels, truth: Pixels | None, model: str
) -> dict[str, float]:
    """A picture as it was, as the network makes it, and as it should be, where that is known.

    With a truth, or at another size, the detail with the strongest edges; else the whole picture.

    Args:
        before: the frame that was sent, uint8 (h, w, 4).
        after: its result, uint8 (H, W, 4).
        truth: what the result should be, or None.
    Returns: the dB of the frame (enlarged with a bicubic filter, if it is smaller) and of the
        network against the truth; empty without one.
    """
    height, width, _ = after.shape
    plain, made = enlarged(before, (width, height)), after[:, :, :3]
    grows = before.shape != after.shape
    what = "bicubic" if grows else "before"
    decibels: dict[str, float] = {}
    panels = [(what, plain), (model, made)]
    if truth is not None:
        true = truth[:, :, :3]
        decibels = {f"{what}_db": psnr(plain, true), "model_db": psnr(made, true)}
        panels = [
            (f"{what}  {decibels[f'{what}_db']:.2f} dB", plain),
            (f"{model}  {decibels['model_db']:.2f} dB", made),
            ("rendered at full size" if grows else "rendered sharp", true),
        ]
    if truth is not None or grows:
        looked_at = panels[-1][1]
        if truth is not None and not grows:
            looked_at = difference(plain, looked_at)  # where the frame was spoilt most
        x, y, w, h = busiest(looked_at)
        panels = [(label, picture[y : y + h, x : x + w]) for label, picture in panels]
    write_sheet(path, [panels])
    return decibels


def write_ticks(path: Path, seen: Showing, title: str) -> None:
    """Pictures of a stream that ticks by itself, evenly from the first tick that was kept."""
    if not seen.clip:
        return
    places = np.linspace(0, len(seen.clip) - 1, min(_TICKS, len(seen.clip))).round().astype(int)
    cells = [(f"tick {seen.clip[i][0]}", seen.clip[i][1]) for i in places]
    write_sheet(path, [cells[: _TICKS // 2], cells[_TICKS // 2 :]], title)


def write_sheet(path: Path, rows: list[list[Cell]], title: str = "") -> None:
    write_picture(path, contact_sheet.draw(rows, title), keep_alpha=False)


def enlarged(frame: Pixels, size: tuple[int, int]) -> Rgb8:
    """A frame at that width and height by a bicubic filter: uint8 (H, W, 3)."""
    picture = Image.fromarray(frame).convert("RGB")
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC))


def psnr(a: Rgb8, b: Rgb8) -> float:
    """Peak signal-to-noise ratio of two pictures of the same shape, in dB, over all channels."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else round(float(10 * np.log10(255**2 / error)), 2)


def difference(a: Rgb8, b: Rgb8) -> Rgb8:
    """How far two pictures of the same shape are apart, at each pixel and channel."""
    apart: Rgb8 = np.abs(a.astype(np.int16) - b.astype(np.int16)).astype(np.uint8)
    return apart


def busiest(picture: Rgb8) -> tuple[int, int, int, int]:
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


def _percentiles(values: list[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 0.0
    p50, p99 = np.percentile(values, [50, 99])
    return float(p50), float(p99)
