"""`framebridge serve`: the sidecar."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import bridge
from bridge.cli.options import AllowFallback, Backend, Compute, Json, ModelFolders, Provider
from bridge.supervisor.access import remote_options
from bridge.supervisor.logs import log_to_files
from bridge.supervisor.server import ServeOptions, Server, stop_on_signals
from bridge.supervisor.stream import StreamOptions


def command(
    provider: Provider = "auto",
    allow_fallback: AllowFallback = False,
    backend: Backend = "auto",
    compute: Compute = "float32",
    models: ModelFolders = None,
    endpoint: Annotated[
        str, typer.Option(help="Where to listen: ipc://PATH or tcp://127.0.0.1:PORT.")
    ] = "",
    private: Annotated[
        bool, typer.Option("--private", help="Be found by nobody but who is told the address.")
    ] = False,
    end_with_input: Annotated[
        bool, typer.Option("--end-with-input", help="End when standard input does.")
    ] = False,
    remote: Annotated[
        str,
        typer.Option(
            help="Where other machines may control it as well, tcp://0.0.0.0:PORT;"
            " with --key and --allow."
        ),
    ] = "",
    key: Annotated[
        Path | None, typer.Option(help="Its own secret key, of `framebridge keys new`.")
    ] = None,
    allow: Annotated[
        Path | None,
        typer.Option(help="Who may: a folder of public keys, NAME.key, or one of them."),
    ] = None,
    run_limit: Annotated[
        float, typer.Option(help="Seconds that one run of a model may take.", min=0.1, max=3600)
    ] = 10.0,
    keep_priority: Annotated[
        bool,
        typer.Option("--keep-priority", help="Do not give way to the engine's own work."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Serve models to engines until Ctrl-C or `framebridge ctl stop`."""
    reachable = remote_options(remote, key, allow)
    log_to_files()
    server = Server(
        ServeOptions(
            endpoint=endpoint,
            private=private,
            end_with_input=end_with_input,
            folders=models or [],
            remote=reachable,
            streams=StreamOptions(provider, allow_fallback, backend, compute, run_limit),
            give_way=not keep_priority,
        )
    )
    stop_on_signals(server)
    if as_json:
        others = {"remote": server.remote[0], "key": server.remote[1]} if server.remote else {}
        print(json.dumps({**asdict(server.address), **others}), flush=True)
    print(f"framebridge {bridge.__version__} serves at {server.endpoint}", file=sys.stderr)
    if server.remote:
        where, public = server.remote
        print(f"and at {where} whoever {allow} allows; its own key is {public}", file=sys.stderr)
    if not private:
        print("Ctrl-C or `framebridge ctl stop` ends it.", file=sys.stderr)
    server.run()
