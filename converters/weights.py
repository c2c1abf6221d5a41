"""What a reader finds in a file of weights, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

Array = npt.NDArray[Any]
Picture = npt.NDArray[np.floating[Any]]
"""float (1, C, H, W), in the range that a network's ports state."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Named arrays, and what else is known of them.

    Attributes:
        arrays: by their names in the file; shape, dtype and order of axes as stored. May be lazy: a
            mapping that makes each array when it is asked for.
        reader: name of the reader.
        files: what was read.
        facts: what stands beside the arrays, as plain JSON values: "class" of a pickled module,
            "step" of a checkpoint, "config" of a Keras model, "attributes" of pickled records ...
        evidence: one sentence each on how the format was told.
        graph: of formats that hold a graph (ONNX), the graph.
    """

    arrays: Mapping[str, Array]
    reader: str
    files: tuple[Path, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    graph: onnx.ModelProto | None = None

    @property
    def place(self) -> str:
        """To name in errors."""
        return str(self.files[0]) if self.files else self.reader

    def with_arrays(self, arrays: Mapping[str, Array], *evidence: str) -> Weights:
        """The same file with other arrays, and why."""
        return Weights(
            arrays, self.reader, self.files, self.facts, (*self.evidence, *evidence), self.graph
        )
