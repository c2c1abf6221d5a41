"""Measure every shipped package again, and compare with what its manifest states.

`make models-check`, or `python -m models.recipes.check`. It needs no PyTorch.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from bridge.cli.output import print_columns
from bridge.errors import FramebridgeError
from bridge.inference.package import MANIFEST_NAME, ModelPackage

from .figures import Row, check_figures
from .loading import Loaded, loading_of

MODELS = Path("models")


def main() -> int:
    """Exit status: 0 all as stated, 1 something differs, 3 some data is not there."""
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.check",
        description="Run each figure's own command again and compare; time how packages load. Run "
        "it from the root of the checkout.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"packages of {MODELS}/; by default all"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    parser.add_argument("--figures-only", action="store_true", help="do not time any loading")
    arguments = parser.parse_args()
    folders = [MODELS / name for name in arguments.names]
    folders = folders or sorted(path.parent for path in MODELS.glob(f"*/{MANIFEST_NAME}"))
    try:
        packages = [ModelPackage.open(folder) for folder in folders]
    except FramebridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    if not packages:
        print(f"No packages in {MODELS.resolve()}: run it from the root.", file=sys.stderr)
        return 3
    loaded = [] if arguments.figures_only else [loading_of(package) for package in packages]
    rows = check_figures(packages, Path.cwd(), _tell)
    if arguments.json:
        facts = {"figures": rows, "loading": loaded}
        print(json.dumps({k: [asdict(row) for row in v] for k, v in facts.items()}, indent=2))
    else:
        _print(rows, loaded)
    return verdict(rows, loaded)


def verdict(rows: Sequence[Row], loaded: Sequence[Loaded]) -> int:
    """Exit status: what differs weighs more than what could not be measured."""
    if any(row.fault for row in (*rows, *loaded)):
        return 1
    return 3 if any(row.missing for row in (*rows, *loaded)) else 0


def _print(rows: Sequence[Row], loaded: Sequence[Loaded]) -> None:
    print_columns(
        ["package", "set", "figure", "stated", "found", ""],
        [
            [
                row.package, row.dataset, row.what, _number(row.stated), _number(row.found),
                row.fault or row.missing or _fair(row),
            ]
            for row in rows
        ],
    )  # fmt: skip
    if loaded:
        print()
        print_columns(
            ["package", "frames", "ready after", "", ""],
            [
                [
                    row.package, f"{row.size[0]}x{row.size[1]}",
                    "" if row.ready_s is None else f"{row.ready_s:.2f} s", row.execution,
                    row.fault or row.missing,
                ]
                for row in loaded
            ],
        )  # fmt: skip
    faults = sum(bool(row.fault) for row in (*rows, *loaded))
    missing = sum(bool(row.missing) for row in rows)
    measured = sum(row.found is not None for row in rows)
    print(f"\n{measured} figures measured, {missing} not for want of data; {faults} faults.")


def _fair(row: Row) -> str:
    return "as stated, but rounded up" if row.flatters else "as stated"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")


def _tell(done: int, count: int, name: str) -> None:
    print(f"{done + 1} of {count}: {name}", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
