"""Options that several commands share, spelled and explained once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.errors import UsageError
from bridge.inference.backends.onnxruntime import PROVIDERS

_PROVIDERS = ("auto", *PROVIDERS)


def _known_provider(name: str) -> str:
    if name not in _PROVIDERS:
        raise UsageError("--provider", f"one of {', '.join(_PROVIDERS)}", repr(name))
    return name


Provider = Annotated[
    str,
    typer.Option(help=f"Execution provider: {', '.join(_PROVIDERS)}.", callback=_known_provider),
]
AllowFallback = Annotated[
    bool, typer.Option("--allow-fallback", help="Take another provider where that one is missing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ModelFolders = Annotated[
    list[Path] | None,
    typer.Option("--models", help="A folder of packages, before all others. Repeatable."),
]


def parameters(assignments: list[str]) -> dict[str, Any]:
    """`name=value` words as a map; values are JSON where they can be read as it, else text.

    Raises: UsageError.
    """
    values = {}
    for word in assignments:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise UsageError("parameter", "name=value", repr(word), "For example: strength=0.5")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values
