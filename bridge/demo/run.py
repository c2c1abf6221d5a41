"""Puts the demo together: source, sidecar, show, proof, files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from framebridge_client import Bridge, connect
from rich.console import Console
from rich.live import Live

from bridge.apply import Applier
from bridge.demo import report
from bridge.demo.clip import ClipSource
from bridge.demo.show import Showing, replay, show
from bridge.demo.sidecar import PrivateSidecar
from bridge.demo.source import FrameSource, open_source
from bridge.errors import MediaError
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from bridge.supervisor.library import Library

DEFAULT_SIZE = (320, 180)
_PROOF_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What to show. `clip` plays in place of the engine; `size` is the source's."""

    model: str = "upscale-x2"
    seconds: float = 10.0
    size: tuple[int, int] | None = None
    policy: str = "latest"
    clip: Path | None = None
    output: Path = Path("out/demo")
    ticks_per_second: float = 60.0
    running: RunOptions = field(default_factory=RunOptions)


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """How the demo went.

    Attributes:
        shown: results that were there in time to be shown.
        replayed: how many of the first frames were sent again, in lockstep.
        exact: they equal what `framebridge apply` makes of them, byte for byte.
        decibels: of bicubic and of the model against the truth, where there is one.
    """

    summary: str
    shown: int
    replayed: int
    exact: bool
    decibels: dict[str, float]
    folder: Path


def run(options: DemoOptions) -> DemoOutcome:
    """Run the demo; progress goes to standard error.

    Raises: FramebridgeError, framebridge_client.BridgeError.
    """
    console = Console(stderr=True, highlight=False)
    package = Library().find(options.model)
    try:
        options.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            str(options.output), "a folder to write to", error.strerror or str(error),
            "Name another with --output.",
        ) from None  # fmt: skip
    source, notice = _source(options)
    if notice:
        console.print(notice, style="yellow", markup=False)
    running = options.running
    words = ["--provider", running.provider]
    words += ["--backend", running.backend, "--compute", running.compute]
    if running.allow_fallback:
        words.append("--allow-fallback")
    try:
        with PrivateSidecar(words) as sidecar, connect(sidecar.endpoint, sidecar.token) as bridge:
            seen, provider = _show(bridge, package, source, options, console)
            exact = _replay_equals_apply(bridge, package, seen, options)
        return _write(options, package, source, seen, provider, exact)
    finally:
        source.close()


def _show(
    bridge: Bridge, package: ModelPackage, source: FrameSource, options: DemoOptions,
    console: Console,
) -> tuple[Showing, str]:  # fmt: skip
    with bridge.open(
        str(package.folder), source.width, source.height, policy=options.policy, label="demo"
    ) as stream:
        height, width, _ = stream.result_shape
        console.print(
            f"{source.name}: {source.width}x{source.height} through {package.name}"
            f" to {width}x{height} on {stream.provider}",
            markup=False,
        )
        with Live(console=console, auto_refresh=False, transient=True) as live:

            def watch(seen: Showing) -> None:
                live.update(report.live_line(seen, options.seconds), refresh=True)

            seen = show(stream, source, options.seconds, options.ticks_per_second, watch)
        return seen, stream.provider


def _replay_equals_apply(
    bridge: Bridge, package: ModelPackage, seen: Showing, options: DemoOptions
) -> bool:
    if not seen.inputs:
        return False
    results = replay(bridge, str(package.folder), seen.inputs, _PROOF_TIMEOUT_S)
    applier = Applier(package, options.running)
    try:
        return all(
            np.array_equal(applier.run(frame), result)
            for frame, result in zip(seen.inputs, results, strict=True)
        )
    finally:
        applier.close()


def _write(
    options: DemoOptions, package: ModelPackage, source: FrameSource, seen: Showing,
    provider: str, exact: bool,
) -> DemoOutcome:  # fmt: skip
    decibels: dict[str, float] = {}
    if seen.pair is not None:
        tick, before, after = seen.pair
        scale = after.shape[0] // before.shape[0]
        truth = source.truth(tick, scale) if scale > 1 else None
        picture = options.output / "before-after.png"
        decibels = report.write_before_after(picture, before, after, truth, package.name)
    report.write_clip(options.output / "clip.mp4", seen)
    facts = {
        "model": package.name,
        "source": source.name,
        "size": [source.width, source.height],
        "policy": options.policy,
        "provider": provider,
        "replayed": len(seen.inputs),
        "replay_equals_apply": exact,
        **decibels,
    }
    report.write_report(options.output, seen, facts)
    summary = report.summary_line(seen)
    return DemoOutcome(summary, seen.shown, len(seen.inputs), exact, decibels, options.output)


def _source(options: DemoOptions) -> tuple[FrameSource, str]:
    if options.clip is not None:
        return ClipSource(options.clip, options.size), ""
    return open_source(*(options.size or DEFAULT_SIZE))
