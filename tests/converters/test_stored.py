"""Graphs written tensor by tensor are the graphs that they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.cost import count_cost
from converters.graph import NetworkGraph
from converters.stored import KEPT_BYTES, outline_of, store


def model(widths: tuple[int, ...] = (40, 3)) -> onnx.ModelProto:
    graph = NetworkGraph()
    random = np.random.default_rng(0)
    x, inside = "frame", 3
    for width in widths:
        weight = random.standard_normal((width, inside, 5, 5))
        x = graph.conv(graph.nearest(x, 2), weight, np.zeros(width), pads=(2, 2, 2, 2))
        inside = width
    return graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H2", "W2"))])


def test_the_file_holds_the_model(tmp_path: Path) -> None:
    made = model()
    made.metadata_props.add(key="a", value="b")
    store(made, tmp_path / "graph.onnx")
    assert onnx.load(tmp_path / "graph.onnx") == made
    onnx.checker.check_model(str(tmp_path / "graph.onnx"), full_check=True)


@pytest.mark.parametrize("widths", [(3,), (1, 3), (200, 3)])
def test_lengths_of_any_size_are_marked(tmp_path: Path, widths: tuple[int, ...]) -> None:
    made = model(widths)
    store(made, tmp_path / "graph.onnx")
    assert onnx.load(tmp_path / "graph.onnx") == made


def test_an_outline_has_all_but_the_values_of_its_weights(tmp_path: Path) -> None:
    made = model()
    outline = store(made, tmp_path / "graph.onnx")
    assert outline.graph.node == made.graph.node
    assert [(t.name, list(t.dims)) for t in outline.graph.initializer] == [
        (t.name, list(t.dims)) for t in made.graph.initializer
    ]
    assert outline.ByteSize() < made.ByteSize() / 4
    assert all(t.raw_data for t in outline.graph.initializer if t.name in small_names(made))
    assert count_cost(outline) == count_cost(made)
    assert outline == outline_of(made)


def small_names(made: onnx.ModelProto) -> set[str]:
    return {t.name for t in made.graph.initializer if t.ByteSize() <= KEPT_BYTES}


def test_the_file_runs_as_the_model_does(tmp_path: Path) -> None:
    made = model()
    store(made, tmp_path / "graph.onnx")
    inputs = {"frame": np.random.default_rng(1).random((1, 3, 6, 5), np.float32)}
    plain = parity.run(made.SerializeToString(), inputs)["out"]
    assert np.array_equal(parity.run(tmp_path / "graph.onnx", inputs)["out"], plain)


def test_what_no_file_can_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.stored._BYTES_MAX", (1 << 20) + 10)
    with pytest.raises(NetworkError, match="2 GiB"):
        store(model(), tmp_path / "graph.onnx")
    assert not (tmp_path / "graph.onnx").exists()
