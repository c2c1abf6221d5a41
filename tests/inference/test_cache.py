"""What is remembered is found again, whole or not at all, and costs nothing when it cannot be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from bridge.inference import cache


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.FOLDER_VARIABLE, str(folder))
    return folder


def _only_entry(folder: Path) -> Path:
    (path,) = (folder / "speed").iterdir()
    return path


def test_what_was_remembered_is_found_by_its_key_alone() -> None:
    assert cache.remembered("speed", "a") is None
    cache.remember("speed", "a", {"ms": 1.5, "name": "x"})
    cache.remember("speed", "b", {"ms": 2})
    assert cache.remembered("speed", "a") == {"ms": 1.5, "name": "x"}
    assert cache.remembered("speed", "b") == {"ms": 2}
    assert cache.remembered("other", "a") is None


def test_the_newest_value_takes_the_place_of_the_old() -> None:
    for value in (1, 2):
        cache.remember("speed", "a", {"ms": value})
    assert cache.remembered("speed", "a") == {"ms": 2}


def test_the_first_of_many_processes_says_what_holds(folder: Path) -> None:
    script = (
        "import sys\nfrom bridge.inference import cache\nsys.stdin.readline()\n"
        "print(cache.remember_first('speed', 'a', {'who': int(sys.argv[1])})['who'])"
    )
    racing = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(number)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )
        for number in range(6)
    ]  # fmt: skip
    for process in racing:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = {process.communicate(timeout=60)[0] for process in racing}
    assert len(said) == 1
    assert cache.remembered("speed", "a") == {"who": int(said.pop())}
    assert len(list((folder / "speed").iterdir())) == 1


def test_what_cannot_be_read_gives_way_to_who_comes_first(folder: Path) -> None:
    cache.remember("speed", "a", {"ms": 1})
    _only_entry(folder).write_bytes(b"{")
    assert cache.remember_first("speed", "a", {"ms": 2}) == {"ms": 2}
    assert cache.remembered("speed", "a") == {"ms": 2}
    assert cache.remember_first("speed", "a", {"ms": 3}) == {"ms": 2}


def test_a_key_may_be_any_text() -> None:
    key = "Ünï \ud800 ../../\n" * 500
    cache.remember("speed", key, {"ms": 1})
    assert cache.remembered("speed", key) == {"ms": 1}


@pytest.mark.parametrize("kind", ["", "..", "a/b", "A"])
def test_a_kind_that_is_no_plain_word_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="kind"):
        cache.remember(kind, "a", {})


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff\xfe", b"[]", b"7", b'{"key": "a"}', b'{"key": "a", "value": 3}',
        b'{"key": "b", "value": {"ms": 1}}', b"[" * 50_000,
        b'{"key": "a", "value": {"x": "' + b"y" * cache.MOST_BYTES + b'"}}',
    ],
    ids=["empty", "cut", "no text", "list", "number", "no value", "wrong value", "another key",
         "deep", "too large"],
)  # fmt: skip
def test_a_file_that_is_no_entry_counts_as_none_and_is_replaced(
    content: bytes, folder: Path
) -> None:
    cache.remember("speed", "a", {"ms": 1})
    _only_entry(folder).write_bytes(content)
    assert cache.remembered("speed", "a") is None
    cache.remember("speed", "a", {"ms": 2})
    assert cache.remembered("speed", "a") == {"ms": 2}


def test_a_value_that_is_too_large_is_not_kept(folder: Path) -> None:
    cache.remember("speed", "a", {"x": "y" * cache.MOST_BYTES})
    assert cache.remembered("speed", "a") is None
    assert not folder.exists()


def test_no_kind_grows_beyond_its_bound_and_the_newest_stay(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_ENTRIES", 3)
    for index in range(6):
        cache.remember("speed", str(index), {"index": index})
        for path in (folder / "speed").iterdir():  # a coarse clock must not decide
            os.utime(path, ns=(json.loads(path.read_bytes())["value"]["index"] + 1,) * 2)
    assert len(list((folder / "speed").iterdir())) == 3
    assert [cache.remembered("speed", str(i)) is None for i in range(6)] == [True] * 3 + [False] * 3


def test_what_a_killed_writer_left_goes_in_its_turn(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "MOST_ENTRIES", 1)
    (folder / "speed").mkdir(parents=True)
    left = folder / "speed" / ".abc.new"
    left.write_bytes(b"{")
    os.utime(left, ns=(1, 1))
    cache.remember("speed", "a", {"ms": 1})
    assert not left.exists()
    assert cache.remembered("speed", "a") == {"ms": 1}


def test_a_place_that_is_no_folder_costs_the_memory_alone(folder: Path) -> None:
    folder.write_text("in the way")
    cache.remember("speed", "a", {"ms": 1})
    assert cache.remembered("speed", "a") is None


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_place_that_may_not_be_written_to_costs_the_memory_alone(folder: Path) -> None:
    folder.mkdir(mode=0o500)
    cache.remember("speed", "a", {"ms": 1})
    assert cache.remembered("speed", "a") is None


def test_readers_see_whole_entries_while_others_write() -> None:
    values = [{"text": letter * 20_000} for letter in "ab"]
    cache.remember("speed", "a", values[0])

    def write(value: dict[str, Any]) -> None:
        for _ in range(100):
            cache.remember("speed", "a", value)

    writers = [threading.Thread(target=write, args=(value,)) for value in values]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert cache.remembered("speed", "a") in values
    for writer in writers:
        writer.join(30)


def test_the_folder_is_named_by_the_first_variable_that_is_set(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache.cache_folder() == folder
    monkeypatch.delenv(cache.FOLDER_VARIABLE)
    assert cache.cache_folder() == tmp_path / "xdg" / "framebridge"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == tmp_path / "home" / ".cache" / "framebridge"
    monkeypatch.setattr(sys, "platform", "win32")
    assert cache.cache_folder() == tmp_path / "local" / "framebridge" / "cache"


def test_the_machine_has_the_same_name_in_every_process() -> None:
    program = "from bridge.inference.cache import machine_key; print(machine_key())"
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True, timeout=60
    ).stdout
    assert printed.strip() == cache.machine_key()


def test_processors_of_one_name_that_can_do_different_things_are_told_apart() -> None:
    text = "processor : 0\nmodel name\t: Some EPYC\nflags\t: {}\n\nprocessor : 1\nflags : x\n"
    few, many = (cache._first_processor(text.format(f)) for f in ("avx2", "avx2 avx512_bf16"))
    assert few[0] == many[0] == "Some EPYC"
    assert few != many
    assert cache._first_processor("processor : 0\nBogoMIPS : 50\n") == []
