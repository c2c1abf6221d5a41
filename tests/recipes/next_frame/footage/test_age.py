"""One graph holds the networks of a run; `age` blends their weights."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from models.recipes.next_frame.footage.age import AGE, Array, blend, blended_weights, knots, shares
from models.recipes.next_frame.graph import (
    FRAME,
    INJECT,
    NEXT_FRAME,
    SPEED,
    STATE,
    Shape,
    build_graph,
)
from tests.recipes.next_frame.footage.random_weights import SHAPE, random_weights

EIGHT = [random_weights(seed) for seed in range(8)]


def run(model: onnx.ModelProto, age: float | None = None) -> Array:
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(9)
    fed = {
        FRAME: np.zeros((1, 3, 16, 24), np.float32),
        STATE: random.normal(0, 1, (1, 3, 16, 24)).astype(np.float32),
        INJECT: np.zeros(1, np.float32),
        SPEED: np.ones(1, np.float32),
    }
    if age is not None:
        fed[AGE] = np.array([age], np.float32)
    (made,) = session.run([NEXT_FRAME], fed)
    return np.asarray(made)


@pytest.fixture(scope="module")
def blended() -> onnx.ModelProto:
    return blend([build_graph(weights, SHAPE) for weights in EIGHT])


@pytest.mark.parametrize("age", [0, 0.05, 1 / 7, 0.4, 0.5, 0.93, 1])
def test_an_age_is_the_network_of_weights_blended_outside(
    age: float, blended: onnx.ModelProto
) -> None:
    outside = build_graph(blended_weights(EIGHT, age), SHAPE)
    assert 255 * np.abs(run(blended, age) - run(outside)).max() < 0.02


def test_at_age_1_it_is_the_finished_network_and_nothing_is_rounded(
    blended: onnx.ModelProto,
) -> None:
    assert blended_weights(EIGHT, 1).keys() == EIGHT[-1].keys()
    for name, value in blended_weights(EIGHT, 1).items():
        assert np.array_equal(value, EIGHT[-1][name])
    finished = run(build_graph(EIGHT[-1], SHAPE))
    assert 255 * np.abs(run(blended, 1) - finished).max() < 0.005


def test_two_ages_are_two_networks(blended: onnx.ModelProto) -> None:
    assert 255 * np.abs(run(blended, 0) - run(blended, 1)).max() > 5


def test_shares_are_hats_of_sum_1() -> None:
    assert np.array_equal(shares(1, 8), [0] * 7 + [1])
    assert np.array_equal(shares(0, 8), [1] + [0] * 7)
    assert np.allclose(shares(0.25, 3), [0.5, 0.5, 0])
    for age in np.linspace(0, 1, 23):
        assert shares(float(age), 8).sum() == pytest.approx(1, abs=1e-5)
    assert np.array_equal(knots(3), [0, 0.5, 1])
    assert np.array_equal(shares(0.3, 1), [1])


def test_the_older_networks_take_half_the_room() -> None:
    one = build_graph(EIGHT[0], SHAPE)
    whole = blend([build_graph(weights, SHAPE) for weights in EIGHT])
    stored = sum(4 * value.size for value in EIGHT[0].values())
    assert whole.ByteSize() - one.ByteSize() < 7 * stored / 2 + 20_000


def test_one_network_alone_has_no_age() -> None:
    model = build_graph(EIGHT[3], SHAPE)
    alone = blend([model])
    assert [port.name for port in alone.graph.input] == [port.name for port in model.graph.input]
    assert np.array_equal(run(alone), run(model))


def test_networks_of_two_shapes_are_refused() -> None:
    other = Shape(width=6, levels=2)
    models = [build_graph(EIGHT[0], SHAPE), build_graph(random_weights(0, other), other)]
    with pytest.raises(ValueError, match="more than their weights"):
        blend(models)
