"""The run: what it is told, its steps, its checks, and how it ends."""

from __future__ import annotations

import math
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import torch

from bridge.errors import MediaError, TrainingError

from ..graph import LEVELS, WIDTH, Shape
from . import telling
from .checkpoint import Progress, read_checkpoint
from .chronicle import Chronicle
from .clip import Clip, read_clip
from .folder import CHECKPOINT, DIARY, RunFolder
from .gpus import as_lines, elsewhere
from .learner import UNROLLED_AT, FootageLearner
from .machine import chosen_device, cores, peak_memory_bytes
from .pace import Pace, StopSignal
from .plan import (
    AGES,
    MILESTONES,
    Order,
    Plan,
    check_interval_s,
    default_side,
    due_ages,
    save_interval_s,
)
from .promise import overfit
from .telling import Event, Tell

PROMISE_S = 20.0
PROMISE_SHARE = 0.1
"""Of the whole run at most."""
TELL_S = 2.0
FEW_STEPS = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        finished: False if it was stopped; the same command goes on with it.
        held_back, repeat: losses of one step on what is held back, of 255.
    """

    finished: bool
    package: Path | None
    diary: Path
    steps: int
    elapsed_s: float
    held_back: float
    repeat: float


def train(order: Order, tell: Tell) -> Outcome:
    """Train a package from a clip; goes on with the run that is in the folder.

    Raises: MediaError, FootageError: the clip. UsageError: the run that is there is another.
        StorageError: no room. TrainerMissingError: the device. TrainingError: it came to no good.
    Guarantees: whatever happens, the last checkpoint and the last package are whole.
    """
    device = chosen_device(order.device)
    folder = RunFolder(order.output)
    checkpoint = folder / CHECKPOINT
    found = None
    if checkpoint.is_file() and not order.fresh:
        found = read_checkpoint(checkpoint)
    side = order.side or (found[0].plan.side if found else default_side(device, cores()))
    clip = _read(order, side, tell)
    plan = Plan(
        digest=clip.digest, side=side, size=clip.size, seed=order.seed, width=WIDTH, levels=LEVELS
    )
    if found is None:
        return _Run(order, Progress(plan), clip, device, folder, tell).begin()
    plan.check_continues(found[0].plan, order)
    return _Run(order, found[0], clip, device, folder, tell).go_on(found[1])


def _read(order: Order, side: int, tell: Tell) -> Clip:
    said_s = time.monotonic()

    def step(done: int, count: int) -> None:
        nonlocal said_s
        if time.monotonic() - said_s > 0.5:
            said_s = time.monotonic()
            facts = {"frames": done, "of": count}
            tell(Event("reading", f"reading {order.clip.name}: {done} of {count} frames", facts))

    if not order.clip.exists():
        raise MediaError(str(order.clip), "a clip", "no such file", "Correct the path.")
    clip = read_clip(order.clip, side, Shape(WIDTH, LEVELS).multiple, step)
    width, height = clip.size
    held = sum(last - first - 1 for first, last in clip.held_back())
    text = (
        f"{order.clip.name}: {len(clip.frames)} frames of {clip.source[0]}x{clip.source[1]}, "
        f"learned at {width}x{height}; {held} are held back, to see what it has understood."
    )
    facts = {"frames": len(clip.frames), "size": [width, height], "held_back": held,
             "notes": list(clip.notes)}  # fmt: skip
    tell(Event("clip", "\n".join([text, *clip.notes]), facts))
    return clip


class _Run:
    def __init__(
        self, order: Order, progress: Progress, clip: Clip, device: str, folder: RunFolder,
        tell: Tell,
    ) -> None:  # fmt: skip
        self._order, self._at, self._clip, self._folder = order, progress, clip, folder
        self._device, self._tell = device, tell
        self._plan = progress.plan
        self._step_s = 0.0
        self._last: dict[str, float] = {}

    def begin(self) -> Outcome:
        self._folder.clear()
        self._tell_plan()
        budget_s = min(PROMISE_S, PROMISE_SHARE * self._expected_s())
        promise = overfit(self._plan, self._clip, self._device, budget_s)
        self._at.promised = promise.bound
        facts = {"reached": promise.reached, "repeat": promise.repeat, "steps": promise.steps}
        self._tell(Event("promise", "\n".join(promise.sentences), facts))
        learner = FootageLearner(self._plan, self._clip, self._device)
        chronicle = Chronicle.begun(
            self._order, self._plan, self._clip, self._folder, promise.sentences
        )
        return self._train(learner, chronicle)

    def go_on(self, state: dict[str, object]) -> Outcome:
        learner = FootageLearner(self._plan, self._clip, self._device)
        learner.load_state(state)
        chronicle = Chronicle.continued(
            self._order, self._plan, self._clip, self._folder, learner.taken
        )
        self._tell_plan(learner.taken)
        return self._train(learner, chronicle)

    def _tell_plan(self, taken: int = 0) -> None:
        """Measured on a network that is thrown away, at the shortest and the longest of steps."""
        trial = FootageLearner(self._plan, self._clip, self._device)
        trial.step(1.0)
        begun = time.monotonic()
        trial.step(0.0)
        short = time.monotonic()
        trial.step(1.0)
        long_s, short_s = time.monotonic() - short, short - begun
        self._step_s = short_s * UNROLLED_AT / 2 + long_s * (1 - UNROLLED_AT / 2)
        left_s = Pace(self._order, self._at.elapsed_s).left_s(taken, self._step_s)
        ready = datetime.now().astimezone() + timedelta(seconds=left_s)
        memory = self._memory()
        going = f"It goes on from step {taken:,}. " if taken else ""
        steps = taken + left_s / self._step_s
        text = (
            f"{going}It will be done at {ready:%H:%M}, in {telling.duration(left_s)}, after about "
            f"{steps:,.0f} steps of {1000 * self._step_s:.0f} ms on "
            f"{self._device} ({torch.get_num_threads()} threads)"
            + (f", in {telling.megabytes(memory)} of memory." if memory else ".")
        )
        if steps < FEW_STEPS:
            text += " So few steps teach little: take a smaller --size, or more time."
        gpus = elsewhere(self._plan, _copied(trial), steps)
        facts = {
            "finishes_at": ready.isoformat(timespec="seconds"), "left_s": round(left_s, 1),
            "step_s": round(self._step_s, 4), "memory_bytes": memory, "from_step": taken,
            "device": self._device, "gpus": [asdict(gpu) for gpu in gpus],
        }  # fmt: skip
        self._tell(Event("plan", f"{text}\n{as_lines(gpus)}", facts))

    def _expected_s(self) -> float:
        return self._order.steps * self._step_s or 60 * self._order.minutes

    def _memory(self) -> int:
        if self._device.startswith("cuda"):
            return int(torch.cuda.max_memory_allocated())
        return peak_memory_bytes()

    def _train(self, learner: FootageLearner, chronicle: Chronicle) -> Outcome:
        pace = Pace(self._order, self._at.elapsed_s, self._at.cpu_s)
        every_s = check_interval_s(self._expected_s())
        save_s = save_interval_s(self._expected_s())
        saved = checked = told = pace.elapsed_s
        # One that was finished goes on if it is given more time.
        self._at.done = self._at.done and pace.progress(learner.taken) >= 1
        self._note_ages(learner, pace)
        with StopSignal() as stop:
            while pace.progress(learner.taken) < 1 and not stop.asked:
                self._step(learner, pace)
                if learner.taken in MILESTONES:
                    chronicle.milestone(learner, pace.elapsed_s)
                self._note_ages(learner, pace)
                if pace.elapsed_s - told > TELL_S:
                    told = pace.elapsed_s
                    self._tell_progress(learner, pace)
                if pace.progress(learner.taken) >= 1:
                    break
                if pace.elapsed_s - checked > every_s:
                    self._check(learner, pace, chronicle)
                    checked = saved = pace.elapsed_s
                elif pace.elapsed_s - saved > save_s:
                    self._save(learner, pace, chronicle)
                    saved = pace.elapsed_s
            finished = pace.progress(learner.taken) >= 1
            if finished and not self._at.done:
                self._at.done = True
                self._at.kept = [*self._at.kept[: len(AGES) - 1], _copied(learner)]
                chronicle.finish(learner, pace.elapsed_s)
                self._check(learner, pace, chronicle)
            elif not finished:
                self._save(learner, pace, chronicle)
        return self._outcome(learner, chronicle, finished)

    def _step(self, learner: FootageLearner, pace: Pace) -> None:
        begun = time.monotonic()
        loss = learner.step(pace.progress(learner.taken))
        if not math.isfinite(loss):
            raise TrainingError(
                str(self._folder.path), "a finite loss", f"{loss} at step {learner.taken + 1}",
                "Give the same command again: it goes on from the last checkpoint, from before "
                "that; if it comes back, begin anew with --fresh and another --seed.",
            )  # fmt: skip
        learner.taken += 1
        pace.tick()
        self._step_s += 0.1 * (time.monotonic() - begun - self._step_s)
        self._last["loss"] = loss

    def _note_ages(self, learner: FootageLearner, pace: Pace) -> None:
        """Keep the network as it is, where the run has come to an age that is to be kept."""
        due = due_ages(pace.progress(learner.taken), len(self._at.kept))
        while len(self._at.kept) < due:
            self._at.kept.append(_copied(learner))

    def _tell_progress(self, learner: FootageLearner, pace: Pace) -> None:
        share = pace.progress(learner.taken)
        left_s = pace.left_s(learner.taken, self._step_s)
        text = (
            f"step {learner.taken:,}, {share:.0%}, loss {self._last['loss']:.2f}, "
            f"{telling.duration(left_s)} left"
        )
        facts = {"step": learner.taken, "progress": round(share, 4), "left_s": round(left_s, 1),
                 "loss": round(self._last["loss"], 4)}  # fmt: skip
        self._tell(Event("progress", text, facts))

    def _check(self, learner: FootageLearner, pace: Pace, chronicle: Chronicle) -> None:
        figures = chronicle.check(learner, pace.elapsed_s)
        self._last |= figures
        pace.tick()
        self._save(learner, pace, chronicle)
        kept = self._at.kept if self._at.done else [*self._at.kept, _copied(learner)]
        chronicle.play_ages(learner, kept)
        chronicle.write_page(self._at.promised)
        chronicle.write_package(learner, kept)
        share = pace.progress(learner.taken)
        text = (
            f"step {learner.taken:,}, {share:.0%}, {telling.duration(pace.elapsed_s)}: off by "
            f"{figures['held_back']:.2f} of 255 on what is held back, {figures['learned']:.2f} on "
            f"what it learns from; repeating the frame {chronicle.repeat:.2f}. "
            f"Package and diary are renewed."
        )
        facts = {"step": learner.taken, "progress": round(share, 4), "repeat": chronicle.repeat,
                 "elapsed_s": round(pace.elapsed_s, 1), "cpu_s": round(pace.cpu_s, 1),
                 "package": str(self._order.package), **figures}  # fmt: skip
        self._tell(Event("check", text, facts))
        pace.tick()

    def _save(self, learner: FootageLearner, pace: Pace, chronicle: Chronicle) -> None:
        # First, for it may be ahead of the checkpoint, but not behind.
        chronicle.write_record()
        self._at.elapsed_s, self._at.cpu_s = pace.elapsed_s, pace.cpu_s
        self._folder.write(CHECKPOINT, self._at.encoded(learner))

    def _outcome(self, learner: FootageLearner, chronicle: Chronicle, finished: bool) -> Outcome:
        made = (self._order.package / "model.toml").is_file()
        points = chronicle.diary.points
        return Outcome(
            finished=finished,
            package=self._order.package if made else None,
            diary=self._folder / DIARY,
            steps=learner.taken,
            elapsed_s=self._at.elapsed_s,
            held_back=points[-1].held_back if points else float("nan"),
            repeat=chronicle.repeat,
        )


def _copied(learner: FootageLearner) -> dict[str, torch.Tensor]:
    return {
        name: value.detach().cpu().clone() for name, value in learner.average.state_dict().items()
    }
