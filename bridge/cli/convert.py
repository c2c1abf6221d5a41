"""`framebridge convert`: files of trained weights into a model package."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console

from bridge.cli.options import Json
from bridge.cli.output import print_json
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.frames import Pixels
    from bridge.inference.package import ModelPackage
    from converters.card_picture import Panel
    from converters.convert import Converted, Shown

_REPEATS = 5
_DRAWN = 4
"""Pictures of a generator on its card."""
_TICKS_APART = 120
_MOST_MACS = 3e10
"""For one frame on the card: some seconds on a slow machine."""


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
    wishes = Wishes(name, title, license_, architecture, options, verify, replace)
    frame = _frame(picture)  # first, since a picture that cannot be read costs nobody a wait
    console = Console(stderr=True)
    with console.status("") as status:
        done = convert(
            files, output, wishes,
            show=lambda package: _show(package, frame),
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


def _frame(picture: Path | None) -> Pixels:
    from bridge.media import read_picture
    from converters.drawing import draw

    if picture is not None:
        return read_picture(picture).pixels
    return np.ascontiguousarray(np.dstack([draw(), np.full(draw().shape[:2], 255, np.uint8)]))


def _show(package: ModelPackage, frame: Pixels) -> Shown:
    """Run it in the bridge, as a stream would."""
    if package.manifest.frame_input is None:
        return _show_generator(package)
    from bridge.apply import Applier
    from converters import preview

    frame = _affordable(package, frame)
    if preview.suits(package):
        result, seconds = preview.preview(package, frame, _REPEATS)
        return _shown(package, frame, result, seconds)
    applier = Applier(package)
    result = applier.run(frame)
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        result = applier.run(frame)
        times.append(time.perf_counter() - start)
    applier.close()
    return _shown(package, frame, result, float(np.median(times)))


def _shown(package: ModelPackage, frame: Pixels, result: Pixels, seconds: float) -> Shown:
    from converters.card_picture import Panel
    from converters.convert import Shown

    port = package.manifest.frame_input
    height, width = frame.shape[:2]
    rate = _rate(seconds, width, height, bool(port and port.size.fixed))
    after = f"after, {result.shape[1]}x{result.shape[0]}"
    panels = [
        Panel(f"before, {width}x{height}", _enlarged(frame, result)),
        Panel(after, _rgb(result)),
    ]
    return Shown(panels, rate)


def _affordable(package: ModelPackage, frame: Pixels) -> Pixels:
    """The picture, made smaller if the network would take too long for it."""
    from PIL import Image

    height, width = frame.shape[:2]
    most = _MOST_MACS / max(package.manifest.cost.macs_per_input_pixel, 1)
    factor = min(1.0, (most / (width * height)) ** 0.5)
    least = (
        max(package.manifest.frame_input.size.min or [1, 1]) if package.manifest.frame_input else 1
    )
    factor = max(factor, least / min(width, height))
    if factor >= 1:
        return frame
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS))


def _show_generator(package: ModelPackage) -> Shown:
    from bridge.frames import FrameFormat
    from bridge.inference.chain import Chain
    from bridge.inference.verification import verified
    from converters.card_picture import Panel
    from converters.convert import Shown

    source = FrameFormat(width=16, height=16)
    verified(package, source)
    chain = Chain([package], source)
    panels: list[Panel] = []
    start = time.perf_counter()
    for tick in range(_DRAWN * _TICKS_APART):
        result = np.empty(chain.result.shape, np.uint8)
        chain.run(None, result)
        if tick % _TICKS_APART == 0:
            panels.append(Panel(f"seed 0, tick {tick}", _rgb(result)))
    seconds = (time.perf_counter() - start) / (_DRAWN * _TICKS_APART)
    size = chain.result
    chain.close()
    return Shown(panels, _rate(seconds, size.width, size.height, fixed=True))


def _rate(seconds: float, width: int, height: int, fixed: bool) -> str:
    text = f"{1 / seconds:.0f} frames a second at {width}x{height}, measured here"
    if fixed:
        return text
    pixels = width * height / seconds
    others = ", ".join(
        f"{pixels / (w * h):.3g} at {w}x{h}" for w, h in ((640, 360), (1280, 720), (1920, 1080))
    )
    return f"{text}; from that, by the number of pixels: {others}"


def _enlarged(frame: Pixels, result: Pixels) -> Any:
    """The frame at the result's size, so that both can be compared."""
    from PIL import Image

    image = Image.fromarray(_rgb(frame))
    if result.shape[:2] != frame.shape[:2]:
        image = image.resize((result.shape[1], result.shape[0]), Image.Resampling.BICUBIC)
    return np.asarray(image)


def _rgb(pixels: Pixels) -> Any:
    return np.ascontiguousarray(pixels[..., :3])


def _print(done: Converted) -> None:
    manifest = done.package.manifest
    print(f"{done.found.family}, {manifest.cost.parameters:,} parameters")
    for sentence in (*done.weights.evidence, *done.found.evidence):
        print(f"  {sentence}")
    for measured in filter(None, (done.proof, done.verified)):
        print(f"at most {measured.max_abs_error:.1e} of 255 from {measured.against}")
    for limit in manifest.limits:
        print(f"  note: {limit}")
    print(f"{done.package.folder}: {done.seconds:.1f} s; card.png shows what it does")
    print(f"On stage: framebridge demo --model {done.package.folder}")
