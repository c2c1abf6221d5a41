"""The diary is one HTML file that opens anywhere."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from models.recipes.next_frame.footage.diary import (
    Diary,
    LayerRange,
    Milestone,
    Play,
    Point,
    Worst,
    decoded,
)
from models.recipes.next_frame.footage.page import page
from models.recipes.next_frame.footage.pictures import difference, encoded, moving, sheet, strip
from tests.recipes.next_frame.footage.scene import draw_scene

FRAMES = [draw_scene(index)[..., :3] for index in range(5)]
VOID = {"meta", "img"}


def diary(steps: int = 3) -> Diary:
    milestones = [
        Milestone(
            step, step / 2,
            [Play("noise", encoded(strip(FRAMES))), Play("black", encoded(FRAMES[0]))],
            [LayerRange("down.0", -1.5 * step, 2, 0.5, 0.25), LayerRange("last", -0.1, 0.1, 0, 0)],
        )
        for step in (10, 50, 200)
    ]  # fmt: skip
    return Diary(
        title="Sea <& sky>", facts=[("clip", "sea & sky.mp4")], repeat=4.0,
        promise=["It can explain at least 80% of what moves here."], ticks=[0, 1, 4],
        points=[Point(10 ** (i + 1), 60 * i, 8 / (i + 1), 9 / (i + 1), 1) for i in range(steps)],
        milestones=milestones, worst=[Worst(7, True, 9.5, encoded(strip(FRAMES)))],
        ages=[(0.0, encoded(FRAMES[0])), (1.0, encoded(FRAMES[1]))], playing=moving(FRAMES, 30),
    )  # fmt: skip


class Reader(HTMLParser):
    """Notes what is opened, what is closed in the wrong place, and what comes from outside."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.sources: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def read() -> Reader:
    reader = Reader()
    reader.feed(page(diary(), promise=1.2))
    reader.close()
    return reader


def test_every_tag_is_closed_where_it_was_opened(read: Reader) -> None:
    assert read.wrong == []
    assert read.open == []


def test_nothing_comes_from_elsewhere() -> None:
    text = page(diary())
    reader = Reader()
    reader.feed(text)
    assert len(reader.sources) == 1 + 6 + 2 + 1
    assert all(source.startswith("data:image/webp;base64,") for source in reader.sources)
    assert not re.search(r"https?://|@import|url\(|<script|<link", text)


def test_its_pictures_can_be_read(read: Reader) -> None:
    for source in read.sources:
        Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).load()


def test_it_shows_steps_seeds_layers_losses_and_facts(read: Reader) -> None:
    for wanted in (
        "Sea <& sky>", "sea & sky.mp4", "10", "50", "200", "noise", "black", "down.0",
        "25% silent", "frame 7, held back, off by 9.50", "It can explain at least 80%",
        "repeating the frame", "learned from", "held back", "eight pictures",
    ):  # fmt: skip
        assert wanted in read.text, wanted


def test_the_curves_fall_where_the_losses_do() -> None:
    text = page(diary())
    for kind in ("learned", "held"):
        points = re.search(rf'class="curve {kind}" points="([^"]+)"', text)
        assert points is not None
        heights = [float(pair.split(",")[1]) for pair in points[1].split()]
        places = [float(pair.split(",")[0]) for pair in points[1].split()]
        assert len(heights) == 3
        assert heights == sorted(heights)  # downwards in a picture
        assert places == sorted(places)


def test_the_axes_have_some_round_numbers_whatever_the_losses_are() -> None:
    for learned, repeat in ((2.98, 4.8), (0.001, 90.0), (11.0, 11.5)):
        young = diary()
        young.points = [Point(10, 1, learned, learned, 1), Point(9000, 9, learned, learned, 1)]
        young.repeat = repeat
        marks = re.findall(r'class="mark end"[^>]*>([^<]+)', page(young))
        assert 1 <= len(marks) <= 8, (learned, repeat, marks)


@pytest.mark.parametrize("steps", [0, 1])
def test_a_diary_of_a_run_that_has_just_begun_is_a_page_too(steps: int) -> None:
    young = diary(steps)
    young.milestones, young.worst, young.ages, young.playing = [], [], [], b""
    reader = Reader()
    reader.feed(page(young))
    assert (reader.wrong, reader.open, reader.sources) == ([], [], [])
    assert "nan" not in reader.text


def test_a_diary_is_kept_as_it_was_written_and_goes_back_with_its_run() -> None:
    kept = decoded(diary().encoded())
    assert kept == diary()
    kept.back_to(60)
    assert [milestone.step for milestone in kept.milestones] == [10, 50]
    assert [point.step for point in kept.points] == [10]


def test_a_strip_shows_its_frames_side_by_side_and_a_sheet_its_rows() -> None:
    wide = strip(FRAMES)
    assert wide.shape == (64, 5 * 96 + 4 * 2, 3)
    assert np.array_equal(wide[:, :96], FRAMES[0])
    assert np.array_equal(wide[:, -96:], FRAMES[4])
    assert sheet([wide, wide]).shape == (130, wide.shape[1], 3)


def test_what_moves_has_all_its_frames() -> None:
    with Image.open(io.BytesIO(moving(FRAMES, 25))) as image:
        assert image.n_frames == 5
        assert image.size == (96, 64)


def test_a_difference_is_grey_where_there_is_none() -> None:
    assert (difference(FRAMES[0], FRAMES[0]) == 128).all()
    lighter = np.full_like(FRAMES[0], 110)
    assert (difference(lighter, lighter - 10) == 168).all()
