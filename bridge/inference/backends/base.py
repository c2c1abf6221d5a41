"""The interface of a backend: it compiles a graph, and runs it in place on given memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy.typing as npt

Arrays = Mapping[str, npt.NDArray[Any]]
Key = tuple[tuple[int, tuple[int, ...]], ...]


def memory_of(*arrays: npt.NDArray[Any]) -> Key:
    """Where the arrays are and how they are shaped: memory that was given back may come again as
    another array."""
    return tuple((array.ctypes.data, array.shape) for array in arrays)


@dataclass(frozen=True, slots=True)
class Execution:
    """How a graph is being run: what was asked for and what was obtained.

    Attributes:
        backend: name and version of the runtime.
        provider: short name of the execution provider that runs the graph.
        note: why it is not the one that was asked for, or why this one was chosen, or empty.
        compute: what the graph's floats are calculated in: "float32", or "bf16", which keeps 8 of
            24 bits and is not exact to a step of 255 in general.
    """

    backend: str
    provider: str
    note: str = ""
    compute: str = "float32"

    @property
    def runtime(self) -> str:
        """The runtime in full: what it calculates in too, where that is not float32."""
        return self.backend if self.compute == "float32" else f"{self.backend} {self.compute}"


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
        """Ask the run in progress, if any, to stop; it raises InferenceError, unless it was all
        but done. Without one nothing happens: it never reaches a run that begins later."""

    def close(self) -> None:
        """Give back what the runtime holds."""
