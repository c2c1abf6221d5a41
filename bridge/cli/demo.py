"""`framebridge demo`: an engine's frames through a model, live."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.options import AllowFallback, Backend, Compute, Json, Provider, parameters
from bridge.cli.output import print_json
from bridge.demo.run import DemoOptions, run
from bridge.errors import UsageError
from bridge.inference.runner import RunOptions

MOST_PIXELS = 4096
"""Of a side: the engine draws at twice the size, in memory."""


def command(
    model: Annotated[str, typer.Option(help="Name of a package, or its folder.")] = "upscale-x2",
    seconds: Annotated[
        float | None,
        typer.Option(min=0.5, max=3600, help="How long; by default 10, or until you have drawn."),
    ] = None,
    size: Annotated[str, typer.Option(help="Of the source's frames, as WIDTHxHEIGHT.")] = "",
    policy: Annotated[
        str,
        typer.Option(
            help="latest: the newest frame wins; lockstep: every frame is answered; free: the"
            " model ticks by itself. By default what suits the model."
        ),
    ] = "",
    source: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A clip or picture in place of the engine."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter, as name=value. Repeatable.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Of a model that ticks by itself.")
    ] = 0,
    inject: Annotated[
        bool, typer.Option("--inject", help="Feed the engine to a model that ticks by itself.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Folder for report, clip and picture.")] = Path(
        "out/demo"
    ),
    provider: Provider = "auto",
    allow_fallback: AllowFallback = False,
    backend: Backend = "auto",
    compute: Compute = "float32",
    as_json: Json = False,
) -> None:
    """Render a scene, run each frame through a model, and show what it took.

    What takes no frame, or goes on from its own last picture, plays by itself; what turns line
    drawings into pictures gets a sheet to draw on.
    """
    if policy not in ("", "latest", "lockstep", "free"):
        raise UsageError("--policy", "latest, lockstep or free", repr(policy))
    outcome = run(
        DemoOptions(
            model=model,
            seconds=seconds,
            size=_size(size) if size else None,
            policy=policy,
            clip=source,
            seed=seed,
            inject=inject,
            parameters=parameters(set_ or []),
            output=output,
            running=RunOptions(provider, allow_fallback, backend=backend, compute=compute),
        )
    )
    if as_json:
        print_json({**asdict(outcome), "folder": str(outcome.folder)})
    else:
        print(outcome.summary)
    if outcome.compared:
        print(outcome.proof, file=sys.stderr)
    print(f"Pictures and figures: {outcome.folder}", file=sys.stderr)
    if not outcome.shown:
        print("No result came back in time: the machine is too busy, or --seconds too few.",
              file=sys.stderr)  # fmt: skip
    if not outcome.shown or (outcome.compared and not outcome.exact):
        raise typer.Exit(1)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    sides = [int(side) for side in (width, height) if side.isdecimal()]
    if len(sides) != 2 or not all(1 <= side <= MOST_PIXELS for side in sides):
        expected = f"WIDTHxHEIGHT up to {MOST_PIXELS}, for example 640x360"
        raise UsageError("--size", expected, repr(text))
    return int(width), int(height)
