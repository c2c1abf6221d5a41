"""A latent code's walk: of seed and tick alone, smooth, and of the right distribution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bridge.inference.latent import TICKS_PER_KEY, LatentWalk
from bridge.inference.manifest import LatentInput


def _at(seed: int, tick: int, length: int = 64, index: int = 0, kind: str = "normal") -> bytes:
    walk = LatentWalk(LatentInput(name="code", length=length, distribution=kind), index)
    walk.go_to(seed, tick)
    return walk.value.tobytes()


def _way(kind: str, length: int, ticks: int) -> npt.NDArray[np.float32]:
    walk = LatentWalk(LatentInput(name="code", length=length, distribution=kind), 0)
    values = []
    for tick in range(ticks):
        walk.go_to(5, tick)
        values.append(walk.value[0].copy())
    return np.stack(values)


def test_a_value_depends_on_seed_tick_and_port_alone() -> None:
    walk = LatentWalk(LatentInput(name="code", length=64), 0)
    for seed, tick in [(1, 500), (1, 3), (2, 3), (1, 500), (1, 119), (1, 120), (2**64 - 1, 0)]:
        walk.go_to(seed, tick)
        assert walk.value.tobytes() == _at(seed, tick)
    assert (
        len({_at(1, 3), _at(1, 4), _at(2, 3), _at(1, 3, index=1), _at(1, 3, kind="uniform")}) == 5
    )


def test_the_value_stays_where_it_is_in_memory() -> None:
    walk = LatentWalk(LatentInput(name="code", length=8), 0)
    value, address = walk.value, walk.value.ctypes.data
    walk.go_to(1, 77)
    assert walk.value is value
    assert (value.ctypes.data, value.shape, value.dtype) == (address, (1, 8), np.float32)
    assert value.any()


@pytest.mark.parametrize("length", [1, 2, 512])
@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_the_way_is_smooth_and_passes_through_its_keyframes(kind: str, length: int) -> None:
    way = _way(kind, length, 3 * TICKS_PER_KEY + 1)
    assert np.isfinite(way).all()
    keys = way[::TICKS_PER_KEY]
    assert len(np.unique(keys[:, 0])) == 4
    span = np.linalg.norm(np.diff(keys, axis=0), axis=1).max()
    steps = np.linalg.norm(np.diff(way, axis=0), axis=1)
    # A straight line would take steps of span / 120; an arc is at most pi / 2 times as long.
    assert steps.max() < 2 * span / TICKS_PER_KEY + 1e-6
    assert steps.min() > 0


def test_a_normal_code_keeps_its_length_on_the_way() -> None:
    lengths = np.linalg.norm(_way("normal", 512, 2 * TICKS_PER_KEY), axis=1) / np.sqrt(512)
    assert lengths.min() > 0.9
    assert lengths.max() < 1.1


def test_a_uniform_code_stays_between_0_and_1_on_a_straight_line() -> None:
    way = _way("uniform", 512, TICKS_PER_KEY + 1)
    assert way.min() >= 0
    assert way.max() <= 1
    assert np.allclose(way[TICKS_PER_KEY // 2], (way[0] + way[-1]) / 2, atol=1e-6)


def test_the_keyframes_are_the_same_on_every_machine() -> None:
    first = np.frombuffer(_at(1, 0, 4), np.float32)
    expected = np.random.Generator(np.random.PCG64([1, 0, 0])).standard_normal(4)
    assert np.array_equal(first, expected.astype(np.float32))
