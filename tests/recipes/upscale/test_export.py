"""From a checkpoint to a package with card and preview."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from bridge.inference.package import ModelPackage  # noqa: E402
from models.recipes.recipe import Options  # noqa: E402
from models.recipes.training.loop import CHECKPOINT, Run  # noqa: E402
from models.recipes.upscale.data import Sample  # noqa: E402
from models.recipes.upscale.export import export_package  # noqa: E402
from models.recipes.upscale.learner import Teaching, UpscaleLearner  # noqa: E402
from models.recipes.upscale.network import Shape  # noqa: E402
from models.recipes.upscale.recipes import RECIPES  # noqa: E402


def checkpoint(shape: Shape, path: Path, name: str) -> dict[str, object]:
    side = 10 * shape.scale
    samples = [Sample(torch.rand(1, 10, 10), torch.zeros(1, side, side))]
    run = Run(name, UpscaleLearner(shape, samples, samples, 1, Teaching(8, 1)), 1, 5)
    path.parent.mkdir(parents=True, exist_ok=True)
    run.save(path)
    state: dict[str, object] = torch.load(path, weights_only=True)
    return state


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_checkpoint_becomes_a_package_measured_where_test_sets_are(
    scale: int, tmp_path: Path
) -> None:
    random = np.random.default_rng(1)
    folder = tmp_path / "sr-images" / "set5"
    folder.mkdir(parents=True)
    Image.fromarray(random.integers(0, 256, (50, 41, 3), np.uint8)).save(folder / "a.png")
    shape = Shape(scale, 4, 1, 3)
    state = checkpoint(shape, tmp_path / CHECKPOINT, "small")
    export_package("small", shape, state, tmp_path / "small", Options(data=tmp_path))
    manifest = ModelPackage.open(tmp_path / "small").manifest
    assert manifest.tiling.overlap == 4
    assert [(q.dataset, q.metric) for q in manifest.quality] == [
        ("Set5", "psnr_y_db"), ("Set5", "psnr_y_rgb8_db")
    ]  # fmt: skip
    first = manifest.quality[0]
    assert first.value <= first.baseline["bicubic"] + 0.5
    assert first.baseline["c-DCSCN, published"] > 30
    assert "set5" in first.command
    card = (tmp_path / "small" / "README.md").read_text(encoding="utf-8")
    assert "(preview.png)" in card
    with Image.open(tmp_path / "small" / "preview.png") as sheet:
        assert sheet.width > 3 * 80 * scale


def test_x3_begins_where_x2_ended_and_says_so_if_it_has_not(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    pictures = tmp_path / "train-images"
    pictures.mkdir()
    for index in range(20):
        pixels = random.integers(0, 256, (180, 180, 3), np.uint8)
        Image.fromarray(pixels).save(pictures / f"{index:02}.png")
    options = Options(data=tmp_path, trained=tmp_path)
    recipe = RECIPES["upscale-x3"]
    with pytest.raises(FileNotFoundError, match="train upscale-x2 first"):
        recipe.learner(options)
    x2 = RECIPES["upscale-x2"].learner(options)
    (tmp_path / "upscale-x2").mkdir()
    Run("upscale-x2", x2, 1, 5).save(tmp_path / "upscale-x2" / CHECKPOINT)
    x3 = recipe.learner(options)
    wanted, found = (a.averages["upscale"].state_dict() for a in (x2, x3))
    assert torch.equal(wanted["body.0.0.weight"], found["body.0.0.weight"])
    assert found["tail.weight"].shape[0] == 9
