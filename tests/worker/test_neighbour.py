"""When a worker takes its priority back. In a process of its own, whose session is lowered."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bridge.supervisor.worker_link import find_lever

SCRIPT = """
import sys
from bridge.worker.neighbour import Neighbour
from bridge.worker.tally import Tally
from bridge.worker.watchdog import Watchdog

lever, warm_ms, run_ms = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
tally = Tally()
neighbour = Neighbour(tally, Watchdog(60.0, sys.exit))
neighbour.expect(warm_ms)
neighbour.give_way(lever)
assert neighbour.priority == "low"
for now in range(1, 4):
    tally.note("model_ms", run_ms)
    neighbour.tend(float(now))
print(neighbour.priority)
"""


@pytest.mark.parametrize(
    ("warm_ms", "run_ms", "priority"),
    [(20.0, 5000.0, "normal"), (20.0, 30.0, "low"), (4000.0, 5000.0, "low")],
    ids=["starved from its first frame", "as fast as when it was warmed up", "a slow model"],
)
def test_what_a_run_takes_where_there_is_room_is_known_before_the_first_frame(
    warm_ms: float, run_ms: float, priority: str
) -> None:
    lever = find_lever()
    if lever not in ("autogroup", "class"):
        pytest.skip(f"here workers give way by {lever!r}, which cannot be undone")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, lever, str(warm_ms), str(run_ms)],
        capture_output=True, text=True, timeout=60, start_new_session=True,
    )  # fmt: skip
    assert done.stdout.strip() == priority, done.stderr
