"""What we are compared with does what it is said to do: the frame comes back."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.frames import picture
from tests.bench.other_ways import jpeg_over_websocket, zeromq


@pytest.mark.parametrize("kind", ["by hand", "best case"])
@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_zeromq_brings_every_frame_back_as_it_was(transport: str, kind: str) -> None:
    with zeromq(transport, kind) as trip:
        for turn in range(3):
            frame = np.roll(picture(64, 48), turn, axis=1)
            assert np.array_equal(trip(frame), frame)


def test_jpeg_over_a_websocket_brings_the_picture_back() -> None:
    frame = picture(64, 48)
    with jpeg_over_websocket() as trip:
        back = trip(frame)
    assert back.shape == frame.shape
    assert np.abs(back.astype(int) - frame).mean() < 12
    # It did travel as JPEG.
    assert not np.array_equal(back, frame)
