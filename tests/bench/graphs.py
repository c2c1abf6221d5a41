"""What the pixel work costs, or saves, around a model: in one process."""

from __future__ import annotations

import numpy as np
import onnxruntime

from bridge.frames import FrameFormat
from bridge.inference.package import ModelPackage
from bridge.inference.runner import Runner
from bridge.supervisor.library import Library
from tests.bench.rows import Row, in_turn, row


def bare_session(package: ModelPackage) -> onnxruntime.InferenceSession:
    """The model as one calls it oneself: floats in, floats out, ONNX Runtime's defaults, except
    that its threads do not spin on into what is measured next."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(
        str(package.graph_path()), options, providers=["CPUExecutionProvider"]
    )


def measure() -> list[Row]:
    package = Library().find("upscale-x2")
    width, height = 960, 540
    rng = np.random.default_rng(0)
    session = bare_session(package)
    planes = rng.random((1, 3, height, width), np.float32)
    name = session.get_inputs()[0].name
    frame = rng.integers(0, 256, (height, width, 4), np.uint8)
    result = np.zeros((2 * height, 2 * width, 4), np.uint8)
    straight, opaque = (
        Runner(package, FrameFormat(width=width, height=height, alpha=alpha))
        for alpha in ("straight", "opaque")
    )

    def by_numpy() -> None:
        """What one does who calls the model oneself: convert, run, convert back."""
        tensor = (frame[:, :, :3].astype(np.float32) / 255).transpose(2, 0, 1)[None]
        made = session.run(None, {name: np.ascontiguousarray(tensor)})[0]
        rgb = np.clip(made[0].transpose(1, 2, 0) * 255 + 0.5, 0, 255).astype(np.uint8)
        np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])

    taken = in_turn(
        {
            "bare": lambda: session.run(None, {name: planes}),
            "opaque": lambda: opaque.run(frame, result),
            "straight": lambda: straight.run(frame, result),
            "numpy": by_numpy,
        },
        repetitions=25,
        warm_up=3,
    )
    what = "upscale-x2 540p to 1080p in place"
    return [
        row(f"{what}, opaque", taken["opaque"], taken["bare"], at_most=0.8),
        row(f"{what}, alpha carried", taken["straight"], taken["bare"], at_most=0.8),
        row(
            f"{what}, against numpy around the model", taken["opaque"], taken["numpy"], at_most=0.8
        ),
    ]
