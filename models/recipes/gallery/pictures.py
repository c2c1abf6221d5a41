"""What a package makes, on pictures that may ship: the demo engine's and programs' drawings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bridge.contact_sheet import Cell, Rgb8
from bridge.demo.motion_blur import BlurredSource
from bridge.demo.plan import plan
from bridge.demo.report import busiest, difference, enlarged, psnr
from bridge.demo.sheet import Sheet
from bridge.demo.sketches import SKETCHES, Sketch
from bridge.demo.source import EngineSource
from bridge.frames import FrameFormat, Pixels
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from bridge.inference.runner import RunOptions
from converters.drawing import draw

TRUTH = (648, 360)
"""What an upscaler should make: a multiple of 2, 3 and 4 each way."""
WHOLE = (512, 288)
_CLOSER = 4
TICK = 45
"""Of the engine's scene: early, while the camera swings fastest."""
TICKS = ((30, 60, 120, 180), (300, 400, 500, 600))
SEED, OTHER_SEED = 1, 2
_RUNNING = RunOptions("cpu", backend="onnxruntime")

Rows = list[list[Cell]]


def rows(package: ModelPackage) -> Rows:
    """The sheet of a package, as its task wants it.

    Raises: EngineError: the scene cannot be rendered here; and all that Chain raises.
    """
    manifest = package.manifest
    chosen = plan(manifest)
    if chosen.frames == "none":
        return _ticks(package, chosen.size or WHOLE)
    if chosen.frames == "lines":
        return _sketched(package)
    assert manifest.frame_output is not None
    if manifest.frame_output.scale > 1:
        return _enlarged(package, manifest.frame_output.scale)
    if chosen.frames == "blurred":
        return _sharpened(package)
    return _whole(package)


def _enlarged(package: ModelPackage, scale: int) -> Rows:
    width, height = (side // scale for side in TRUTH)
    source = EngineSource(width, height)
    try:
        frame, truth = source.render(TICK), source.truth(TICK, scale)
    finally:
        source.close()
    assert truth is not None
    made = next(_run(package, [frame]))
    plain, true = enlarged(frame, (width * scale, height * scale)), truth[..., :3]
    x, y, w, h = busiest(true)
    cut = np.s_[y : y + h, x : x + w]
    scene = [
        (f"bicubic, {psnr(plain, true):.2f} dB", plain[cut]),
        (f"{package.name}, {psnr(made, true):.2f} dB", made[cut]),
        (f"rendered at {TRUTH[0]}x{TRUTH[1]}", true[cut]),
    ]
    drawing = draw()
    drawing = drawing[: drawing.shape[0] // 12 * 12, : drawing.shape[1] // 12 * 12]
    small = _reduced(drawing, scale)
    again = next(_run(package, [small]))
    bicubic = enlarged(small, drawing.shape[1::-1])
    detail = np.s_[0:90, 10:172]  # the lettering
    lettering = [
        (f"bicubic, {psnr(bicubic, drawing):.2f} dB", bicubic[detail]),
        (f"{package.name}, {psnr(again, drawing):.2f} dB", again[detail]),
        ("as drawn", drawing[detail]),
    ]
    return [scene, lettering]


def _sharpened(package: ModelPackage) -> Rows:
    source = BlurredSource(EngineSource(*WHOLE))
    try:
        frame, truth = source.render(TICK), source.truth(TICK, 1)
    finally:
        source.close()
    assert truth is not None
    before, true = frame[..., :3], truth[..., :3]
    made = next(_run(package, [frame]))
    x, y, w, h = busiest(difference(before, true))
    labels = (
        f"with motion blur, {psnr(before, true):.2f} dB",
        f"{package.name}, {psnr(made, true):.2f} dB",
        "rendered sharp",
    )
    pictures = (before, made, true)
    details = [
        (label, picture[y : y + h, x : x + w].repeat(_CLOSER, axis=0).repeat(_CLOSER, axis=1))
        for label, picture in zip(labels, pictures, strict=True)
    ]
    whole = [("the whole frame", before), ("its result", made), ("rendered sharp", true)]
    return [details, whole]


def _whole(package: ModelPackage) -> Rows:
    source = EngineSource(*WHOLE)
    try:
        scene = source.render(TICK)
    finally:
        source.close()
    drawing = _opaque(draw())
    return [
        [("frame", frame[..., :3]), (package.name, next(_run(package, [frame])))]
        for frame in (scene, drawing)
    ]


def _ticks(package: ModelPackage, size: tuple[int, int]) -> Rows:
    sheet: Rows = []
    wanted = {tick for row in TICKS for tick in row}
    kept = dict[int, Rgb8]()
    for tick, picture in enumerate(_run(package, [None] * max(wanted), SEED, size), 1):
        if tick in wanted:
            kept[tick] = picture
    sheet = [[(f"tick {tick}, seed {SEED}", kept[tick]) for tick in row] for row in TICKS]
    last = max(TICKS[0])
    others = list(_run(package, [None] * last, OTHER_SEED, size))
    sheet.append([(f"tick {tick}, seed {OTHER_SEED}", others[tick - 1]) for tick in TICKS[0]])
    return sheet


def _sketched(package: ModelPackage) -> Rows:
    port = package.manifest.frame_input
    assert port is not None
    width, height = port.size.fixed or (256, 256)
    frames = [_drawn(sketch, 1.0, width, height) for sketch in SKETCHES]
    made = list(_run(package, list(frames)))
    growing = [_drawn(SKETCHES[0], share, width, height) for share in (0.15, 0.35, 0.6, 0.8)]
    grown = list(_run(package, list(growing)))
    return [
        [(sketch.name, frame[..., :3]) for sketch, frame in zip(SKETCHES, frames, strict=True)],
        [("", picture) for picture in made],
        [("while it is drawn", frame[..., :3]) for frame in growing],
        [("", picture) for picture in grown],
    ]


def _drawn(sketch: Sketch, share: float, width: int, height: int) -> Pixels:
    sheet = Sheet(width, height)
    for stroke in sketch.drawn(share):
        sheet.stroke(stroke)
    return sheet.pixels()


def _run(
    package: ModelPackage, frames: list[Pixels | None], seed: int = 0,
    size: tuple[int, int] | None = None,
) -> Iterator[Rgb8]:  # fmt: skip
    """Results of frames, or of ticks without one, through the bridge's own runtime.

    Args:
        size: of the stream where there is no frame to tell it.
    """
    first = frames[0]
    if first is not None:
        size = first.shape[1], first.shape[0]
    assert size is not None
    chain = Chain([package], FrameFormat(width=size[0], height=size[1]), _RUNNING)
    try:
        chain.reset(seed)
        for frame in frames:
            result = np.empty(chain.result.shape, np.uint8)
            chain.run(None if frame is None else np.ascontiguousarray(frame), result)
            yield result[..., :3]
    finally:
        chain.close()


def _opaque(rgb: Rgb8) -> Pixels:
    return np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])


def _reduced(rgb: Rgb8, scale: int) -> Pixels:
    height, width = (side // scale for side in rgb.shape[:2])
    return _opaque(enlarged(_opaque(rgb), (width, height)))
