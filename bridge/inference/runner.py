"""One package compiled for one frame format on one provider."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.errors import InferenceError, NonFiniteError
from bridge.frames import FrameFormat, Pixels
from bridge.inference import selection
from bridge.inference.backends.base import CompiledGraph
from bridge.inference.latent import LatentWalk
from bridge.inference.manifest import (
    LatentInput,
    ParameterInput,
    Precision,
    check_parameters,
)
from bridge.inference.package import ModelPackage
from bridge.inference.pauses import pause
from bridge.inference.pixels import FRAME_IN, FRAME_OUT, SUM_OUT, compose, compose_initial
from bridge.inference.placement import check_served
from bridge.inference.state import State, Tensor
from bridge.inference.transfer_cost import transfer_cost_ms

_TYPES: dict[str, npt.DTypeLike] = {
    "float": np.float32,
    "colour": np.float32,
    "int": np.int64,
    "bool": np.bool_,
}

_WARM_RUNS, _WARM_S = 4, 0.25
"""A first run may take 1.4 times as long as the fifth; no more of them once they have taken this
long."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run a package.

    Attributes:
        provider: "auto", "cpu", "cuda", "directml" or "coreml".
        allow_fallback: take another provider when that one is not to be had.
        precision: which of the package's graphs; None is the reference.
        threads: for one operator; 0 takes one for each core.
        repeats: keep a copy of each frame, so that a run without one can use it again. With a
            state or a latent code a copy is always kept; elsewhere it costs more than it is worth
            where each run has its own frame.
        backend: "auto", "onnxruntime" or "openvino".
        compute: "float32", "bf16" or "auto", as `selection.compile_graph` takes them.
    """

    provider: str = "auto"
    allow_fallback: bool = False
    precision: Precision | None = None
    threads: int = 0
    repeats: bool = False
    backend: str = "auto"
    compute: str = "float32"


class Runner:
    """A package ready to turn frames of one format into frames of another.

    What it makes depends on the parameters, and on the seed and every frame since `reset`.

    Attributes:
        package: what is being run.
        source: contract of the frames it takes.
        result: contract of the frames it makes.
        execution: backend, provider and compute obtained.
        tick: index of the next run: how many there were since `reset`.
        notes: what a person should know of how it runs, a sentence each; known after `warm_up`.
        warm_ms: of the fastest run of `warm_up`.
    """

    def __init__(
        self, package: ModelPackage, source: FrameFormat, options: RunOptions | None = None
    ) -> None:
        """Compose, compile and check; the first frame is still slow until `warm_up`.

        Raises: FrameFormatError, GraphMismatchError, GraphMissingError, InferenceError,
            ProviderError, RuntimeMissingError, UnsupportedModelError.
        """
        self._options = options or RunOptions()
        check_served(package.manifest, str(package.folder))
        pause()
        core = package.load_graph(self._options.precision)
        composed = compose(core, package.manifest, source)
        self.package = package
        self.source = composed.source
        self.result = composed.result
        self.form = composed.form
        self._subject = (
            f"{package.sha256} {self._options.precision} {source.width}x{source.height}"
            f" {source.transfer}"
        )
        self._parameters = package.manifest.parameters
        shapes = {
            value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in core.graph.input
        }
        self._values = {
            name: _tensor(port, port.default).reshape(shapes[name])
            for name, port in self._parameters.items()
        }
        latents = [p for p in package.manifest.inputs if isinstance(p, LatentInput)]
        self._walks = [LatentWalk(port, index) for index, port in enumerate(latents)]
        self._values |= {p.name: w.value for p, w in zip(latents, self._walks, strict=True)}
        pause()
        self._compiled = self._compile(composed.model, self._options)
        self.execution = self._compiled.execution
        self._sum = np.zeros(1, np.float32)
        self.notes: list[str] = []
        self.warm_ms = float("inf")

        self._takes_frame = package.manifest.frame_input is not None
        self._held: Pixels | None = None
        self._seen = self._begun = False
        """Since `reset`: a frame was given; a good run has begun the states of one."""
        self._states = [State(port) for port in composed.states]
        self._framed = [state for state in self._states if state.port.initial == "frame"]
        self._initial: CompiledGraph | None = None
        self._fresh: dict[str, Tensor] = {}
        """By the name of its input: the state that the last frame to begin with makes."""
        if self._framed:
            ports = [state.port for state in self._framed]
            self._initial = self._compile_alike(compose_initial(ports, package.manifest, source))
            self._fresh = {port.takes: np.zeros(port.shape, port.dtype) for port in ports}
        self.reset()

    @property
    def stateful(self) -> bool:
        """Whether a run depends on those before it."""
        return bool(self._states)

    @property
    def states(self) -> dict[str, Tensor]:
        """Copies of what the next run reads, by the name of the input that takes it."""
        return {state.port.takes: state.now.copy() for state in self._states}

    def reset(self, seed: int = 0) -> None:
        """Back to tick 0: states as they begin, and no frame seen. Parameters stay.

        Args:
            seed: of noise and latent codes; any integer, of which the lower 64 bits count.
        Raises: InferenceError.
        """
        self._seed = seed % 2**64
        self.tick = 0
        self._seen = self._begun = False
        black = self._black()
        if self._framed:
            self._begin_with(black)
        for index, state in enumerate(self._states):
            state.restart(self._seed, index, self._fresh.get(state.port.takes))
        if self._takes_frame and (self._options.repeats or self._states or self._walks):
            self._hold(black)
        else:
            self._held = None

    def run(self, source: Pixels | None, result: Pixels) -> None:
        """Read one frame and write one, both in place.

        Args:
            source: uint8 (H, W, 4) as `self.source` states. None is no frame this time: a package
                with a frame input is given the last one again, black before any, and one without
                goes on from its state. A frame begins anew the states that begin as a frame:
                the first since `reset`, and each in a package without a frame input.
            result: uint8 (H', W', 4) as `self.result` states; overwritten.
        Raises: InferenceError: there is no result, and nothing has changed. NonFiniteError: the
            model gave NaN or infinity, and `result` must not be shown.
        Guarantees: after an error each state is the last good one, bit for bit.
        """
        fresh: dict[str, Tensor] = {}
        if source is not None and self._framed and not (self._takes_frame and self._begun):
            self._begin_with(source)
            fresh = self._fresh
        frame = self._last() if source is None and self._takes_frame else source
        finite = self._run(frame, result, fresh)
        self.tick += 1
        if source is not None:
            self._seen = True
            if self._held is not None:
                self._hold(source)
        if not finite:
            raise NonFiniteError(
                str(self.package.folder), "finite numbers", "NaN or infinity",
                "The weights or a parameter are at fault: turn it back, or convert them again.",
            )  # fmt: skip
        self._begun = self._begun or source is not None
        for state in self._states:
            state.advance()

    def warm_up(self) -> None:
        """Run on black, because the first runs cost more than those after them. No tick passes.

        Also measures what must be told of.
        Raises: InferenceError. A result that is not finite is nobody's fault yet.
        """
        black, result = self._black(), np.zeros(self.result.shape, np.uint8)
        begin = time.monotonic()
        for _ in range(_WARM_RUNS):
            pause()
            run_begin = time.monotonic()
            self._run(black, result, {})
            self.warm_ms = min(self.warm_ms, 1000 * (time.monotonic() - run_begin))
            if time.monotonic() - begin > _WARM_S:
                break
        if self.source.transfer == "linear":
            cost_ms = transfer_cost_ms(self.package.manifest, self.source, self._compile_alike)
            self.notes = [
                f"frames of linear light: {cost_ms:.1f} ms more a frame than sRGB, measured alone"
            ]

    def _compile(self, model: bytes, options: RunOptions) -> CompiledGraph:
        return selection.compile_graph(
            model,
            self._values,
            backend=options.backend,
            compute=options.compute,
            provider=options.provider,
            allow_fallback=options.allow_fallback,
            threads=options.threads,
            place=str(self.package.folder),
            subject=self._subject,
        )

    def _compile_alike(self, model: bytes) -> CompiledGraph:
        """A small graph beside the model's, on the backend that runs that; no trial is made."""
        execution = self.execution
        options = replace(
            self._options,
            backend=execution.backend.partition(" ")[0],
            compute=execution.compute,
            provider=execution.provider,
        )
        return self._compile(model, options)

    def _run(self, frame: Pixels | None, result: Pixels, fresh: dict[str, Tensor]) -> bool:
        """Whether what the model gave was finite.

        Args:
            fresh: states to read in place of those there are.
        """
        for walk in self._walks:
            walk.go_to(self._seed, self.tick)
        inputs = {**self._values}
        if frame is not None and self._takes_frame:
            inputs[FRAME_IN] = frame
        outputs: dict[str, Tensor] = {FRAME_OUT: result, SUM_OUT: self._sum}
        for state in self._states:
            inputs[state.port.takes] = fresh.get(state.port.takes, state.now)
            outputs[state.port.gives] = state.next
        self._compiled.run(inputs, outputs)
        return math.isfinite(self._sum[0])

    def _begin_with(self, frame: Pixels) -> None:
        """Make of a frame the states that begin as one."""
        assert self._initial is not None
        self._initial.run({FRAME_IN: frame}, self._fresh)

    def _last(self) -> Pixels:
        """The frame of a run that has none of its own."""
        if self._held is None:
            if self._seen:
                raise InferenceError(
                    str(self.package.folder), "a frame", "none, and the last was not kept",
                    "Set `repeats` where a run may have no frame of its own.",
                )  # fmt: skip
            self._hold(self._black())
        assert self._held is not None
        return self._held

    def _black(self) -> Pixels:
        black = np.zeros(self.source.shape, np.uint8)
        black[..., 3] = 255
        return black

    def _hold(self, frame: Pixels) -> None:
        if self._held is None:
            self._held = frame.copy()
        else:
            np.copyto(self._held, frame)

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
        if self._initial is not None:
            self._initial.close()


def _tensor(port: ParameterInput, value: Any) -> npt.NDArray[Any]:
    """The value as the graph takes it: one element, or three for a colour."""
    if port.kind == "choice":
        return np.array([port.choices.index(value)], np.int64)
    return np.atleast_1d(np.array(value, _TYPES[port.kind]))
