"""The simulations: alive, repeatable, and shown so that a picture says all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.recipes.next_frame.fluid import Fluid
from models.recipes.next_frame.growth import Growth
from models.recipes.next_frame.simulate import PHOTOGRAPH, assert_alive, simulated, write_frames
from models.recipes.next_frame.starts import KINDS, first_frame
from models.recipes.next_frame.stirred import Stirred
from models.recipes.next_frame.world import World

WORLDS = [Fluid, Growth, Stirred]


@pytest.fixture(params=WORLDS, ids=lambda world: str(world.name))
def world(request: pytest.FixtureRequest) -> World:
    made: World = request.param(40, 56)
    return made


@pytest.mark.parametrize("kind", WORLDS)
def test_a_simulation_is_alive_for_300_ticks_and_repeats_itself(kind: type[World]) -> None:
    world = kind(48, 48)
    frames = list(simulated(world, 301))
    contrast, change = assert_alive(iter(frames))
    assert contrast > 30
    assert 2 < change < 12
    again = simulated(world, 60)
    assert all(np.array_equal(a, b) for a, b in zip(again, frames, strict=False))
    other = next(iter(simulated(world, 1, seed=3)))
    assert not np.array_equal(other, frames[0])


def test_what_comes_to_rest_is_told(world: World) -> None:
    frame = next(iter(simulated(world, 1)))
    with pytest.raises(ValueError, match="dead from tick 0"):
        assert_alive(iter([frame] * 120))


def test_a_picture_holds_the_whole_state(world: World) -> None:
    frames = list(simulated(world, 2))
    after = world.clips(frames[0][None], 1)[0, 0]
    # All but what the colours could not show: some levels lie beyond black and white.
    assert 255 * np.abs(after - frames[1]).mean() < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_any_start_comes_alive(world: World, kind: str) -> None:
    start = first_frame(kind, world, np.random.default_rng(1))
    assert start.shape == (3, 40, 56)
    assert start.min() >= 0
    assert start.max() <= 1
    made = world.clips(start[None], 320)[0, 280:]
    assert 255 * made.std(axis=(2, 3)).mean() > 20
    assert 255 * np.abs(np.diff(made, axis=0)).mean() > 1


def test_written_frames_are_those_simulated(world: World, tmp_path: Path) -> None:
    write_frames(world, tmp_path / "set", frames=3)
    names = sorted(path.name for path in (tmp_path / "set").iterdir())
    assert names == ["frame-0000.png", "frame-0001.png", "frame-0002.png", PHOTOGRAPH]
    with Image.open(tmp_path / "set" / "frame-0002.png") as file:
        read = np.asarray(file)
    last = list(simulated(world, 3))[2]
    np.testing.assert_array_equal(read, np.rint(255 * last.transpose(1, 2, 0)))
