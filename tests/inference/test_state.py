"""States: their shapes, and the two buffers of each."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from bridge.errors import UnsupportedModelError
from bridge.inference.state import State, StatePort, state_ports


def _port(initial: Any = "zeros", dtype: Any = "float32") -> StatePort:
    return StatePort("before", "after", (1, 3, 4, 5), dtype, initial)


@pytest.mark.parametrize(
    ("declared", "shape"),
    [
        ((1, 3, "H", "W"), (1, 3, 8, 12)),
        (("N", 3, "H", "W"), (1, 3, 8, 12)),
        ((1, 6, "h", 5), (1, 6, 8, 5)),
        ((1, 3, 4, 6), (1, 3, 4, 6)),
        ((1, 128), (1, 128)),
        ((), ()),
    ],
    ids=str,
)
def test_open_sides_are_those_of_the_models_input(
    declared: tuple[Any, ...], shape: tuple[int, ...], small_models: ModuleType
) -> None:
    model = small_models.memory(state=declared, dtype="float16", initial="noise")
    assert state_ports(model.core, model.manifest, (12, 8)) == [
        StatePort("before", "after", shape, "float16", "noise")
    ]


def test_a_side_that_the_output_alone_knows_is_taken_from_it(small_models: ModuleType) -> None:
    model = small_models.memory(state=(1, "C", "H", "W"))
    model.core.graph.output[1].type.tensor_type.shape.dim[1].dim_value = 3
    (port,) = state_ports(model.core, model.manifest, (12, 8))
    assert port.shape == (1, 3, 8, 12)


@pytest.mark.parametrize("declared", [(1, "C", "H", "W"), (1, "length"), ("H", "W", 3)], ids=str)
def test_any_other_open_side_is_a_typed_error(
    declared: tuple[Any, ...], small_models: ModuleType
) -> None:
    model = small_models.memory(state=declared)
    with pytest.raises(UnsupportedModelError) as caught:
        state_ports(model.core, model.manifest, (12, 8))
    assert caught.value.place == "small before"


def test_advancing_exchanges_the_buffers_and_copies_nothing() -> None:
    state = State(_port())
    now, following = state.now, state.next
    state.advance()
    assert state.now is following
    assert state.next is now


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_noise_is_normal_and_of_seed_and_port_alone(dtype: str) -> None:
    port = StatePort("before", "after", (1, 3, 40, 50), dtype, "noise")  # type: ignore[arg-type]
    states = [State(port) for _ in range(4)]
    for state, (seed, index) in zip(states, [(1, 0), (1, 0), (2, 0), (1, 1)], strict=True):
        state.restart(seed, index, None)
        assert state.now.dtype == dtype
        assert abs(float(state.now.mean())) < 0.05
        assert abs(float(state.now.std()) - 1) < 0.05
    values = [state.now.tobytes() for state in states]
    assert values[0] == values[1]
    assert len(set(values)) == 3


def test_restarting_forgets_everything() -> None:
    state = State(_port())
    state.now[...] = 7
    state.restart(0, 0, None)
    assert not state.now.any()
    black = np.full((1, 3, 4, 5), -1, np.float32)
    state.restart(0, 0, black)
    assert (state.now == -1).all()
    assert state.now is not black
