"""Runs the host that plays Unity's part on EGL, and reads what it has kept."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.native.chart import BAR_HEIGHT, BAR_ROW, HEIGHT, WIDTH, Picture, chart
from tests.native_builds import Native

LIMIT_S = 300
HEAD = np.dtype([("frame_id", "<u8"), ("origin", "<u4"), ("width", "<u4"), ("height", "<u4")])


@dataclass(frozen=True)
class Played:
    """What the host has seen.

    Attributes:
        results: pictures as the target texture held them, by the id that came with them.
        said: its counts.
    """

    results: dict[int, Picture]
    said: dict[str, object]


def play(native: Native, folder: Path, model: str, **settings: int) -> Played:
    """Send the chart, numbered, as the settings of egl_host.c say.

    Returns: pictures upright and in RGBA, as whoever looks at the engine's screen sees them.
    """
    picture, results = folder / "picture.rgba", folder / "results.rgba"
    bottom_first = bool(settings.get("bottom_first"))
    base = chart()
    base[BAR_ROW : BAR_ROW + BAR_HEIGHT] = 0
    picture.write_bytes(np.ascontiguousarray(base[::-1] if bottom_first else base).tobytes())
    bar_row = HEIGHT - BAR_ROW - BAR_HEIGHT if bottom_first else BAR_ROW
    words = {"width": WIDTH, "height": HEIGHT, "bar_row": bar_row, "bar_height": BAR_HEIGHT}
    done = run(
        native, "egl_host", str(picture), str(results), model,
        *(f"{name}={value}" for name, value in (words | settings).items()),
    )  # fmt: skip
    return Played(dict(_read(results, bottom_first)), json.loads(done))


def run(native: Native, program: str, *arguments: str) -> str:
    """Its standard output. A machine without EGL skips the test."""
    words = [str(native.program(program)), str(native.library), *arguments]
    environment = os.environ | {"LP_NUM_THREADS": "1"}
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL,
        env=environment,
    )  # fmt: skip
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, f"{done.returncode}: {done.stderr}"
    return done.stdout


def _read(path: Path, bottom_first: bool) -> list[tuple[int, Picture]]:
    data, place, pictures = path.read_bytes(), 0, []
    while place < len(data):
        head = np.frombuffer(data, HEAD, 1, place)[0]
        place += HEAD.itemsize
        width, height = int(head["width"]), int(head["height"])
        pixels = np.frombuffer(data, np.uint8, width * height * 4, place)
        place += width * height * 4
        upright = pixels.reshape(height, width, 4)[:: -1 if bottom_first else 1]
        assert head["origin"] == 0, "not from the bridge"
        pictures.append((int(head["frame_id"]), upright))
    ids = [frame_id for frame_id, _ in pictures]
    assert ids == sorted(set(ids)), "ids that do not grow"
    return pictures
