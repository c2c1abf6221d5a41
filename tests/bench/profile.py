"""Where the time of a path goes: printed, and written down, where it misses its goal."""

from __future__ import annotations

import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
from framebridge_client import connect

from bridge.demo.sidecar import PrivateSidecar
from bridge.frames import FrameFormat
from bridge.inference.graph_builder import PREFIX
from bridge.inference.package import ModelPackage
from bridge.inference.pixels import FRAME_IN, compose
from tests.bench.frames import noise
from tests.bench.ticks import RATE, result_of

_REPORTS_S = 0.8
"""The worker reports its timings twice a second."""


def of_trip(
    width: int, height: int, model: str = "passthrough", *, paced: bool = False
) -> list[str]:
    """Medians of the parts of a frame's way. Both processes read one monotonic clock."""
    frame = noise(width, height)
    copying: list[float] = []
    age: list[float] = []
    running: list[float] = []
    with PrivateSidecar([]) as sidecar, connect(sidecar.endpoint, sidecar.token) as bridge:
        stream = bridge.open(model, width, height, policy="lockstep")
        for _ in range(120):
            with (draft := stream.frame()) as view:
                start = time.perf_counter()
                np.copyto(view, frame)
                copying.append((time.perf_counter() - start) * 1000)
            result = result_of(stream, draft.frame_id)
            age.append(result.age_ms)
            running.append(result.model_ms)
            if paced:
                time.sleep(1 / RATE)
        time.sleep(_REPORTS_S)
        there = next(iter(bridge.status()["streams"]))["start_age_ms"]["p50"]
    copied, aged, ran = (float(np.median(part)) for part in (copying, age, running))
    return listed(
        f"{model} at {width}x{height}, {'60 ticks a second' if paced else 'one after the other'}",
        {
            "copy into the slot (none when drawn there)": copied,
            "submit, until the model starts in the worker": there,
            "model (left out of the figure)": ran,
            "model's end, until the engine has the result": aged - there - ran,
        },
    )


def of_graph(package: ModelPackage, source: FrameFormat, runs: int = 8) -> list[str]:
    """Time in ONNX Runtime by kind of node: the model's own, and those of the pixel work."""
    model = compose(package.load_graph(), package.manifest, source).model
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder) / "nodes")
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        frame = noise(source.width, source.height)
        for _ in range(runs):
            session.run(None, {FRAME_IN: frame})
        events = json.loads(Path(session.end_profiling()).read_text())
    parts: dict[str, float] = defaultdict(float)
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time"):
            whose = "pixels" if PREFIX in event["name"] else "model"
            parts[f"{whose}: {event['args']['op_name']}"] += event["dur"] / 1000 / runs
    by_time = dict(sorted(parts.items(), key=lambda part: -part[1]))
    main = {name: ms for name, ms in by_time.items() if ms > 0.003 * sum(by_time.values())}
    rest = sum(by_time.values()) - sum(main.values())
    title = f"{package.manifest.name} from {source.width}x{source.height}, nodes of ONNX Runtime"
    return listed(title, {**main, "all others": rest})


def listed(title: str, parts_ms: Mapping[str, float]) -> list[str]:
    """Lines of Markdown: a part, its milliseconds, its share."""
    total = sum(parts_ms.values())
    lines = [f"{title}: {total:.3f} ms", ""]
    lines += ["| part | ms | share |", "|---|--:|--:|"]
    lines += [f"| {name} | {ms:.3f} | {ms / total:.0%} |" for name, ms in parts_ms.items()]
    return lines
