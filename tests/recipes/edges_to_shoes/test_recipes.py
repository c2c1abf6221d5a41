"""The recipe, as `make train` finds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from models.recipes.catalogue import recipe_of  # noqa: E402
from models.recipes.edges_to_shoes.learner import ShoesLearner  # noqa: E402
from models.recipes.edges_to_shoes.recipes import PAIRS  # noqa: E402
from models.recipes.recipe import Options  # noqa: E402


def test_without_pairs_it_says_which_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{PAIRS}.*(?s:.)*--data"):
        recipe_of("edges-to-shoes").learner(Options(data=tmp_path))


def test_it_never_sees_the_pairs_that_are_held_back(tmp_path: Path) -> None:
    folder = tmp_path / PAIRS
    folder.mkdir(parents=True)
    for index in range(9):
        both = np.full((256, 512, 3), 255, np.uint8)
        both[100:104, 100:140] = 0
        both[:, 256:] = 10 * index
        Image.fromarray(both).save(folder / f"{index}.png")
    learner = recipe_of("edges-to-shoes").learner(Options(data=tmp_path))
    assert isinstance(learner, ShoesLearner)
    seen = 255 * (1 - learner.variation.pairs.ink[:, 0, 0, 0])
    assert [round(float(grey)) for grey in seen] == [10, 20, 30, 40, 50, 60, 80]
