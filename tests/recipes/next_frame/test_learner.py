"""Teaching by simulation: repeatable, resumable, and the loss falls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.recipes.next_frame.fluid import Fluid  # noqa: E402
from models.recipes.next_frame.graph import Shape  # noqa: E402
from models.recipes.next_frame.growth import Growth  # noqa: E402
from models.recipes.next_frame.learner import SimulationLearner  # noqa: E402
from models.recipes.next_frame.learning import Loops, unrolled_loss  # noqa: E402
from models.recipes.next_frame.lessons import REFILL_EVERY  # noqa: E402
from models.recipes.next_frame.network import NextFrameNetwork  # noqa: E402
from models.recipes.training.loop import Run  # noqa: E402

STEPS = REFILL_EVERY + 3


def learner(seed: int = 1) -> SimulationLearner:
    worlds = [Fluid(16, 16), Growth(16, 16)]
    return SimulationLearner(worlds, seed, shape=Shape(4, 2), pool=16)


def steps(taught: SimulationLearner, count: int) -> list[float]:
    losses = []
    for _ in range(count):
        losses.append(taught.step(taught.taken / STEPS))
        taught.taken += 1
    return losses


def weights(taught: SimulationLearner) -> dict[str, np.ndarray]:
    return {name: value.numpy().copy() for name, value in taught.average.state_dict().items()}


def test_a_run_stopped_and_resumed_equals_one_that_went_on(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = learner()
    wanted = steps(whole, STEPS)
    # Stopped before the loops of the network go on, so that they are resumed too.
    stopped = learner()
    first = steps(stopped, REFILL_EVERY - 4)
    Run("next-fluid", stopped, 1, STEPS).save(tmp_path / "checkpoint.pt")
    resumed = learner(seed=2)
    Run("next-fluid", resumed, 1, STEPS).load(tmp_path / "checkpoint.pt")
    assert first + steps(resumed, STEPS - len(first)) == wanted
    for name, value in weights(resumed).items():
        np.testing.assert_array_equal(value, weights(whole)[name])


def test_what_it_learns_from_is_what_the_simulation_does_next() -> None:
    taught = learner()
    for clip in taught.lessons.pool:
        frames = clip.numpy().astype(np.float32) / 255
        after = [world.clips(frames[:1], 1)[0, 0] for world in taught.lessons.worlds]
        differences = [255 * np.abs(frame - frames[1]).mean() for frame in after]
        # The clip's first frame was rounded to 8 bits after the simulation had gone on from it.
        assert min(differences) < 5


def test_loops_begin_anew_and_are_of_different_ages() -> None:
    random = np.random.default_rng(0)
    loops = Loops.start(Growth(16, 16), 6, random)
    assert len(set(loops.ends)) > 3
    loops.ends = [10] * 6
    loops.go(10, None)
    assert loops.ages == [10] * 6
    assert loops.alive(older_than=5)[0] > 0
    assert loops.alive() == (0.0, 0.0)
    loops.renew(random, 20)
    assert loops.ages == [0] * 6
    assert all(0 < end <= 20 for end in loops.ends)


def test_the_loss_of_a_network_that_stands_still_is_a_little_below_1() -> None:
    network = NextFrameNetwork(4, 2)
    with torch.no_grad():
        network.last.weight.zero_()
    clips = torch.rand((2, 3, 3, 16, 16), generator=torch.Generator().manual_seed(0))
    assert 0.95 < unrolled_loss(network.unbounded, clips).item() < 1
    assert unrolled_loss(network.unbounded, clips[:, :1].expand(-1, 3, -1, -1, -1)) == 0


def test_clips_that_change_little_count_as_much_as_others() -> None:
    network = NextFrameNetwork(4, 2)
    with torch.no_grad():
        network.last.weight.zero_()
    first = torch.full((1, 1, 3, 16, 16), 0.5)
    little, much = (torch.cat([first, first + by], dim=1) for by in (0.1, 0.4))
    assert (
        abs(unrolled_loss(network.unbounded, little) - unrolled_loss(network.unbounded, much))
        < 0.05
    )


def test_a_few_steps_on_one_clip_make_the_loss_fall() -> None:
    torch.manual_seed(0)
    network = NextFrameNetwork(4, 2)
    world = Growth(24, 24)
    start = world.first_pictures(2, np.random.default_rng(0))
    clips = torch.from_numpy(world.clips(start, 12)[:, 9:])
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        loss = unrolled_loss(network.unbounded, clips)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7
    assert min(losses[:5]) > losses[-1]
