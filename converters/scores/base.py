"""What a measure finds of a package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.inference.package import ModelPackage

Progress = Callable[[int, int, str], None]
"""Called with how many are done, how many there are, and the next one's name."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, as a manifest's [[quality]] states it.

    Attributes:
        metric: ends in its unit where it has one: `psnr_y_db`.
        baseline: the same metric of what the package is to be better than, by its name.
        rows: (picture, value, baseline values by name), for a table; not stated in a manifest.
    """

    dataset: str
    metric: str
    value: float
    baseline: dict[str, float] = field(default_factory=dict)
    rows: list[tuple[str, float, dict[str, float]]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Measure:
    """What can be found of packages.

    Attributes:
        name: as a command names it: `psnr-y`.
        tasks: packages of these are measured by it if nothing else is asked for.
        about: one line for a person.
        run: takes a package, a dataset (file or folder) and who is told of progress. Raises
            MediaError, InferenceError, UsageError.
    """

    name: str
    tasks: tuple[str, ...]
    about: str
    run: Callable[[ModelPackage, Path, Progress], list[Figure]]
