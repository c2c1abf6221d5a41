"""How much memory a conversion takes, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from converters.writers.pict import write_pict
from tests.converters.architectures.test_pix2pix import shapes

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from converters import detect
from converters.stored import store

def most():
    # getrusage would count what the parent had before it started this program.
    line = next(x for x in open("/proc/self/status") if x.startswith("VmHWM"))
    return 1024 * int(line.split()[1])

before = most()
weights = detect.read(Path(sys.argv[1]))
architecture, found = detect.recognise(weights)
network = architecture.build(weights, found.config)
network = replace(network, model=store(network.model, Path(sys.argv[2])))
print(most() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process its own peak")
def test_weights_stand_in_memory_little_more_than_once_until_they_are_stored(
    tmp_path: Path,
) -> None:
    wanted = shapes(32)
    write_pict(
        tmp_path / "w.pict",
        {name: np.full(shape, 0.01, np.float32) for name, shape in wanted.items()},
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "w.pict"), str(tmp_path / "g.onnx")],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    weights_bytes = 4 * sum(int(np.prod(shape)) for shape in wanted.values())
    assert int(done.stdout) < 2.2 * weights_bytes, f"{int(done.stdout) / weights_bytes} times"
    assert int(done.stdout) > 0.5 * weights_bytes, "nothing was measured"
