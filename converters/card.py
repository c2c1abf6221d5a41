"""A package's card: its README.md, made from its manifest."""

from __future__ import annotations

import sys
from pathlib import Path

from bridge.errors import FramebridgeError
from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Input,
    Manifest,
    Output,
    ParameterInput,
    Size,
    TemplateInput,
)
from bridge.inference.package import ModelPackage
from converters.card_figures import explanations, quality_rows
from converters.cost_report import CostReport, cost_of

CARD = "README.md"
PREVIEW = "preview.png"
CARD_PICTURE = "card.png"


def write_card(folder: Path) -> Path:
    """Write the card of the package in `folder`, with its preview if there is one.

    Raises: ManifestError, GraphMissingError, HashMismatchError: `folder` is no valid package.
    """
    path = Path(folder) / CARD
    path.write_text(written_card(folder), encoding="utf-8")
    return path


def written_card(folder: Path) -> str:
    """What `write_card` writes.

    Raises: as `write_card`.
    """
    package = ModelPackage.open(folder)
    pictures = (name for name in (PREVIEW, CARD_PICTURE) if (Path(folder) / name).is_file())
    try:
        cost: CostReport | None = cost_of(package)
    except FramebridgeError:  # no frame comes out of it, or its shapes cannot be told without a run
        cost = None
    return card(package.manifest, next(pictures, ""), cost)


def card(manifest: Manifest, picture: str = "", cost: CostReport | None = None) -> str:
    """The card as Markdown; what the manifest does not state is left out.

    Args:
        picture: file in the package that shows what it makes.
        cost: of a frame.
    """
    sections = [
        f"# {manifest.title or manifest.name}",
        manifest.description,
        f"![What {manifest.name} makes]({picture})" if picture else "",
        table(("", ""), [*_facts(manifest), *_cost_facts(manifest, cost)]),
        _section("Ports", table(("port", "role", "what"), _ports(manifest))),
        _section("Quality", quality_section(manifest)),
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


def _cost_facts(manifest: Manifest, cost: CostReport | None) -> list[tuple[str, ...]]:
    """What a frame takes, where there is something to calculate."""
    if cost is None or not cost.macs_per_frame:
        return []
    width, height = cost.size
    here = f"of {width}x{height}"
    memory = (cost.weights_bytes + cost.held_bytes) / 1e6
    common = cost.common()
    files = sum(cost.file_bytes.values()) / 1e6
    return [
        ("a frame", f"{here}: {cost.macs_per_frame / 1e9:,.2f} billion multiply-accumulates"),
        ("memory", f"at least {memory:,.0f} MB for a frame {here} in float32"),
        ("size of the files", f"{files:,.2f} MB"),
        (
            "predicted speed",
            f"{common.frames_per_s:,.0f} frames {here} a second on a {common.device.name} in "
            f"float32; not measured (`framebridge models cost {manifest.name}`)",
        ),
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


def quality_section(manifest: Manifest) -> str:
    """One table for all figures, and below it what they are and the commands that give them."""
    if not manifest.quality:
        return ""
    head = ("set", "figure", "this package", "compared with")
    parts = [table(head, quality_rows(manifest.quality))]
    if lines := explanations(manifest):
        parts.append("\n".join(f"- {line}" for line in lines))
    commands = list(dict.fromkeys(q.command for q in manifest.quality if q.command))
    if commands:
        again = "".join(f"\n    {command}" for command in commands)
        parts.append(f"To measure it again, from the root of the checkout:\n{again}")
    return "\n\n".join(parts)


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
    shipped = sorted(str(path.parent) for path in Path("models").glob("*/model.toml"))
    for argument in sys.argv[1:] or shipped:
        print(write_card(Path(argument)))
