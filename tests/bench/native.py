"""What the native client takes of an engine's thread, with the bridge up, hung and absent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from framebridge_client import connect

from bridge.demo.sidecar import PrivateSidecar
from tests.bench.rows import Effort, Finding, Goal, Row, Theme, row

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 1920, 1080
PERIOD_MS = 33
LIMIT_S = 300
GOAL = Goal(at_most=1.3)


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each round."""

    copy: list[float]
    both: list[float]
    poll: list[float]
    skipped: int


def measure(effort: Effort) -> Finding:
    program = _program()
    if program is None:
        return Finding([])
    rounds = effort.of(300)
    with PrivateSidecar([]) as sidecar:
        up = _times(program, sidecar, rounds, hang=False)
        hung = _times(program, sidecar, rounds, hang=True)
    rows = _rows("up", up) + _rows("hung", hung) + _rows("absent", _times(program, None, rounds))
    return Finding(rows)


def _program() -> Path | None:
    """None: it cannot be built here; why is printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "engine_plugin" / "native" / "build.py")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        print(done.stderr.strip(), file=sys.stderr)
        return None
    return Path(done.stdout.splitlines()[-1]).parent / "tests" / "call_times"


def _times(program: Path, sidecar: PrivateSidecar | None, rounds: int, hang: bool = False) -> Times:
    environment = {**os.environ, "FRAMEBRIDGE_ENDPOINT": "", "FRAMEBRIDGE_TOKEN": ""}
    if sidecar is not None:
        environment["FRAMEBRIDGE_ENDPOINT"] = sidecar.endpoint
        environment["FRAMEBRIDGE_TOKEN"] = sidecar.token
    words = [str(program), str(WIDTH), str(HEIGHT), str(rounds), str(PERIOD_MS)]
    with subprocess.Popen(
        [*words, *(["live"] if sidecar is not None else [])], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.strip() == "ready", "the program says why on standard error"
        if hang:
            assert sidecar is not None
            with _stopped(sidecar):
                text, _ = process.communicate("go\n", timeout=LIMIT_S)
        else:
            text, _ = process.communicate("go\n", timeout=LIMIT_S)
    lines = [line.split() for line in text.splitlines()]
    return Times(
        copy=[float(words[0]) for words in lines],
        both=[float(words[1]) + float(words[2]) for words in lines],
        poll=[float(words[2]) for words in lines],
        skipped=sum(words[3] == "2" for words in lines),
    )


@contextmanager
def _stopped(sidecar: PrivateSidecar) -> Iterator[None]:
    """The bridge and its workers, as if they hung."""
    with connect(sidecar.endpoint, sidecar.token) as bridge:
        status = bridge.status()
    pids = [status["pid"], *(stream["worker_pid"] for stream in status["streams"])]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def _rows(state: str, times: Times) -> list[Row]:
    label = f"fb_submit and fb_poll, 1080p, bridge {state}"
    share = f"{100 * times.skipped / len(times.both):.0f} % skipped"
    against = "one memcpy of the frame"
    return [
        row(f"{label} ({share})", times.both, times.copy, against, goal=GOAL),
        row(label, times.both, times.copy, against, percentile=99),
        row(f"fb_poll alone, bridge {state}", times.poll),
    ]


THEME = Theme(
    key="native",
    title="The native client on the engine's thread",
    about=(
        "What `fb_submit` and `fb_poll` together take of the thread that calls them, for a frame "
        "of 8.3 MB, thirty times a second, beside one `memcpy` of the same frame into memory of "
        "the same process, in the same rounds. *Hung* means that the bridge and its worker are "
        "stopped (`SIGSTOP`) while their stream is live; *absent*, that there is no bridge. Frames "
        "that find no free slot are skipped; they are copied all the same, for a loss of the "
        "bridge may turn out later and then it is they that are shown."
    ),
    measure=measure,
)
