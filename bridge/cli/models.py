"""`framebridge models`: what can be run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from bridge.cli.options import (
    AllowFallback,
    Backend,
    Compute,
    Json,
    ModelFolders,
    Provider,
    size_of,
)
from bridge.cli.output import print_columns, print_json
from bridge.errors import FramebridgeError
from bridge.inference.runner import RunOptions
from bridge.inference.verification import recall, smallest_format, verified
from bridge.supervisor.library import Entry, Library

app = typer.Typer(help="List, show and verify model packages.", no_args_is_help=True)
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
def verify(
    packages: Annotated[list[str] | None, typer.Argument(help="Packages; by default all.")] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Try them out again, whatever is remembered.")
    ] = False,
    models: ModelFolders = None,
    provider: Provider = "auto",
    allow_fallback: AllowFallback = False,
    backend: Backend = "auto",
    compute: Compute = "float32",
    as_json: Json = False,
) -> None:
    """Try packages out, each in a process of its own, and compare them with what they say of
    themselves."""
    library = Library(models)
    options = RunOptions(provider, allow_fallback, backend=backend, compute=compute)
    names = packages or [str(entry.folder) for entry in library.entries()]
    rows, worst = [], 1
    for name in names:
        row: dict[str, Any] = {"package": name, "ok": True, "cached": False}
        try:
            found = library.find(name)
            row["package"] = found.name
            source = smallest_format(found)
            row["cached"] = not fresh and recall(found, source, options) is not None
            row |= msgspec.to_builtins(verified(found, source, options, fresh=fresh))
        except FramebridgeError as error:
            worst = max(worst, error.exit_status)
            row |= {"ok": False, "error": error.as_map(), "text": str(error)}
        rows.append(row)
        if not as_json:
            print(_verdict_line(row))
    if as_json:
        print_json(rows)
    if not all(row["ok"] for row in rows):
        raise typer.Exit(worst)


@app.command()
def score(
    package: Name,
    dataset: Annotated[
        Path,
        typer.Option(
            "--dataset", help="What to measure on: a folder or a file, as the measure is."
        ),
    ],
    measure: Annotated[
        str, typer.Option("--measure", help="One measure; by default those of the package's task.")
    ] = "",
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """Measure how well a package does what it is for; a figure stands beside its baselines."""
    from converters.scores.catalogue import score as measured

    def tell(done: int, count: int, name: str) -> None:
        print(f"{done + 1} of {count}: {name}", file=sys.stderr)

    figures = measured(Library(models).find(package), dataset, measure, tell)
    if as_json:
        # Pictures that are one have infinitely many dB, which JSON has no number for: null.
        print(msgspec.json.format(msgspec.json.encode(figures), indent=2).decode())
        return
    for index, figure in enumerate(figures):
        print(f"{chr(10) if index else ''}{figure.metric} on {figure.dataset}")
        rows = figure.rows or []
        names = list(figure.baseline)
        rows = [*rows, ("mean" if rows else "all", figure.value, figure.baseline)]
        print_columns(
            ["picture", "this package", *names],
            [
                [name, f"{value:.3f}", *(f"{bases[n]:.3f}" if n in bases else "" for n in names)]
                for name, value, bases in rows
            ],
        )


@app.command()
def measures(as_json: Json = False) -> None:
    """What `score` can measure, and the tasks that it measures so by itself."""
    from converters.scores.catalogue import MEASURES

    if as_json:
        found = MEASURES.values()
        print_json([{"name": m.name, "tasks": m.tasks, "about": m.about} for m in found])
        return
    print_columns(
        ["measure", "tasks", "what it is"],
        [[m.name, ", ".join(m.tasks), m.about] for m in MEASURES.values()],
    )


@app.command()
def cost(
    package: Name,
    size: Annotated[
        str,
        typer.Option(help="Of the frame, as WIDTHxHEIGHT; by default the package's own, or 720p."),
    ] = "",
    models: ModelFolders = None,
    as_json: Json = False,
) -> None:
    """What a frame costs, counted from the graph, and how fast it would be on common GPUs."""
    from converters.cost_report import cost_of

    found = Library(models).find(package)
    report = cost_of(found, size_of(size) if size else None)
    if as_json:
        print_json(report.as_map())
        return
    for line in report.lines():
        print(line)
    print()
    print_columns(
        ["predicted, not measured", "float32 frames/s", "float16 frames/s", "limited by"],
        report.rows(),
    )
    print("\nAssumed:")
    for line in report.assumptions:
        print(f"- {line}")


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


def _verdict_line(row: dict[str, Any]) -> str:
    known = " (known from before)" if row["cached"] else ""
    if not row["ok"]:
        return f"FAILED  {row['text']}{known}"
    (w, h), (rw, rh) = row["source"], row["result"]
    took = f"{row['model_ms']} ms, {row['execution']}"
    shown = "" if row["finite"] else "; it makes NaN or infinity, and such frames are not shown"
    return f"ok      {row['package']}: {w}x{h} to {rw}x{rh} in {took}{shown}{known}"
