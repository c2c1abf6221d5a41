"""`framebridge models`: what can be run."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import msgspec
import typer

from bridge.cli.options import AllowFallback, Backend, Compute, Json, ModelFolders, Provider
from bridge.cli.output import print_columns, print_json
from bridge.errors import FramebridgeError
from bridge.inference.runner import RunOptions
from bridge.inference.verification import verify
from bridge.supervisor.library import Entry, Library

app = typer.Typer(help="List, show and check model packages.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(help="Name of a package, or a folder that holds one.")]


@app.command("list")
def list_packages(models: ModelFolders = None, as_json: Json = False) -> None:
    """Every package that can be found, with its task, size and best figure."""
    entries = list(Library(models).entries())
    if as_json:
        print_json([_row(entry) for entry in entries])
        return
    rows = [_row(entry) for entry in entries]
    print_columns(
        ["package", "task", "parameters", "quality", "folder"],
        [
            [
                row["name"],
                row.get("task", "broken"),
                f"{row.get('parameters', 0):,}",
                row.get("quality", ""),
                row["folder"],
            ]
            for row in rows
        ],
    )
    for row in rows:
        if "error" in row:
            print(row["error"], file=sys.stderr)


@app.command()
def show(package: Name, models: ModelFolders = None, as_json: Json = False) -> None:
    """A package's manifest and card."""
    found = Library(models).find(package)
    if as_json:
        facts = msgspec.to_builtins(found.manifest)
        print_json({**facts, "folder": str(found.folder), "package_sha256": found.sha256})
        return
    card = found.folder / "README.md"
    if card.is_file():
        print(card.read_text())
    else:
        print(f"# {found.name}\n\n{found.manifest.description}".strip() + "\n")
        ports = [*found.manifest.inputs, *found.manifest.outputs]
        for port in ports:
            facts = msgspec.to_builtins(port)
            role, name = facts.pop("role"), facts.pop("name")
            print(f"{role} {name}: {facts}")
    print(f"Folder: {found.folder}")


@app.command()
def check(
    packages: Annotated[list[str] | None, typer.Argument(help="Packages; by default all.")] = None,
    models: ModelFolders = None,
    provider: Provider = "auto",
    allow_fallback: AllowFallback = False,
    backend: Backend = "auto",
    compute: Compute = "float32",
    as_json: Json = False,
) -> None:
    """Load and run packages, and compare them with what they say of themselves."""
    library = Library(models)
    names = packages or [str(entry.folder) for entry in library.entries()]
    rows, worst = [], 1
    for name in names:
        try:
            found = library.find(name)
            verdict = verify(
                found, RunOptions(provider, allow_fallback, backend=backend, compute=compute)
            )
            rows.append({"package": found.name, "ok": True, **msgspec.to_builtins(verdict)})
        except FramebridgeError as error:
            worst = max(worst, error.exit_status)
            rows.append({"package": name, "ok": False, "error": error.as_map(), "text": str(error)})
        if not as_json:
            print(_check_line(rows[-1]))
    if as_json:
        print_json(rows)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(worst)


def _row(entry: Entry) -> dict[str, Any]:
    row: dict[str, Any] = {"name": entry.folder.name, "folder": str(entry.folder)}
    if entry.package is None:
        return {**row, "error": str(entry.error)}
    manifest = entry.package.manifest
    best = manifest.quality[0] if manifest.quality else None
    return {
        **row,
        "name": manifest.name,
        "version": manifest.version,
        "task": manifest.task,
        "license": manifest.license,
        "parameters": manifest.cost.parameters,
        "quality": f"{best.metric} {best.value:g} on {best.dataset}" if best else "",
        "description": manifest.description,
    }


def _check_line(row: dict[str, Any]) -> str:
    if not row["ok"]:
        return f"FAILED  {row['text']}"
    (w, h), (rw, rh) = row["source"], row["result"]
    took = f"{row['model_ms']} ms ({row['execution']})"
    return f"ok      {row['package']}: {w}x{h} to {rw}x{rh} in {took}"
