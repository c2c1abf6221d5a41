"""A stream begins with the footage: the state of zeros is a picture."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from models.recipes.next_frame.footage.start import NOISE, begin_from, state_of
from models.recipes.next_frame.graph import (
    FRAME,
    INJECT,
    NEXT_FRAME,
    NEXT_STATE,
    SPEED,
    STATE,
    STATE_SCALE,
    build_graph,
)
from tests.recipes.next_frame.footage.random_weights import SHAPE, random_weights

HEIGHT, WIDTH = 16, 24
PICTURE = np.random.default_rng(1).random((1, 3, HEIGHT, WIDTH)).astype(np.float32)


@pytest.fixture(scope="module")
def sessions() -> tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession]:
    """The graph as it was, and one that begins from PICTURE."""
    model = build_graph(random_weights(1), SHAPE)
    return tuple(
        onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"])
        for m in (model, begin_from(model, PICTURE))
    )  # type: ignore[return-value]


def run(session: onnxruntime.InferenceSession, state: np.ndarray, speed: float = 1) -> list:
    fed = {
        FRAME: np.zeros((1, 3, HEIGHT, WIDTH), np.float32), STATE: state.astype(np.float32),
        INJECT: np.zeros(1, np.float32), SPEED: np.array([speed], np.float32),
    }  # fmt: skip
    return session.run([NEXT_FRAME, NEXT_STATE], fed)


def test_a_state_of_zeros_is_the_picture(sessions: tuple) -> None:
    _, begun = sessions
    shown, after = run(begun, np.zeros_like(PICTURE), speed=0)
    assert 255 * np.abs(shown - PICTURE).max() < 0.1  # it is stored as float16
    assert np.abs(after).max() < 1e-3


def test_ticks_are_those_of_the_graph_as_it_was(sessions: tuple) -> None:
    plain, begun = sessions
    frame = np.random.default_rng(2).random(PICTURE.shape).astype(np.float32)
    state, counted = (frame - 0.5) * STATE_SCALE, state_of(frame, PICTURE)
    for _ in range(3):
        wanted, state = run(plain, state)
        found, counted = run(begun, counted)
        assert 255 * np.abs(found - wanted).max() < 0.01


def test_the_noise_of_a_seed_moves_the_picture_a_little(sessions: tuple) -> None:
    _, begun = sessions
    noise = np.random.default_rng(3).normal(0, 1, PICTURE.shape)
    inner = (PICTURE > 0.3) & (PICTURE < 0.7)
    shown, _ = run(begun, noise, speed=0)
    assert (shown - PICTURE)[inner].std() == pytest.approx(NOISE, rel=0.1)
