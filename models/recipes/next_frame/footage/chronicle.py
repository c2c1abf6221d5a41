"""Looks at a run while it goes on: checks, milestones, the diary's page and the package."""

from __future__ import annotations

import io
import platform
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from bridge.errors import TrainingError
from bridge.inference.manifest import Quality

from .age import blended_weights
from .clip import Clip
from .diary import Diary, Milestone, Play, Point, Worst, decoded
from .folder import DIARY, PREVIEW, RECORD, RunFolder
from .layers import layer_ranges
from .learner import FootageLearner, Foretold
from .package import Made, as_arrays, make_package
from .page import page
from .pictures import difference, encoded, moving, rgb8, sheet, strip
from .plan import COMMAND, Order, Plan

TICKS = (0, 1, 4, 12, 36)
PLAYED = 72
"""Ticks that the diary's moving picture shows."""
WORST, APART = 6, 2
AGES_SHOWN = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

Array = npt.NDArray[np.float32]


class Chronicle:
    """
    Attributes:
        repeat: loss of repeating the last frame, on what is held back, of 255.
    """

    def __init__(
        self, order: Order, plan: Plan, clip: Clip, folder: RunFolder, diary: Diary
    ) -> None:
        self._order, self._plan, self._clip, self._folder = order, plan, clip, folder
        self.diary = diary
        self.repeat = diary.repeat
        self._seeds = _seeds(clip, plan.seed)

    @classmethod
    def begun(
        cls, order: Order, plan: Plan, clip: Clip, folder: RunFolder, promise: list[str]
    ) -> Chronicle:
        held = clip.starts(1, held_back=True) or clip.starts(1)
        diary = Diary(
            title=order.name.replace("-", " ").replace("_", " ").capitalize(),
            facts=_facts(order, plan, clip), repeat=255 * clip.repeat_loss(held),
            promise=promise, ticks=list(TICKS),
        )  # fmt: skip
        return cls(order, plan, clip, folder, diary)

    @classmethod
    def continued(
        cls, order: Order, plan: Plan, clip: Clip, folder: RunFolder, step: int
    ) -> Chronicle:
        """Of a run that goes on from that step; a lost diary is begun anew."""
        with suppress(OSError, ValueError):
            diary = decoded((folder / RECORD).read_bytes())
            diary.back_to(step)
            return cls(order, plan, clip, folder, diary)
        return cls.begun(order, plan, clip, folder, [])

    def milestone(self, learner: FootageLearner, elapsed_s: float) -> None:
        """Play the same seeds, and note what comes out of each layer."""
        names, begin = zip(*self._seeds, strict=True)
        frames = [np.stack(begin), *learner.play(np.stack(begin), TICKS[-1])]
        plays = [
            Play(name, encoded(strip([rgb8(frames[tick][row]) for tick in TICKS])))
            for row, name in enumerate(names)
        ]
        layers = layer_ranges(learner.average, np.stack(begin)[:2])
        self.diary.milestones.append(Milestone(learner.taken, elapsed_s, plays, layers))

    def check(self, learner: FootageLearner, elapsed_s: float) -> dict[str, float]:
        """Measure, and note what is worst."""
        found = learner.foretell()
        figures = learner.figures(found)
        self.diary.points.append(Point(learner.taken, elapsed_s, **figures))
        self.diary.worst = [
            Worst(one.frame + 1, one.held_back, one.loss, self._compared(learner, one.frame))
            for one in _worst(found)
        ]
        played = [self._clip_frame(self._clip.starts(1)[0])]
        played += [frame[0] for frame in learner.play(played[0][None], PLAYED)]
        shown = [rgb8(frame) for frame in played]
        self.diary.playing = moving(shown, min(30.0, self._clip.fps))
        self._folder.write(PREVIEW, self._preview(shown))
        return figures

    def finish(self, learner: FootageLearner, elapsed_s: float) -> None:
        """The last milestone, wherever it falls."""
        self.diary.finished = True
        if not self.diary.milestones or self.diary.milestones[-1].step != learner.taken:
            self.milestone(learner, elapsed_s)

    def play_ages(self, learner: FootageLearner, kept: Sequence[dict[str, torch.Tensor]]) -> None:
        """The same seed at ages from wild to finished; between two networks too."""
        networks = [as_arrays(weights) for weights in kept]
        begin = self._seeds[0][1][None]
        self.diary.ages = []
        for age in AGES_SHOWN:
            other = learner.like(blended_weights(networks, age))
            frames = [begin, *other.play(begin, TICKS[-1])]
            self.diary.ages.append((age, encoded(strip([rgb8(frames[t][0]) for t in TICKS]))))

    def write_record(self) -> None:
        """
        Raises: StorageError.
        """
        self._folder.write(RECORD, self.diary.encoded())

    def write_page(self, promise: float) -> None:
        """
        Raises: StorageError.
        """
        self._folder.write(DIARY, page(self.diary, promise).encode())

    def write_package(
        self, learner: FootageLearner, kept: Sequence[dict[str, torch.Tensor]]
    ) -> None:
        """
        Raises: StorageError. TrainingError: the graph is not the network.
        """
        probes = np.stack([self._clip_frame(s) for s in self._clip.starts(1)[:2]])
        made = Made(
            name=self._order.name,
            networks=[as_arrays(weights) for weights in kept],
            shape=self._plan.shape,
            start=self._clip_frame(self._clip.starts(1)[0])[None],
            probes=(probes, next(learner.play(probes, 1))),
            recipe=self._recipe(),
            data=f"{self._order.clip.name}, {len(self._clip.frames)} frames",
            framework=f"PyTorch {torch.__version__.split('+')[0]}",
            quality=[self._quality()],
            preview=(self._folder / PREVIEW).read_bytes(),
            limits=self._limits(),
        )
        try:
            make_package(self._order.package, made)
        except ValueError as error:
            raise TrainingError(
                str(self._order.package), "a graph that is the network", str(error),
                "The run itself is whole; please report this.",
            ) from None  # fmt: skip

    def _compared(self, learner: FootageLearner, frame: int) -> bytes:
        before, came = self._clip.frames[frame], self._clip.frames[frame + 1]
        made = rgb8(learner.made_of(frame))
        return encoded(strip([before, came, made, difference(made, came)]))

    def _preview(self, played: Sequence[npt.NDArray[np.uint8]]) -> bytes:
        """Above, frames of the clip; below, as many that it has made from the first of them."""
        first = self._clip.starts(1)[0]
        ticks = [round(share * (len(played) - 1)) for share in (0, 0.1, 0.3, 0.6, 1)]
        last = len(self._clip.frames) - 1
        rows = [
            [self._clip.frames[min(first + t, last)] for t in ticks],
            [played[t] for t in ticks],
        ]
        picture = Image.fromarray(sheet([strip(row) for row in rows]))
        buffer = io.BytesIO()
        picture.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def _quality(self) -> Quality:
        point = self.diary.points[-1]
        held = "its last frames, held back" if self._clip.held_back() else "learned from"
        return Quality(
            dataset=f"{self._order.clip.name}, {held}",
            metric="mean_absolute_error_of_255",
            value=round(point.held_back, 3),
            baseline={"the frame before": round(self.repeat, 3)},
        )

    def _limits(self) -> list[str]:
        point = self.diary.points[-1]
        return [
            f"Left alone it moves {point.motion:.2f} times as much as the clip, after {PLAYED} "
            "ticks at most: what it does in an hour was not watched."
        ] * (not 0.5 <= point.motion <= 2)

    def _recipe(self) -> str:
        order = self._order
        length = f"--steps {order.steps}" if order.steps else f"--minutes {order.minutes:g}"
        return (
            f"{COMMAND} {order.clip.name} --name {order.name} {length} --size {self._plan.side} "
            f"--seed {order.seed}"
        )

    def _clip_frame(self, index: int) -> Array:
        frame: Array = self._clip.frames[index].transpose(2, 0, 1).astype(np.float32) / 255
        return frame


