"""A thousand ways to NaN and infinity: none on screen, none in the state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from bridge.errors import NonFiniteError
from bridge.frames import FrameFormat
from bridge.inference.manifest import Manifest
from bridge.inference.runner import Runner, RunOptions

Arrays = dict[str, npt.NDArray[Any]]

FORMAT = FrameFormat(width=12, height=8)
CPU = RunOptions(provider="cpu", threads=1)
TYPES = ["float32", "float16"]
KNOB_CASES = 700
"""Of each type of state. At least 500 of them break the network, so a thousand in all."""
WEIGHT_CASES = 90


class Bare:
    """The same core run by hand: what it must give, finite or not."""

    def __init__(self, core: onnx.ModelProto, manifest: Manifest) -> None:
        self._session = onnxruntime.InferenceSession(
            core.SerializeToString(), providers=["CPUExecutionProvider"]
        )
        self._parameters = manifest.parameters

    def run(self, frame: npt.NDArray[np.uint8], before: npt.NDArray[Any], knobs: Any) -> Any:
        feeds: Arrays = {
            "frame": (frame[..., :3].transpose(2, 0, 1)[None] / 255).astype(np.float32),
            "before": before,
        }
        types = {"float": np.float32, "int": np.int64, "bool": np.bool_}
        for name, port in self._parameters.items():
            value = knobs.get(name, port.default)
            if port.kind == "choice":
                feeds[name] = np.array([port.choices.index(value)])
            else:
                feeds[name] = np.array([value], types[port.kind])
        return self._session.run(["result", "after"], feeds)


def _seeded_cases(dtype: str) -> Iterator[dict[str, Any]]:
    random = np.random.default_rng([7, TYPES.index(dtype)])
    gains = [1.0, 1e18, 2e19, 1e30, 3e38]
    faults = ["huge", "negative", "difference", "quotient", "half"]
    for _ in range(KNOB_CASES):
        knobs: dict[str, Any] = {
            "fault": faults[random.integers(len(faults))],
            "place": ["picture", "state", "both"][random.integers(3)],
            "pixel": int(random.integers(96)),
            "everywhere": bool(random.random() < 0.3),
            # The square of the smaller ones is finite: not every case must be withheld.
            "gain": float(gains[random.choice(5, p=[0.04, 0.04, 0.3, 0.3, 0.32])]),
        }  # fmt: skip
        if random.random() < 0.2:
            knobs["growth"] = float([1e4, 1e12, 1e38, 3e38][random.integers(4)])
        yield knobs


def _frames(seed: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(1, 256, (8, *FORMAT.shape), np.uint8)


def _picture(made: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    wide = np.nan_to_num(made[0].astype(np.float64) * 255, posinf=1e9, neginf=-1e9)
    return np.clip(np.rint(wide), 0, 255).transpose(1, 2, 0)


def _assert_one_case(
    runner: Runner, bare: Bare, frame: npt.NDArray[np.uint8], knobs: dict[str, Any]
) -> bool:
    """Whether it was withheld; the bare core says whether it had to be."""
    before = runner.states["before"]
    made, after = bare.run(frame, before, knobs)
    finite = bool(np.isfinite(made).all() and np.isfinite(after).all())
    result = np.zeros(FORMAT.shape, np.uint8)
    tick = runner.tick
    if not finite:
        with pytest.raises(NonFiniteError):
            runner.run(frame, result)
        assert runner.states["before"].tobytes() == before.tobytes()
    else:
        runner.run(frame, result)
        assert np.abs(result[..., :3] - _picture(made)).max() <= 1
        np.testing.assert_allclose(runner.states["before"], after, rtol=2e-3, atol=1e-6)
    assert runner.tick == tick + 1
    return not finite


@pytest.mark.parametrize("dtype", TYPES)
def test_no_broken_run_is_shown_or_remembered_and_the_next_good_one_is_right(
    dtype: str, tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.fragile(dtype=dtype)
    package = model.write(tmp_path / "fragile")
    runner, bare = Runner(package, FORMAT, CPU), Bare(model.core, model.manifest)
    defaults = {name: port.default for name, port in model.manifest.parameters.items()}
    frames = _frames(8)
    withheld = 0
    for number, knobs in enumerate(_seeded_cases(dtype)):
        if number % 20 == 0:
            runner.reset()
            runner.run(frames[0], np.zeros(FORMAT.shape, np.uint8))
        runner.set_parameters(defaults | knobs)
        withheld += _assert_one_case(runner, bare, frames[number % 8], knobs)
        runner.set_parameters(defaults)
        assert not _assert_one_case(runner, bare, frames[(number + 3) % 8], {})
    assert 500 <= withheld < KNOB_CASES


@pytest.mark.parametrize("dtype", TYPES)
def test_no_run_of_broken_weights_is_shown_or_remembered(
    dtype: str, tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.fragile(dtype=dtype)
    random = np.random.default_rng([9, TYPES.index(dtype)])
    frame = _frames(10)[0]
    withheld = 0
    for number in range(WEIGHT_CASES):
        core = onnx.ModelProto()
        core.CopyFrom(model.core)
        name = ["filter", "filter.bias", "halves"][number % 3]
        (tensor,) = (t for t in core.graph.initializer if t.name == name)
        values = numpy_helper.to_array(tensor).copy()
        bad = [np.nan, np.inf, -np.inf, 3e38][random.integers(4)]
        values.flat[random.integers(values.size)] = bad
        tensor.CopyFrom(numpy_helper.from_array(values, name))
        broken = small_models.SmallModel(core, model.manifest)
        runner = Runner(broken.write(tmp_path / "broken"), FORMAT, CPU)
        withheld += _assert_one_case(runner, Bare(core, model.manifest), frame, {})
        runner.close()
    assert withheld >= 0.6 * WEIGHT_CASES


def test_a_state_that_outgrows_its_type_is_held_at_its_last_good_value(
    tmp_path: Path, small_models: ModuleType
) -> None:
    runner = Runner(small_models.fragile().write(tmp_path / "fragile"), FORMAT, CPU)
    runner.set_parameters({"growth": 1e20})
    frame, result = _frames(1)[0], np.zeros(FORMAT.shape, np.uint8)
    runner.run(frame, result)
    runner.run(frame, result)
    last = runner.states["before"]
    assert last.max() > 1e18
    for _ in range(3):
        with pytest.raises(NonFiniteError):
            runner.run(frame, result)
        assert runner.states["before"].tobytes() == last.tobytes()
    assert runner.tick == 5
    runner.set_parameters({"growth": 0})
    runner.run(frame, result)
    assert runner.states["before"].max() <= 0.5


def test_large_numbers_that_are_finite_are_shown(tmp_path: Path, small_models: ModuleType) -> None:
    """Their plain sum would not be."""
    runner = Runner(small_models.fragile().write(tmp_path / "fragile"), FORMAT, CPU)
    runner.set_parameters({"fault": "huge", "gain": 1.8e19, "place": "both", "everywhere": True})
    result = np.zeros(FORMAT.shape, np.uint8)
    runner.run(_frames(1)[0], result)
    assert (result[..., :3] == 255).all()
    assert runner.states["before"].min() > 3e38


@pytest.mark.parametrize("tail", ["", "DCR", "CRD"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["last", "last.bias"])
def test_no_run_without_a_state_is_shown_when_it_is_broken(
    name: str, bad: float, tail: str, tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.network(scale=2 if tail else 1, tail=tail)
    (tensor,) = (t for t in model.core.graph.initializer if t.name == name)
    values = numpy_helper.to_array(tensor).copy()
    values.flat[-1] = bad
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    runner = Runner(model.write(tmp_path / "broken"), FORMAT, CPU)
    with pytest.raises(NonFiniteError):
        runner.run(_frames(1)[0], np.zeros(runner.result.shape, np.uint8))
