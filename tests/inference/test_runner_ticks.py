"""A runner from tick to tick: states, latent codes, frames that come and frames that do not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from bridge.errors import InferenceError, UnsupportedModelError
from bridge.frames import FrameFormat
from bridge.inference.chain import Chain
from bridge.inference.manifest import Size
from bridge.inference.runner import Runner, RunOptions

Picture = npt.NDArray[np.uint8]

FORMAT = FrameFormat(width=12, height=8, alpha="opaque")
CPU = RunOptions(provider="cpu", threads=1)
BLACK = np.zeros(FORMAT.shape, np.uint8)
BLACK[..., 3] = 255


def _frame(seed: int = 0, format: FrameFormat = FORMAT) -> Picture:
    frame = np.random.default_rng(seed).integers(0, 256, format.shape, np.uint8)
    frame[..., 3] = 255
    return frame


def _run(runner: Runner | Chain, frame: Picture | None = None) -> Picture:
    result = np.full(runner.result.shape, 77, np.uint8)
    runner.run(frame, result)
    return result


def _memory(folder: Path, models: ModuleType, **fields: Any) -> Runner:
    return Runner(models.memory(**fields).write(folder / "memory"), FORMAT, CPU)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_state_is_what_the_last_run_left(
    dtype: str, tmp_path: Path, small_models: ModuleType
) -> None:
    runner = _memory(tmp_path, small_models, dtype=dtype)
    assert runner.stateful
    frames = [_frame(seed) for seed in range(5)]
    results = [_run(runner, frame) for frame in frames]
    for shown, given in zip(results, [BLACK, *frames], strict=False):
        assert np.array_equal(shown, given)
    assert runner.tick == 5
    assert runner.states["before"].dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_network_with_a_state_equals_the_core_fed_by_hand(
    dtype: str, tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.recurrent(dtype=dtype)
    runner = Runner(model.write(tmp_path / "small"), FORMAT, CPU)
    runner.reset(3)
    core = onnxruntime.InferenceSession(
        model.core.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    random = np.random.Generator(np.random.PCG64([3, 0]))
    before = random.standard_normal((1, small_models.FEATURES, 8, 12)).astype(dtype)
    keys = [np.random.Generator(np.random.PCG64([3, 0, k])).standard_normal(4) for k in (0, 1)]
    angle = np.arccos(keys[0] @ keys[1] / np.linalg.norm(keys[0]) / np.linalg.norm(keys[1]))
    for tick in range(20):
        frame = _frame(tick)
        weights = np.sin([(1 - tick / 120) * angle, tick / 120 * angle]) / np.sin(angle)
        code = (weights @ np.stack(keys)).astype(np.float32)
        tensor = (frame[..., :3].transpose(2, 0, 1)[None] / 255).astype(np.float32)
        made, before = core.run(None, {"frame": tensor, "before": before, "code": code[None]})
        found = _run(runner, frame)
        expected = np.clip(np.rint(made[0].transpose(1, 2, 0) * 255), 0, 255)
        assert np.abs(found[..., :3] - expected).max() <= 1
        np.testing.assert_allclose(runner.states["before"], before, rtol=2e-3, atol=2e-3)


def _digest_of_600(runner: Runner, seed: int) -> str:
    runner.reset(seed)
    digest = hashlib.sha256()
    for tick in range(600):
        # A frame now and then, as somebody might inject it: always at the same ticks.
        digest.update(_run(runner, _frame(tick) if tick % 97 == 50 else None))
    return digest.hexdigest()


def test_600_runs_from_one_seed_are_equal_byte_for_byte(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.recurrent().write(tmp_path / "small")
    first, second = Runner(package, FORMAT, CPU), Runner(package, FORMAT, CPU)
    second.warm_up()
    _run(second, _frame(9))
    digests = [_digest_of_600(runner, seed) for runner, seed in
               [(first, 1), (first, 1), (second, 1), (second, 2), (second, 1 - 2**64)]]  # fmt: skip
    assert digests[0] == digests[1] == digests[2] == digests[4] != digests[3]


def test_warming_up_leaves_no_trace(tmp_path: Path, small_models: ModuleType) -> None:
    package = small_models.recurrent().write(tmp_path / "small")
    cold, warm = Runner(package, FORMAT, CPU), Runner(package, FORMAT, CPU)
    for _ in range(3):
        warm.warm_up()
    assert warm.tick == 0
    for tick in range(3):
        assert np.array_equal(_run(cold, _frame(tick)), _run(warm, _frame(tick)))


def test_a_run_that_fails_changes_nothing(tmp_path: Path, small_models: ModuleType) -> None:
    runner = _memory(tmp_path, small_models)
    _run(runner, _frame(1))
    with pytest.raises(InferenceError):
        runner.run(np.zeros((8, 13, 4), np.uint8), np.zeros(FORMAT.shape, np.uint8))
    assert runner.tick == 1
    assert np.array_equal(_run(runner, None), _frame(1))
    assert np.array_equal(_run(runner, None), _frame(1))


# Runs without a frame.


@pytest.mark.parametrize("build", ["memory", "recurrent"])
def test_without_a_frame_the_last_one_is_used_whatever_became_of_its_memory(
    build: str, tmp_path: Path, small_models: ModuleType
) -> None:
    package = getattr(small_models, build)().write(tmp_path / "small")
    with_frames, without = Runner(package, FORMAT, CPU), Runner(package, FORMAT, CPU)
    assert np.array_equal(_run(with_frames, BLACK), _run(without, None))
    slot = _frame(1)
    assert np.array_equal(_run(with_frames, _frame(1)), _run(without, slot))
    slot[:] = 99
    for _ in range(3):
        assert np.array_equal(_run(with_frames, _frame(1)), _run(without, None))


def test_without_a_state_a_frame_is_kept_where_it_was_asked_for(
    tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.identity().write(tmp_path / "small")
    keeping = Runner(package, FORMAT, RunOptions(provider="cpu", repeats=True))
    slot = _frame(1)
    assert np.array_equal(_run(keeping, slot), _frame(1))
    slot[:] = 99
    assert np.array_equal(_run(keeping, None), _frame(1))
    keeping.reset()
    assert np.array_equal(_run(keeping, None), BLACK)

    not_keeping = Runner(package, FORMAT, CPU)
    assert not not_keeping.stateful
    _run(not_keeping, slot)
    with pytest.raises(InferenceError, match="repeats"):
        _run(not_keeping, None)
    assert np.array_equal(_run(not_keeping, _frame(2)), _frame(2))


def test_without_a_state_frames_are_kept_from_the_first_run_without_one(
    tmp_path: Path, small_models: ModuleType
) -> None:
    runner = Runner(small_models.identity().write(tmp_path / "small"), FORMAT, CPU)
    assert np.array_equal(_run(runner, None), BLACK)
    slot = _frame(1)
    assert np.array_equal(_run(runner, slot), _frame(1))
    slot[:] = 99
    assert np.array_equal(_run(runner, None), _frame(1))


# States that begin as a frame.


def test_a_state_begins_as_the_first_frame_that_comes(
    tmp_path: Path, small_models: ModuleType
) -> None:
    runner = _memory(tmp_path, small_models, initial="frame", range_=(-1, 1))
    assert np.array_equal(_run(runner, None), BLACK)
    assert np.array_equal(_run(runner, _frame(1)), _frame(1)), "the first frame is the state"
    assert np.array_equal(_run(runner, _frame(2)), _frame(1)), "the second is not"
    runner.reset()
    assert np.array_equal(_run(runner, _frame(3)), _frame(3)), "until the next reset"


@pytest.mark.parametrize("format", [
    FORMAT,
    FrameFormat(width=11, height=5, pixel_format="bgra8", rows="bottom_first", alpha="opaque"),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_state_of_the_models_size_begins_as_what_the_frame_input_gets(
    dtype: str, format: FrameFormat, tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.memory(initial="frame", dtype=dtype, size=Size(multiple_of=4))
    runner = Runner(model.write(tmp_path / "small"), format, CPU)
    frame = _frame(1, format)
    assert np.array_equal(_run(runner, frame), frame)
    _run(runner, frame)
    assert runner.states["before"].shape == (1, 3, 8, 12)


def test_a_state_of_another_size_begins_as_the_frame_stretched_to_it(
    tmp_path: Path, small_models: ModuleType
) -> None:
    runner = _memory(tmp_path, small_models, initial="frame", state=(1, 3, 4, 6))
    frame = _frame(1)
    shown = _run(runner, frame)
    assert np.abs(shown[..., :3] - frame[..., :3].mean()).max() <= 1
    blocks = frame[..., :3].reshape(4, 2, 6, 2, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.abs((1 - runner.states["before"][0]) * 255 - blocks).max() < 0.01


def test_a_state_of_other_channels_cannot_begin_as_a_frame(
    tmp_path: Path, small_models: ModuleType
) -> None:
    with pytest.raises(UnsupportedModelError, match="begins as a frame"):
        _memory(tmp_path, small_models, initial="frame", state=(1, 64))


# Packages that take no frame.


@pytest.mark.parametrize("range_", [(0, 1), (-1, 1), (0, 255)])
def test_without_a_frame_input_each_frame_begins_the_state_anew(
    range_: tuple[float, float], tmp_path: Path, small_models: ModuleType
) -> None:
    runner = _memory(tmp_path, small_models, initial="frame", takes_frame=False, range_=range_)
    white = 255 - BLACK + [0, 0, 0, 255]
    assert np.array_equal(_run(runner, None), BLACK)
    assert np.array_equal(_run(runner, None), white)
    frame = _frame(1)
    negative = 255 - frame + [0, 0, 0, 255]
    assert np.array_equal(_run(runner, frame), frame)
    assert np.array_equal(_run(runner, None), negative)
    assert np.array_equal(_run(runner, None), frame)
    assert np.array_equal(_run(runner, _frame(2)), _frame(2))
    runner.reset()
    assert np.array_equal(_run(runner, None), BLACK)


def test_a_frame_is_stretched_to_what_a_package_without_a_frame_input_makes(
    tmp_path: Path, small_models: ModuleType
) -> None:
    model = small_models.memory(initial="frame", takes_frame=False, state=(1, 3, 8, 12))
    large = FrameFormat(width=24, height=16, pixel_format="bgra8", rows="bottom_first")
    runner = Runner(model.write(tmp_path / "small"), large, CPU)
    assert runner.result == large.resized(12, 8)
    frame = _frame(1, large)
    blocks = frame.reshape(8, 2, 12, 2, 4).mean((1, 3))
    assert np.abs(_run(runner, frame) - blocks).max() <= 0.51


@pytest.mark.parametrize("initial", ["zeros", "noise"])
def test_a_frame_changes_nothing_where_no_state_begins_as_one(
    initial: str, tmp_path: Path, small_models: ModuleType
) -> None:
    runner = _memory(tmp_path, small_models, initial=initial, takes_frame=False)
    other = _memory(tmp_path / "other", small_models, initial=initial, takes_frame=False)
    for tick in range(4):
        assert np.array_equal(_run(runner, _frame(tick)), _run(other, None))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_generator_shows_its_latent_code(
    distribution: str, tmp_path: Path, small_models: ModuleType
) -> None:
    package = small_models.generator(distribution=distribution).write(tmp_path / "small")
    chain = Chain([package], FrameFormat(width=64, height=64), CPU)
    assert not chain.stateful
    assert (chain.result.width, chain.result.height) == (12, 8)
    chain.reset(11)
    shown = [_run(chain) for _ in range(4)]
    assert chain.tick == 4
    random = np.random.Generator(np.random.PCG64([11, 0, 0]))
    code = random.standard_normal(4) if distribution == "normal" else random.random(4)
    columns = np.clip(np.rint(np.tile(code, 3) * 255), 0, 255)
    assert (shown[0] == np.stack([columns] * 3 + [np.full(12, 255)], 1)).all()
    assert not np.array_equal(shown[0], shown[3])
    chain.reset(11)
    assert all(np.array_equal(_run(chain, _frame(5, chain.source)), one) for one in shown)
    chain.reset(12)
    assert not np.array_equal(_run(chain), shown[0])


def test_the_brightness_of_a_generator_is_grey(tmp_path: Path, small_models: ModuleType) -> None:
    model = small_models.generator(channels="Y", distribution="uniform")
    runner = Runner(model.write(tmp_path / "small"), FORMAT, CPU)
    runner.reset(11)
    luma = np.random.Generator(np.random.PCG64([11, 0, 0])).random(4) * 255
    grey = np.clip(np.rint((np.tile(luma, 3) - 16) / 219.859 * 256), 0, 255)
    shown = _run(runner)
    assert np.abs(shown[0, :, 0] - grey).max() <= 1
    assert (shown[..., :3] == shown[..., :1]).all()
    assert (shown[..., 3] == 255).all()
