"""What a render event takes of the thread that renders, with OpenGL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from bridge.demo.sidecar import PrivateSidecar
from tests.bench.rows import Effort, Finding, Goal, Theme, row

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 1920, 1080
PERIOD_MS = 33
LIMIT_S = 300


def measure(effort: Effort) -> Finding:
    library = _library()
    if library is None:
        return Finding([])
    program = library.parent / "tests" / "event_times"
    if not program.is_file():
        print("No EGL here: sudo apt-get install -y libegl-dev libgl-dev", file=sys.stderr)
        return Finding([])
    words = [str(word) for word in (program, library, WIDTH, HEIGHT, effort.of(150), PERIOD_MS)]
    with PrivateSidecar([]) as sidecar:
        environment = {
            **os.environ,
            "FRAMEBRIDGE_ENDPOINT": sidecar.endpoint,
            "FRAMEBRIDGE_TOKEN": sidecar.token,
        }
        done = subprocess.run(
            words, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S
        )
    *lines, last = done.stdout.splitlines()
    shown, device = last.split(" ", 1)
    event, without, plain, copy = zip(
        *([float(word) for word in line.split()] for line in lines), strict=True
    )
    label = f"render event, 1080p ({device}; {shown} results shown)"
    return Finding(
        [
            row(label, event, plain, "glReadPixels of the frame just drawn", goal=Goal(at_most=1)),
            row(label, event, plain, "glReadPixels of the frame just drawn", percentile=99),
            row(label, event, copy, "one memcpy of the frame"),
            row("render event without a client", without, event, "one with a client"),
        ]
    )


def _library() -> Path | None:
    """None: it cannot be built here; why is printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "engine_plugin" / "native" / "build.py")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        print(done.stderr.strip(), file=sys.stderr)
        return None
    return Path(done.stdout.splitlines()[-1])


THEME = Theme(
    key="render_events",
    title="A render event on the engine's thread",
    about=(
        "What `FB_EVENT_FRAME` takes of the thread that renders: it sends a texture of 8.3 MB that "
        "was drawn just before and shows the newest result in another. Beside it the plain way, a "
        "`glReadPixels` of the same texture into memory, which waits until all is drawn; one "
        "`memcpy` of the frame; and an event that names no client. Where the processor draws "
        "(llvmpipe), the driver's own copies are on this thread, too: a frame is copied into the "
        "pixel buffer, out of it into the slot, out of the result into the next buffer, and from "
        "there into the texture. With a graphics card the first and the last are its own."
    ),
    measure=measure,
)
