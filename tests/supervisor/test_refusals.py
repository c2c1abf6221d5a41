"""A flood of refusals leaves a few lines in the log, and their number."""

from __future__ import annotations

import logging

import pytest

from bridge.errors import FramebridgeError, LimitError, ProtocolError
from bridge.supervisor.refusals import WINDOW_S, WRITTEN_EACH, Refusals


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_a_flood_is_a_few_lines_and_a_count(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusals = Refusals()
    for number in range(1000):
        refusals.note(ProtocolError("message", "a map", f"number {number}"), number / 1000)
    refusals.note(LimitError("bridge", "64 clients", "one more"), 1.0)
    assert len(lines(caplog)) == WRITTEN_EACH + 1
    assert "number 0" in lines(caplog)[0]
    assert "FB-E034" in lines(caplog)[-1]
    refusals.tend(WINDOW_S)
    assert lines(caplog)[WRITTEN_EACH + 1 :] == [
        f"refused: {1000 - WRITTEN_EACH} more with FB-E030"
    ]


def test_the_next_window_is_written_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusals = Refusals()
    for window in range(3):
        for _ in range(WRITTEN_EACH):
            refusals.note(ProtocolError("message", "a map", "none"), window * (WINDOW_S + 1))
    assert len(lines(caplog)) == 3 * WRITTEN_EACH


def test_a_line_is_one_line_of_bounded_length(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    refusals = Refusals()
    refusals.note(ProtocolError("message", "a map", "x\n2026 INFO all is well\x1b[2J" * 9999), 0.0)
    (line,) = lines(caplog)
    assert "\n" not in line
    assert "\x1b" not in line
    assert len(line) < 1000


def test_faults_of_our_own_are_as_seldom(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals()
    for _ in range(100):
        fault = ZeroDivisionError("ours")
        refusals.fault(fault, 0.0)
        refusals.note(FramebridgeError("bridge", "an answer", str(fault)), 0.0)
    assert len([record for record in caplog.records if record.exc_info]) == WRITTEN_EACH
