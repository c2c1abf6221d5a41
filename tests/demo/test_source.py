"""The demo's sources of pictures, and the choice between them."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.demo import source as source_module
from bridge.demo.source import EngineSource, FrameSource, PatternSource, open_source
from bridge.errors import EngineError

SIZE = (160, 90)


@pytest.fixture
def pattern() -> PatternSource:
    return PatternSource(*SIZE)


@pytest.mark.parametrize(("width", "height"), [(160, 90), (97, 41), (16, 64), (1, 1)])
def test_a_pattern_has_the_size_that_was_asked_for(width: int, height: int) -> None:
    source = PatternSource(width, height)
    picture = source.render(0)
    assert (source.width, source.height) == (width, height)
    assert picture.shape == (height, width, 4)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    assert (picture[..., 3] == 255).all()


def test_the_same_tick_gives_the_same_bytes(pattern: PatternSource) -> None:
    first = pattern.render(77)
    pattern.render(5)
    assert np.array_equal(pattern.render(77), first)
    assert np.array_equal(PatternSource(*SIZE).render(77), first)


def test_the_next_tick_gives_another_picture(pattern: PatternSource) -> None:
    assert len({pattern.render(tick).tobytes() for tick in (10, 11, 12)}) == 3


def test_a_picture_is_not_drawn_over_by_the_next(pattern: PatternSource) -> None:
    first = pattern.render(10)
    kept = first.copy()
    pattern.render(11)
    assert np.array_equal(first, kept)


def test_the_line_of_text_is_at_the_bottom(pattern: PatternSource) -> None:
    picture = pattern.render(0).astype(int)
    assert (picture[-1, :, :3] < 40).all(), "the line's dark ground"
    assert (picture[0, :, 2] > 70).all(), "the backdrop's blue top"


def test_the_line_of_text_runs_on_for_hours(pattern: PatternSource) -> None:
    an_hour = 3600 * 60
    assert pattern.render(24 * an_hour)[-8:, :, 0].max() > 150


def test_its_truth_is_the_same_picture_with_more_detail(pattern: PatternSource) -> None:
    small = pattern.render(20).astype(float)
    truth = pattern.truth(20, 2)
    assert truth is not None
    assert truth.shape == (SIZE[1] * 2, SIZE[0] * 2, 4)
    halved = truth.reshape(SIZE[1], 2, SIZE[0], 2, 4).mean(axis=(1, 3))
    other = pattern.render(50).astype(float)
    assert np.abs(halved - small).mean() < 0.5 * np.abs(halved - other).mean()
    blown_up = np.repeat(np.repeat(small, 2, axis=0), 2, axis=1)
    assert np.abs(truth - blown_up).mean() > 2.0


def test_no_colour_wraps_round(pattern: PatternSource) -> None:
    """A value past 0 or 255 would jump to the other end: neighbours in the sky stay alike."""
    for tick in range(0, 600, 50):
        backdrop = pattern.render(tick)[0, :, :3].astype(int)
        assert np.abs(np.diff(backdrop, axis=0)).max() < 12


def test_a_closed_pattern_can_be_closed_again(pattern: PatternSource) -> None:
    pattern.render(0)
    pattern.close()
    pattern.close()


def test_the_engine_is_taken_where_it_runs() -> None:
    source, notice = open_source(*SIZE)
    try:
        if isinstance(source, PatternSource):
            pytest.skip(f"no engine on this machine: {notice}")
        assert isinstance(source, EngineSource)
        assert notice == ""
        assert "Panda3D" in source.name
        truth = source.truth(3, 2)
        assert truth is not None
        assert truth.shape == (SIZE[1] * 2, SIZE[0] * 2, 4)
        assert source.render(3).shape == (SIZE[1], SIZE[0], 4)
    finally:
        source.close()


def test_without_the_engine_a_pattern_is_drawn_and_the_reason_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(width: int, height: int) -> None:
        raise EngineError("demo engine", "Panda3D", "no module panda3d", "Run: this one line")

    monkeypatch.setattr(source_module, "PandaEngine", broken)
    source: FrameSource
    source, notice = open_source(*SIZE)
    assert isinstance(source, PatternSource)
    assert "FB-E080" in notice
    assert notice.endswith("Run: this one line")
