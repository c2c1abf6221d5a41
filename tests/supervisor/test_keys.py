"""Keys: made once, kept secret, and read as zmq.auth writes them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import zmq
import zmq.auth

from bridge.errors import TransportError, UsageError
from bridge.supervisor.keys import known_keys, load_secret, make_key

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")


def test_a_pair_goes_together_and_zmq_reads_it(tmp_path: Path) -> None:
    public, secret = make_key(tmp_path, "desk")
    assert (public.name, secret.name) == ("desk.key", "desk.key_secret")
    pair = zmq.auth.load_certificate(secret)
    assert pair == load_secret(secret)
    assert zmq.auth.load_certificate(public) == (pair[0], None)
    assert zmq.curve_public(pair[1]) == pair[0]


def test_a_pair_that_zmq_made_is_read(tmp_path: Path) -> None:
    public, secret = (Path(path) for path in zmq.auth.create_certificates(tmp_path, "desk"))
    secret.chmod(0o600)
    assert known_keys(public) == {load_secret(secret)[0]}


@posix
def test_a_secret_key_is_its_owners_alone(tmp_path: Path) -> None:
    _, secret = make_key(tmp_path, "desk")
    assert secret.stat().st_mode & 0o777 == 0o600
    secret.chmod(0o640)
    with pytest.raises(UsageError, match="mode 0640"):
        load_secret(secret)


def test_no_key_is_overwritten_and_nothing_is_left_of_half_a_pair(tmp_path: Path) -> None:
    public, secret = make_key(tmp_path, "desk")
    before = public.read_text(), secret.read_text()
    with pytest.raises(UsageError, match="a name that is free"):
        make_key(tmp_path, "desk")
    assert (public.read_text(), secret.read_text()) == before
    public.unlink()
    with pytest.raises(UsageError, match="a name that is free"):
        make_key(tmp_path, "desk")
    assert [path.name for path in tmp_path.iterdir()] == ["desk.key_secret"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="a folder to write keys into"):
        make_key(tmp_path / "none", "desk")


@pytest.mark.parametrize("name", ["", "../desk", "a/b", "."])
def test_a_name_that_is_a_path_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a plain name"):
        make_key(tmp_path, name)


def test_a_public_key_is_no_secret_one(tmp_path: Path) -> None:
    public, _ = make_key(tmp_path, "desk")
    with pytest.raises(UsageError, match=r"a \.key_secret file"):
        load_secret(public)


def test_a_secret_key_of_another_pair_is_refused(tmp_path: Path) -> None:
    _, one = make_key(tmp_path, "one")
    _, two = make_key(tmp_path, "two")
    lines = one.read_text().splitlines()[:2] + two.read_text().splitlines()[2:]
    one.write_text("\n".join(lines))
    with pytest.raises(UsageError, match="goes with its public one"):
        load_secret(one)


def test_a_list_is_the_key_files_of_a_folder_and_passes_over_what_is_none(tmp_path: Path) -> None:
    wanted = {load_secret(make_key(tmp_path, name)[1])[0] for name in ("one", "two")}
    (tmp_path / "empty.key").touch()
    (tmp_path / "short.key").write_text('curve\n    public-key = "abc"\n')
    (tmp_path / "noise.key").write_bytes(bytes(range(256)))
    (tmp_path / "folder.key").mkdir()
    assert known_keys(tmp_path) == wanted


def test_a_list_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--allow"):
        known_keys(tmp_path / "none")
