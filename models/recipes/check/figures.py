"""Every figure of a manifest, measured again by its own command."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.errors import FramebridgeError
from bridge.inference.manifest import Quality
from bridge.inference.package import ModelPackage
from converters.scores.base import Figure, Progress
from converters.scores.catalogue import score

COMMAND = ("framebridge", "models", "score")
MODULES = "models.recipes."
PREPARING_S = 600
LEAST_DECIMALS, MOST_DECIMALS = 2, 4


@dataclass(frozen=True, slots=True)
class Row:
    """One figure, or one of its baselines.

    Attributes:
        what: the metric, with the baseline's name behind a colon.
        found: None where it was not measured.
        fault: what is wrong; empty where nothing is.
        missing: what is needed to measure it; empty where nothing is.
    """

    package: str
    dataset: str
    what: str
    stated: float | None = None
    found: float | None = None
    fault: str = ""
    missing: str = ""

    @property
    def flatters(self) -> bool:
        """Within what rounding may do, but rounded in its own favour."""
        if self.stated is None or self.found is None or not self.what.endswith("_db"):
            return False
        return not self.fault and self.stated > self.found


class _Silent(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise ValueError(message)


def check_figures(
    packages: Sequence[ModelPackage], root: Path,
    progress: Progress = lambda done, count, name: None,
) -> list[Row]:  # fmt: skip
    """Run each command once, as a call, and hold its figures against those stated.

    Args:
        root: the checkout: what the paths in commands start from.
        progress: told of the pictures of each command.
    """
    rows = []
    for package in packages:
        known: dict[str, list[Figure] | Row] = {}
        for quality in package.manifest.quality:
            if quality.command not in known:
                known[quality.command] = _measured(package, quality, root, progress)
            result = known[quality.command]
            if isinstance(result, Row):
                place = {"dataset": quality.dataset, "what": quality.metric}
                rows.append(replace(result, stated=quality.value, **place))
            else:
                rows += _compared(package.name, quality, result)
    return rows


def tolerance(stated: float) -> float:
    """One step of the last decimal that was stated. TOML keeps no zeros at the end, so there are
    two decimals at least; more than four say nothing on another machine."""
    return 10.0 ** -min(max(_decimals(stated), LEAST_DECIMALS), MOST_DECIMALS)


@dataclass(frozen=True, slots=True)
class Steps:
    """A figure's command, taken apart.

    Attributes:
        before: what makes the dataset first, words each: a module of MODULES and its arguments.
        package, dataset, measure: of `framebridge models score`.
    """

    before: list[list[str]]
    package: str
    dataset: str
    measure: str


def steps_of(command: str) -> Steps:
    """`framebridge models score ...`, after any `python -m models.recipes... &&`.

    Raises: ValueError: it is another command.
    """
    *before, last = [shlex.split(part) for part in command.split(" && ")]
    for words in before:
        if words[:2] != ["python", "-m"] or not "".join(words[2:3]).startswith(MODULES):
            raise ValueError(f"expected `python -m {MODULES}...`, got {shlex.join(words)!r}")
    if tuple(last[:3]) != COMMAND:
        raise ValueError(f"expected `{' '.join(COMMAND)} ...`, got {shlex.join(last)!r}")
    parser = _Silent(add_help=False, allow_abbrev=False)
    parser.add_argument("package")
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--measure", default="")
    found = parser.parse_args(last[3:])
    return Steps([words[2:] for words in before], found.package, found.dataset, found.measure)


def _measured(
    package: ModelPackage, quality: Quality, root: Path, progress: Progress
) -> list[Figure] | Row:
    """Its figures, or a row with what is wrong or missing."""
    place = (package.name, quality.dataset, quality.metric)
    try:
        steps = steps_of(quality.command)
    except ValueError as error:
        return Row(*place, fault=f"no command that can be run: {error}")
    if (root / steps.package).resolve() != package.folder:
        return Row(*place, fault=f"the command measures {steps.package}, another package")
    for words in steps.before:
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=root, capture_output=True, text=True,
            timeout=PREPARING_S,
        )  # fmt: skip
        if done.returncode:
            said = f"{words[0]}: {(done.stderr.strip().splitlines() or ['no word why'])[-1]}"
            known = "missing" if done.returncode == 3 else "fault"
            return Row(*place, **{known: said})  # type: ignore[arg-type]
    dataset = root / steps.dataset
    if not dataset.exists():
        return Row(*place, missing=f"no {steps.dataset}")
    try:
        return score(package, dataset, steps.measure, progress)
    except ImportError as error:
        return Row(*place, missing=str(error))
    except FramebridgeError as error:
        if error.exit_status == 3:
            return Row(*place, missing=str(error))
        return Row(*place, fault=str(error))


def _compared(package: str, quality: Quality, figures: Sequence[Figure]) -> list[Row]:
    figure = next((f for f in figures if f.metric == quality.metric), None)
    if figure is None:
        gives = ", ".join(f.metric for f in figures)
        fault = f"its command gives no such metric, but {gives}"
        return [Row(package, quality.dataset, quality.metric, quality.value, fault=fault)]
    pairs = [(quality.metric, quality.value, figure.value)]
    for name, found in figure.baseline.items():
        # Baselines that the measure does not give, such as published ones, are others' to prove.
        pairs.append((f"{quality.metric}: {name}", quality.baseline.get(name), found))
    return [_row(package, quality.dataset, *pair) for pair in pairs]


def _row(package: str, dataset: str, what: str, stated: float | None, found: float) -> Row:
    if stated is None:
        return Row(package, dataset, what, None, found, "not stated")
    good = abs(stated - found) <= tolerance(stated) * (1 + 1e-9)
    fault = "" if good else f"off by {found - stated:+.{MOST_DECIMALS}f}"
    return Row(package, dataset, what, stated, found, fault)


def _decimals(value: float) -> int:
    text = repr(float(value))
    if "e" in text:
        return MOST_DECIMALS
    _, _, after = text.partition(".")
    return len(after.rstrip("0"))
