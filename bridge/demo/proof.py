"""The demo proves what it has shown: the same frames, or the same seed, give the same bytes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from framebridge_client import Bridge

from bridge.apply import Applier
from bridge.demo.show import REPEATED, Showing, digest
from bridge.frames import Pixels
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions

_TIMEOUT_S = 30.0
_ENOUGH_S = 6.0
"""A slow model is not run again on all the frames."""


@dataclass(frozen=True, slots=True)
class Proof:
    """
    Attributes:
        compared: how many pictures; 0 when there was none to compare.
        exact: there was at least one, and all are equal byte for byte.
        says: the outcome in a sentence.
        facts: for the report.
    """

    compared: int
    exact: bool
    says: str
    facts: dict[str, object]


def frames_replayed(
    bridge: Bridge, package: ModelPackage, seen: Showing, parameters: Mapping[str, object],
    running: RunOptions,
) -> Proof:  # fmt: skip
    """Sends the first frames again, in lockstep, and runs them in this process besides.

    Raises: FramebridgeError, framebridge_client.BridgeError.
    """
    results = _replayed(bridge, package, seen.inputs, parameters)
    exact = bool(results) and _equal_apply(package, seen.inputs, results, parameters, running)
    says = (
        f"The first {len(results)} frames, replayed in lockstep, {_equal(exact)} "
        f"`framebridge apply`{_to_the_byte(exact)}."
    )
    facts: dict[str, object] = {"replayed": len(results), "replay_equals_apply": exact}
    return Proof(len(results), exact, says, facts)


def ticks_repeated(
    bridge: Bridge, package: ModelPackage, seen: Showing, size: tuple[int, int], seed: int,
    parameters: Mapping[str, object],
) -> Proof:  # fmt: skip
    """Takes the first ticks of a second stream with the same seed.

    Where frames were submitted, which come at no certain tick, two streams without are compared.

    Raises: framebridge_client.BridgeError.
    """
    count = len(seen.digests) or REPEATED
    first = seen.digests or _ticks(bridge, package, count, size, seed, parameters)
    again = _ticks(bridge, package, count, size, seed, parameters)
    exact = len(again) == count and again == first
    says = (
        f"The first {count} ticks of a second stream with seed {seed} {_equal(exact)} "
        f"those of the first{_to_the_byte(exact)}."
    )
    return Proof(count, exact, says, {"seed": seed, "repeated": count, "repeats_exactly": exact})


def _ticks(
    bridge: Bridge, package: ModelPackage, count: int, size: tuple[int, int], seed: int,
    parameters: Mapping[str, object],
) -> list[str]:  # fmt: skip
    """Digests of the first ticks; fewer than `count` if they do not come in time."""
    digests: list[str] = []
    end = time.monotonic() + _TIMEOUT_S
    with bridge.open(
        str(package.folder), *size, policy="free", rate=1000, seed=seed, every=True,
        parameters=dict(parameters), label="demo again",
    ) as stream:  # fmt: skip
        while len(digests) < count and time.monotonic() < end:
            result = stream.poll()
            if result is None:
                time.sleep(0.0005)
            else:
                digests.append(digest(result.pixels))
    return digests


def _replayed(
    bridge: Bridge, package: ModelPackage, frames: list[Pixels], parameters: Mapping[str, object]
) -> list[Pixels]:
    """Results of the frames, in lockstep; of a slow model only the first ones."""
    if not frames:
        return []
    height, width, _ = frames[0].shape
    results: list[Pixels] = []
    end = time.monotonic() + _ENOUGH_S
    with bridge.open(
        str(package.folder), width, height, policy="lockstep", parameters=dict(parameters),
        label="demo replay",
    ) as stream:  # fmt: skip
        for frame in frames:
            results.append(np.array(stream.process(frame, _TIMEOUT_S).pixels))
            if time.monotonic() > end:
                break
    return results


def _equal_apply(
    package: ModelPackage, frames: list[Pixels], results: list[Pixels],
    parameters: Mapping[str, object], running: RunOptions,
) -> bool:  # fmt: skip
    applier = Applier(package, running, dict(parameters))
    try:
        return all(
            np.array_equal(applier.run(frame), result)
            for frame, result in zip(frames, results, strict=False)
        )
    finally:
        applier.close()


def _equal(exact: bool) -> str:
    return "equal" if exact else "DIFFER FROM"


def _to_the_byte(exact: bool) -> str:
    return " byte for byte" if exact else ""
