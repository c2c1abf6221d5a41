"""What the pixel work costs, or saves, around a model: in one process, on each backend."""

from __future__ import annotations

import dataclasses
import importlib.util
import sys

import numpy as np
import onnxruntime

from bridge.errors import FramebridgeError
from bridge.frames import FrameFormat
from bridge.inference.package import ModelPackage
from bridge.inference.runner import Runner, RunOptions
from bridge.supervisor.library import Library
from tests.bench.frames import Pixels, noise
from tests.bench.profile import of_graph
from tests.bench.rows import NO_GOAL, Effort, Finding, Goal, Theme, Work, in_turn, row, timed

WIDTH, HEIGHT = 960, 540
BARE = "bare float `session.run`"
GOAL = Goal(at_most=0.85, aim=0.80)
CHOSEN = "chosen"
_OPTIONS = {field.name for field in dataclasses.fields(RunOptions)}


def bare_session(package: ModelPackage) -> onnxruntime.InferenceSession:
    """The model as one calls it oneself: floats in, floats out, ONNX Runtime's defaults, except
    that its threads do not spin on into what is measured next."""
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(
        str(package.graph_path()), options, providers=["CPUExecutionProvider"]
    )


def runners(package: ModelPackage, source: FrameFormat) -> dict[str, Runner]:
    """Each backend that is installed, and last what is chosen when nobody says which."""
    made: dict[str, Runner] = {}
    for backend, compute in (("onnxruntime", "float32"), ("openvino", "float32"),
                             ("openvino", "bf16")):  # fmt: skip
        wanted = {"backend": backend, "compute": compute}
        if not wanted.keys() <= _OPTIONS or importlib.util.find_spec(backend) is None:
            continue
        try:
            options: RunOptions = dataclasses.replace(RunOptions(), **wanted)  # type: ignore[arg-type]
            made[f"{backend} {compute}"] = Runner(package, source, options)
        except FramebridgeError as error:
            print(f"no row for {backend} {compute}: {error}", file=sys.stderr)
    made[CHOSEN] = Runner(package, source)
    return made


def measure(effort: Effort) -> Finding:
    package = Library().find("upscale-x2")
    session = bare_session(package)
    planes = np.random.default_rng(0).random((1, 3, HEIGHT, WIDTH), np.float32)
    name = session.get_inputs()[0].name
    frame = noise(WIDTH, HEIGHT)
    result = np.zeros((2 * HEIGHT, 2 * WIDTH, 4), np.uint8)

    def by_numpy() -> None:
        """What one does who calls the model oneself: convert, run, convert back."""
        tensor = (frame[:, :, :3].astype(np.float32) / 255).transpose(2, 0, 1)[None]
        made = session.run(None, {name: np.ascontiguousarray(tensor)})[0]
        rgb = np.clip(made[0].transpose(1, 2, 0) * 255 + 0.5, 0, 255).astype(np.uint8)
        np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])

    straight = Runner(package, FrameFormat(width=WIDTH, height=HEIGHT, alpha="straight"))
    opaque = runners(package, FrameFormat(width=WIDTH, height=HEIGHT, alpha="opaque"))
    work: dict[str, Work] = {
        BARE: timed(lambda: session.run(None, {name: planes})),
        "numpy": timed(by_numpy),
        "straight": timed(lambda: straight.run(frame, result)),
    }
    for backend, runner in opaque.items():
        work[backend] = _running(runner, frame, result)
    taken = in_turn(work, effort.of(20), warm_up=3)
    rows = [
        row(
            f"in place, {_name(backend, runner)}",
            taken[backend],
            taken[BARE],
            BARE,
            # What is not exact may be fast, but proves nothing.
            goal=NO_GOAL if _compute(runner) == "bf16" else GOAL,
        )
        for backend, runner in opaque.items()
    ]
    rows += [
        row("in place, alpha carried along", taken["straight"], taken[BARE], BARE, goal=GOAL),
        row(
            "in place, by itself",
            taken[CHOSEN],
            taken["numpy"],
            "numpy before and after `session.run`",
        ),
    ]
    for runner in (straight, *opaque.values()):
        runner.close()
    return Finding(
        rows,
        lambda: of_graph(package, FrameFormat(width=WIDTH, height=HEIGHT, alpha="opaque")),
    )


def _running(runner: Runner, frame: Pixels, result: Pixels) -> Work:
    return timed(lambda: runner.run(frame, result))


def _name(backend: str, runner: Runner) -> str:
    """What was obtained, not what was asked for."""
    chosen = "by itself: " if backend == CHOSEN else ""
    return f"{chosen}{runner.execution.backend} {_compute(runner)}"


def _compute(runner: Runner) -> str:
    return str(getattr(runner.execution, "compute", "float32"))


THEME = Theme(
    key="graphs",
    title="The pixel work around a model",
    about=(
        "`upscale-x2` from 960x540 to 1920x1080 within one process, from the bytes of a frame in "
        "a slot to the bytes of its result in another. The baseline is the model alone, as one "
        "calls it oneself with ONNX Runtime's defaults: floats in and floats out, and nobody has "
        "made these floats of a frame yet, or a frame of them. *By itself* is what runs when "
        "nobody says which backend to take. Streams are opaque but where the row says that alpha "
        "is carried along."
    ),
    measure=measure,
    shortfall=(
        "Nearly all of the time is the model's own convolutions, which the pixel work cannot "
        "shorten. It saves what the model spends on moving floats about at its end, and that is "
        "a small share of this model."
    ),
)
