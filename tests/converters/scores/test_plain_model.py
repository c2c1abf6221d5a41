"""Measures run a package as the bridge does, without rounding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from bridge.errors import (
    FrameFormatError,
    InferenceError,
    ParameterError,
    UnsupportedModelError,
    UsageError,
)
from bridge.frames import FrameFormat
from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Graph,
    LatentInput,
    Manifest,
    ParameterInput,
    Size,
    StateInput,
    StateOutput,
)
from bridge.inference.package import ModelPackage, save
from bridge.inference.runner import Runner
from bridge.inference.runner import RunOptions as Options
from converters.graph import NetworkGraph
from converters.scores.plain_model import PlainModel


def saved(
    folder: Path, model: onnx.ModelProto, inputs: list[Any], outputs: list[Any]
) -> ModelPackage:
    manifest = Manifest(
        format=1, name="tried", version="1.0.0", task="stylize", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=inputs, outputs=outputs,
    )  # fmt: skip
    return save(folder / "tried", manifest, {"model.onnx": model.SerializeToString()})


def blurring(
    folder: Path, size: Size, *, channels: str = "RGB", scale: int = 1, **port: Any
) -> ModelPackage:
    """Blurs over 5 pixels, so that what lies beyond a border shows."""
    planes = 3 if channels == "RGB" else 1
    graph = NetworkGraph()
    kernel = np.zeros((planes, planes, 5, 5), np.float32)
    kernel[range(planes), range(planes)] = 1 / 25
    x = graph.conv("frame", kernel, pads=(2, 2, 2, 2))
    x = graph.nearest(x, scale) if scale > 1 else x
    sides: tuple[Any, Any] = (size.fixed[1], size.fixed[0]) if size.fixed else ("H", "W")
    model = graph.model(
        [("frame", (1, planes, *sides))], [(x, "out", (1, planes, "H2", "W2"))]
    )  # fmt: skip
    return saved(
        folder, model, [FrameInput(name="frame", size=size, channels=channels, **port)],
        [FrameOutput(name="out", scale=scale, channels=channels, **port)],
    )  # fmt: skip


def remembering(folder: Path, initial: str = "zeros") -> ModelPackage:
    """Half of the frame and half of what it showed before, times a gain."""
    graph = NetworkGraph()
    x = graph.affine(graph.sum("frame", "past"), 0.5, 0)
    x = graph.add("Mul", [x, "gain"])
    y = graph.affine(x, 1, 0.01)
    model = graph.model(
        [("frame", (1, 3, "H", "W")), ("past", (1, 3, "H", "W")), ("gain", (1,))],
        [(x, "out", (1, 3, "H", "W")), (y, "next", (1, 3, "H", "W"))],
    )
    knob = ParameterInput(name="gain", kind="float", default=1.0, min=0, max=2)
    return saved(
        folder, model, [FrameInput(name="frame"), StateInput(name="past"), knob],
        [FrameOutput(name="out"), StateOutput(name="next", feeds="past", initial=initial)],
    )  # fmt: skip


def growing(folder: Path, initial: str = "noise") -> ModelPackage:
    """No frame: a state of 8x6 that is shown with a latent code on it."""
    graph = NetworkGraph()
    code = graph.reshape(
        graph.add("MatMul", ["z", graph.constant(np.ones((4, 3)), "f4")]), (1, 3, 1, 1)
    )
    x = graph.affine("past", 0.9, 0.02)
    shown = graph.sum(graph.affine(x, 1, 0), graph.affine(code, 0.05, 0.3))
    model = graph.model(
        [("z", (1, 4)), ("past", (1, 3, 6, 8))],
        [(shown, "out", (1, 3, 6, 8)), (x, "next", (1, 3, 6, 8))],
    )
    return saved(
        folder, model, [LatentInput(name="z", length=4), StateInput(name="past")],
        [
            FrameOutput(name="out", size=[8, 6]),
            StateOutput(name="next", feeds="past", initial=initial),
        ],
    )  # fmt: skip


def picture(width: int, height: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def by_the_bridge(
    package: ModelPackage, frames: list[npt.NDArray[np.uint8] | None], size: tuple[int, int],
    seed: int = 0, **knobs: object,
) -> list[npt.NDArray[np.uint8]]:  # fmt: skip
    runner = Runner(
        package,
        FrameFormat(width=size[0], height=size[1]),
        Options(repeats=True, backend="onnxruntime"),
    )
    runner.set_parameters(knobs)
    runner.reset(seed)
    results = []
    for rgb8 in frames:
        result = np.zeros(runner.result.shape, np.uint8)
        frame = None if rgb8 is None else np.dstack([rgb8, np.full(rgb8.shape[:2], 255, np.uint8)])
        runner.run(frame, result)
        results.append(result[..., :3].copy())
    runner.close()
    return results


SIZES = {
    "free": Size(),
    "multiples": Size(multiple_of=8, padding="reflect"),
    "edge": Size(multiple_of=16, padding="edge"),
    "black": Size(multiple_of=16, padding="zero"),
    "stretch": Size(fixed=[16, 12], fit="stretch"),
    "cover": Size(fixed=[16, 12], fit="cover"),
    "contain": Size(fixed=[16, 12], fit="contain"),
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("channels", ["RGB", "Y"])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_picture_is_what_the_bridge_makes_of_it(
    tmp_path: Path, size: Size, channels: str, scale: int
) -> None:
    package = blurring(tmp_path, size, channels=channels, scale=scale, range=[-1.0, 1.0])
    rgb8 = picture(53, 37)
    (expected,) = by_the_bridge(package, [rgb8], (53, 37))
    found = PlainModel(package).run(rgb8)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 0.51 + 0.02


def test_nothing_is_rounded_and_all_is_clamped(tmp_path: Path) -> None:
    graph = NetworkGraph()
    x = graph.affine("frame", 1.5, -0.2)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H", "W"))])
    package = saved(tmp_path, model, [FrameInput(name="frame")], [FrameOutput(name="out")])
    rgb8 = picture(20, 10)
    found = PlainModel(package).run(rgb8)
    np.testing.assert_allclose(found, np.clip(rgb8 * 1.5 - 51, 0, 255), atol=1e-3)
    assert found.min() == 0
    assert found.max() == 255


@pytest.mark.parametrize("initial", ["zeros", "noise", "frame"])
def test_states_begin_and_go_on_as_in_the_bridge(tmp_path: Path, initial: str) -> None:
    package = remembering(tmp_path, initial)
    frames = [picture(14, 9, seed) for seed in range(3)]
    expected = by_the_bridge(package, [*frames, None], (14, 9), seed=5, gain=0.5)
    model = PlainModel(package, {"gain": 0.5}, seed=5)
    for _ in range(2):  # the second time after a reset
        for rgb8, result in zip([*frames, None], expected, strict=True):
            assert np.abs(model.run(rgb8) - result).max() <= 0.52
        assert model.tick == 4
        model.reset()
    assert model.tick == 0


@pytest.mark.parametrize("initial", ["noise", "frame"])
def test_a_generator_walks_and_grows_as_in_the_bridge(tmp_path: Path, initial: str) -> None:
    package = growing(tmp_path, initial)
    frames = [None, None, picture(30, 20), None]
    expected = by_the_bridge(package, frames, (30, 20), seed=9)
    model = PlainModel(package, seed=9)
    for frame, result in zip(frames, expected, strict=True):
        assert np.abs(model.run(frame) - result).max() <= 0.53
    assert len({result.tobytes() for result in expected}) == 4


def test_a_state_can_be_given(tmp_path: Path) -> None:
    model = PlainModel(growing(tmp_path))
    (port,) = model.state_ports()
    assert (port.takes, port.shape) == ("past", (1, 3, 6, 8))
    grey = np.full(port.shape, 0.5)
    model.reset({"past": grey})
    np.testing.assert_array_equal(model.states["past"], grey)
    model.run(None)
    np.testing.assert_allclose(model.states["past"], grey * 0.9 + 0.02, rtol=1e-6)
    with pytest.raises(UsageError, match="past"):
        model.reset({"future": grey})


def test_a_given_state_of_a_frames_size_is_read_by_the_first_run(tmp_path: Path) -> None:
    model = PlainModel(remembering(tmp_path, "frame"))
    model.reset({"past": np.ones((1, 3, 9, 14))})
    np.testing.assert_allclose(model.run(np.zeros((9, 14, 3), np.uint8)), 127.5, atol=1e-3)


def test_what_cannot_be_run_gets_a_clear_word(tmp_path: Path) -> None:
    model = PlainModel(remembering(tmp_path))
    with pytest.raises(UsageError, match="takes a frame"):
        model.run(None)
    model.run(picture(14, 9))
    with pytest.raises(FrameFormatError, match="15x9 after 14x9"):
        model.run(picture(15, 9))
    with pytest.raises(ParameterError, match="gain"):
        PlainModel(remembering(tmp_path), {"gain": 3.0})
    model.reset({"past": np.ones((1, 3, 2, 2))})
    with pytest.raises(InferenceError, match="verify"):
        model.run(picture(14, 9))


def test_a_package_that_makes_no_frame_is_refused(tmp_path: Path) -> None:
    graph = NetworkGraph()
    x = graph.add("ReduceMean", ["frame"], axes=[1], keepdims=1)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "depth", (1, 1, "H", "W"))])
    from bridge.inference.manifest import DepthOutput

    package = saved(tmp_path, model, [FrameInput(name="frame")], [DepthOutput(name="depth")])
    with pytest.raises(UnsupportedModelError, match="no frame output"):
        PlainModel(package)
