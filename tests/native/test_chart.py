"""The test chart tells each thing that people trip over."""

from __future__ import annotations

import numpy as np
import pytest

from tests.native.chart import chart, read_id, to_linear, wrongs

CHART = chart(0xA5F01234)


@pytest.mark.parametrize(
    ("what", "picture"),
    [
        ("upside down", CHART[::-1]),
        ("left and right swapped", CHART[:, ::-1]),
        ("red and blue swapped", CHART[..., [2, 1, 0, 3]]),
        ("upside down, red and blue swapped", CHART[::-1, :, [2, 1, 0, 3]]),
        ("alpha is another", np.dstack([CHART[..., :3], np.full(CHART.shape[:2], 255, np.uint8)])),
    ],
)
def test_it_tells_what_was_done(what: str, picture: np.ndarray) -> None:
    assert wrongs(picture, CHART) == [what]


def test_it_tells_a_transfer_too_many() -> None:
    assert wrongs(CHART, to_linear(CHART)) == ["encoded once too often"]
    assert wrongs(to_linear(CHART), to_linear(to_linear(CHART))) != []


def test_it_tells_another_frame_by_where_it_differs() -> None:
    assert wrongs(chart(6), chart(6)) == []
    assert "row 34, column 4" in wrongs(chart(2), chart(6))[0]


@pytest.mark.parametrize("frame_id", [0, 1, 0xFFFFFFFF, 0x80000001, 123456789])
def test_the_id_is_read_from_the_bars_at_any_multiple(frame_id: int) -> None:
    picture = chart(frame_id)
    assert read_id(picture) == frame_id
    assert read_id(picture.repeat(3, axis=0).repeat(3, axis=1)) == frame_id
