"""What the wheel takes along beside its modules: every package under `models/`, and the recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = "bridge/shipped_models"
MANIFEST = "model.toml"
RECIPES = "bridge/recipes"
"""Modules, which import each other relatively: `framebridge train` finds them here."""


def shipped(root: Path) -> dict[str, str]:
    """Each file of each package: where it is, and where it goes in the wheel.

    What begins with a dot is left behind by something that was stopped, and stays behind.
    """
    folders = sorted(path.parent for path in (root / "models").glob(f"[!.]*/{MANIFEST}"))
    return {
        str(file): f"{SHIPPED}/{folder.name}/{file.name}"
        for folder in folders
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(".")
    }


class ShippedModels(BuildHookInterface[Any]):
    """Adds them to a wheel, but not to an editable one: there the checkout's are found."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """
        Raises: ValueError: there is not one package.
        """
        if self.target_name != "wheel" or version == "editable":
            return
        files = shipped(Path(self.root))
        if not files:
            raise ValueError(f"{self.root}/models holds no packages: the wheel would be empty")
        build_data["force_include"].update(files)
        build_data["force_include"][str(Path(self.root, "models", "recipes"))] = RECIPES