def _worst(found: Sequence[Foretold]) -> list[Foretold]:
    """The worst first, none of them close to another: they would look alike."""
    chosen: list[Foretold] = []
    for one in sorted(found, key=lambda one: -one.loss):
        if all(abs(one.frame - other.frame) > APART for other in chosen):
            chosen.append(one)
    return chosen[:WORST]


def _seeds(clip: Clip, seed: int) -> list[tuple[str, Array]]:
    """What every milestone is played from: name and float (3, H, W)."""
    held = clip.starts(1, held_back=True) or clip.starts(1)
    height, width = clip.frames.shape[1:3]
    random = np.random.default_rng(seed)
    noise = np.clip(random.normal(0.5, 0.25, (3, height, width)), 0, 1).astype(np.float32)
    first, kept = (
        clip.frames[index].transpose(2, 0, 1).astype(np.float32) / 255
        for index in (clip.starts(1)[0], held[len(held) // 2])
    )
    return [
        ("the first frame", first),
        ("a frame held back", kept),
        ("noise", noise),
        ("black", np.zeros_like(noise)),
    ]


def _facts(order: Order, plan: Plan, clip: Clip) -> list[tuple[str, str]]:
    width, height = plan.size
    return [
        ("clip", f"{order.clip.name}, {clip.source[0]}x{clip.source[1]}, {clip.fps:g} frames a "
         f"second, {clip.found:,} frames"),
        ("learned from", f"{len(clip.frames):,} frames at {width}x{height}"),
        *(("note", note) for note in clip.notes),
        ("network", f"U-Net of {', '.join(map(str, plan.shape.widths))} channels"),
        ("a step", f"{plan.batch} sequences of up to {plan.unroll} frames in a row"),
        ("seed", str(plan.seed)),
        ("package", order.name),
        ("made with", f"PyTorch {torch.__version__}, Python {platform.python_version()}, "
         f"{platform.system()} {platform.machine()}"),
    ]  # fmt: skip
