"""TensorFlow checkpoints, read without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import FramebridgeError, WeightsError
from converters.readers.base import head_of
from converters.readers.tf_checkpoint import READER
from tests.converters.proving import SHARED, shared
from tests.converters.readers import checkpoint_writer as writer
from tests.converters.readers.checkpoint_writer import crc32c

REAL = (
    "dcscn/dcscn_L2_F4to4_PS_R1F4.ckpt",
    "dcscn/dcscn_L7_F32to8_G1.20_NIN_A24_B8_PS_R1F32.ckpt",
    "dcscn/dcscn_L7_F32to8_G1.20_Sc3_NIN_A24_B8_PS_R1F32.ckpt",
    "fsrcnn-tf1/x2/fsrcnn_ckpt",
    "fsrcnn-tf1/x3/fsrcnn_ckpt",
    "deblur-savedmodel/SkipConnections_v2_ssim/variables/variables",
)
ARRAYS = {
    "CNN1/conv_B": np.arange(4, dtype=np.float32),
    "CNN1/conv_W": np.random.default_rng(0).standard_normal((3, 3, 1, 4)).astype(np.float32),
    "CNN1/conv_W/Adam": np.zeros((3, 3, 1, 4), np.float32),
    "CNN2/conv_W": np.random.default_rng(1).standard_normal((1, 1, 4, 5)).astype(np.float16),
    "beta1_power": np.float32(0.9).reshape(()),
    "empty": np.zeros((0, 3), np.float32),
    "precise": np.linspace(0, 1, 7),
    "step": np.array(12_345, np.int64),
    "taken": np.array([True, False]),
}


def sniffed(path: Path) -> bool:
    return READER.sniff(path, head_of(path))


def same(found: dict, expected: dict) -> None:
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, name
        assert found[name].shape == array.shape, name
        assert found[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("snappy", [False, True])
def test_every_array_is_as_it_was_written(tmp_path: Path, shards: int, snappy: bool) -> None:
    index = writer.write(tmp_path, ARRAYS, shards=shards, snappy=snappy)
    weights = READER.read(index)
    same(dict(weights.arrays), ARRAYS)
    assert weights.facts == {"shards": shards, "producer": 1, "skipped": {}}
    assert weights.files[0] == index
    assert len(weights.files) == 1 + shards


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 3e38, 0.0], np.float32)
    stored = (values.view(np.uint32) >> 16).astype(np.uint16)
    rounded = (stored.astype(np.uint32) << 16).view(np.float32)
    writer.write_one(
        tmp_path, writer.entry(14, [4], 0, 8, crc32c(stored.tobytes())), stored.tobytes()
    )
    found = READER.read(tmp_path / "net.index").arrays["w"]
    assert found.dtype == np.float32
    assert found.tobytes() == rounded.tobytes()


def test_any_part_of_it_will_do(tmp_path: Path) -> None:
    index = writer.write(tmp_path, ARRAYS)
    (tmp_path / "net.meta").write_bytes(b"\x0a\x02\x12\x00")
    listing = tmp_path / "checkpoint"
    listing.write_text('model_checkpoint_path: "/home/her/runs/net"\n')
    for path in (
        index, tmp_path / "net", tmp_path / "net.meta", tmp_path / "net.data-00000-of-00001",
        listing, tmp_path,
    ):  # fmt: skip
        assert sniffed(path), path
        same(dict(READER.read(path).arrays), ARRAYS)


def test_the_listing_says_which_checkpoint_of_a_folder(tmp_path: Path) -> None:
    writer.write(tmp_path, {"old": np.zeros(2, np.float32)}, "net-1")
    writer.write(tmp_path, {"new": np.zeros(3, np.float32)}, "net-2")
    assert not sniffed(tmp_path)
    (tmp_path / "checkpoint").write_text(
        'model_checkpoint_path: "net-2"\nall_model_checkpoint_paths: "net-1"\n'
    )
    assert set(READER.read(tmp_path).arrays) == {"new"}


def test_a_listing_reaches_into_no_other_folder(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    writer.write(tmp_path, ARRAYS)
    (inner / "checkpoint").write_text('model_checkpoint_path: "../net"\n')
    assert not sniffed(inner)
    with pytest.raises(WeightsError, match=r"net\.index"):
        READER.read(inner / "checkpoint")


@pytest.mark.parametrize("name", ["a\0b", "a" * 300, "..", "", "a\\..\\..", "\udcff"])
def test_a_listing_of_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    listing = tmp_path / "checkpoint"
    listing.write_bytes(b'model_checkpoint_path: "%b"' % name.encode("utf-8", "surrogateescape"))
    for path in (listing, tmp_path):
        assert not sniffed(path)
        with pytest.raises(WeightsError):
            READER.read(path)


def test_a_name_that_is_too_long_is_no_checkpoint(tmp_path: Path) -> None:
    assert not sniffed(tmp_path / ("a" * 250))


def test_files_of_other_formats_are_left(tmp_path: Path) -> None:
    for name, content in {
        "net.index": b"PK\x03\x04" + bytes(100),
        "picture.pth": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "zip.data-00000-of-00001": b"PK\x03\x04" + bytes(100),
        "folder.meta": b"\x0a\x02\x12\x00",
        "empty": b"",
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert not sniffed(path), name
    assert not sniffed(tmp_path)
    # A torch file beside something else's index is a torch file.
    writer.write(tmp_path, ARRAYS, "model.pth")
    (tmp_path / "model.pth").write_bytes(b"PK\x03\x04" + bytes(100))
    assert not sniffed(tmp_path / "model.pth")


def test_a_saved_model_is_left_to_its_own_reader(tmp_path: Path) -> None:
    writer.write(tmp_path, ARRAYS)
    assert sniffed(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01")
    assert not sniffed(tmp_path)


def test_texts_are_checked_and_left_out(tmp_path: Path) -> None:
    content, checksum = writer.texts([b"graph", b"", b"x" * 300])
    writer.write_one(tmp_path, writer.entry(7, [3], 0, len(content), checksum), content)
    weights = READER.read(tmp_path / "net.index")
    assert not weights.arrays
    assert weights.facts["skipped"] == {"w": "string"}
    for at in range(0, len(content), 3):
        broken = bytearray(content)
        broken[at] ^= 1 << at % 8
        (tmp_path / "net.data-00000-of-00001").write_bytes(broken)
        with pytest.raises(WeightsError):
            READER.read(tmp_path / "net.index")


def test_an_index_alone_is_refused_plainly(tmp_path: Path) -> None:
    index = writer.write(tmp_path, ARRAYS)
    (tmp_path / "net.data-00000-of-00001").unlink()
    with pytest.raises(WeightsError, match="No such file"):
        READER.read(index)


def test_data_alone_are_refused_plainly(tmp_path: Path) -> None:
    writer.write(tmp_path, ARRAYS).unlink()
    data = tmp_path / "net.data-00000-of-00001"
    assert sniffed(data)
    with pytest.raises(WeightsError, match=r"its index net\.index beside it, got none"):
        READER.read(data)


def test_data_of_another_checkpoint_are_refused(tmp_path: Path) -> None:
    index = writer.write(tmp_path, ARRAYS)
    other = {name: array + 1 for name, array in ARRAYS.items() if array.dtype != bool}
    writer.write(tmp_path, {**other, "taken": ~ARRAYS["taken"]}, "other")
    (tmp_path / "other.data-00000-of-00001").rename(tmp_path / "net.data-00000-of-00001")
    with pytest.raises(WeightsError, match="of another checkpoint"):
        READER.read(index)


@pytest.mark.parametrize(
    ("offset", "size", "wrong"),
    [(0, 32, 0), (8, 24, 0), (1 << 40, 24, 0), (24, 4, 0), (0, 24, 1)],
)
def test_lengths_past_the_end_and_wrong_checksums(
    tmp_path: Path, offset: int, size: int, wrong: int
) -> None:
    data = bytes(range(24))
    right = writer.entry(1, [6], 0, 24, crc32c(data))
    assert READER.read(writer.write_one(tmp_path, right, data)).arrays["w"].shape == (6,)
    entry = writer.entry(1, [size // 4], offset, size, crc32c(data) ^ wrong)
    with pytest.raises(WeightsError, match="of another checkpoint"):
        READER.read(writer.write_one(tmp_path, entry, data))


def cuts_and_flips(content: bytes, flips: int) -> list[bytes]:
    found = [content[: len(content) * tenth // 10] for tenth in range(10)]
    random = np.random.default_rng(7)
    for at in random.integers(0, len(content), flips):
        broken = bytearray(content)
        broken[at] ^= 1 << int(random.integers(8))
        found.append(bytes(broken))
    return found


@pytest.mark.parametrize("snappy", [False, True])
@pytest.mark.parametrize("part", ["net.index", "net.data-00000-of-00001"])
def test_every_cut_and_every_flipped_bit_is_an_error(
    tmp_path: Path, part: str, snappy: bool
) -> None:
    index = writer.write(tmp_path, ARRAYS, snappy=snappy)
    path = tmp_path / part
    for broken in cuts_and_flips(path.read_bytes(), 60):
        path.write_bytes(broken)
        with pytest.raises(WeightsError):
            READER.read(index)


@pytest.mark.parametrize("name", [REAL[1], REAL[5]])
@pytest.mark.parametrize("part", [".index", ".data-00000-of-00001"])
def test_every_cut_and_every_flipped_bit_of_real_files_is_an_error(
    tmp_path: Path, name: str, part: str
) -> None:
    real = shared(f"{name}.index").with_suffix("")
    for suffix in (".index", ".data-00000-of-00001"):
        (tmp_path / f"net{suffix}").write_bytes(Path(f"{real}{suffix}").read_bytes())
    path = tmp_path / f"net{part}"
    # Each try reads the whole checkpoint, so the larger one gets fewer of them.
    for broken in cuts_and_flips(path.read_bytes(), 60 if name == REAL[1] else 15):
        path.write_bytes(broken)
        with pytest.raises(FramebridgeError):
            READER.read(tmp_path / "net.index")


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_read(name: str) -> None:
    index = shared(f"{name}.index")
    weights = READER.read(index)
    assert len(weights.arrays) > 25
    assert all(np.isfinite(array).all() for array in weights.arrays.values())


@pytest.mark.parametrize("name", REAL)
def test_every_array_is_what_tensorflow_reads(name: str) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    index = shared(f"{name}.index")
    theirs = tensorflow.train.load_checkpoint(str(SHARED / name))
    weights = READER.read(index)
    names = set(theirs.get_variable_to_shape_map()) - set(weights.facts["skipped"])
    same(dict(weights.arrays), {key: theirs.get_tensor(key) for key in names})


def test_what_the_writer_of_these_tests_writes_is_read_by_tensorflow(tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    writer.write(tmp_path, ARRAYS, shards=2)
    theirs = tensorflow.train.load_checkpoint(str(tmp_path / "net"))
    same({name: np.asarray(theirs.get_tensor(name)) for name in ARRAYS}, ARRAYS)
