"""A model of five ticks a run, beside an engine that never waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from framebridge_client import Bridge, connect

from tests.system.processes import Sidecar, until


@pytest.mark.timeout(300)
def test_a_slow_model_never_keeps_the_engine_waiting_and_never_serves_an_old_frame(
    start_sidecar: Callable[..., Sidecar],
) -> None:
    # A worker that gave way would answer its doorbell late wherever the machine has other work.
    start_sidecar("--keep-priority")
    with connect() as bridge:
        check_slow_model(bridge)


def check_slow_model(bridge: Bridge) -> None:
    # Large enough that a fifth of a run is a tick of an engine, on whatever backend it runs.
    width, height = 854, 480
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    with bridge.open("upscale-x2", width, height) as stream:
        alone = [stream.process(frame, timeout_s=30).model_ms for _ in range(8)]
    tick_s = float(np.median(alone[2:])) / 5 / 1000

    with bridge.open("upscale-x2", width, height) as stream:
        ages, models = [], []
        due = time.perf_counter()
        for _ in range(200):
            assert stream.submit(frame) is not None, "a submit found no slot"
            result = stream.poll()
            if result is not None:
                ages.append(result.age_ms)
                models.append(result.model_ms)
            due += tick_s
            time.sleep(max(0.0, due - time.perf_counter()))
        counters = stream.counters
        until(lambda: report(bridge)["start_age_ms"], "the worker's timings")
        start_age_ms = report(bridge)["start_age_ms"]["p50"]

    tick_ms = tick_s * 1000
    assert counters.skipped == 0
    assert counters.dropped > counters.returned > 5
    assert start_age_ms <= tick_ms + 5
    assert np.median(ages) <= np.median(models) + 2 * tick_ms


def report(bridge: Bridge) -> dict:
    return bridge.status()["streams"][0]
