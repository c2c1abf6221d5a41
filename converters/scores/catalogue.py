"""Every measure: `framebridge models score PACKAGE --dataset DATA [--measure NAME]`."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import UsageError
from bridge.inference.package import ModelPackage
from converters.scores.base import Figure, Measure, Progress
from converters.scores.flicker import FLICKER
from converters.scores.grid import GRID
from converters.scores.life import LIFE
from converters.scores.lines import LINES
from converters.scores.pairs import PAIRS
from converters.scores.psnr_y import PSNR_Y

MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in (
        PSNR_Y,
        PAIRS,
        FLICKER,
        LIFE,
        GRID,
        LINES,
    )
}  # fmt: skip


def measures_of(package: ModelPackage, name: str = "") -> list[Measure]:
    """The measure of that name, or those of the package's task.

    Raises: UsageError: there is none.
    """
    if name:
        if name not in MEASURES:
            raise UsageError("--measure", f"one of {', '.join(MEASURES)}", repr(name))
        return [MEASURES[name]]
    task = package.manifest.task
    found = [measure for measure in MEASURES.values() if task in measure.tasks]
    if not found:
        raise UsageError(
            f"{package.name}: task {task}",
            "a task with a measure of its own", "none",
            f"Name a measure with --measure: {', '.join(MEASURES)}.",
        )  # fmt: skip
    return found


def score(
    package: ModelPackage, dataset: Path, name: str = "",
    progress: Progress = lambda done, count, next_name: None,
) -> list[Figure]:  # fmt: skip
    """All figures of a package on a set.

    Raises: UsageError: no such measure, or none for the package's task; what the measures raise.
    """
    return [
        figure
        for measure in measures_of(package, name)
        for figure in measure.run(package, dataset, progress)
    ]
