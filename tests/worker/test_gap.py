"""A load beside a running chain begins its steps in the gap after a frame."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import zmq

from bridge import protocol
from bridge.frames import FrameFormat
from bridge.inference.chain import Chain
from bridge.inference.package import ModelPackage
from bridge.transport.shared_memory import SharedMemorySlot
from bridge.worker.doorbell import Doorbell
from bridge.worker.service import FrameService, Pace
from bridge.worker.tally import Tally
from bridge.worker.watchdog import Watchdog
from tests.inference.small_models import network

EPOCH = 1
SIZE = FrameFormat(width=32, height=32)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Any]:
    network().write(tmp_path / "package")
    tally = Tally()
    doorbell = Doorbell("tcp://127.0.0.1:*", EPOCH, tally)
    names = [f"fbtest-{uuid.uuid4().hex[:12]}" for _ in range(2)]
    own = [SharedMemorySlot.create(name, SIZE) for name in names]
    service = FrameService(
        epoch=EPOCH, doorbell=doorbell,
        sources=[SharedMemorySlot.attach(names[0], SIZE)],
        results=[SharedMemorySlot.attach(names[1], SIZE)],
        chain=Chain([ModelPackage.open(tmp_path / "package")], SIZE),
        pace=Pace("latest"), tally=tally, watchdog=Watchdog(30, pytest.fail),
        on_failure=lambda error: pytest.fail(str(error)), on_retired=Chain.close,
    )  # fmt: skip
    client = zmq.Context.instance().socket(zmq.DEALER)
    client.setsockopt(zmq.LINGER, 0)
    client.connect(doorbell.address)
    service.start()
    try:
        yield SimpleNamespace(service=service, client=client, source=own[0])
    finally:
        service.stop()
        client.close()
        for slot in own:
            slot.close()


def run_one(served: Any, frame_id: int) -> None:
    served.source.pixels[:] = np.uint8(frame_id)
    served.client.send(protocol.pack_submit(EPOCH, 0, frame_id, time.perf_counter_ns()))
    served.client.recv()
    served.client.send(protocol.pack_release(EPOCH, 0))


def test_where_no_frames_flow_a_load_does_not_wait(served: Any) -> None:
    start = time.perf_counter()
    for _ in range(100):
        served.service.wait_for_gap()
    # A hundred waits would last five seconds.
    assert time.perf_counter() - start < 2


def test_where_frames_flow_it_waits_for_the_end_of_the_next(served: Any) -> None:
    ended = []

    def wait() -> None:
        served.service.wait_for_gap()
        ended.append(time.perf_counter())

    for frame_id in range(1, 6):
        run_one(served, 2 * frame_id)
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.01)
        again = time.perf_counter()
        run_one(served, 2 * frame_id + 1)
        waiting.join(5)
        assert ended
        if ended[-1] > again:
            return  # once is proof: it did not go on before the next frame
    pytest.fail("it never waited for a frame")


def test_a_stream_that_stops_does_not_hold_a_load_up(served: Any) -> None:
    run_one(served, 1)
    start = time.perf_counter()
    served.service.wait_for_gap()
    assert time.perf_counter() - start < 2
