"""`framebridge keys`: what remote control needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.options import Json
from bridge.cli.output import print_json
from bridge.supervisor.keys import make_key

app = typer.Typer(help="Make keys for control from other machines.", no_args_is_help=True)


@app.callback()
def _keys() -> None:
    """So that `new` stays a word of its own while it is the only one."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the machine or the person that it stands for.")],
    folder: Annotated[Path, typer.Option(help="Where to write the two files.")] = Path(),
    as_json: Json = False,
) -> None:
    """Make a pair of keys: NAME.key, to be given away, and NAME.key_secret, to be kept."""
    public, secret = make_key(folder, name)
    if as_json:
        print_json({"public": str(public), "secret": str(secret)})
        return
    print(f"{public} may be given to anybody.")
    print(f"{secret} stays on this machine, and nobody else may read it.")
