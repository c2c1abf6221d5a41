"""Runners in series; so far a chain has exactly one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from bridge.errors import LimitError
from bridge.frames import FrameFormat, Pixels
from bridge.inference.package import ModelPackage
from bridge.inference.runner import Runner, RunOptions


class Chain:
    """What a stream runs on each frame.

    Attributes:
        source: contract of the frames it takes.
        result: contract of the frames it makes.
        digest: sha256 in hex of everything that decides its pixels: packages, precision, backend,
            provider, compute and frame format. Parameters and the seed are not part of it.
        notes: what a person should know of how it runs, a sentence each.
        warm_ms: what the fastest of the runs took that warmed it up.
    """

    def __init__(
        self,
        packages: Sequence[ModelPackage],
        source: FrameFormat,
        options: RunOptions | None = None,
    ) -> None:
        """Compile every package and run each once.

        Raises: LimitError: not exactly one package; and all that Runner raises.
        """
        if len(packages) != 1:
            raise LimitError("chain", "exactly one package", f"{len(packages)}")
        options = options or RunOptions()
        self._runner = Runner(packages[0], source, options)
        self._runner.warm_up()
        self.packages = list(packages)
        self.source = self._runner.source
        self.result = self._runner.result
        self.execution = self._runner.execution
        self.digest = _digest(self._runner, options)
        self.notes = self._runner.notes
        self.warm_ms = self._runner.warm_ms

    @property
    def tick(self) -> int:
        """Index of the next run: how many there were since `reset`."""
        return self._runner.tick

    @property
    def stateful(self) -> bool:
        """Whether a run depends on those before it."""
        return self._runner.stateful

    def reset(self, seed: int = 0) -> None:
        """Back to tick 0 with another seed, as if no frame had come yet. Parameters stay.

        Raises: InferenceError.
        """
        self._runner.reset(seed)

    def run(self, source: Pixels | None, result: Pixels) -> None:
        """Read one frame and write one, both in place; without a frame, the last one is used.

        Raises: InferenceError. NonFiniteError: `result` must not be shown, and the states are those
            of the last good run.
        """
        self._runner.run(source, result)

    def set_parameters(self, values: Mapping[str, object]) -> None:
        """Turn knobs; the next `run` sees them all.

        Raises: ParameterError. Guarantees: on an error nothing has changed.
        """
        self._runner.set_parameters(values)

    def terminate(self) -> None:
        """Ask a run in progress to stop."""
        self._runner.terminate()

    def close(self) -> None:
        self._runner.close()


def _digest(runner: Runner, options: RunOptions) -> str:
    identity = {
        "package": runner.package.sha256,
        "precision": options.precision or runner.package.manifest.graphs[0].precision,
        "backend": runner.execution.backend,
        "provider": runner.execution.provider,
        "compute": runner.execution.compute,
        "source": [str(getattr(runner.source, f)) for f in runner.source.__struct_fields__],
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
