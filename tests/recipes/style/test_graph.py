"""Graphs of the styles against the networks in PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
onnxruntime = pytest.importorskip("onnxruntime")

from converters.cost import count_cost  # noqa: E402
from models.recipes.style.export import measure_parity, paint  # noqa: E402
from models.recipes.style.graph import FRAME, PAINTED, STRENGTH, build_graph  # noqa: E402
from models.recipes.style.ink import INK  # noqa: E402
from models.recipes.style.learner import network_of  # noqa: E402
from models.recipes.style.mosaic import MOSAIC  # noqa: E402
from models.recipes.style.network import LayerNetwork, TileNetwork  # noqa: E402
from models.recipes.style.oil import OIL  # noqa: E402
from models.recipes.style.painting import Painting  # noqa: E402

PAINTINGS = pytest.mark.parametrize("painting", [INK, OIL, MOSAIC], ids=lambda p: p.name)


def network(painting: Painting, seed: int = 4) -> torch.nn.Module:
    torch.manual_seed(seed)
    if painting.cell > 1:
        return TileNetwork(painting.count, painting.cell, 8, 1, 8).eval()
    return LayerNetwork(painting.count, 8, 1).eval()


@PAINTINGS
def test_a_graph_is_its_network_at_every_size(painting: Painting) -> None:
    made = network(painting)
    parity = measure_parity(painting, made, build_graph(painting, made).SerializeToString())
    assert parity.max_abs_error < 1e-3


def test_a_graph_of_other_weights_is_refused() -> None:
    graph = build_graph(INK, network(INK, 5)).SerializeToString()
    with pytest.raises(ValueError, match="differs from the network"):
        measure_parity(INK, network(INK), graph)


@PAINTINGS
def test_strength_blends_with_the_frame(painting: Painting) -> None:
    made = network(painting)
    graph = build_graph(painting, made).SerializeToString()
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    frame = np.random.default_rng(0).random((1, 3, 40, 52), np.float32)

    def at(strength: float) -> np.ndarray:
        given = {FRAME: frame, STRENGTH: np.array([strength], np.float32)}
        return session.run([PAINTED], given)[0]

    assert np.array_equal(at(0), frame)
    assert np.abs(at(1) - paint(painting, made, frame)).max() < 1e-5
    assert np.abs(at(0.5) - (at(0) + at(1)) / 2).max() < 1e-6


@PAINTINGS
def test_a_frame_costs_less_than_twelve_a_second_on_two_cores_allow(painting: Painting) -> None:
    # 512x512 at 12 a second, with 60 GMAC/s.
    assert count_cost(build_graph(painting, network_of(painting))).macs_per_input_pixel < 19_000


def test_openvino_paints_the_same() -> None:
    openvino = pytest.importorskip("openvino")
    for painting in (INK, OIL, MOSAIC):
        made = network(painting)
        graph = build_graph(painting, made).SerializeToString()
        model = openvino.Core().read_model(graph)
        run = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        frame = np.random.default_rng(1).random((1, 3, 52, 64), np.float32)
        found = run({FRAME: frame, STRENGTH: np.ones(1, np.float32)})[0]
        assert 255 * np.abs(found - paint(painting, made, frame)).max() < 1e-2
