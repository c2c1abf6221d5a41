"""Whether a package may be run here: tried out once in a scratch process, then remembered.

The verdict lies in the user's cache and never in the package, where it could be forged.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

import bridge
from bridge.errors import (
    FramebridgeError,
    GraphMismatchError,
    InferenceError,
    ScratchError,
    VerificationError,
    from_map,
)
from bridge.frames import FrameFormat
from bridge.inference.backends import openvino
from bridge.inference.backends.onnxruntime import available_providers, installed_distributions
from bridge.inference.cache import machine_key, remember, remembered
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.inference.scratch import Answer, Request, out_of_memory, says_no_memory
from bridge.inference.scratch_process import Outcome, run_scratch
from bridge.inference.trial import Verdict, smallest_format

__all__ = ["Limits", "Verdict", "recall", "smallest_format", "verified", "verify_in_turn"]

DEADLINE_VARIABLE = "FRAMEBRIDGE_TRIAL_DEADLINE_S"
MEMORY_VARIABLE = "FRAMEBRIDGE_TRIAL_MEMORY_MB"
_KIND = "verdicts"
# Other failures are cheap to find again, or are the machine's, or will be ours to serve one day.
_REMEMBERED = (VerificationError, InferenceError, GraphMismatchError)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a trial may take.

    Attributes:
        deadline_s: from its start to its verdict. A model that needs longer for a load and two
            frames is no live model, even on a slow machine that is busy otherwise; and a client
            waits 60 s for its answer.
        memory_bytes: beside eight times the package's own size, for the copies on the way from a
            file into a runtime. A heavy network at 1080p holds 2 to 4 GiB. Counts on the CPU of
            Linux alone.
    """

    deadline_s: float = 45.0
    memory_bytes: int = 8 << 30

    @classmethod
    def of_environment(cls) -> Limits:
        """The defaults, or what FRAMEBRIDGE_TRIAL_DEADLINE_S and FRAMEBRIDGE_TRIAL_MEMORY_MB say;
        what is no positive number says nothing."""
        deadline_s = _number(DEADLINE_VARIABLE) or cls().deadline_s
        memory_mb = _number(MEMORY_VARIABLE)
        return cls(deadline_s, int(memory_mb * (1 << 20)) if memory_mb else cls().memory_bytes)


class _Entry(msgspec.Struct, omit_defaults=True):
    """A verdict in the cache: one of both, and for an error what it was measured under."""

    verdict: dict[str, Any] | None = None
    error: dict[str, str] | None = None
    folder: str = ""
    deadline_s: float = 0.0
    memory_bytes: int = 0


def verified(
    package: ModelPackage, source: FrameFormat, options: RunOptions | None = None,
    limits: Limits | None = None, *, fresh: bool = False,
) -> Verdict:  # fmt: skip
    """The verdict on a package at one frame format; tried out now if there is none yet.

    Args:
        limits: by default those of the environment.
        fresh: try it out whatever is remembered.
    Raises: VerificationError: it takes too long or too much, or its process died. ScratchError: it
        could not be tried. And all that Runner raises.
    Guarantees: in bounded time and memory, whatever the package holds; no process is left.
    """
    options = options or RunOptions()
    limits = limits or Limits.of_environment()
    known = None if fresh else recall(package, source, options, limits)
    if isinstance(known, FramebridgeError):
        raise known
    if known is not None:
        return known
    memory_bytes, short = _memory(package, options, limits)
    request = Request(
        str(package.folder), package.sha256, source, dataclasses.asdict(options), memory_bytes,
        os.getpid(),
    )  # fmt: skip
    outcome = run_scratch(msgspec.json.encode(request), limits.deadline_s)
    found = _found(outcome, request, limits)
    key = _key(package, source, options)
    if isinstance(found, Verdict):
        remember(_KIND, key, msgspec.to_builtins(_Entry(verdict=msgspec.to_builtins(found))))
        return found
    # What a busy or a full machine is to blame for may be otherwise the next time.
    starved = not outcome.in_time and 0.0 < outcome.processor_s < limits.deadline_s / 2
    if isinstance(found, _REMEMBERED) and not starved and not short:
        entry = _Entry(
            error=found.as_map(), folder=str(package.folder),
            deadline_s=limits.deadline_s, memory_bytes=limits.memory_bytes,
        )  # fmt: skip
        remember(_KIND, key, msgspec.to_builtins(entry))
    raise found


def verify_in_turn(
    packages: Sequence[ModelPackage], source: FrameFormat, options: RunOptions
) -> None:
    """Verify each package at the format in which it meets the frames of a chain.

    Raises: all that `verified` raises.
    """
    for package in packages:
        verdict = verified(package, source, options)
        source = source.resized(*verdict.result)


