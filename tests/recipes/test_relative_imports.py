"""Recipes lie in a checkout as `models.recipes` and in the wheel as `bridge.recipes`."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

RECIPES = Path(__file__).parents[2] / "models" / "recipes"
FILES = sorted(RECIPES.rglob("*.py"))


def test_every_recipe_is_looked_at() -> None:
    assert RECIPES / "next_frame" / "footage" / "run.py" in FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(RECIPES)))
def test_recipes_import_each_other_relatively(path: Path) -> None:
    named = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            named.append(node.module or "")
    assert not [name for name in named if name.split(".")[0] == "models" or "recipes" in name]
