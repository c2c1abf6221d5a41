"""`framebridge ctl`: speaks to the running sidecar."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from framebridge_client import Bridge, connect

from bridge.cli.options import Json, parameters
from bridge.cli.output import print_columns, print_json

app = typer.Typer(help="Look at the running sidecar, and control it.", no_args_is_help=True)


@app.callback()
def _connection(
    context: typer.Context,
    endpoint: Annotated[
        str, typer.Option(help="Of the sidecar; the default is the one that this user runs.")
    ] = "",
    token: Annotated[
        str, typer.Option(help="Its token, if it listens on a TCP port of this machine.")
    ] = "",
    server_key: Annotated[
        str,
        typer.Option(help="Public key of a sidecar on another machine, or the file that holds it."),
    ] = "",
    key: Annotated[
        Path | None, typer.Option(help="One's own secret key, which that sidecar allows.")
    ] = None,
) -> None:
    context.obj = lambda: connect(
        endpoint,
        token,
        timeout_s=5.0 if server_key else 1.5,
        server_key=server_key,
        client_key_file=key,
    )


StreamNumber = Annotated[int, typer.Argument(metavar="STREAM", help="Its number in `ctl status`.")]


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """The sidecar and its streams."""
    with context.obj() as bridge:
        state = bridge.status()
    del state["type"], state["request"]
    if as_json:
        print_json(state)
        return
    print(
        f"framebridge {state['bridge']} at {state['endpoint']}, process {state['pid']},"
        f" up {state['uptime_s']:.0f} s, {state['clients']} clients"
    )
    if not state["streams"]:
        print("No stream is open.")
        return
    print_columns(
        ["stream", "state", "chain", "frames", "provider", "model ms", "age at start ms",
         "returned / submitted", "restarts", "priority"],
        [_row(stream) for stream in state["streams"]],
    )  # fmt: skip
    for stream in state["streams"]:
        for said in (stream["note"], stream["last_error"]):
            if said:
                print(f"stream {stream['stream']}: {said}")


@app.command()
def packages(context: typer.Context, as_json: Json = False) -> None:
    """What the sidecar can load, whichever folders it was told to look in."""
    with context.obj() as bridge:
        found = bridge.request("packages", 5.0)
    del found["type"], found["request"]
    if as_json:
        print_json(found)
        return
    print_columns(
        ["package", "task", "result", "knobs", "title"],
        [_package_row(package) for package in found["packages"]],
    )
    for package in found["packages"]:
        if package["problem"]:
            print(package["problem"], file=sys.stderr)
    if found["left_out"]:
        print(f"{found['left_out']} more are not shown.", file=sys.stderr)


@app.command()
def load(
    context: typer.Context,
    stream: StreamNumber,
    package: Annotated[str, typer.Argument(help="Name of a package, or a folder that holds one.")],
    as_json: Json = False,
) -> None:
    """Change a stream's model; what cannot be loaded leaves the old one running."""
    with context.obj() as bridge:
        bridge.load(stream, package)
        _say(as_json, bridge, stream)


@app.command("set")
def set_parameters(
    context: typer.Context,
    stream: StreamNumber,
    assignments: Annotated[list[str], typer.Argument(metavar="NAME=VALUE...")],
    as_json: Json = False,
) -> None:
    """Turn a stream's knobs."""
    with context.obj() as bridge:
        bridge.set(stream, parameters(assignments))
        _say(as_json, bridge, stream)


@app.command()
def reset(
    context: typer.Context,
    stream: StreamNumber,
    seed: Annotated[int, typer.Option(help="0 to 4294967295.", min=0, max=2**32 - 1)] = 0,
    as_json: Json = False,
) -> None:
    """Bring a stream's models back to the beginning: their state, and the tick to 0."""
    with context.obj() as bridge:
        bridge.reset(stream, seed)
        _say(as_json, bridge, stream)


@app.command()
def stop(context: typer.Context, as_json: Json = False) -> None:
    """End the sidecar."""
    with context.obj() as bridge:
        bridge.stop()
    if as_json:
        print_json({"stopped": True})
    else:
        print("The sidecar has ended.")


def _say(as_json: bool, bridge: Bridge, number: int) -> None:
    streams = {row["stream"]: row for row in bridge.status()["streams"]}
    row = streams.get(number, {})
    if as_json:
        print_json(row)
    else:
        print(f"stream {number}: {', '.join(row.get('packages', []))}", row.get("parameters") or "")


def _package_row(package: dict[str, Any]) -> list[str]:
    if package["generator"]:
        result = f"{package['width']}x{package['height']}"
    else:
        result = f"x{package['scale']}" if package["scale"] > 1 else "as the frame"
    broken = bool(package["problem"])
    return [
        package["name"],
        "broken" if broken else package["task"],
        "" if broken else result,
        ", ".join(knob["name"] for knob in package["knobs"]),
        package["title"],
    ]


def _row(stream: dict[str, Any]) -> list[str]:
    source, result, counters = stream["source"], stream["result"], stream["counters"]
    return [
        f"{stream['stream']} {stream['label']}".rstrip(),
        stream["state"],
        ", ".join(stream["packages"]),
        f"{source['width']}x{source['height']} to {result['width']}x{result['height']}",
        stream["provider"],
        f"{stream['model_ms'].get('p50', 0):.1f}",
        f"{stream['start_age_ms'].get('p50', 0):.1f}",
        f"{counters.get('returned', 0)} / {counters.get('submitted', 0)}",
        str(stream["restarts"]),
        stream["priority"],
    ]
