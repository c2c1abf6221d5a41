"""`make bench`: every figure in one run, as tables, a plot, JSON rows and docs/performance.md."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import graphs, growth, native, neighbours, outside, plot, report, swaps, trips
from tests.bench.report import Measured
from tests.bench.rows import Effort, Theme

ROOT = Path(__file__).parents[2]
THEMES = {
    module.THEME.key: module.THEME
    for module in (trips, native, outside, graphs, neighbours, swaps, growth)
}

FOLDERS = (
    "FRAMEBRIDGE_RUNTIME_DIR",
    "FRAMEBRIDGE_CACHE_DIR",
    "FRAMEBRIDGE_LOG_DIR",
    "XDG_DATA_HOME",
)


def main() -> None:
    wanted = _arguments()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    os.chdir(ROOT)  # the processes that we start import the bench from here
    # Short, for a socket's path has 107 bytes at most. Nothing of the user's is read or written.
    with tempfile.TemporaryDirectory(prefix="fbb") as folder:
        for variable in FOLDERS:
            os.environ[variable] = f"{folder}/{variable.lower()}"
        os.environ.pop("FRAMEBRIDGE_MODELS", None)
        measured = _measure([THEMES[key] for key in wanted.only], Effort(wanted.quick))
    whole = not wanted.quick and len(wanted.only) == len(THEMES)
    _write(measured, load, quick=wanted.quick, whole=whole)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the repetitions")
    parser.add_argument(
        "--only", action="append", choices=list(THEMES), help="one theme; repeatable"
    )
    words = parser.parse_args()
    words.only = words.only or list(THEMES)
    return words


def _measure(themes: Sequence[Theme], effort: Effort) -> list[Measured]:
    measured = []
    for theme in themes:
        start = time.monotonic()
        print(f"measuring {theme.key} ...", end=" ", file=sys.stderr, flush=True)
        finding = theme.measure(effort)
        missed = any(row.met is False for row in finding.rows)
        measured.append(Measured(theme, finding, finding.breakdown() if missed else []))
        print(f"{time.monotonic() - start:.0f} s", file=sys.stderr)
    return measured


def _write(measured: Sequence[Measured], load: float, *, quick: bool, whole: bool) -> None:
    """The page belongs to whole runs alone."""
    folder = ROOT / "out" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(report.as_json(measured, quick=quick))
    picture = folder / "report.png"
    rows = [row for one in measured for row in one.finding.rows]
    curves = {title: of for one in measured for title, of in one.finding.curves.items()}
    plot.draw(rows, curves, picture, note=" (quick: not to be quoted)" if quick else "")
    print(report.as_text(measured, quick=quick))
    if whole:
        page = ROOT / "docs" / "performance.md"
        shutil.copyfile(picture, page.with_suffix(".png"))
        page.write_text(report.as_page(measured, page.with_suffix(".png").name, load))
    print(f"\n{folder / 'report.json'}, {picture.name}", file=sys.stderr)


if __name__ == "__main__":
    main()
