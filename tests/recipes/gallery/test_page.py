"""docs/models.md says what the manifests say, and shows every shipped package."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from bridge.inference.package import ModelPackage
from bridge.supervisor.library import shipped_folder
from models.recipes.gallery.page import PAGE, PICTURES, page, shipped
from tests.inference.small_models import generator, knobs, network

ROOT = Path(__file__).parents[3]
PACKAGES = [
    ModelPackage.peek(path.parent) for path in sorted(shipped_folder().glob("*/model.toml"))
]
NAMES = [package.name for package in shipped(PACKAGES)]
WRITTEN = (ROOT / PAGE).read_text(encoding="utf-8")
AGAIN = "run `python -m models.recipes.gallery`"


def test_the_page_is_what_the_manifests_say() -> None:
    assert page(PACKAGES) == WRITTEN, AGAIN


@pytest.mark.parametrize("name", NAMES)
def test_every_package_has_its_picture(name: str) -> None:
    path = ROOT / PAGE.parent / PICTURES / f"{name}.png"
    assert path.is_file(), AGAIN
    assert 2_000 < path.stat().st_size <= 200_000
    with Image.open(path) as picture:
        assert picture.width >= 600


def test_no_picture_is_left_of_a_package_that_is_gone() -> None:
    found = {path.stem for path in (ROOT / PAGE.parent / PICTURES).glob("*.png")}
    assert found == set(NAMES)


def test_a_link_in_the_table_leads_to_each_section() -> None:
    anchors = re.findall(r"\[`[^`]+`\]\(#([^)]+)\)", WRITTEN)
    headings = re.findall(r"^### (.+)$", WRITTEN, re.MULTILINE)
    assert anchors == headings == NAMES


def test_figures_knobs_and_limits_of_any_package_come_through(tmp_path: Path) -> None:
    turning = knobs().stating(
        name="turning", description="Turns. And turns again.", limits=["Not on Sundays."]
    )
    packages = [
        turning.write(tmp_path / "turning"),
        generator().stating(name="dreamer", task="generate").write(tmp_path / "dreamer"),
        network(scale=2, tail="DCR")
        .stating(name="grower", task="upscale")
        .write(tmp_path / "grower"),
    ]
    text = page(packages)
    assert text.index("### grower") < text.index("### turning") < text.index("### dreamer")
    assert "| Turns. |" in text
    assert "- Not on Sundays." in text
    assert "framebridge demo --model turning --set look=dim" in text
    assert "framebridge demo --model dreamer --seed 7" in text
    assert "| gives | 2 times the width and height |" in text
    assert "| takes | nothing: it plays by itself |" in text
