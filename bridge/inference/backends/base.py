"""The interface of a backend: it compiles a graph, and runs it in place on given memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Execution:
    """How a graph is being run: what was asked for and what was obtained.

    Attributes:
        backend: name and version of the runtime.
        provider: short name of the execution provider that runs the graph.
        note: why it is not the one that was asked for, or empty.
    """

    backend: str
    provider: str
    note: str = ""


class CompiledGraph(Protocol):
    """A graph ready to run. Not thread-safe, except `terminate`."""

    execution: Execution

    def run(self, inputs: Arrays, outputs: Arrays) -> None:
        """Read `inputs` and write `outputs` in place.

        The arrays are C-contiguous, of the graph's own shapes and types, and stay where they are
        for as long as the graph is used with them.
        Raises: InferenceError.
        """

    def terminate(self) -> None:
        """Ask a run in progress to stop; it then raises InferenceError."""

    def close(self) -> None:
        """Give back what the runtime holds."""
