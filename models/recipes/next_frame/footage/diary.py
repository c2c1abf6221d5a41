"""What a run has seen of itself, kept beside its checkpoint, for the page that people open."""

from __future__ import annotations

import msgspec


class Play(msgspec.Struct):
    """What one network makes of one seed.

    Attributes:
        seed: what it began with, in words.
        strip: WebP, its frames at `Diary.ticks`, side by side.
    """

    seed: str
    strip: bytes


class LayerRange(msgspec.Struct):
    """What comes out of one layer, on the same frames every time.

    Attributes:
        low, high: between them lie 98 per cent.
        spread: standard deviation.
        silent: share of its channels that say the same everywhere.
    """

    layer: str
    low: float
    high: float
    spread: float
    silent: float


class Milestone(msgspec.Struct):
    """The run at one step."""

    step: int
    elapsed_s: float
    plays: list[Play]
    layers: list[LayerRange]


class Point(msgspec.Struct):
    """One check. Losses are mean absolute errors of one step, of 255."""

    step: int
    elapsed_s: float
    learned: float
    held_back: float
    motion: float
    """Mean change from tick to tick of its own play, of the clip's."""


class Worst(msgspec.Struct):
    """A frame that it foretells badly.

    Attributes:
        loss: of 255.
        strip: WebP: the frame before, the frame to come, what was made of it, and the difference.
    """

    frame: int
    held_back: bool
    loss: float
    strip: bytes


class Diary(msgspec.Struct):
    """All that the page shows.

    Attributes:
        facts: a word or two, and a sentence.
        repeat: loss of repeating the last frame, on what is held back, of 255.
        promise: what overfitting eight pictures showed, a sentence each.
        ticks: which frames of a play its strip shows.
        playing: an animated WebP of the network as it is now.
        ages: by age, a strip of the same seed.
        finished: the run has come to its end.
    """

    title: str
    facts: list[tuple[str, str]]
    repeat: float
    promise: list[str]
    ticks: list[int]
    points: list[Point] = msgspec.field(default_factory=list)
    milestones: list[Milestone] = msgspec.field(default_factory=list)
    worst: list[Worst] = msgspec.field(default_factory=list)
    ages: list[tuple[float, bytes]] = msgspec.field(default_factory=list)
    playing: bytes = b""
    finished: bool = False

    def back_to(self, step: int) -> None:
        """Forget what came after a step: a run goes on from its last checkpoint."""
        self.points = [point for point in self.points if point.step <= step]
        self.milestones = [m for m in self.milestones if m.step <= step]

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)


def decoded(record: bytes) -> Diary:
    """
    Raises: ValueError: it is no diary.
    """
    return msgspec.json.decode(record, type=Diary)
