"""What a run of the bench leaves: a table to read, rows for scripts, and docs/performance.md."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import onnxruntime

from tests.bench.rows import Finding, Row, Theme

INTRODUCTION = """\
# Performance

Written by `make bench`. Change the bench (`tests/bench/`), not this page.

Framebridge takes a frame out of the engine's process, runs a network on it in another one, and
brings the result back. This page says what that costs. Three habits make its figures worth a look:

- **Nothing is quoted without its baseline.** A time is this machine's; a *ratio* says more: below
  1, Framebridge takes less time than the baseline, and where it reads `12x`, it is that many times
  faster.
- **Everything is measured in one run, in turn**: one repetition of each, then the next of each, so
  that whatever else the machine does, it does to both sides.
- **What misses its goal stays in the table**, with the place where its time goes.

*Goal* is what has to hold by now, *aim* what we want in the end. Values are medians, or the
percentile that the name ends in (p99: one in a hundred is slower).
"""
SHORT_HEAD = "| what | value | against | baseline | ratio | goal | aim | met | repetitions |"
QUICK_NOTE = "QUICK: a tenth of the repetitions, for development. Quote nothing of it."


@dataclass(frozen=True, slots=True)
class Measured:
    """A theme, what it found, and the breakdown if it misses a goal (lines of Markdown)."""

    theme: Theme
    finding: Finding
    breakdown: Sequence[str]

    @property
    def missed(self) -> list[Row]:
        return [row for row in self.finding.rows if row.met is False]


def as_json(measured: Sequence[Measured], *, quick: bool) -> str:
    """A list of rows; `name` is unique."""
    rows = [_map_of(one.theme, row, quick) for one in measured for row in one.finding.rows]
    return json.dumps(rows, indent=2) + "\n"


def _map_of(theme: Theme, row: Row, quick: bool) -> Mapping[str, object]:
    name = f"{row.name}, against {row.against}" if row.against else row.name
    fields = {key: value for key, value in asdict(row).items() if key != "strain"}
    return {**fields, "name": name, "theme": theme.key, "quick": quick}


def as_text(measured: Sequence[Measured], *, quick: bool) -> str:
    """For the terminal: tables, and the breakdown of what misses its goal."""
    parts = [QUICK_NOTE] if quick else []
    for one in measured:
        parts += [f"## {one.theme.title}", table(one.finding.rows), *_shortfall(one)]
    return "\n\n".join(parts)


def as_page(measured: Sequence[Measured], plot: str, load: float) -> str:
    """docs/performance.md.

    Args:
        load: processes at work on the machine when the run began.
    """
    rows = [row for one in measured for row in one.finding.rows if row.met is not None]
    met = sum(row.met is True for row in rows)
    parts = [
        INTRODUCTION.rstrip(),
        machine(load),
        f"**{met} of {len(rows)} goals are met.**",
        f"![Each goal and how near it is; how the price grows]({plot})",
    ]
    for one in measured:
        parts += [f"## {one.theme.title}", one.theme.about, table(one.finding.rows)]
    parts.append("## What falls short, and where its time goes")
    short = [one for one in measured if one.missed]
    if not short:
        parts.append("Nothing: every goal is met.")
    for one in short:
        parts += [f"### {one.theme.title}", *_shortfall(one)]
    return "\n\n".join(parts) + "\n"


def _shortfall(one: Measured) -> list[str]:
    if not one.missed:
        return []
    missed = [
        f"- {row.name}{f', against {row.against}' if row.against else ''}: "
        f"{_ratio(row) or _number(row.value)}, goal {row.goal}"
        for row in one.missed
    ]
    return ["\n".join(missed), one.theme.shortfall, "\n".join(one.breakdown).strip()]


def table(rows: Sequence[Row]) -> str:
    lines = [SHORT_HEAD, "|---|--:|---|--:|--:|---|---|---|--:|"]
    for row in rows:
        met = "" if row.met is None else "yes" if row.met else "**no**"
        base = "" if row.baseline is None else f"{_number(row.baseline)} {row.unit}"
        cells = (
            row.name, f"{_number(row.value)} {row.unit}".strip(), row.against, base.strip(),
            _ratio(row), row.goal, row.aim, met, str(row.repetitions),
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return ""
    faster = row.goal.startswith(">=") or row.aim.startswith(">=")
    return f"{row.ratio:.1f}x" if faster else f"{row.ratio:.3f}"


def _number(value: float) -> str:
    """Three digits or more, and none that were not measured."""
    return f"{value:.0f}" if abs(value) >= 1000 or not value else f"{value:.3f}"


def machine(load: float) -> str:
    memory = ""
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        memory = f", {size:.0f} GiB"
    return (
        f"Machine: {os.cpu_count()} cores of {_processor()}{memory}, {platform.system()}"
        f" {platform.release().split('-')[0]}, Python {platform.python_version()}, ONNX Runtime"
        f" {onnxruntime.__version__}{_openvino()}; no GPU is used."
        f" Work of others on it when the run began (load average, meant to be 0): {load:.1f}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _openvino() -> str:
    try:
        return f", OpenVINO {importlib.metadata.version('openvino')}"
    except importlib.metadata.PackageNotFoundError:
        return ""
