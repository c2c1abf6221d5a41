"""Which module has the recipe of which package."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # names can be read without PyTorch
    from .recipe import Recipe

# `.module` of this folder: RECIPES there maps a package's name to its Recipe. Imported when wanted,
# since they need PyTorch.
_MODULES: dict[str, str] = {
    "upscale-x2": ".upscale.recipes",
    "upscale-x2-fast": ".upscale.recipes",
    "upscale-x3": ".upscale.recipes",
    "upscale-x4": ".upscale.recipes",
    "deblur-motion": ".deblur.recipe",
    "style-ink": ".style.recipes",
    "style-oil": ".style.recipes",
    "style-mosaic": ".style.recipes",
    "edges-to-shoes": ".edges_to_shoes.recipes",
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
