"""Calls a function of this package in a process of its own, with a deadline and a memory limit.

For work on a stranger's graph: checkers and runtimes are written in C++, and a damaged or hostile
graph makes them crash, run for ever, or take all the memory that there is.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bridge.errors import FramebridgeError, WeightsError, from_map
from bridge.inference.memory_limit import limit_memory
from converters.weights import Array

DEADLINE_S = 120.0
MEMORY_BYTES = 6 << 30
"""More than an empty process has, beside eight times what it is given; on Linux alone."""
_WORDS_BYTES = 4096


def call_apart(
    function: str, request: Mapping[str, Any], place: str, *,
    deadline_s: float = DEADLINE_S, memory_bytes: int = MEMORY_BYTES,
) -> dict[str, Any]:  # fmt: skip
    """What `function` of this package answers to `request`.

    Args:
        function: "converters.module:name", of one dictionary to another; both of what MessagePack
            holds: numbers, text, bytes, lists, dictionaries.
        place: the file, for errors.
    Raises: FramebridgeError: the one that the function raised. WeightsError: it ended otherwise, or
        not in time.
    Guarantees: when it returns or raises, the process is gone.
    """
    given = msgspec.msgpack.encode(request)
    memory_bytes += 8 * len(given)
    message = msgspec.msgpack.encode(
        {"function": function, "given": given, "memory_bytes": memory_bytes, "place": place}
    )
    root = str(Path(__file__).parents[1])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            [sys.executable, "-m", "converters.apart"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words,
            env={**os.environ, "PYTHONPATH": paths}, start_new_session=True,
        )  # fmt: skip
        # Leaving `process` waits for it: it is ended inside, whatever happened.
        with process:
            try:
                answer, _ = process.communicate(message, deadline_s)
            except subprocess.TimeoutExpired:
                raise WeightsError(
                    place, f"a graph that can be tried out in {deadline_s:g} s", "no end of it",
                    "Convert it on a faster machine, or export it with a smaller fixed size.",
                ) from None  # fmt: skip
            finally:
                _end(process)
        words.seek(max(0, words.seek(0, os.SEEK_END) - _WORDS_BYTES))
        said = words.read().decode("utf-8", "backslashreplace")
    try:
        found: dict[str, Any] = msgspec.msgpack.decode(answer)
        if "error" in found:
            raise from_map(found["error"])
        result: dict[str, Any] = found["result"]
    except (msgspec.DecodeError, KeyError):
        raise WeightsError(
            place, "a graph that can be tried out", _how(process.returncode, said),
            "The file is damaged, or needs more than this machine has.",
        ) from None  # fmt: skip
    return result


def packed(array: Array) -> dict[str, Any]:
    """An array for a request or an answer."""
    return {"dtype": array.dtype.str, "shape": list(array.shape), "bytes": array.tobytes()}


def unpacked(fields: Mapping[str, Any]) -> Array:
    values = np.frombuffer(fields["bytes"], np.dtype(fields["dtype"]))
    return values.reshape(fields["shape"])


def packed_all(arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Arrays by their names, as `packed` has each."""
    return {name: packed(array) for name, array in arrays.items()}


def unpacked_all(fields: Mapping[str, Any]) -> dict[str, Array]:
    return {name: unpacked(array) for name, array in fields.items()}


def _how(status: int, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    how = f"its process ended with {'signal' if status < 0 else 'status'} {abs(status)}"
    return how + (f": {lines[-1][:300]}" if lines else "")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        with suppress(OSError):
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main() -> None:
    """Answer the one request on standard input."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    # Libraries print to standard output; the answer must stand alone.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    message = msgspec.msgpack.decode(sys.stdin.buffer.read())
    module, _, name = message["function"].partition(":")
    if not module.startswith("converters."):
        raise ValueError(module)
    function = getattr(importlib.import_module(module), name)
    limit_memory(message["memory_bytes"])
    _leave_no_core_file()
    request = msgspec.msgpack.decode(message.pop("given"))
    answers.write(msgspec.msgpack.encode(_answer(function, request, message["place"])))
    answers.flush()
    # Threads of a runtime may still be at work; nothing of this process is worth waiting for.
    os._exit(0)


def _answer(function: Any, request: dict[str, Any], place: str) -> dict[str, Any]:
    try:
        return {"result": function(request)}
    except FramebridgeError as error:
        refused: FramebridgeError = error
    except MemoryError:
        refused = WeightsError(
            place, "a graph that can be tried out in the memory allowed", "more wanted",
            "Export it with a smaller fixed size.",
        )  # fmt: skip
    except Exception as fault:
        said = " ".join(f"{type(fault).__name__}: {fault}".split())
        refused = WeightsError(
            place, "a valid graph", said[:300], "The file is damaged, or of a newer version."
        )
    return {"error": refused.as_map()}


def _leave_no_core_file() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
