"""Stated figures are held against measured ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, Quality
from bridge.inference.package import ModelPackage, save
from converters.graph import NetworkGraph
from converters.scores.catalogue import score
from models.recipes.check.__main__ import verdict
from models.recipes.check.figures import Row, Steps, check_figures, steps_of, tolerance
from models.recipes.check.loading import Loaded

ROOT = Path(__file__).parents[3]
COMMAND = "framebridge models score models/double --dataset pictures"


def package(root: Path, *quality: Quality) -> ModelPackage:
    """Enlarges to twice the size by nearest neighbours."""
    graph = NetworkGraph()
    x = graph.nearest("frame", 2)
    model = graph.model([("frame", (1, 3, "H", "W"))], [(x, "out", (1, 3, "H2", "W2"))])
    manifest = Manifest(
        format=1, name="double", version="1.0.0", task="upscale", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame")], outputs=[FrameOutput(name="out", scale=2)],
        quality=list(quality),
    )  # fmt: skip
    return save(root / "models" / "double", manifest, {"model.onnx": model.SerializeToString()})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    random = np.random.default_rng(2)
    for index in range(2):
        soft = Image.fromarray(random.integers(0, 256, (8, 9, 3), np.uint8))
        soft.resize((36, 32), Image.Resampling.BICUBIC).save(tmp_path / f"pictures/{index}.png")
    return tmp_path


def true_figures(root: Path) -> list[Quality]:
    return [
        Quality(
            dataset="two", metric=figure.metric, value=round(figure.value, 2),
            baseline={"bicubic": round(figure.baseline["bicubic"], 3), "published": 99.0},
            command=COMMAND,
        )
        for figure in score(package(root), root / "pictures")
    ]  # fmt: skip


def test_true_figures_and_baselines_pass(root: Path) -> None:
    told: list[str] = []
    made = package(root, *true_figures(root))
    rows = check_figures([made], root, lambda done, count, name: told.append(name))
    assert [(row.what, row.fault, row.missing) for row in rows] == [
        ("psnr_y_db", "", ""), ("psnr_y_db: bicubic", "", ""),
        ("psnr_y_rgb8_db", "", ""), ("psnr_y_rgb8_db: bicubic", "", ""),
    ]  # fmt: skip
    assert all(row.found is not None and row.stated is not None for row in rows)
    assert told == ["0.png", "1.png"], "one command is run once"


def test_what_differs_is_named(root: Path) -> None:
    first, second = true_figures(root)
    first = msgspec.structs.replace(first, value=first.value + 0.02)
    second = msgspec.structs.replace(second, baseline={"bicubic": 12.345})
    rows = check_figures([package(root, first, second)], root)
    assert [bool(row.fault) for row in rows] == [True, False, False, True]
    assert rows[0].fault.startswith("off by -0.0")


def test_a_baseline_that_is_measured_must_be_stated(root: Path) -> None:
    first = msgspec.structs.replace(true_figures(root)[0], baseline={})
    rows = check_figures([package(root, first)], root)
    assert [row.fault for row in rows] == ["", "not stated"]


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("", "no command"),
        ("python -m evaluate models/double", "no command"),
        ("framebridge models score models/double", "--dataset"),
        ("framebridge models score models/double --dataset pictures; rm", "unrecognized"),
        ("framebridge models score models/other --dataset pictures", "another package"),
        (f"{COMMAND} --measure none", "--measure"),
        (f"{COMMAND} --measure pairs", "at their size"),
    ],
)
def test_a_command_that_cannot_be_run_is_a_fault(root: Path, command: str, fault: str) -> None:
    figure = Quality(dataset="two", metric="psnr_y_db", value=1.0, command=command)
    (row,) = check_figures([package(root, figure)], root)
    assert fault in row.fault
    assert row.stated == 1.0


def test_a_metric_that_the_command_does_not_give_is_a_fault(root: Path) -> None:
    figure = Quality(dataset="two", metric="psnr_db", value=1.0, command=COMMAND)
    (row,) = check_figures([package(root, figure)], root)
    assert "gives no such metric, but psnr_y_db" in row.fault


def test_a_figure_that_was_rounded_up_is_told() -> None:
    assert Row("a", "b", "psnr_db", 37.1, 37.096).flatters
    assert not Row("a", "b", "psnr_db", 37.1, 37.104).flatters
    assert not Row("a", "b", "psnr_db: input", 37.1, 37.096).flatters
    assert not Row("a", "b", "life_change_least", 37.1, 37.096).flatters


def test_figures_whose_data_is_not_there_are_told(root: Path) -> None:
    figures = true_figures(root)
    (root / "pictures").rename(root / "elsewhere")
    rows = check_figures([package(root, *figures)], root)
    assert [(row.what, row.fault, row.missing) for row in rows] == [
        ("psnr_y_db", "", "no pictures"), ("psnr_y_rgb8_db", "", "no pictures"),
    ]  # fmt: skip


def test_the_last_decimal_that_was_stated_is_what_may_differ() -> None:
    assert tolerance(37.1) == tolerance(37.09) == tolerance(3.0) == pytest.approx(0.01)
    assert tolerance(0.487) == pytest.approx(0.001)
    assert tolerance(0.48712345) == tolerance(1e-7) == pytest.approx(0.0001)


def test_a_command_is_taken_apart_by_words() -> None:
    assert steps_of(COMMAND) == Steps([], "models/double", "pictures", "")
    command = "framebridge models score models/a --measure grid --dataset '../a b/c'"
    assert steps_of(command) == Steps([], "models/a", "../a b/c", "grid")
    made = steps_of(f"python -m models.recipes.x.draw --to 'out/a b' && {command}")
    assert made.before == [["models.recipes.x.draw", "--to", "out/a b"]]
    for other in ("rm -r x", "python -m os", "python -c pass", "python"):
        with pytest.raises(ValueError, match="expected `python -m"):
            steps_of(f"{other} && {command}")


def test_what_makes_the_dataset_runs_first(root: Path) -> None:
    figures = true_figures(root)
    (root / "pictures").rename(root / "drawn")
    (root / "models" / "recipes").mkdir()
    (root / "models" / "recipes" / "__init__.py").touch()
    draw = "import sys\nfrom pathlib import Path\nPath('drawn').rename(sys.argv[1])\n"
    (root / "models" / "recipes" / "draw.py").write_text(draw)
    first = f"python -m models.recipes.draw pictures && {COMMAND}"
    figures = [msgspec.structs.replace(figure, command=first) for figure in figures]
    rows = check_figures([package(root, *figures)], root)
    assert [(row.fault, row.missing) for row in rows] == [("", "")] * 4
    rows = check_figures([package(root, *figures)], root)
    assert all("FileNotFoundError" in row.fault for row in rows)


def test_the_command_tells_by_its_exit_status(root: Path) -> None:
    figures = true_figures(root)
    package(root, *figures)
    done = check(root, "--json", "--figures-only")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["figures"]) == 4
    assert "2 of 2: 1.png" in done.stderr
    package(root, figures[0], msgspec.structs.replace(figures[1], value=5.0))
    done = check(root, "double", "--figures-only")
    assert done.returncode == 1
    assert "off by +" in done.stdout
    (root / "pictures").rename(root / "elsewhere")
    done = check(root)
    assert done.returncode == 3
    assert "no pictures" in done.stdout
    assert "double  " in done.stdout.partition("ready after")[2]


def test_what_differs_weighs_more_than_what_is_missing() -> None:
    good, wrong = Row("a", "b", "c"), Row("a", "b", "c", fault="off")
    absent, slow = Row("a", "b", "c", missing="no data"), Loaded("a", (8, 8), 3.0, missing="busy")
    assert verdict([good], []) == 0
    assert verdict([good, absent], []) == verdict([good], [slow]) == 3
    assert verdict([absent, wrong], [slow]) == 1


def check(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT), str(ROOT / "engine_plugin" / "python")]
    return subprocess.run(
        [sys.executable, "-m", "models.recipes.check", *words], cwd=root, capture_output=True,
        text=True, timeout=100, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
