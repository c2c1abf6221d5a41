"""What the bridge takes from the engine's own work while it saturates the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np

from bridge.demo.sidecar import PrivateSidecar
from tests.bench.played_engine import Plan, Played
from tests.bench.profile import listed
from tests.bench.rows import Effort, Finding, Goal, Row, Theme, judged, row

_LIMIT_S = 120.0
ALONE = "the same work, no submits"
GOALS = {"4 ms on one thread": Goal(at_most=1.05)}


def measure(effort: Effort) -> Finding:
    plays = {
        "4 ms on one thread": _play(effort, threads=1, work_s=0.004, windows=6),
        "4 ms on each of two threads": _play(effort, threads=2, work_s=0.004, windows=3),
        "12 ms on one thread": _play(effort, threads=1, work_s=0.012, windows=3),
    }
    rows = []
    for what, played in plays.items():
        rows += _rows(f"engine's own {what}", played, GOALS.get(what, Goal(aim=1.05)))
    rows += [_results(f"results a second, beside {what}", played) for what, played in plays.items()]
    return Finding(rows, lambda: [line for play in plays.items() for line in [*_parts(*play), ""]])


def _play(effort: Effort, *, threads: int, work_s: float, windows: int) -> Played:
    with PrivateSidecar([]) as sidecar:
        plan = Plan(
            sidecar.endpoint, sidecar.token, threads=threads, work_s=work_s,
            windows=2 if effort.quick else windows, window_s=0.5 if effort.quick else 1.5,
            model="upscale-x2", width=960, height=540,
        )  # fmt: skip
        # A session of its own, as an engine has that was not started by the bridge.
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.played_engine"],
            input=json.dumps(asdict(plan)), text=True, stdout=subprocess.PIPE, check=True,
            start_new_session=True, timeout=_LIMIT_S,
        )  # fmt: skip
    return Played(**json.loads(done.stdout))


def _rows(name: str, played: Played, goal: Goal) -> list[Row]:
    wall = played.wall_s
    return [
        row(name, wall["both"], wall["idle"], ALONE, goal=goal),
        row(name, wall["both"], wall["idle"], ALONE, percentile=99),
    ]


def _results(name: str, played: Played) -> Row:
    rate = {kind: played.results[kind] / played.seconds[kind] for kind in played.results}
    return judged(
        name, "1/s", rate["both"], rate["submits"], "an engine that only submits",
        played.results["both"],
    )  # fmt: skip


def _parts(what: str, played: Played) -> list[str]:
    """Of the median tick: slower arithmetic (caches, clock, the other hardware thread) shows in
    the processor time, and a core that somebody else has shows in the rest."""
    wall = {kind: 1000 * float(np.median(played.wall_s[kind])) for kind in ("idle", "both")}
    processor = {
        kind: 1000 * float(np.median(played.processor_s[kind])) for kind in ("idle", "both")
    }
    return listed(
        f"engine's {what}, while the bridge is at work",
        {
            "the same work when the bridge is idle": wall["idle"],
            "more processor time for it": processor["both"] - processor["idle"],
            "waiting for a core": wall["both"] - wall["idle"] - processor["both"]
            + processor["idle"],
        },
    )  # fmt: skip


THEME = Theme(
    key="neighbours",
    title="The engine's own work beside the bridge",
    about=(
        "An engine in a session of its own does arithmetic in each of its 60 ticks a second, and "
        "submits 960x540 frames to `upscale-x2`, which needs far more than both cores "
        "can give, so the bridge takes all that it can get. The baseline is the same work in "
        "windows of 1.5 s without submits; windows of both kinds, and of submits without work, "
        "take turns. Results a second say what the bridge still achieves."
    ),
    measure=measure,
    shortfall=(
        "Where the bridge's worker has no lower priority than the engine, each of the engine's "
        "threads shares its core with one of the worker's, and waits for the end of its turn."
    ),
)
