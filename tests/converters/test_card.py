"""Cards: what a manifest states, in words and units, with what a frame costs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from bridge.inference.manifest import (
    Cost,
    DepthOutput,
    FrameInput,
    FrameOutput,
    Graph,
    Manifest,
    Quality,
)
from bridge.inference.package import ModelPackage, save
from converters.card import card, write_card, written_card
from converters.card_figures import explanations, figure_text, quality_rows
from converters.cost_report import cost_of
from converters.graph import NetworkGraph

MODELS = Path(__file__).parents[2] / "models"


def manifest(*quality: Quality, **facts: object) -> Manifest:
    made = Manifest(
        format=1, name="tried", version="1.0.0", task="deblur", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame")], outputs=[FrameOutput(name="out")],
        cost=Cost(parameters=84, macs_per_input_pixel=81), quality=list(quality),
    )  # fmt: skip
    return msgspec.structs.replace(made, **facts)


def saved(folder: Path, stated: Manifest, output: str = "out") -> ModelPackage:
    graph = NetworkGraph()
    channels = 1 if output == "depth" else 3
    x = graph.conv("frame", np.ones((channels, 3, 3, 3), np.float32), pads=(1, 1, 1, 1))
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, output, (1, channels, "H", "W"))])
    return save(folder / stated.name, stated, {"model.onnx": model.SerializeToString()})


@pytest.mark.parametrize(
    ("metric", "value", "text"),
    [
        ("psnr_y_db", 37.09, "37.09 dB"), ("psnr_y_db", 37.1, "37.10 dB"),
        ("grid_levels", 0.1234, "0.1234 of 255"), ("flicker_ilk_255", 3.2, "3.20 of 255"),
        ("grid_over_neighbours_db", -1.5, "-1.50 dB"),
        ("pairs_worse_than_input", 2.0, "2"), ("life_change_least", 0.61, "0.61 times"),
        ("l1_of_mean_picture", 0.4873, "0.4873 times"), ("edge_energy_percent", 8.0, "8.00 %"),
        ("something", 1.23456789, "1.2346"), ("l1", 22.248, "22.248 of 255"),
    ],
)  # fmt: skip
def test_figures_have_their_units(metric: str, value: float, text: str) -> None:
    assert figure_text(metric, value) == text


def test_a_figure_stands_beside_what_it_was_compared_with() -> None:
    figure = Quality(
        dataset="reds", metric="psnr_db", value=27.1, baseline={"input": 26.07, "a, b": 28.0}
    )
    assert quality_rows([figure]) == [
        ("reds", "`psnr_db`", "**27.10 dB**", "input 26.07 dB; a, b 28.00 dB")
    ]


def test_measures_are_explained_by_the_commands_that_run_them() -> None:
    command = "framebridge models score models/tried --dataset x"
    by_task = explanations(manifest(Quality(dataset="x", metric="a", value=1.0, command=command)))
    assert any(line.startswith("`pairs`: PSNR on RGB") for line in by_task)
    assert not any("psnr-y" in line for line in by_task)
    named = Quality(dataset="x", metric="a", value=1.0, command=f"{command} --measure psnr-y")
    (line,) = explanations(manifest(named))
    assert line.startswith("`psnr-y`: ")
    assert explanations(manifest(Quality(dataset="x", metric="a", value=1.0))) == []


def test_the_card_says_what_a_frame_costs_and_that_speed_is_predicted(tmp_path: Path) -> None:
    package = saved(tmp_path, manifest(limits=["The aim of 1 dB was not reached."]))
    path = write_card(package.folder)
    text = path.read_text()
    assert text == written_card(package.folder)
    cost = cost_of(package)
    assert f"of 1280x720: {cost.macs_per_frame / 1e9:.2f} billion multiply-accumulates" in text
    assert "| predicted speed |" in text
    assert "not measured" in text
    assert "at least 22 MB for a frame of 1280x720" in text
    assert "## Known limits\n\n- The aim of 1 dB was not reached." in text


def test_a_package_whose_cost_cannot_be_told_has_a_card_without_it(tmp_path: Path) -> None:
    stated = manifest(outputs=[DepthOutput(name="depth")])
    text = written_card(saved(tmp_path, stated, "depth").folder)
    assert "predicted" not in text
    assert "# tried" in text
    assert card(stated) == text


def test_what_calculates_nothing_predicts_nothing() -> None:
    assert "predicted" not in written_card(MODELS / "passthrough")
