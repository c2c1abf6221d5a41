"""`framebridge serve`: the sidecar."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

import bridge
from bridge.cli.options import AllowFallback, Backend, Compute, Json, ModelFolders, Provider
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
    log_to_files()
    server = Server(
        ServeOptions(
            endpoint=endpoint,
            private=private,
            end_with_input=end_with_input,
            folders=models or [],
            streams=StreamOptions(provider, allow_fallback, backend, compute, run_limit),
            give_way=not keep_priority,
        )
    )
    stop_on_signals(server)
    if as_json:
        print(json.dumps(asdict(server.address)), flush=True)
    print(f"framebridge {bridge.__version__} serves at {server.endpoint}", file=sys.stderr)
    if not private:
        print("Ctrl-C or `framebridge ctl stop` ends it.", file=sys.stderr)
    server.run()
