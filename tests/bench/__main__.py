"""`make bench`: every figure in one run, as a table, a JSON report and docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import onnxruntime

from tests.bench import graphs, streams
from tests.bench.rows import Row

ROOT = Path(__file__).parents[2]
INTRODUCTION = (
    "# Performance\n\n"
    "Written by `make bench`, which measures every figure in one run, each in turn with its "
    "baseline, alone on the machine. A ratio says more than a time: times are this machine's.\n\n"
)


def main() -> None:
    rows: list[Row] = []
    for module in (graphs, streams):
        print(f"measuring {module.__name__.rpartition('.')[2]} ...", file=sys.stderr)
        rows += module.measure()
    folder = ROOT / "out" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    report = json.dumps([asdict(row) for row in rows], indent=2)
    (folder / "report.json").write_text(report + "\n")
    table = _table(rows)
    print(table)
    (ROOT / "docs" / "performance.md").write_text(f"{INTRODUCTION}{_machine()}\n\n{table}\n")


def _table(rows: list[Row]) -> str:
    lines = [
        "| what | value | baseline | ratio | goal | met | repetitions |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        met = "" if row.met is None else "yes" if row.met else "**no**"
        base = "" if row.baseline is None else f"{row.baseline:.3f} {row.unit}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(
            f"| {row.name} | {row.value:.3f} {row.unit} | {base} | {ratio} | {row.goal} | {met}"
            f" | {row.repetitions} |"
        )
    return "\n".join(lines)


def _machine() -> str:
    return (
        f"Machine: {os.cpu_count()} cores, {platform.machine()}, {platform.system()}, "
        f"Python {platform.python_version()}, ONNX Runtime {onnxruntime.__version__}."
    )


if __name__ == "__main__":
    main()
