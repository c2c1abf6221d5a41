"""The recipes of style-ink, style-oil and style-mosaic."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from ..recipe import Options, Recipe
from .bank import HELD_BACK
from .learner import learner
from .painting import Painting
from .render import PAINTINGS

STEPS = {"ink": 6000, "oil": 5000, "mosaic": 5000}


def _export(painting: Painting, checkpoint: dict[str, Any], folder: Path, options: Options) -> None:
    from .export import export

    export(painting, checkpoint, folder, options)


RECIPES = {
    f"style-{name}": Recipe(
        name=f"style-{name}",
        steps=STEPS[name],
        learner=partial(learner, painting, held_back=HELD_BACK),
        export=partial(_export, painting),
    )
    for name, painting in PAINTINGS.items()
}
