"""A run of edges-to-shoes learns, and can be stopped anywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from converters.scores.lines import Rgb8  # noqa: E402
from models.recipes.edges_to_shoes.learner import PARTS, ShoesLearner  # noqa: E402
from models.recipes.edges_to_shoes.sketches import SKETCHES, draw  # noqa: E402
from models.recipes.training.loop import CHECKPOINT, PREVIEW, Run, train  # noqa: E402

WIDTHS = (2, 2, 2, 2, 2, 2, 2, 2)


def pairs() -> list[tuple[Rgb8, Rgb8]]:
    """Drawings, and grey where they have lines."""
    drawings = [draw(name) for name in list(SKETCHES)[:3]]
    return [(drawing, np.maximum(drawing, 90)) for drawing in drawings]


def learner() -> ShoesLearner:
    return ShoesLearner(1, pairs(), down=WIDTHS, up=(*WIDTHS[:-1], 3))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_a_run_that_was_stopped_and_resumed_equals_one_that_was_not(tmp_path: Path) -> None:
    whole = Run("shoes", learner(), 1, 6)
    train(whole, tmp_path / "whole")
    first = Run("shoes", learner(), 1, 6)
    for _ in range(3):
        first.learner.step(first.progress)
        first.learner.taken += 1
    first.save(tmp_path / "half.pt")
    second = Run("shoes", learner(), 1, 6)
    second.load(tmp_path / "half.pt")
    train(second, tmp_path / "second")
    states = [
        torch.load(tmp_path / name / CHECKPOINT, weights_only=True)["learner"]
        for name in ("whole", "second")
    ]
    for kind in ("networks", "averages"):
        for name, weights in states[0][kind].items():
            for key, weight in weights.items():
                assert torch.equal(weight, states[1][kind][name][key]), f"{kind} {name} {key}"
    assert (tmp_path / "whole" / PREVIEW).is_file()


def test_steps_bring_pictures_nearer_and_the_critic_learns_only_in_its_time() -> None:
    taught = learner()
    before = taught.check()["l1_of_mean_picture"]
    critic = [weight.clone() for weight in taught.critic.parameters()]
    for _ in range(25):
        taught.step(0.1)
        taught.taken += 1
    assert taught.check()["l1_of_mean_picture"] < before
    same = zip(critic, taught.critic.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)
    taught.step(PARTS[0].until)
    same = zip(critic, taught.critic.parameters(), strict=True)
    assert not all(torch.equal(a, b) for a, b in same)


def test_pairs_held_back_are_what_is_checked() -> None:
    held_back = pairs()[:1]
    taught = ShoesLearner(1, pairs()[1:], held_back, down=WIDTHS, up=(*WIDTHS[:-1], 3))
    assert taught.checked[0][1] is held_back[0][1]
    assert len(taught.variation.pairs) == 2
