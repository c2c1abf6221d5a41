"""A graph on a picture, for its card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.inference.manifest import (
    Cost,
    FrameInput,
    FrameOutput,
    Graph,
    LatentInput,
    Manifest,
    ParameterInput,
    Size,
)
from converters.drawing import draw
from converters.graph import NetworkGraph
from converters.showing import show


def manifest(inputs: list[Any], outputs: list[Any], macs: int = 1) -> Manifest:
    graph = Graph(file="model.onnx", precision="float32", sha256="0" * 64)
    return Manifest(
        format=1, name="n", version="1.0.0", task="stylize", license="MIT", graphs=[graph],
        inputs=inputs, outputs=outputs, cost=Cost(macs_per_input_pixel=macs),
    )  # fmt: skip


def written(folder: Path, graph: NetworkGraph, inputs: list[Any], outputs: list[Any]) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(graph.model(inputs, outputs).SerializeToString())
    return path


def negative(folder: Path, low: float, high: float, sides: tuple[Any, Any] = ("H", "W")) -> Path:
    graph = NetworkGraph()
    x = graph.affine("frame", -1, low + high)
    return written(folder, graph, [("frame", (1, 3, *sides))], [(x, "out", (1, 3, *sides))])


@pytest.mark.parametrize("range_", [[0.0, 1.0], [-1.0, 1.0], [0.0, 255.0]])
def test_the_result_is_what_the_graph_makes_in_any_range(
    tmp_path: Path, range_: list[float]
) -> None:
    picture = draw(40, 30)
    made = manifest(
        [FrameInput(name="frame", range=range_)], [FrameOutput(name="out", range=range_)]
    )
    shown = show(made, negative(tmp_path, *range_), picture)
    assert np.array_equal(shown.panels[0].pixels, picture)
    assert np.array_equal(shown.panels[1].pixels, 255 - picture)
    assert "40x30" in shown.rate


def test_a_fixed_size_is_met(tmp_path: Path) -> None:
    port = FrameInput(name="frame", size=Size(fixed=[16, 8]))
    shown = show(
        manifest([port], [FrameOutput(name="out")]), negative(tmp_path, 0, 1, (8, 16)), draw()
    )
    assert shown.panels[1].pixels.shape == (8, 16, 3)


def test_a_multiple_is_padded_and_cut_again(tmp_path: Path) -> None:
    port = FrameInput(name="frame", size=Size(multiple_of=32))
    shown = show(
        manifest([port], [FrameOutput(name="out")]), negative(tmp_path, 0, 1), draw(45, 33)
    )
    assert shown.panels[1].pixels.shape == (33, 45, 3)


def test_a_costly_network_is_shown_a_smaller_picture(tmp_path: Path) -> None:
    made = manifest([FrameInput(name="frame")], [FrameOutput(name="out")], macs=30_000_000)
    shown = show(made, negative(tmp_path, 0, 1), draw())
    height, width, _ = shown.panels[1].pixels.shape
    assert height * width <= 1100


def test_a_network_on_luma_keeps_the_colours(tmp_path: Path) -> None:
    graph = NetworkGraph()
    x = graph.nearest("frame", 2)
    path = written(tmp_path, graph, [("frame", (1, 1, "H", "W"))], [(x, "out", (1, 1, "H2", "W2"))])
    port = FrameInput(name="frame", channels="Y", luma="full")
    out = FrameOutput(name="out", channels="Y", luma="full", scale=2)
    before, after = show(manifest([port], [out]), path, draw(64, 48)).panels
    assert before.pixels.shape == after.pixels.shape == (96, 128, 3)
    colour = np.ptp(after.pixels.astype(int), axis=2)
    assert np.abs(colour - np.ptp(before.pixels.astype(int), axis=2)).mean() < 3


def test_a_generator_is_shown_by_several_codes(tmp_path: Path) -> None:
    graph = NetworkGraph()
    x = graph.add("Mul", ["code", "strength"])
    x = graph.reshape(x, (1, 3, 2, 2))
    path = written(
        tmp_path, graph, [("code", (1, 12)), ("strength", (1,))], [(x, "out", (1, 3, 2, 2))]
    )
    knob = ParameterInput(name="strength", kind="float", default=0.5, min=0, max=1)
    made = manifest(
        [LatentInput(name="code", length=12), knob], [FrameOutput(name="out", size=[2, 2])]
    )
    shown = show(made, path, draw())
    assert len(shown.panels) == 4
    assert len({panel.pixels.tobytes() for panel in shown.panels}) == 4
