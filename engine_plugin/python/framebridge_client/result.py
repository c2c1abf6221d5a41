"""What a stream gives back, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]


@dataclass(slots=True)
class Counters:
    """What became of the frames of a stream.

    Attributes:
        sent: submits that reached the bridge.
        returned: results that came back.
        dropped: frames that the bridge gave back unused, because a newer one was there.
        skipped: submits that found no free slot, or no bridge.
        late: results that were superseded before anybody polled them.
        withheld: frames that the model turned into NaN or infinity; they count as dropped too.
        taken: frames that a tick of a free stream has taken up.
    """

    sent: int = 0
    returned: int = 0
    dropped: int = 0
    skipped: int = 0
    late: int = 0
    withheld: int = 0
    taken: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """A picture to show.

    Attributes:
        frame_id: of the frame that it was made of; of a free stream the number of its tick, from 1
            at the start, at a reset and at a load.
        pixels: uint8 (H, W, 4), read-only: the slot itself, valid until `poll` gives another.
        age_ms: from the frame's submit to now; of a free stream, from the result's arrival.
        model_ms: what the model took.
        chain: first eight hex digits of the hash of what made it; empty when no model did.
        origin: "bridge", or "passthrough" or "clear" while there is none.
    """

    frame_id: int
    pixels: Pixels
    age_ms: float
    model_ms: float
    chain: str
    origin: str


def nearest(source: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """The picture at another size, by the nearest pixel: quick, and clearly not the model's."""
    height, width, _ = shape
    if source.shape == shape:
        return source
    rows = np.arange(height) * source.shape[0] // height
    columns = np.arange(width) * source.shape[1] // width
    picked: Pixels = source[rows[:, None], columns[None, :]]
    return picked
