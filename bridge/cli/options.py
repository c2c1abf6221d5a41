"""Options that several commands share, spelled and explained once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.errors import UsageError
from bridge.frames import MAX_SIDE
from bridge.inference.backends.onnxruntime import PROVIDERS
from bridge.inference.selection import BACKENDS, COMPUTES

_PROVIDERS = ("auto", *PROVIDERS)


def _one_of(option: str, known: tuple[str, ...]) -> Callable[[str], str]:
    def check(name: str) -> str:
        if name not in known:
            raise UsageError(option, f"one of {', '.join(known)}", repr(name))
        return name

    return check


Provider = Annotated[
    str,
    typer.Option(
        help=f"Execution provider: {', '.join(_PROVIDERS)}.",
        callback=_one_of("--provider", _PROVIDERS),
    ),
]
Backend = Annotated[
    str,
    typer.Option(
        help=f"What runs the model: {', '.join(BACKENDS)}, where auto is the fastest exact one.",
        callback=_one_of("--backend", BACKENDS),
    ),
]
Compute = Annotated[
    str,
    typer.Option(
        help=f"What it calculates in: {', '.join(COMPUTES)}. bf16 is faster where the processor"
        " has it, and not exact; auto takes it where it is.",
        callback=_one_of("--compute", COMPUTES),
    ),
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


def size_of(text: str) -> tuple[int, int]:
    """Width and height of `WIDTHxHEIGHT`.

    Raises: UsageError.
    """
    width, _, height = text.lower().partition("x")
    sides = [int(side) for side in (width, height) if side.isdecimal() and len(side) < 6]
    if len(sides) != 2 or not all(1 <= side <= MAX_SIDE for side in sides):
        raise UsageError(
            "--size", f"WIDTHxHEIGHT up to {MAX_SIDE}, for example 640x360", repr(text)
        )
    return sides[0], sides[1]