def recall(
    package: ModelPackage, source: FrameFormat, options: RunOptions | None = None,
    limits: Limits | None = None,
) -> Verdict | FramebridgeError | None:  # fmt: skip
    """What is remembered of a package at one frame format: a verdict, why it failed, or nothing.

    A failure under smaller limits than these is no answer: it may pass now.
    """
    limits = limits or Limits.of_environment()
    stored = remembered(_KIND, _key(package, source, options or RunOptions()))
    if stored is None:
        return None
    try:
        entry = msgspec.convert(stored, _Entry)
        if entry.verdict is not None:
            return msgspec.convert(entry.verdict, Verdict)
    except msgspec.ValidationError:
        return None
    more = limits.deadline_s > entry.deadline_s or limits.memory_bytes > entry.memory_bytes
    if entry.error is None or more:
        return None
    error = from_map(entry.error)
    # The same package may lie elsewhere today.
    if entry.folder:
        error.place = error.place.replace(entry.folder, str(package.folder))
    return type(error)(error.place, error.expected, error.found, error.remedy)


def _found(outcome: Outcome, request: Request, limits: Limits) -> Verdict | FramebridgeError:
    """What a scratch process that has ended says of its package."""
    if not outcome.in_time:
        return VerificationError(
            request.folder, f"a model that loads and runs twice in {limits.deadline_s:g} s",
            f"none after {outcome.processor_s:.0f} s of work",
            f"Use smaller frames, or allow more with {DEADLINE_VARIABLE}.",
        )  # fmt: skip
    if outcome.status == 0:
        try:
            answer = msgspec.json.decode(outcome.answer, type=Answer)
            if answer.error is not None:
                return from_map(answer.error)
            return msgspec.convert(answer.verdict, Verdict)
        except msgspec.DecodeError:  # of which a ValidationError is one
            pass
    return _died(outcome, request)


def _died(outcome: Outcome, request: Request) -> FramebridgeError:
    if sys.platform != "win32" and outcome.status == -9:
        return ScratchError(
            request.folder, "a trial that nobody ends", "its process was killed",
            "The machine may be out of memory: close other programs, then load it again.",
        )  # fmt: skip
    if outcome.status == 1 and not outcome.words.strip():
        return ScratchError(request.folder, "a trial that nobody ends", "it was told to end")
    if says_no_memory(outcome.words):
        return out_of_memory(request.folder, request.memory_bytes)
    lines = [line.strip() for line in outcome.words.splitlines() if line.strip()]
    how = f"signal {-outcome.status}" if outcome.status < 0 else f"status {outcome.status}"
    return VerificationError(
        request.folder, "a model that loads and runs",
        f"one that ended its process with {how}" + (f": {lines[-1][:300]}" if lines else ""),
        "Convert the weights again, or try another version of the runtime.",
    )  # fmt: skip


def _memory(package: ModelPackage, options: RunOptions, limits: Limits) -> tuple[int | None, bool]:
    """How much a trial may take, and whether that is less than it should because the machine has
    no more."""
    provider = options.provider
    if provider == "auto":
        provider = next(iter(available_providers()), "cpu")
    if provider != "cpu":
        return None, False  # drivers map what they like
    wanted = limits.memory_bytes + 8 * _size_bytes(package)
    there = _available_bytes()
    # A quarter stays for the engine and for whatever else is running.
    return (wanted, False) if there is None or wanted <= there * 3 // 4 else (there * 3 // 4, True)


def _size_bytes(package: ModelPackage) -> int:
    graphs = package.manifest.graphs
    names = [*(g.file for g in graphs), *(data.file for g in graphs for data in g.data)]
    return sum((package.folder / name).stat().st_size for name in names)


def _available_bytes() -> int | None:
    """Memory that the machine, or our group in it, can still give; None where nobody says."""
    if sys.platform != "linux":
        return None
    rooms = []
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        if found:
            rooms.append(int(found[1]) * 1024)
        group = Path("/sys/fs/cgroup")
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        rooms.append(int(limit) - int(used))
    except (OSError, ValueError):
        pass  # another system, another version, or no limit
    return max(0, min(rooms)) if rooms else None


def _key(package: ModelPackage, source: FrameFormat, options: RunOptions) -> str:
    """Everything that a verdict depends on."""
    identity = {
        "package": package.sha256,
        "source": msgspec.to_builtins(source),
        "options": dataclasses.asdict(options),
        "runtimes": {**installed_distributions(), "openvino": openvino.installed_version()},
        "machine": machine_key(),
        "bridge": bridge.__version__,
        "code": _code(),
    }
    return json.dumps(identity, sort_keys=True)


def _code() -> str:
    """Changes with the code that makes graphs and runs them: whoever works on it would otherwise be
    told what was true yesterday."""
    folder = Path(__file__).parent
    files = sorted((path.name, path.stat()) for path in folder.glob("**/*.py"))
    seen = [(name, status.st_size, status.st_mtime_ns) for name, status in files]
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _number(variable: str) -> float:
    try:
        value = float(os.environ.get(variable, ""))
    except ValueError:
        return 0.0
    return value if 0.0 < value < 1e9 else 0.0
