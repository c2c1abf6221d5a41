"""A package's card: its README.md, made from its manifest."""

from __future__ import annotations

import sys
from pathlib import Path

from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Input,
    Manifest,
    Output,
    ParameterInput,
    Quality,
    Size,
    TemplateInput,
)
from bridge.inference.package import ModelPackage

CARD = "README.md"
PREVIEW = "preview.png"
CARD_PICTURE = "card.png"


def write_card(folder: Path) -> Path:
    """Write the card of the package in `folder`, with its preview if there is one.

    Raises: ManifestError, GraphMissingError, HashMismatchError: `folder` is no valid package.
    """
    manifest = ModelPackage.open(folder).manifest
    path = Path(folder) / CARD
    pictures = [name for name in (PREVIEW, CARD_PICTURE) if (Path(folder) / name).is_file()]
    path.write_text(card(manifest, *pictures[:1]), encoding="utf-8")
    return path


def card(manifest: Manifest, picture: str = "") -> str:
    """The card as Markdown; what the manifest does not state is left out.

    Args:
        picture: file in the package that shows what it makes.
    """
    sections = [
        f"# {manifest.title or manifest.name}",
        manifest.description,
        f"![What {manifest.name} makes]({picture})" if picture else "",
        table(("", ""), _facts(manifest)),
        _section("Ports", table(("port", "role", "what"), _ports(manifest))),
        _section("Quality", quality_section(manifest.quality)),
        _section("Known limits", "\n".join(f"- {limit}" for limit in manifest.limits)),
        _section("Where it comes from", _source(manifest)),
        "Made from `model.toml` by `python -m converters.card`.",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _facts(manifest: Manifest) -> list[tuple[str, ...]]:
    reach = f"{manifest.tiling.overlap} pixels" if manifest.tiling.tileable else "the whole frame"
    return [
        ("package", f"`{manifest.name}` {manifest.version}"),
        ("task", manifest.task),
        ("architecture", manifest.architecture or "not stated"),
        ("parameters", f"{manifest.cost.parameters:,}"),
        ("multiply-accumulates", f"{manifest.cost.macs_per_input_pixel:,} for each input pixel"),
        ("a pixel looks as far as", reach),
        ("same input, same result", "yes" if manifest.deterministic else "no"),
        ("precisions", ", ".join(graph.precision for graph in manifest.graphs)),
        ("licence", manifest.license),
    ]


def _ports(manifest: Manifest) -> list[tuple[str, ...]]:
    ports: list[Input | Output] = [*manifest.inputs, *manifest.outputs]
    roles = ["input"] * len(manifest.inputs) + ["output"] * len(manifest.outputs)
    return [
        (f"`{port.name}`", f"{role}, {_role(port)}", _port(port))
        for role, port in zip(roles, ports, strict=True)
    ]


def _role(port: Input | Output) -> str:
    return str(port.__struct_config__.tag)


def _port(port: Input | Output) -> str:
    if isinstance(port, ParameterInput):
        bounds = "" if port.min is None else f", {port.min:g} to {port.max:g}"
        choices = f", one of {', '.join(port.choices)}" if port.choices else ""
        return f"{port.label} {port.kind}{bounds}{choices}, default {port.default}".strip()
    if isinstance(port, (FrameInput, TemplateInput)):
        low, high = port.range
        return f"{port.channels}, {low:g} to {high:g}, {port.transfer}; {_size(port.size)}"
    if isinstance(port, FrameOutput):
        low, high = port.range
        times = f"{port.scale} times the size" if port.scale > 1 else "same size"
        return f"{port.channels}, {low:g} to {high:g}, {port.transfer}; {times}"
    return ""


def _size(size: Size) -> str:
    if size.fixed:
        return f"{size.fixed[0]}x{size.fixed[1]} ({size.fit})"
    text = "any size" if size.multiple_of == 1 else f"multiples of {size.multiple_of}"
    if size.min:
        text += f" from {size.min[0]}x{size.min[1]}"
    if size.max:
        text += f" to {size.max[0]}x{size.max[1]}"
    return text


def quality_section(quality: list[Quality]) -> str:
    """One table for all figures, and below it the commands that give them again, as Markdown."""
    if not quality:
        return ""
    names = list(dict.fromkeys(name for figure in quality for name in figure.baseline))
    rows = [
        (
            q.dataset,
            f"`{q.metric}`",
            f"**{q.value:.2f}**",
            *(f"{q.baseline[name]:.2f}" if name in q.baseline else "" for name in names),
        )
        for q in quality
    ]
    commands = list(dict.fromkeys(q.command for q in quality if q.command))
    again = "".join(f"\n    {command}" for command in commands)
    text = table(("set", "metric", "this package", *names), rows)
    if again:
        text += f"\n\nTo measure it again, from the root of the checkout:\n{again}"
    return text


def _source(manifest: Manifest) -> str:
    source = manifest.source
    rows: list[tuple[str, ...]] = [
        (name, text)
        for name, text in (
            ("file", source.file), ("sha256", source.sha256 or ""), ("reader", source.reader),
            ("address", source.url), ("data", source.data),
        )
        if text
    ]  # fmt: skip
    for graph in manifest.graphs:
        if parity := graph.parity:
            error = f"{parity.max_abs_error:.1e} {parity.unit}"
            rows.append((f"`{graph.file}`", f"at most {error} from {parity.against}"))
    facts = table(("", ""), rows) if rows else ""
    recipe = f"To make it again:\n\n    {source.recipe}" if source.recipe else ""
    return "\n\n".join(part for part in (facts, recipe) if part)


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}" if text else ""


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table as Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(write_card(Path(argument)))
