"""`framebridge`: the commands, and what an error looks like."""

from __future__ import annotations

import signal
import sys

import typer
from framebridge_client import BridgeError

import bridge
from bridge.cli import apply, convert, ctl, demo, doctor, keys, models, serve, train
from bridge.errors import FramebridgeError

app = typer.Typer(
    name="framebridge",
    help="Run trained image networks on a live engine's frames.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo")(demo.command)
app.command("serve")(serve.command)
app.command("apply")(apply.command)
app.command("convert")(convert.command)
app.add_typer(train.app, name="train")
app.add_typer(models.app, name="models")
app.add_typer(ctl.app, name="ctl")
app.add_typer(keys.app, name="keys")
app.command("doctor")(doctor.command)

_CLIENT_ENVIRONMENT = {"FB-E071", "FB-E040", "FB-E041", "FB-E050"}


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        print(f"framebridge {bridge.__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point; exit codes: 0 done, 1 a check failed, 2 wrong use, 3 something is missing."""
    # So that what is half-written is cleared up; `serve` has a handler of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        app()
    except FramebridgeError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)
    except BridgeError as error:
        print(error, file=sys.stderr)
        sys.exit(3 if error.code in _CLIENT_ENVIRONMENT else 2)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
