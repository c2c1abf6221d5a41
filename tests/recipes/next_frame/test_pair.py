"""Two networks that learn at once, and what lies between them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from models.recipes.next_frame.fluid import Fluid  # noqa: E402
from models.recipes.next_frame.graph import Shape  # noqa: E402
from models.recipes.next_frame.growth import Growth  # noqa: E402
from models.recipes.next_frame.lessons import REFILL_EVERY  # noqa: E402
from models.recipes.next_frame.network import NextFrameNetwork  # noqa: E402
from models.recipes.next_frame.pair import PairLearner  # noqa: E402
from models.recipes.next_frame.stirred import Stirred  # noqa: E402
from models.recipes.training.loop import Run  # noqa: E402

STEPS = REFILL_EVERY + 2


def learner(seed: int = 1) -> PairLearner:
    torch.manual_seed(0)
    shape = Shape(4, 2)
    start = NextFrameNetwork(shape.width, shape.levels).state_dict()
    worlds = (Fluid(16, 16), Growth(16, 16), Stirred(16, 16))
    return PairLearner(*worlds, seed, 1e-3, start, shape=shape, pool=8)


def steps(taught: PairLearner, count: int) -> list[float]:
    losses = []
    for _ in range(count):
        losses.append(taught.step(taught.taken / STEPS))
        taught.taken += 1
    return losses


def weights(taught: PairLearner) -> dict[str, np.ndarray]:
    return {
        f"{name}.{part}": value.numpy().copy()
        for name, average in taught.averages.items()
        for part, value in average.state_dict().items()
    }


def test_a_run_stopped_and_resumed_equals_one_that_went_on(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    whole = learner()
    wanted = steps(whole, STEPS)
    stopped = learner()
    first = steps(stopped, STEPS - 4)
    Run("next-pair", stopped, 1, STEPS).save(tmp_path / "checkpoint.pt")
    resumed = learner(seed=2)
    Run("next-pair", resumed, 1, STEPS).load(tmp_path / "checkpoint.pt")
    assert first + steps(resumed, 4) == wanted
    for name, value in weights(resumed).items():
        np.testing.assert_array_equal(value, weights(whole)[name])


def test_both_start_alike_and_go_apart() -> None:
    taught = learner()
    fluid, growth = (dict(n.named_parameters()) for n in taught.networks.values())
    assert all(torch.equal(value, growth[name]) for name, value in fluid.items())
    steps(taught, 3)
    assert not any(torch.equal(value, growth[name]) for name, value in fluid.items())


def test_what_is_between_is_the_mean_of_both_and_teaches_both() -> None:
    taught = learner()
    steps(taught, 2)
    frame = torch.rand((1, 3, 16, 16), generator=torch.Generator().manual_seed(3))
    mean = NextFrameNetwork(4, 2)
    first, second = (n.state_dict() for n in taught.networks.values())
    mean.load_state_dict({name: (first[name] + second[name]) / 2 for name in first})
    made = taught.between(frame)
    torch.testing.assert_close(made, mean.unbounded(frame))
    taught.optimizers["both"].zero_grad()
    made.square().mean().backward()
    one, other = (n.first.weight.grad for n in taught.networks.values())
    assert one.abs().sum() > 0
    torch.testing.assert_close(one, other)


def test_pictures_show_all_three(tmp_path: Path) -> None:
    learner().preview(tmp_path / "preview.png")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["preview-fluid.png", "preview-growth.png", "preview-stirred.png"]
