"""Which module has the recipe of which package."""

from __future__ import annotations

from importlib import import_module

from .recipe import Recipe

# `.module` of this folder: RECIPES there maps a package's name to its Recipe. Imported when wanted,
# since they need PyTorch.
_MODULES: dict[str, str] = {
    "next-start": ".next_frame.recipes",
    "next-fluid": ".next_frame.recipes",
    "next-growth": ".next_frame.recipes",
}

NAMES = tuple(_MODULES)


def recipe_of(name: str) -> Recipe:
    """
    Raises: KeyError: no recipe has that name.
    """
    module = import_module(_MODULES[name], __package__)
    found: Recipe = module.RECIPES[name]
    return found
