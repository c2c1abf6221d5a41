"""One package compiled for one frame format on one provider."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.errors import NonFiniteError, UnsupportedModelError
from bridge.frames import FrameFormat, Pixels
from bridge.inference import selection
from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    ParameterInput,
    Precision,
    check_parameters,
)
from bridge.inference.package import ModelPackage
from bridge.inference.pixels import FRAME_IN, FRAME_OUT, SUM_OUT, compose

_TYPES: dict[str, npt.DTypeLike] = {
    "float": np.float32,
    "colour": np.float32,
    "int": np.int64,
    "bool": np.bool_,
}


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run a package.

    Attributes:
        provider: "auto", "cpu", "cuda", "directml" or "coreml".
        allow_fallback: take another provider when that one is not to be had.
        precision: which of the package's graphs; None is the reference.
        threads: for one operator; 0 takes one for each core.
        backend: "auto", "onnxruntime" or "openvino".
        compute: "float32", "bf16" or "auto", as `selection.compile_graph` takes them.
    """

    provider: str = "auto"
    allow_fallback: bool = False
    precision: Precision | None = None
    threads: int = 0
    backend: str = "auto"
    compute: str = "float32"


class Runner:
    """A package ready to turn frames of one format into frames of another.

    Attributes:
        package: what is being run.
        source: contract of the frames it takes.
        result: contract of the frames it makes.
        execution: backend, provider and compute obtained.
    """

    def __init__(
        self, package: ModelPackage, source: FrameFormat, options: RunOptions | None = None
    ) -> None:
        """Compose, compile and check; the first frame is still slow until `warm_up`.

        Raises: FrameFormatError, GraphMismatchError, GraphMissingError, InferenceError,
            ProviderError, RuntimeMissingError, UnsupportedModelError.
        """
        options = options or RunOptions()
        _check_roles(package)
        core = package.load_graph(options.precision)
        composed = compose(core, package.manifest, source)
        self.package = package
        self.source = composed.source
        self.result = composed.result
        self.form = composed.form
        self._parameters = package.manifest.parameters
        shapes = {
            value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in core.graph.input
        }
        self._values = {
            name: _tensor(port, port.default).reshape(shapes[name])
            for name, port in self._parameters.items()
        }
        self._compiled = selection.compile_graph(
            composed.model,
            self._values,
            backend=options.backend,
            compute=options.compute,
            provider=options.provider,
            allow_fallback=options.allow_fallback,
            threads=options.threads,
            place=str(package.folder),
        )
        self.execution = self._compiled.execution
        self._sum = np.zeros(1, np.float32)

    def run(self, source: Pixels, result: Pixels) -> None:
        """Read one frame and write one, both in place.

        Args:
            source: uint8 (H, W, 4) as `self.source` states.
            result: uint8 (H', W', 4) as `self.result` states; overwritten.
        Raises: InferenceError. NonFiniteError: the model gave NaN or infinity, and `result` must
            not be shown.
        """
        if not self._run(source, result):
            raise NonFiniteError(
                str(self.package.folder), "finite numbers", "NaN or infinity",
                "The weights or a parameter are at fault: turn it back, or convert them again.",
            )  # fmt: skip

    def _run(self, source: Pixels, result: Pixels) -> bool:
        """Whether what the model gave was finite."""
        outputs: dict[str, npt.NDArray[Any]] = {FRAME_OUT: result, SUM_OUT: self._sum}
        self._compiled.run({FRAME_IN: source, **self._values}, outputs)
        return math.isfinite(self._sum[0])

    def warm_up(self) -> None:
        """Run once on black, because a first run costs more than those after it.

        Raises: InferenceError. A result that is not finite is nobody's fault yet.
        """
        self._run(np.zeros(self.source.shape, np.uint8), np.zeros(self.result.shape, np.uint8))

    def set_parameters(self, values: Mapping[str, object]) -> None:
        """Turn knobs; the next `run` sees them all.

        Raises: ParameterError. Guarantees: on an error nothing has changed.
        """
        check_parameters(self._parameters, values)
        for name, value in values.items():
            # In place, so that the address that the runtime is bound to stays the same.
            tensor = self._values[name]
            tensor[...] = _tensor(self._parameters[name], value).reshape(tensor.shape)

    def terminate(self) -> None:
        """Ask a run in progress to stop."""
        self._compiled.terminate()

    def close(self) -> None:
        self._compiled.close()


def _check_roles(package: ModelPackage) -> None:
    ports = (*package.manifest.inputs, *package.manifest.outputs)
    other = [p for p in ports if not isinstance(p, (FrameInput, FrameOutput, ParameterInput))]
    if other:
        role = type(other[0]).__struct_config__.tag
        raise UnsupportedModelError(
            f"{package.folder} {other[0].name}", "ports of role frame or parameter",
            f"role {role}", "This version runs packages that map a frame to a frame.",
        )  # fmt: skip


def _tensor(port: ParameterInput, value: Any) -> npt.NDArray[Any]:
    """The value as the graph takes it: one element, or three for a colour."""
    if port.kind == "choice":
        return np.array([port.choices.index(value)], np.int64)
    return np.atleast_1d(np.array(value, _TYPES[port.kind]))
