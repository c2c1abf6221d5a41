"""Which windows are to be seen while an engine without a console runs its own sidecar.

`no_window PLAYER START`: PLAYER plays the engine, START is how it starts the sidecar.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from ctypes import wintypes
from typing import Any

from tests.windows.programs.windows_processes import WATCHDOG_S, until

assert sys.platform == "win32"

_user = ctypes.WinDLL("user32")
_see = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)


def visible() -> set[int]:
    """Handles of the windows of the whole desktop that can be seen."""
    seen = set[int]()

    def see(window: int, _: int) -> bool:
        if _user.IsWindowVisible(wintypes.HWND(window)):
            seen.add(window)
        return True

    _user.EnumWindows(_see(see), 0)
    return seen


def say(engine: subprocess.Popen[str], words: str) -> str:
    assert engine.stdin is not None
    assert engine.stdout is not None
    engine.stdin.write(words + "\n")
    engine.stdin.flush()
    answer = engine.stdout.readline()
    assert answer, "the engine has ended"
    assert not answer.startswith("!"), answer
    return answer


def main(player: str, start: str) -> dict[str, Any]:
    before = visible()
    control = subprocess.Popen(
        [sys.executable, "-c", "input()"], creationflags=subprocess.CREATE_NEW_CONSOLE
    )
    until(lambda: visible() - before, "a console that was asked for has a window")
    found = sorted(visible() - before)
    control.kill()
    control.wait(WATCHDOG_S)
    until(lambda: not visible() - before, "its window goes")

    engine = subprocess.Popen(
        [player], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        creationflags=subprocess.DETACHED_PROCESS,
    )  # fmt: skip
    seen = set[int]()
    say(engine, f"create start={start}")

    def is_live() -> bool:
        seen.update(visible() - before)
        return bool(json.loads(say(engine, "statistics"))["state"] == "live")

    until(is_live, "the stream is live")
    say(engine, "play results 20")
    seen |= visible() - before
    status, _ = engine.communicate(timeout=WATCHDOG_S)
    return {"of_a_console_asked_for": found, "of_the_sidecar": sorted(seen), "status": status}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
