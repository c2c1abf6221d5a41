"""`framebridge apply`: a package on pictures and videos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bridge.apply import Applier, apply
from bridge.cli.options import (
    AllowFallback,
    Backend,
    Compute,
    Json,
    ModelFolders,
    Provider,
    parameters,
)
from bridge.cli.output import print_json
from bridge.inference.runner import RunOptions
from bridge.media import Input
from bridge.supervisor.library import Library


def command(
    package: Annotated[str, typer.Argument(help="Name of a package, or a folder that holds one.")],
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="Picture, folder or video.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Picture, folder or video.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter, as name=value. Repeatable.")
    ] = None,
    provider: Provider = "auto",
    allow_fallback: AllowFallback = False,
    backend: Backend = "auto",
    compute: Compute = "float32",
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """Run a package on a picture, a folder of pictures or a video."""
    frames = Input(source)
    found = Library(models).find(package)
    applier = Applier(
        found,
        RunOptions(provider, allow_fallback, backend=backend, compute=compute),
        parameters(set_ or []),
    )
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    done = 0
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        task = progress.add_task(found.name, total=frames.count or None)
        for name in apply(applier, frames, target):
            done += 1
            progress.update(task, advance=1, description=f"{found.name} {name}")
    if as_json:
        print_json(
            {"package": found.name, "sha256": found.sha256, "frames": done, "output": str(target)}
        )
    else:
        print(f"{done} frame{'s' if done != 1 else ''} through {found.name} into {target}")
