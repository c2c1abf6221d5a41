"""A trial run: whether a package does what its manifest says, at one frame format."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from bridge.errors import GraphMismatchError, NonFiniteError
from bridge.frames import FrameFormat, Pixels
from bridge.inference.package import ModelPackage
from bridge.inference.runner import Runner, RunOptions

_SMALL = 64


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was seen of a package that passed.

    Attributes:
        source, result: width and height of the frames it was run on, and made.
        model_ms: of one run at that size, beside whatever else the machine did.
        execution: what ran it.
        finite: whether all it made were numbers; frames that are not are withheld when it runs.
    """

    source: tuple[int, int]
    result: tuple[int, int]
    model_ms: float
    execution: str
    finite: bool


def try_out(package: ModelPackage, source: FrameFormat, options: RunOptions) -> Verdict:
    """Compile the package and run it twice on a seeded picture, in this process.

    Raises: GraphMismatchError: it says that it is deterministic and is not; and all that
        Runner raises.
    """
    runner = Runner(package, source, options)
    try:
        picture = np.random.default_rng(0).integers(0, 256, source.shape, np.uint8)
        first, second = (np.zeros(runner.result.shape, np.uint8) for _ in range(2))
        finite = _run(runner, picture, first)
        # What it remembers, or draws at random, begins again as well.
        runner.reset()
        start = time.perf_counter()
        finite = _run(runner, picture, second) and finite
        took_ms = (time.perf_counter() - start) * 1000
        # What NaN becomes as a byte says nothing of the model, and is shown to nobody.
        if finite and package.manifest.deterministic and not np.array_equal(first, second):
            raise GraphMismatchError(
                f"{package.folder} deterministic", "the same result for the same frame",
                "another", "Write `deterministic = false`, or remove the graph's randomness.",
            )  # fmt: skip
        return Verdict(
            (source.width, source.height),
            (runner.result.width, runner.result.height),
            round(took_ms, 2),
            f"{runner.execution.runtime}, {runner.execution.provider}",
            finite,
        )
    finally:
        runner.close()


def smallest_format(package: ModelPackage) -> FrameFormat:
    """The format of the smallest frames worth trying it on, where nobody has asked for another."""
    port = package.manifest.frame_input
    if port is None:
        return FrameFormat(width=_SMALL, height=_SMALL)
    size = port.size
    if size.fixed:
        return FrameFormat(width=size.fixed[0], height=size.fixed[1])
    # A side of a whole multiple needs no padding, which a smaller one may be too short for.
    width, height = (max(_SMALL, size.multiple_of, least) for least in size.min or (1, 1))
    if size.max:
        width, height = min(width, size.max[0]), min(height, size.max[1])
    return FrameFormat(width=width, height=height)


def _run(runner: Runner, picture: Pixels, result: Pixels) -> bool:
    try:
        runner.run(picture, result)
    except NonFiniteError:
        return False
    return True
