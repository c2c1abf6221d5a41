"""What ends what: a sidecar's input, a killed client, a killed sidecar.

`endings PACKAGE`: PACKAGE loops for ever when its knob `steps` is turned up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
from framebridge_client import connect

from tests.windows.programs.windows_processes import (
    WATCHDOG_S,
    Sidecar,
    is_running,
    terminate,
    until,
)

FRAME = np.zeros((32, 32, 4), np.uint8)
RUNTIME = os.environ["FRAMEBRIDGE_RUNTIME_DIR"]


def main(package: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    sidecar = Sidecar("--private", "--end-with-input", "--run-limit", "3600")
    sidecar.name()
    with connect() as bridge:
        found["clients_after_a_kill"], found["streams_after_a_kill"] = killed_client(bridge)
        stream = bridge.open("passthrough", 32, 32, timeout_s=WATCHDOG_S)
        worker = bridge.status(WATCHDOG_S)["streams"][0]["worker_pid"]
        stream.process(FRAME, WATCHDOG_S)
        found["files_of_a_private_one"] = os.listdir(RUNTIME)
        found["status_at_the_end_of_input"] = sidecar.end_of_input()
        found["worker_after_the_end_of_input"] = is_running(worker)
        found["files_after_the_end_of_input"] = os.listdir(RUNTIME)

    sidecar = Sidecar("--private", "--run-limit", "3600")
    sidecar.name()
    with connect() as bridge:
        stream = bridge.open(package, 32, 32, timeout_s=WATCHDOG_S)
        worker = bridge.status(WATCHDOG_S)["streams"][0]["worker_pid"]
        stream.set(steps=10**12, timeout_s=WATCHDOG_S)
        stream.submit(FRAME)
        terminate(sidecar.address["pid"])
        sidecar.process.wait(WATCHDOG_S)
        until(lambda: not is_running(worker), "a worker in a long run ends with its sidecar")
        until(lambda: stream.poll() or stream.state == "gone", "the client sees that it has gone")
    found["files_after_a_kill"] = os.listdir(RUNTIME)
    after = Sidecar("--private", "--end-with-input")
    found["files_of_the_next"] = os.listdir(RUNTIME)
    found["run_of_the_next"] = after.address["run"]
    after.end_of_input()
    found["files_at_the_end"] = os.listdir(RUNTIME)
    return found


def killed_client(bridge: Any) -> tuple[int, int]:
    """Returns: how many clients and streams the bridge has once it has found out."""
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "flowing\n"
    before = bridge.status(WATCHDOG_S)
    assert (before["clients"], len(before["streams"])) == (2, 1)
    terminate(client.pid)
    client.wait(WATCHDOG_S)
    until(lambda: bridge.status(WATCHDOG_S)["clients"] == 1, "the bridge misses the client")
    after = bridge.status(WATCHDOG_S)
    return after["clients"], len(after["streams"])


CLIENT = f"""
import numpy as np
from framebridge_client import connect
bridge = connect()
stream = bridge.open("passthrough", 32, 32, timeout_s={WATCHDOG_S})
while True:
    stream.process(np.zeros((32, 32, 4), np.uint8), {WATCHDOG_S})
    if stream.counters.returned == 5:
        print("flowing", flush=True)
"""

if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
