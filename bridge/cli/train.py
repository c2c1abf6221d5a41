"""`framebridge train`: a package from an artist's own footage."""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.status import Status

from bridge.cli.options import Json
from bridge.errors import (
    FramebridgeError,
    PackageNotFoundError,
    UsageError,
)
from bridge.supervisor.library import Library, user_folder

app = typer.Typer(help="Train a package from your own footage.", no_args_is_help=True)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_STOPPED = 130


@app.callback()
def _group() -> None:
    # Without it, typer makes the only command of a group the group itself.
    pass


@app.command("next-frame")
def next_frame(
    clip: Annotated[
        Path, typer.Argument(metavar="CLIP", help="A video, an animated GIF or a folder.")
    ],
    name: Annotated[str, typer.Option(help="Of the package to make.", show_default=False)],
    minutes: Annotated[
        float, typer.Option(min=0.1, max=10_000, help="That it takes in all.")
    ] = 30.0,
    steps: Annotated[
        int | None, typer.Option(min=1, help="In place of --minutes: a run that can be repeated.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=16, max=1024, help="Shorter side of the frames; else by the machine."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the run and its diary; out/train/NAME if none.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of all chance.")] = 1,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew, whatever run or package is there.")
    ] = False,
    device: Annotated[
        str, typer.Option(help="As PyTorch names it: cpu, cuda, mps; the fastest if none.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Train a network that plays your clip on by itself, live. Stop it with Ctrl-C at any time; the
    same command goes on."""
    if not math.isfinite(minutes):
        raise UsageError("--minutes", "a finite number", str(minutes))
    output = output or Path("out/train") / name
    recipe = _recipe()
    _check_name(name, output, fresh, recipe.COMMAND)
    order = recipe.Order(
        clip=clip, name=name, output=output, package=user_folder() / name, minutes=minutes,
        steps=steps or 0, side=size or 0, seed=seed, device=device, fresh=fresh,
    )  # fmt: skip
    recipe.check_installed()
    console = Console(stderr=True, highlight=False)
    with console.status("") as status:
        outcome = recipe.train(order, _Teller(console, status, as_json))
    if as_json:
        _print_line("done" if outcome.finished else "stopped", "", _plain(asdict(outcome)))
    else:
        _print(outcome, name)
    if not outcome.finished:
        raise typer.Exit(_STOPPED)


class _Teller:
    """Lines for a log on standard error, and what passes on a status line; or JSON lines."""

    def __init__(self, console: Console, status: Status, as_json: bool) -> None:
        self._console, self._status, self._as_json = console, status, as_json

    def __call__(self, event: Any) -> None:
        if self._as_json:
            _print_line(event.kind, event.text, event.facts)
        elif event.passing:
            self._status.update(event.text)
        else:
            self._console.print(event.text, markup=False, soft_wrap=True)


def _recipe() -> Any:
    """What trains, wherever it is: inside the wheel, or beside `bridge` in a checkout."""
    inside = importlib.util.find_spec("bridge.recipes") is not None
    return importlib.import_module(
        f"{'bridge.recipes' if inside else 'models.recipes'}.next_frame.footage.command"
    )


def _check_name(name: str, output: Path, fresh: bool, command: str) -> None:
    """
    Raises: UsageError: it is no name, or that of a package which this command did not make.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "--name", "small letters, digits, dots, dashes and underlines, 64 at most", repr(name)
        )
    try:
        package = Library().peek(name)
        own = package.folder.parent == user_folder().resolve()
        made = package.manifest.source.recipe if own else ""
    except PackageNotFoundError:
        return
    except FramebridgeError:
        made = ""  # whatever lies there, it is not to be overwritten
    if not made.startswith(command):
        raise UsageError(
            "--name", "a name that is free", f"{name!r}, a package that this command did not make",
            "Choose another name.",
        )  # fmt: skip
    if not fresh and not (output / "checkpoint.pt").is_file():
        raise UsageError(
            "--name", "a name that is free, or the run that it belongs to",
            f"{name!r}, made by a run that is not in {output}",
            "Name that run's folder with --output, choose another name, or replace the package "
            "with --fresh.",
        )  # fmt: skip


def _print(outcome: Any, name: str) -> None:
    done = f"{outcome.steps:,} steps"
    if outcome.finished:
        print(
            f"{name}: off by {outcome.held_back:.2f} of 255 where repeating the frame is off by "
            f"{outcome.repeat:.2f}, after {done}."
        )
    else:
        print(f"Stopped after {done}; the same command goes on from there.")
    print(f"Diary: {outcome.diary}")
    if outcome.package is not None:
        print(f"Package: {outcome.package}")
        print(f"On stage: framebridge demo --model {name}")


def _plain(facts: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Path) else value for key, value in facts.items()}


def _print_line(kind: str, text: str, facts: dict[str, Any]) -> None:
    print(json.dumps({"event": kind, "text": text, **facts}), file=sys.stdout, flush=True)
