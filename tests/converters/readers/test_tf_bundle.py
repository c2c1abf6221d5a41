"""What the index of a checkpoint may say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.crc32c import crc32c
from converters.readers.tf_bundle import read_index
from tests.converters.readers import checkpoint_writer as writer

DATA = np.arange(6, dtype=np.float32).tobytes()
SUM = crc32c(DATA)


@pytest.mark.parametrize(
    ("entry", "header"),
    {
        "an absurd shape": (writer.entry(1, [1 << 60], 0, 24, SUM), b""),
        "an absurd size": (writer.entry(1, [1 << 39], 0, 1 << 41, SUM), b""),
        "a product over 64 bits": (writer.entry(1, [1 << 32, 1 << 32], 0, 0, SUM), b""),
        "an absurd empty shape": (writer.entry(1, [0, 1 << 39, 1 << 39], 0, 0, 0), b""),
        "a negative side": (writer.entry(1, [-6], 0, 24, SUM), b""),
        "a negative offset": (writer.entry(1, [6], -1, 24, SUM), b""),
        "a negative size": (writer.entry(1, [6], 0, -24, SUM), b""),
        "forty sides": (writer.entry(1, [1] * 39 + [6], 0, 24, SUM), b""),
        "a size of another shape": (writer.entry(1, [5], 0, 24, SUM), b""),
        "a type that does not exist": (writer.entry(99, [6], 0, 24, SUM), b""),
        "a resource": (writer.entry(20, [6], 0, 24, SUM), b""),
        "more texts than bytes": (writer.entry(7, [1 << 39], 0, 24, SUM), b""),
        "a slice": (writer.entry(1, [6], 0, 24, SUM, writer.part(7, b"")), b""),
        "another file of data": (writer.entry(1, [6], 0, 24, SUM, shard=1), b""),
        "a negative file of data": (writer.entry(1, [6], 0, 24, SUM, shard=-1), b""),
        "unknown rank": (
            writer.number(1, 1) + writer.part(2, writer.number(3, 1)) + writer.number(5, 24), b""),
        "a cut entry": (writer.entry(1, [6], 0, 24, SUM)[:-2], b""),
        "big-endian": (writer.entry(1, [6], 0, 24, SUM), writer.header(1, writer.number(2, 1))),
        "no files of data": (writer.entry(1, [6], 0, 24, SUM), writer.header(0)),
        "a billion files of data": (writer.entry(1, [6], 0, 24, SUM), writer.header(1 << 30)),
        "a later format": (
            writer.entry(1, [6], 0, 24, SUM),
            writer.number(1, 1) + writer.part(3, writer.number(2, 2))),
        "the first format": (writer.entry(1, [6], 0, 24, SUM), writer.part(1, b"\x0a\x00")),
    }.values(),
)  # fmt: skip
def test_what_an_index_may_not_say(tmp_path: Path, entry: bytes, header: bytes) -> None:
    with pytest.raises((WeightsError, UnsafeWeightsError)):
        read_index(writer.write_one(tmp_path, entry, DATA, header))


def test_the_same_entry_is_read_where_it_is_right(tmp_path: Path) -> None:
    index = read_index(writer.write_one(tmp_path, writer.entry(1, [2, 3], 0, 24, SUM)))
    assert (index.shards, index.producer) == (1, 1)
    found = index.entries["w"]
    assert (found.dtype, found.shape, found.offset, found.size) == (1, [2, 3], 0, 24)


def test_more_arrays_than_memory_may_hold_are_refused_before_they_are_read(tmp_path: Path) -> None:
    pairs = [(b"", writer.header())]
    pairs += [(b"%05d" % n, writer.entry(1, [1 << 26], 0, 1 << 28, 0)) for n in range(17)]
    (tmp_path / "net.data-00000-of-00001").write_bytes(DATA)
    index = tmp_path / "net.index"
    index.write_bytes(writer.table(pairs))
    with pytest.raises(UnsafeWeightsError):
        read_index(index)


@pytest.mark.parametrize(
    "pairs",
    [
        [(b"", writer.header()), (b"w", b""), (b"w", b"")],
        [(b"", writer.header()), (b"", writer.header())],
        [(b"", writer.header()), (b"w", b""), (b"v", b"")],
        [(b"w", b"")],
        [(b"", writer.header()), (b"\0slice", b"")],
        [(b"", writer.header()), (b"\xff\xfe", writer.entry(1, [6], 0, 24, SUM))],
        [],
    ],
    ids=["twice", "two headers", "out of order", "no header", "slices", "no text", "nothing"],
)
def test_keys_that_no_checkpoint_has(tmp_path: Path, pairs: list) -> None:
    index = tmp_path / "net.index"
    index.write_bytes(writer.table(pairs))
    with pytest.raises(WeightsError):
        read_index(index)
