"""`framebridge`: the commands, and what an error looks like."""

from __future__ import annotations

import importlib
import signal
import sys

import typer
from framebridge_client import BridgeError

import bridge
from bridge.errors import FramebridgeError

_COMMANDS = ("demo", "serve", "apply", "convert", "train", "models", "ctl", "keys", "doctor")
"""As `--help` lists them; each is a module beside this one, with `command`, or with `app` if it has
commands of its own."""
_CLIENT_ENVIRONMENT = {"FB-E071", "FB-E040", "FB-E041", "FB-E050"}


def commands(words: list[str]) -> typer.Typer:
    """The command line, for `words` to be read by.

    Only the command that the first of them names is imported, or else all: what runs models takes
    longer to import than `ctl` takes to answer.
    """
    app = typer.Typer(
        name="framebridge",
        help="Run trained image networks on a live engine's frames.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    named = words[:1] if words and words[0] in _COMMANDS else _COMMANDS
    for name in named if words != ["--version"] else ():
        module = importlib.import_module(f"bridge.cli.{name}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(module.command)
    return app


def _root(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        print(f"framebridge {bridge.__version__}")
        raise typer.Exit


def main() -> None:
    """Entry point; exit codes: 0 done, 1 a check failed, 2 wrong use, 3 something is missing."""
    # So that what is half-written is cleared up; `serve` has a handler of its own.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        commands(sys.argv[1:])()
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
