"""Puts the demo together: plan, source, sidecar, show, proof, files."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from framebridge_client import Bridge, Stream, connect
from rich.console import Console
from rich.live import Live

from bridge.demo import report
from bridge.demo.clip import ClipSource
from bridge.demo.drawing import HINT, HandSource, SketchSource
from bridge.demo.engine import has_display
from bridge.demo.motion_blur import BlurredSource
from bridge.demo.plan import DEFAULT_SIZE, Plan, plan
from bridge.demo.proof import Proof, frames_replayed, ticks_repeated
from bridge.demo.screen import ResultScreen, Screen
from bridge.demo.show import Showing, show, show_free
from bridge.demo.sidecar import PrivateSidecar
from bridge.demo.source import FrameSource, open_source
from bridge.errors import EngineError, MediaError
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.supervisor.library import Library

SECONDS = 10.0
HAND_SECONDS = 3600.0
"""Whoever draws ends it with Escape."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to show.

    Attributes:
        seconds: None: ten, or until whoever draws has had enough.
        size: of the source's frames; None: the model's own, or a usual one.
        policy: "" chooses by what the package is.
        clip: plays in place of the engine, or of the drawing.
        seed: of what a model that ticks by itself draws at random.
        inject: the source's frames go into a model that plays by itself.
        parameters: knobs, by name.
    """

    model: str = "upscale-x2"
    seconds: float | None = None
    size: tuple[int, int] | None = None
    policy: str = ""
    clip: Path | None = None
    seed: int = 0
    inject: bool = False
    parameters: dict[str, object] = field(default_factory=dict)
    output: Path = Path("out/demo")
    ticks_per_second: float = 60.0
    running: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """How the demo went.

    Attributes:
        shown: results that were there in time to be shown.
        compared: how many pictures were made a second time, to see that they are the same.
        exact: they are, byte for byte.
        proof: what that says, in a sentence.
        decibels: of the frame and of the model against the truth, where there is one.
        pictures: files in `folder` to look at.
    """

    summary: str
    shown: int
    compared: int
    exact: bool
    proof: str
    decibels: dict[str, float]
    pictures: list[str]
    folder: Path


def run(options: DemoOptions) -> DemoOutcome:
    """Run the demo; progress goes to standard error.

    Raises: FramebridgeError, framebridge_client.BridgeError.
    """
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    package = Library().find(options.model)
    chosen = plan(
        package.manifest, policy=options.policy, size=options.size, clip=options.clip is not None,
        inject=options.inject, parameters=options.parameters,
    )  # fmt: skip
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            str(options.output), "a folder to write to", error.strerror or str(error),
            "Name another with --output.",
        ) from None  # fmt: skip
    with ExitStack() as stack:
        source = _source(options, chosen, console)
        if source is not None:
            stack.callback(source.close)
        if isinstance(source, HandSource):
            screen: Screen = source
        else:
            screen = result_screen = ResultScreen(f"Framebridge: {package.name}")
            stack.callback(result_screen.close)
        sidecar = stack.enter_context(PrivateSidecar(_words(options.running)))
        bridge = stack.enter_context(connect(sidecar.endpoint, sidecar.token))
        seen, provider = _show(bridge, package, chosen, source, screen, options, console)
        proof = _prove(bridge, package, chosen, source, seen, options)
        return _write(options, package, chosen, source, seen, provider, proof)


def _show(
    bridge: Bridge, package: ModelPackage, chosen: Plan, source: FrameSource | None,
    screen: Screen, options: DemoOptions, console: Console,
) -> tuple[Showing, str]:  # fmt: skip
    free = chosen.policy == "free"
    by_hand = isinstance(source, HandSource)
    seconds = options.seconds or (HAND_SECONDS if by_hand else SECONDS)
    width, height = _size(chosen, source)
    with bridge.open(
        str(package.folder), width, height, policy=chosen.policy, every=free,
        rate=options.ticks_per_second, seed=options.seed, parameters=chosen.parameters,
        label="demo",
    ) as stream:  # fmt: skip
        console.print(_heading(package, chosen, source, stream, options), markup=False)
        with Live(console=console, auto_refresh=False, transient=True) as live:

            def watch(seen: Showing) -> None:
                live.update(report.live_line(seen, seconds, free), refresh=True)

            pace = options.ticks_per_second
            if free:
                seen = show_free(stream, source, screen, seconds, pace, watch)
            else:
                assert source is not None
                beside = chosen.frames == "lines"
                seen = show(stream, source, screen, seconds, pace, watch, beside)
        return seen, stream.provider


def _heading(
    package: ModelPackage, chosen: Plan, source: FrameSource | None, stream: Stream,
    options: DemoOptions,
) -> str:  # fmt: skip
    height, width, _ = stream.result_shape
    made = f"{width}x{height} on {stream.provider}"
    if source is None:
        return f"{package.name} plays by itself, seed {options.seed}: {made}"
    what = f"{source.name}: {source.width}x{source.height}"
    if chosen.policy == "free":
        return f"{package.name} plays by itself and takes up {what}, to {made}"
    return f"{what} through {package.name} to {made}"


def _prove(
    bridge: Bridge, package: ModelPackage, chosen: Plan, source: FrameSource | None,
    seen: Showing, options: DemoOptions,
) -> Proof:  # fmt: skip
    if chosen.policy != "free":
        return frames_replayed(bridge, package, seen, chosen.parameters, options.running)
    size = _size(chosen, source)
    return ticks_repeated(bridge, package, seen, size, options.seed, chosen.parameters)


def _write(
    options: DemoOptions, package: ModelPackage, chosen: Plan, source: FrameSource | None,
    seen: Showing, provider: str, proof: Proof,
) -> DemoOutcome:  # fmt: skip
    free = chosen.policy == "free"
    decibels: dict[str, float] = {}
    pictures = []
    if seen.pair is not None and source is not None:
        tick, before, after = seen.pair
        truth = source.truth(tick, after.shape[0] // before.shape[0])
        pictures.append("before-after.png")
        picture = options.output / pictures[-1]
        decibels = report.write_before_after(picture, before, after, truth, package.name)
    if seen.clip and (free or chosen.frames == "lines"):
        pictures.append("ticks.png")
        report.write_ticks(options.output / pictures[-1], seen, package.name)
    report.write_clip(options.output / "clip.mp4", seen)
    summary = report.summary_line(seen, free)
    facts = {
        "model": package.name,
        "source": source.name if source else "",
        "size": list(_size(chosen, source)),
        "policy": chosen.policy,
        "parameters": chosen.parameters,
        "provider": provider,
        **proof.facts,
        **decibels,
    }
    report.write_report(options.output, seen, summary, facts)
    return DemoOutcome(
        summary, seen.shown, proof.compared, proof.exact, proof.says, decibels, pictures,
        options.output,
    )  # fmt: skip


def _source(options: DemoOptions, chosen: Plan, console: Console) -> FrameSource | None:
    if chosen.frames == "none":
        return None
    lines = chosen.frames == "lines"
    if options.clip is not None:
        return ClipSource(options.clip, chosen.size, on_paper=lines)
    size = chosen.size or DEFAULT_SIZE
    if lines:
        return _drawing(size, console)
    source, notice = open_source(*size)
    if notice:
        console.print(notice, style="yellow", markup=False)
    return BlurredSource(source) if chosen.frames == "blurred" else source


def _drawing(size: tuple[int, int], console: Console) -> FrameSource:
    if not has_display():
        return SketchSource(*size)
    try:
        source = HandSource(*size)
    except EngineError as error:
        notice = f"A sketch draws itself instead of you. {error}"
        console.print(notice, style="yellow", markup=False)
        return SketchSource(*size)
    console.print(f"Draw in the window: {HINT}.", markup=False)
    return source


def _size(chosen: Plan, source: FrameSource | None) -> tuple[int, int]:
    if source is not None:
        return source.width, source.height
    return chosen.size or DEFAULT_SIZE


def _words(running: RunOptions) -> list[str]:
    words = ["--provider", running.provider]
    words += ["--backend", running.backend, "--compute", running.compute]
    if running.allow_fallback:
        words.append("--allow-fallback")
    return words
