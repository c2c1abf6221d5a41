"""Every package under `models/` is complete, and says where it comes from."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hatchling.builders.sdist import SdistBuilder
from PIL import Image

from bridge.inference.manifest import FrameInput, StateInput
from bridge.inference.package import ModelPackage
from converters.card import written_card
from converters.cost import count_cost
from hatch_build import SHIPPED, shipped
from models.recipes.catalogue import NAMES
from models.recipes.check.figures import steps_of

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.parent for path in (ROOT / "models").glob("*/model.toml"))
MOST_BYTES = 40_000_000
PICTURE_BYTES = 1_500_000

shipped_packages = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
trained_packages = pytest.mark.parametrize(
    "folder", [f for f in FOLDERS if f.name != "passthrough"], ids=lambda folder: folder.name
)


def test_all_of_them_go_into_the_wheel_and_stay_small() -> None:
    files = shipped(ROOT)
    assert {Path(goes).parent.name for goes in files.values()} == {f.name for f in FOLDERS}
    for folder in FOLDERS:
        for name in ("model.toml", "README.md"):
            assert files[str(folder / name)] == f"{SHIPPED}/{folder.name}/{name}"
        for graph in ModelPackage.open(folder).manifest.graphs:
            assert str(folder / graph.file) in files
    assert sum(Path(file).stat().st_size for file in files) < MOST_BYTES


def test_the_source_distribution_has_what_the_wheel_is_made_of(tmp_path: Path) -> None:
    (archive,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path))
    with tarfile.open(archive) as packed:
        inside = {name.partition("/")[2] for name in packed.getnames()}
    wanted = {Path(file).relative_to(ROOT).as_posix() for file in shipped(ROOT)}
    assert wanted | {"hatch_build.py", "pyproject.toml"} <= inside


def test_what_a_stopped_run_left_behind_is_not_shipped(tmp_path: Path) -> None:
    for name in ("good/model.toml", "good/.part", ".good-x1/model.toml", "recipes/make.py"):
        (tmp_path / "models" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "models" / name).touch()
    assert list(shipped(tmp_path).values()) == ["bridge/shipped_models/good/model.toml"]


@shipped_packages
def test_its_manifest_says_what_it_is_and_whose(folder: Path) -> None:
    manifest = ModelPackage.open(folder).manifest
    assert manifest.name == folder.name
    assert manifest.title
    assert manifest.architecture
    assert len(manifest.description) > 40
    assert manifest.license == "MIT"
    assert manifest.deterministic
    assert manifest.source.recipe
    port = manifest.frame_input
    assert port is None or port.name == "frame"
    assert manifest.frame_output is not None
    assert port is not None or manifest.frame_output.size


@shipped_packages
def test_its_graphs_load_and_cost_what_is_stated(folder: Path) -> None:
    package = ModelPackage.open(folder)
    for graph in package.manifest.graphs:
        model = package.load_graph(graph.precision)
        assert model.ir_version <= 10
        assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 17)]
    assert count_cost(package.load_graph()) == package.manifest.cost


@shipped_packages
def test_its_card_is_that_of_its_manifest(folder: Path) -> None:
    written = (folder / "README.md").read_text(encoding="utf-8")
    assert written == written_card(folder), "write it again: python -m converters.card"


@trained_packages
def test_its_card_shows_what_it_makes(folder: Path) -> None:
    assert "](preview.png)" in (folder / "README.md").read_text(encoding="utf-8")
    path = folder / "preview.png"
    assert path.stat().st_size < PICTURE_BYTES
    with Image.open(path) as picture:
        picture.load()
        assert picture.format == "PNG"
        assert min(picture.size) >= 100


@trained_packages
def test_its_recipe_is_there_and_its_data_are_named(folder: Path) -> None:
    source = ModelPackage.open(folder).manifest.source
    assert len(source.data) > 10
    named = re.findall(r"make train NAME=(\S+)", source.recipe)
    if named:
        # The last makes it; those before it make what it starts from.
        assert named[-1] == folder.name
        assert set(named) <= set(NAMES)
    else:
        module = re.match(r"python -m (models\.recipes(\.\w+)+)", source.recipe)
        assert module, "neither `make train NAME=...` nor `python -m models.recipes...`"
        assert (ROOT / module[1].replace(".", "/")).with_suffix(".py").is_file()


@trained_packages
def test_it_was_compared_with_the_network_that_was_trained(folder: Path) -> None:
    for graph in ModelPackage.open(folder).manifest.graphs:
        assert graph.parity is not None
        assert graph.parity.unit == "of 255"
        assert 0 <= graph.parity.max_abs_error < 0.1


@trained_packages
def test_its_figures_can_be_measured_again(folder: Path) -> None:
    """`make models-check` measures them; here it is seen that it can."""
    quality = ModelPackage.open(folder).manifest.quality
    assert quality
    for figure in quality:
        assert steps_of(figure.command).package == f"models/{folder.name}"


@shipped_packages
def test_it_does_not_need_an_engine_and_forgets_nothing(folder: Path) -> None:
    """What has no frame input draws from a state or a latent code; states are fed."""
    manifest = ModelPackage.open(folder).manifest
    inputs: list[Any] = list(manifest.inputs)
    states = [port for port in inputs if isinstance(port, StateInput)]
    if not any(isinstance(port, FrameInput) for port in inputs):
        assert states or any(type(port).__name__ == "LatentInput" for port in inputs)
    fed = [port for port in manifest.outputs if type(port).__name__ == "StateOutput"]
    assert len(fed) == len(states)
