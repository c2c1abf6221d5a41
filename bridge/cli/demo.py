"""`framebridge demo`: an engine's frames through a model, live."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.options import AllowFallback, Backend, Compute, Json, Provider
from bridge.cli.output import print_json
from bridge.demo.run import DemoOptions, run
from bridge.errors import UsageError
from bridge.inference.runner import RunOptions

MOST_PIXELS = 4096
"""Of a side: the engine draws at twice the size, in memory."""


def command(
    model: Annotated[str, typer.Option(help="Name of a package, or its folder.")] = "upscale-x2",
    seconds: Annotated[float, typer.Option(min=0.5, max=3600, help="How long.")] = 10.0,
    size: Annotated[str, typer.Option(help="Of the source's frames, as WIDTHxHEIGHT.")] = "",
    policy: Annotated[
        str, typer.Option(help="latest: the newest frame wins; lockstep: every frame is answered.")
    ] = "latest",
    source: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A clip in place of the engine.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for report, clip and picture.")] = Path(
        "out/demo"
    ),
    provider: Provider = "auto",
    allow_fallback: AllowFallback = False,
    backend: Backend = "auto",
    compute: Compute = "float32",
    as_json: Json = False,
) -> None:
    """Render a scene, run each frame through a model, and show what it took."""
    if policy not in ("latest", "lockstep"):
        raise UsageError("--policy", "latest or lockstep", repr(policy))
    outcome = run(
        DemoOptions(
            model=model,
            seconds=seconds,
            size=_size(size) if size else None,
            policy=policy,
            clip=source,
            output=output,
            running=RunOptions(provider, allow_fallback, backend=backend, compute=compute),
        )
    )
    if as_json:
        print_json({**asdict(outcome), "folder": str(outcome.folder)})
    else:
        print(outcome.summary)
    equal = "equal" if outcome.exact else "DIFFER FROM"
    note = f"The first {outcome.replayed} frames, replayed in lockstep, {equal} `framebridge apply`"
    print(f"{note}{' byte for byte' if outcome.exact else ''}.", file=sys.stderr)
    print(f"Pictures and figures: {outcome.folder}", file=sys.stderr)
    if not outcome.shown:
        print("No result came back in time: the machine is too busy, or --seconds too few.",
              file=sys.stderr)  # fmt: skip
    if not (outcome.exact and outcome.shown):
        raise typer.Exit(1)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    sides = [int(side) for side in (width, height) if side.isdecimal()]
    if len(sides) != 2 or not all(1 <= side <= MOST_PIXELS for side in sides):
        expected = f"WIDTHxHEIGHT up to {MOST_PIXELS}, for example 640x360"
        raise UsageError("--size", expected, repr(text))
    return int(width), int(height)
