"""What a step, a pool of own plays, a promise and the layers' ranges are."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.recipes.next_frame.footage.clip import Clip, read_clip  # noqa: E402
from models.recipes.next_frame.footage.layers import layer_ranges  # noqa: E402
from models.recipes.next_frame.footage.learner import FootageLearner, untrained  # noqa: E402
from models.recipes.next_frame.footage.plan import Plan  # noqa: E402
from models.recipes.next_frame.footage.pool import SLOTS, Pool, as_float  # noqa: E402
from models.recipes.next_frame.footage.promise import overfit  # noqa: E402
from tests.recipes.next_frame.footage.scene import write_clip  # noqa: E402

PLAN = Plan(digest="0" * 64, side=16, size=(24, 16), seed=1, width=4, levels=3)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    torch.set_num_threads(1)
    return read_clip(write_clip(tmp_path_factory.mktemp("clip") / "clip.mkv", 40), 16, 8)


def weights(learner: FootageLearner) -> list[np.ndarray]:
    return [value.numpy().copy() for value in learner.average.state_dict().values()]


def steps(learner: FootageLearner, first: int, last: int, of: int = 60) -> float:
    losses = []
    for index in range(first, last):
        losses.append(learner.step(index / of))
        learner.taken += 1
    return float(np.mean(losses))


def test_a_network_begins_near_repeating_its_frame(clip: Clip) -> None:
    frames = as_float(torch.from_numpy(clip.frames[:4]))
    with torch.no_grad():
        assert (untrained(PLAN, "cpu")(frames) - frames).abs().mean() < 0.05


def test_a_loaded_learner_goes_on_as_if_it_had_not_stopped(clip: Clip) -> None:
    whole = FootageLearner(PLAN, clip, "cpu")
    # Late in a run: of its own plays too.
    steps(whole, 40, 52)
    first = FootageLearner(PLAN, clip, "cpu")
    steps(first, 40, 46)
    second = FootageLearner(PLAN, clip, "cpu")
    second.load_state(first.state())
    steps(second, 46, 52)
    for one, other in zip(weights(whole), weights(second), strict=True):
        assert np.array_equal(one, other)


def test_its_error_falls_on_what_it_learns_from_and_on_what_is_held_back(clip: Clip) -> None:
    learner = FootageLearner(msgspec.structs.replace(PLAN, width=8), clip, "cpu")
    steps(learner, 0, 30, 10**6)
    early = learner.check()
    steps(learner, 30, 150, 10**6)
    late = learner.check()
    assert late["learned"] < 0.75 * early["learned"]
    assert late["held_back"] < 0.85 * early["held_back"]


def test_nothing_that_is_held_back_is_learned_from(clip: Clip) -> None:
    held = [index for first, last in clip.held_back() for index in range(first + 1, last)]
    learner = FootageLearner(PLAN, clip, "cpu")
    frames = clip.frames.copy()
    frames[held] = 255 - frames[held]
    other = FootageLearner(PLAN, replace(clip, frames=frames), "cpu")
    for one in (learner, other):
        steps(one, 20, 50)
    for one, another in zip(weights(learner), weights(other), strict=True):
        assert np.array_equal(one, another)
    assert other.check()["held_back"] != learner.check()["held_back"]


def test_a_pool_gives_back_where_a_play_has_got_to_until_it_is_old(clip: Clip) -> None:
    frames = torch.from_numpy(clip.frames)
    random = torch.Generator().manual_seed(0)
    pool = Pool(frames, torch.arange(10))
    slots, _, index = pool.begin(SLOTS, 1.0, random)
    assert (index < 10).all()
    green = torch.zeros((SLOTS, 3, 16, 24))
    green[:, 1] = 1
    pool.put_back(slots, green, torch.full((SLOTS,), 20), 100)
    slots, frame, index = pool.begin(SLOTS, 1.0, random)
    own = index == 20
    assert 0 < own.sum() < SLOTS
    assert torch.equal(frame[own], green[own])
    pool.put_back(slots, green, index, 100)
    _, _, index = pool.begin(SLOTS, 1.0, random)
    assert (index[own] != 20).all() or (index == 20).sum() < own.sum()
    # A beginner is spared its own results.
    _, _, index = pool.begin(SLOTS, 0.0, random)
    assert (index < 10).all()


def test_eight_pictures_are_learned_by_heart_and_said_so(clip: Clip) -> None:
    promise = overfit(PLAN, clip, "cpu", 2.0)
    assert promise.pictures == 8
    assert promise.reached < promise.begun
    told, means = promise.sentences
    assert f"{promise.reached:.2f} of 255" in told
    assert f"{promise.repeat:.2f}" in told
    assert promise.bound in (0, promise.reached)
    assert means


def test_ranges_are_those_of_each_convolution_in_its_order(clip: Clip) -> None:
    network = untrained(PLAN, "cpu")
    frames = clip.frames[:2].transpose(0, 3, 1, 2).astype(np.float32) / 255
    with torch.no_grad():
        network.first.weight.zero_()
        network.first.bias.copy_(torch.tensor([0.0, 0.0, 2.0, 2.0]))
    ranges = layer_ranges(network, frames)
    assert [found.layer for found in ranges][:2] == ["first", "down.0"]
    assert ranges[-1].layer == "last"
    assert (ranges[0].low, ranges[0].high, ranges[0].silent) == (0, 2, 1)
    assert ranges[1].silent == 0
    assert not any(layer._forward_hooks for layer in network.modules())
