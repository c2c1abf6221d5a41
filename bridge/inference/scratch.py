"""The scratch process: tries one package out and says how it went, or dies of it.

`python -m bridge.inference.scratch` reads one request on standard input and writes one answer on
standard output. Nothing in here is trusted to end: whoever starts it kills it.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import FramebridgeError, HashMismatchError, InferenceError, VerificationError
from bridge.frames import FrameFormat
from bridge.inference.memory_limit import limit_memory

NICENESS = 10
"""Beside a chain that keeps the cores busy it gets a tenth of them: the chain hardly notices, and a
legitimate package still loads. With 19 it gets a seventieth, and loading takes minutes."""
ANSWER_MAX_BYTES = 1 << 16

# What ONNX Runtime, the C++ library and numpy say when they get no memory.
_NO_MEMORY = re.compile(r"allocat|bad_alloc|out of memory", re.IGNORECASE)


class Request(msgspec.Struct):
    """What to try.

    Attributes:
        sha256: of the package that was meant, should another lie there by now.
        options: of RunOptions.
        memory_bytes: how much more than an empty process it may take; None for any amount.
        parent: process id of whoever waits for the answer.
    """

    folder: str
    sha256: str
    source: FrameFormat
    options: dict[str, Any]
    memory_bytes: int | None
    parent: int


class Answer(msgspec.Struct, omit_defaults=True):
    """A verdict, or an error as it travels."""

    verdict: dict[str, Any] | None = None
    error: dict[str, str] | None = None


def out_of_memory(place: str, memory_bytes: int | None) -> VerificationError:
    """The error of a package that wanted more than it was given."""
    given = "the memory that there is" if memory_bytes is None else f"{memory_bytes >> 20} MiB"
    return VerificationError(
        place, f"a model that runs in {given}", "more wanted",
        "Use smaller frames, or allow more with FRAMEBRIDGE_TRIAL_MEMORY_MB.",
    )  # fmt: skip


def says_no_memory(text: str) -> bool:
    """Whether that is what somebody says who got no memory."""
    return _NO_MEMORY.search(text) is not None


def main() -> None:
    _die_with_parent()
    _step_back()
    # Libraries print to standard output; the answer must stand alone.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    line = sys.stdin.buffer.readline()
    request = msgspec.json.decode(line, type=Request)
    if sys.platform == "linux" and os.getppid() != request.parent:
        os._exit(1)  # it died before it could take us along
    threading.Thread(target=_end_with_input, daemon=True).start()
    answers.write(msgspec.json.encode(_answer(request)))
    answers.flush()
    # Threads of a runtime may still be at work; nothing of this process is worth waiting for.
    os._exit(0)


def _answer(request: Request) -> Answer:
    try:
        return Answer(verdict=_tried(request))
    except MemoryError:
        error: FramebridgeError = out_of_memory(request.folder, request.memory_bytes)
    except InferenceError as refused:
        error = refused
        if says_no_memory(refused.found):
            error = out_of_memory(refused.place, request.memory_bytes)
    except FramebridgeError as refused:
        error = refused
    except Exception as fault:
        error = VerificationError(
            request.folder, "a package that can be run", f"{type(fault).__name__}: {fault}",
            "Convert the weights again.",
        )  # fmt: skip
    return Answer(error=error.as_map())


def _tried(request: Request) -> dict[str, Any]:
    from bridge.inference.package import ModelPackage
    from bridge.inference.runner import RunOptions
    from bridge.inference.trial import try_out

    if request.memory_bytes is not None:
        limit_memory(request.memory_bytes)
    package = ModelPackage.open(Path(request.folder))
    if package.sha256 != request.sha256:
        raise HashMismatchError(
            request.folder, f"the package {request.sha256[:16]}...", f"{package.sha256[:16]}...",
            "It was changed while it was being loaded: load it again.",
        )  # fmt: skip
    verdict = try_out(package, request.source, RunOptions(**request.options))
    built: dict[str, Any] = msgspec.to_builtins(verdict)
    return built


def _step_back() -> None:
    """Lower our priority, leave no core file, and be the first to go when memory runs out."""
    if sys.platform == "win32":
        return  # whoever started us has chosen the priority class
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        os.nice(NICENESS)
    # Where sessions are scheduled as groups, niceness counts inside of ours alone.
    for path, value in (("autogroup", str(NICENESS)), ("oom_score_adj", "1000")):
        with suppress(OSError):
            Path("/proc/self", path).write_text(value)


def _die_with_parent() -> None:
    """Beside the end of file on standard input: inside a long call nobody may read that."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _end_with_input() -> None:
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
