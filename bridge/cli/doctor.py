"""`framebridge doctor`: what is here, what is missing, and how to get it."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli.options import Json
from bridge.cli.output import print_json
from bridge.doctor import examine

_MARKS = {"ok": ("ok", "green"), "missing": ("missing", "yellow"), "problem": ("PROBLEM", "red")}


def command(as_json: Json = False) -> None:
    """Look at this machine: providers, transports, versions, what is missing."""
    findings = examine()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        console = Console(soft_wrap=True, highlight=False)
        for finding in findings:
            mark, style = _MARKS[finding.level]
            console.print(
                Text(f"{mark:8}", style), Text(f"{finding.topic:15} {finding.text}"), sep=""
            )
            if finding.remedy:
                console.print(Text(f"{'':8}{'':15} {finding.remedy}", "bold"))
    if any(finding.level == "problem" for finding in findings):
        raise typer.Exit(3)
