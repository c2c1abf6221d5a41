"""docs/models.md: which model one wants, from the manifests alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.demo.plan import plan
from bridge.inference.manifest import Manifest, ParameterInput
from bridge.inference.package import ModelPackage
from converters.card import quality_section, table
from converters.card_figures import figure_text

PAGE = Path("docs/models.md")
PICTURES = Path("images/models")
"""Beside the page."""
COMMAND = "python -m models.recipes.gallery"

_WORDS = (
    ("psnr_y", "brightness"),
    ("psnr", "colours"),
    ("flicker", "flicker"),
    ("edge_energy", "edges"),
    ("l1", "error"),
    ("life", "liveliness"),
)
"""What a metric is about, by how its name begins."""

KINDS = {
    "upscale": (
        "Larger and sharper",
        "The engine renders small, and the network makes it large. Render at half the width and"
        " height and you pay for a quarter of the pixels. What ends in `-fast` costs less and is a"
        " little less sharp.",
    ),
    "deblur": ("Sharper", "Takes out what a slow shutter or a fast camera has smeared."),
    "stylize": ("Another look", "The whole picture in another technique, frame after frame."),
    "predict": (
        "Pictures that go on by themselves",
        "Each picture is made from the one before. They need no engine: the worker ticks by"
        " itself, and the seed decides everything. An engine's frames can be mixed in.",
    ),
    "generate": (
        "Pictures out of numbers",
        "A code goes in and a picture comes out; the code wanders, and the seed decides how.",
    ),
}
_REST = ("Others", "")
_LINES = ("Drawings into pictures", "Draw with the mouse, and see what becomes of the lines.")


def shipped(packages: Sequence[ModelPackage]) -> list[ModelPackage]:
    """Those that have something to show, in the order of the page."""
    order = [*KINDS.values(), _LINES, _REST]
    shown = [p for p in packages if p.name != "passthrough"]
    return sorted(shown, key=lambda p: (order.index(_kind(p.manifest)), p.name))


def page(packages: Sequence[ModelPackage]) -> str:
    """The whole page as Markdown; every fact on it stands in a manifest or is a file's size."""
    chosen = shipped(packages)
    parts = [
        "# Which model do I want?",
        "These networks come with Framebridge. Each is a folder in"
        " [`models`](../models/) with the network, a card and a picture, was trained by the recipe"
        " beside it ([how](../models/recipes/README.md)), and runs on any of the machines that"
        " Framebridge runs on. Try one:",
        "    framebridge demo --model NAME",
        _overview(chosen),
        "Cost is counted in multiply-accumulates: 100 G for a frame are nothing to a graphics card"
        " and too many for two processor cores. `framebridge models cost NAME` tells what that"
        " means on common machines. `framebridge models show NAME` prints everything else."
        " `passthrough` is not in the table: it does nothing, and is there for measuring.",
    ]
    heading = ("", "")
    for package in chosen:
        if _kind(package.manifest) != heading:
            heading = _kind(package.manifest)
            parts += [f"## {heading[0]}", heading[1]]
        parts.append(_section(package))
    parts.append(
        f"This page and its pictures are made by `{COMMAND}` from the packages: pictures are of"
        " the demo's scene as its engine renders it, and drawn by programs."
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _kind(manifest: Manifest) -> tuple[str, str]:
    port = manifest.frame_input
    if port is not None and port.content == "lines":
        return _LINES
    return KINDS.get(manifest.task, _REST)


def _overview(packages: Sequence[ModelPackage]) -> str:
    rows = [
        (
            f"[`{p.name}`](#{p.name.replace('.', '')})",
            _first_sentence(p.manifest),
            _best_figure(p.manifest),
            _cost(p.manifest),
            f"{_megabytes(p)} MB",
        )
        for p in packages
    ]
    return table(("model", "what it does", "how well", "cost", "file"), rows)


def _section(package: ModelPackage) -> str:
    manifest = package.manifest
    picture = PICTURES / f"{package.name}.png"
    parts = [
        f"### {package.name}",
        manifest.description,
        f"![What {package.name} makes]({picture.as_posix()})",
        _tries(manifest),
        table(("", ""), _facts(manifest)),
        quality_section(manifest),
        "Known limits:\n\n" + "\n".join(f"- {limit}" for limit in manifest.limits)
        if manifest.limits
        else "",
        f"[The whole card](../models/{package.name}/README.md)",
    ]
    return "\n\n".join(part for part in parts if part)


def _tries(manifest: Manifest) -> str:
    start = f"    framebridge demo --model {manifest.name}"
    lines = [start]
    chosen = plan(manifest)
    if chosen.frames == "lines":
        lines.append(f"{start} --source drawing.png")
    if chosen.policy == "free":
        lines.append(f"{start} --seed 7")
        if manifest.frame_input is not None:
            lines.append(f"{start} --inject")
    lines += [
        f"{start} --set {knob.name}={_other_value(knob)}"
        for knob in manifest.parameters.values()
        if knob.name != "inject"
    ]
    return "\n".join(dict.fromkeys(lines))


def _facts(manifest: Manifest) -> list[tuple[str, ...]]:
    port, result = manifest.frame_input, manifest.frame_output
    assert result is not None
    takes = "nothing: it plays by itself"
    if port is not None:
        size = port.size
        takes = "frames of any size"
        if size.fixed:
            takes = f"frames, which are brought to {size.fixed[0]}x{size.fixed[1]}"
        elif size.min and size.max:
            takes += f" from {size.min[0]}x{size.min[1]} to {size.max[0]}x{size.max[1]}"
        if port.content == "lines":
            takes = takes.replace("frames", "drawings, dark lines on white", 1)
    gives = f"{result.scale} times the width and height" if result.scale > 1 else "the same size"
    if result.size:
        gives = f"{result.size[0]}x{result.size[1]}"
    rows = [("takes", takes), ("gives", gives)]
    rows += [(f"knob `{knob.name}`", _knob(knob)) for knob in manifest.parameters.values()]
    rows += [
        ("network", manifest.architecture),
        ("parameters", f"{manifest.cost.parameters:,}"),
        ("cost", f"{manifest.cost.macs_per_input_pixel:,} multiply-accumulates for each pixel"),
        ("trained on", manifest.source.data),
        ("licence", manifest.license),
    ]
    return [row for row in rows if row[1]]


def _knob(knob: ParameterInput) -> str:
    text = knob.label or knob.kind
    if knob.choices:
        return f"{text}; one of {', '.join(knob.choices)}, at first {knob.default}"
    if knob.min is not None and knob.max is not None:
        return f"{text}; {knob.min:g} to {knob.max:g}, at first {knob.default}"
    return f"{text}; at first {str(knob.default).lower()}"


def _other_value(knob: ParameterInput) -> str:
    """One that is not the default, to see what the knob does."""
    if knob.kind == "bool":
        return str(not knob.default).lower()
    if knob.kind == "choice":
        return next((c for c in knob.choices if c != knob.default), knob.choices[0])
    if knob.kind == "colour":
        return "[1,0.5,0]"
    assert knob.min is not None
    assert knob.max is not None
    middle = (knob.min + knob.max) / 2
    value = middle if middle != knob.default else (knob.max + 3 * knob.min) / 4
    return f"{round(value) if knob.kind == 'int' else value:g}"


def _best_figure(manifest: Manifest) -> str:
    """The first figure that the manifest states, and what it is to be compared with."""
    if not manifest.quality:
        return ""
    first = manifest.quality[0]
    what = next((words for start, words in _WORDS if first.metric.startswith(start)), first.metric)
    others = [f"{name} {value:g}" for name, value in first.baseline.items()]
    text = f"{what} {figure_text(first.metric, first.value)} on {first.dataset}"
    return f"{text} ({', '.join(others[:2])})" if others else text


def _cost(manifest: Manifest) -> str:
    """For one frame of a usual size."""
    port, result = manifest.frame_input, manifest.frame_output
    assert result is not None
    fixed = port.size.fixed if port is not None else result.size
    width, height = fixed or (1280, 720)
    if fixed is None and result.scale > 1:
        width, height = 640, 360
    macs = manifest.cost.macs_per_input_pixel * width * height
    return f"{macs / 1e9:.3g} G for {width}x{height}" if macs else ""


def _first_sentence(manifest: Manifest) -> str:
    text = manifest.description or manifest.title
    sentence, stop, _ = text.partition(". ")
    return f"{sentence}." if stop else sentence


def _megabytes(package: ModelPackage) -> str:
    size = sum((package.folder / graph.file).stat().st_size for graph in package.manifest.graphs)
    return f"{size / 1e6:.2f}"
