"""`framebridge convert`: files of trained weights into a model package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from bridge.cli.options import Json
from bridge.cli.output import print_json
from bridge.errors import UsageError
from bridge.media import read_picture

if TYPE_CHECKING:
    from converters.convert import Converted


def command(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Trained weights: a file, a folder, or two files."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="Folder of the package to make.", show_default=False),
    ],
    name: Annotated[str, typer.Option(help="Of the package; the folder's otherwise.")] = "",
    title: Annotated[str, typer.Option(help="For people.")] = "",
    license_: Annotated[
        str, typer.Option("--license", help="Of the weights, as SPDX has it: no file tells.")
    ] = "not stated",
    architecture: Annotated[
        str, typer.Option(help="Try this network alone; all are tried otherwise.")
    ] = "",
    scale: Annotated[
        int, typer.Option(help="Of an upscaler whose file does not tell.", min=0, max=16)
    ] = 0,
    range_: Annotated[
        str, typer.Option("--range", help="Of an ONNX graph's pictures: 0..1, -1..1 or 0..255.")
    ] = "",
    layout: Annotated[str, typer.Option(help="Of an ONNX graph's pictures: nchw or nhwc.")] = "",
    picture: Annotated[
        Path | None, typer.Option(help="To show on the card; a drawing of ours otherwise.")
    ] = None,
    precision: Annotated[
        str, typer.Option(help="fp16: a second graph with float16 inside, and its difference.")
    ] = "",
    verify: Annotated[
        bool, typer.Option("--verify", help="Repeat the proof in the network's own framework.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the place of a package that is there.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a model package of trained weights, and prove that it is the same network."""
    # Only here: what reads foreign formats is none of the other commands' business.
    from converters.convert import Wishes, convert

    options: dict[str, Any] = {}
    if scale:
        options["scale"] = scale
    if range_:
        options["range"] = _range(range_)
    if layout:
        options["layout"] = _layout(layout)
    if precision not in ("", "fp16"):
        raise UsageError("--precision", "fp16", repr(precision))
    wishes = Wishes(name, title, license_, architecture, options, bool(precision), verify, replace)
    # First, since a picture that cannot be read must cost nobody a wait.
    shown = None if picture is None else read_picture(picture).pixels[..., :3]
    console = Console(stderr=True)
    with console.status("") as status:
        done = convert(
            files, output, wishes,
            picture=shown,
            progress=lambda text: status.update(f"{text} ..."),
        )  # fmt: skip
    if as_json:
        print_json(done.as_map())
    else:
        _print(done)
    if done.not_verified is not None:
        print(done.not_verified, file=sys.stderr)
        raise typer.Exit(done.not_verified.exit_status)


def _range(text: str) -> list[float]:
    low, _, high = text.partition("..")
    try:
        return [float(low), float(high)]
    except ValueError:
        raise UsageError("--range", "two numbers, as in -1..1", repr(text)) from None


def _layout(text: str) -> str:
    if text.lower() not in ("nchw", "nhwc"):
        raise UsageError("--layout", "nchw or nhwc", repr(text))
    return text.lower()


def _print(done: Converted) -> None:
    manifest = done.package.manifest
    print(f"{done.found.family}, {manifest.cost.parameters:,} parameters")
    for sentence in (*done.weights.evidence, *done.found.evidence):
        print(f"  {sentence}")
    for measured in filter(None, (done.proof, done.verified)):
        print(f"at most {measured.max_abs_error:.1e} of 255 from {measured.against}")
    for graph in manifest.graphs[1:]:
        assert graph.parity is not None
        print(f"{graph.file}: at most {graph.parity.max_abs_error:.2g} of 255 from float32")
    for limit in manifest.limits:
        print(f"  note: {limit}")
    print(f"{done.package.folder}: {done.seconds:.1f} s; card.png shows what it does")
    print(f"On stage: framebridge demo --model {done.package.folder}")
