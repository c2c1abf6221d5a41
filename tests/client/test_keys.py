"""The keys of a client that controls a sidecar on another machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from framebridge_client import BridgeError, connect, discovery
from framebridge_client.discovery import find
from framebridge_client.keys import Keys, load_keys

from bridge.supervisor.keys import load_secret, make_key


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    for name in ("stage", "desk"):
        make_key(tmp_path, name)
    return tmp_path


def expected(folder: Path) -> Keys:
    server = load_secret(folder / "stage.key_secret")[0]
    return Keys(server, *load_secret(folder / "desk.key_secret"))


def test_the_sidecars_key_is_forty_characters_or_a_file(keys: Path) -> None:
    own = keys / "desk.key_secret"
    assert load_keys(str(keys / "stage.key"), own) == expected(keys)
    assert load_keys(expected(keys).server.decode(), str(own)) == expected(keys)


def test_without_any_there_are_none() -> None:
    assert load_keys("", None) is None


@pytest.mark.parametrize(
    ("server", "own", "says"),
    [
        ("stage.key", None, "the client's own missing"),
        ("", "desk.key_secret", "the sidecar's missing"),
        ("stage.key", "desk.key", "a public key alone"),
        ("stage.key", "none", "got Invalid certificate file"),
        ("none", "desk.key_secret", "got Invalid certificate file"),
        ("x" * 39, "desk.key_secret", "got Invalid certificate file"),
        ("noise.key", "desk.key_secret", "No public key"),
        ("short.key", "desk.key_secret", "FB-E002"),
    ],
)
def test_what_is_no_key_is_an_error(server: str, own: str | None, says: str, keys: Path) -> None:
    (keys / "noise.key").write_bytes(bytes(range(256)))
    (keys / "short.key").write_text('curve\n    public-key = "abcde"\n')
    with pytest.raises(BridgeError, match=says) as caught:
        load_keys(str(keys / server) if server else "", keys / own if own else None)
    assert caught.value.code == "FB-E002"


def test_keys_without_an_endpoint_are_an_error(keys: Path) -> None:
    with pytest.raises(BridgeError, match="FB-E002 endpoint"):
        connect(server_key=str(keys / "stage.key"), client_key_file=keys / "desk.key_secret")


def test_the_environment_names_keys_beside_the_endpoint(
    keys: Path, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(discovery.ENDPOINT_VARIABLE, "tcp://stage.local:7788")
    monkeypatch.setenv(discovery.SERVER_KEY_VARIABLE, str(keys / "stage.key"))
    monkeypatch.setenv(discovery.KEY_VARIABLE, str(keys / "desk.key_secret"))
    found = find()
    assert found is not None
    assert (found.endpoint, found.keys) == ("tcp://stage.local:7788", expected(keys))
