"""How far the roofline is off where it can be tried: on this processor.

`python -m converters.this_machine models/upscale-x2 --size 960x540`. The peaks are measured here (a
large convolution, a large copy) and not taken from a maker, so what is tried is the form: layers
one by one, the longer of arithmetic and memory, groups of channels, what is held at once.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from bridge.errors import FramebridgeError
from bridge.inference.package import ModelPackage
from bridge.inference.placement import place
from converters.devices import Device
from converters.graph import NetworkGraph
from converters.layers import FLOAT32_BYTES
from converters.roofline import frame_bytes, package_work, timed

_COPY_BYTES = 1 << 27
"""Far more than any cache holds."""
_TIMES = 5


@dataclass(frozen=True, slots=True)
class Compared:
    """One frame of a package on one thread.

    Attributes:
        operations_per_s, bytes_per_s: measured of a large convolution and of a large copy.
        predicted_ms, measured_ms: of the frame, in time of the processor.
        predicted_bytes, measured_bytes: that the first frame took beside the weights.
    """

    operations_per_s: float
    bytes_per_s: float
    predicted_ms: float
    measured_ms: float
    predicted_bytes: int
    measured_bytes: int


def compare(package: ModelPackage, width: int, height: int) -> Compared:
    """
    Raises: FrameFormatError, GraphMissingError, GraphMismatchError, HashMismatchError,
        UnsupportedModelError. ValueError: as `package_work`, or it takes more than a frame.
    """
    if len(package.manifest.inputs) != 1:
        raise ValueError(f"{package.name}: only packages that take a frame alone are compared")
    work = package_work(package, width, height)
    model_width, model_height = place(package.manifest, width, height).model
    path = str(package.graph_path())
    shape = (1, 3 if package.manifest.inputs[0].channels == "RGB" else 1, model_height, model_width)  # type: ignore[union-attr]
    peak, copied = _operations_per_s(), _copied_bytes_per_s()
    here = Device("this processor", 1, 1, 1, "storage", "")
    predicted = timed(work.layers, here, "float32", peak, copied / FLOAT32_BYTES, 0)
    measured = _least_s(_session(Path(path).read_bytes()), shape) * 1000
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        grown = pool.apply(_grown_bytes, (path, shape))
    held = frame_bytes(work)[1]
    return Compared(peak, copied, predicted.frame_ms, measured, held, grown)


def _operations_per_s() -> float:
    """Of a convolution of 64 channels to 64, which is nearly all arithmetic."""
    graph = NetworkGraph()
    weight = np.random.default_rng(0).standard_normal((64, 64, 3, 3)).astype(np.float32)
    x = graph.conv("frame", weight, pads=(1, 1, 1, 1))
    model = graph.model([("frame", (1, 64, 192, 192))], [(x, "out", (1, 64, 192, 192))])
    seconds = _least_s(_session(model.SerializeToString()), (1, 64, 192, 192))
    return 2 * 64 * 64 * 9 * 192 * 192 / seconds


def _copied_bytes_per_s() -> float:
    """Read and written, of one thread."""
    source = np.ones(_COPY_BYTES, np.uint8)
    target = np.empty_like(source)
    best = np.inf
    for _ in range(_TIMES):
        begin = time.thread_time()
        np.copyto(target, source)
        best = min(best, time.thread_time() - begin)
    return 2 * _COPY_BYTES / best


def _session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _least_s(session: onnxruntime.InferenceSession, shape: tuple[int, ...]) -> float:
    """Time of the processor, which others' work does not lengthen as it does time itself."""
    feeds = {session.get_inputs()[0].name: np.random.default_rng(0).random(shape, np.float32)}
    session.run(None, feeds)
    best = np.inf
    for _ in range(_TIMES):
        begin = time.process_time()
        session.run(None, feeds)
        best = min(best, time.process_time() - begin)
    return float(best)


def _grown_bytes(path: str, shape: tuple[int, ...]) -> int:
    """How much the most that a process of its own ever held grows by its first frame, with it."""
    session = _session(Path(path).read_bytes())
    before = _peak_bytes()
    feeds = {session.get_inputs()[0].name: np.ones(shape, np.float32)}
    session.run(None, feeds)
    return _peak_bytes() - before


def _peak_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024
    return 0


def main() -> int:
    """Exit status: 0 compared, 1 the package cannot be, 2 wrong use."""
    parser = argparse.ArgumentParser(
        prog="python -m converters.this_machine",
        description="Compare the roofline with this processor, which it is told the peaks of.",
    )
    parser.add_argument("package", type=Path, help="folder of a package that takes frames")
    parser.add_argument("--size", default="960x540", help="of the frame (%(default)s)")
    arguments = parser.parse_args()
    width, times, height = arguments.size.partition("x")
    if not (times and width.isdigit() and height.isdigit()):
        parser.error("--size: WIDTHxHEIGHT, for example 960x540")
    try:
        found = compare(ModelPackage.open(arguments.package), int(width), int(height))
    except (FramebridgeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{found.operations_per_s / 1e9:.1f} billion operations and "
        f"{found.bytes_per_s / 1e9:.1f} billion bytes a second, one thread\n"
        f"frame:  {found.predicted_ms:.0f} ms predicted, {found.measured_ms:.0f} ms measured: "
        f"{found.predicted_ms / found.measured_ms:.2f} of it\n"
        f"memory: {found.predicted_bytes / 1e6:.0f} MB predicted, "
        f"{found.measured_bytes / 1e6:.0f} MB measured: "
        f"{found.predicted_bytes / found.measured_bytes:.2f} of it"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
