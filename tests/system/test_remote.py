"""Control from other machines: known keys alone, and engines here notice nothing of it."""

from __future__ import annotations

import json
import shutil
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import zmq
from framebridge_client import Bridge, BridgeError, NotRunning, connect

from bridge.supervisor.keys import load_secret, make_key
from tests.system.processes import WATCHDOG_S, Sidecar, until

SILENCE_S = 1.5
"""How long one that is kept out is listened to; one that is let in is answered in milliseconds."""

HELLO = msgpack.packb({"type": "hello", "request": 1, "protocol": 1})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Hall:
    """A sidecar with a remote endpoint, the keys of all, and a client that is allowed."""

    def __init__(self, folder: Path, start: Callable[..., Sidecar]) -> None:
        self.keys = folder / "keys"
        self.allowed = folder / "allowed"
        for made in (self.keys, self.allowed):
            made.mkdir()
        for name in ("stage", "desk", "stranger", "impostor"):
            make_key(self.keys, name)
        self.let_in("desk")
        self.port = free_port()
        self.endpoint = f"tcp://127.0.0.1:{self.port}"
        self.sidecar = start(
            "--remote", self.endpoint, "--key", str(self.secret("stage")),
            "--allow", str(self.allowed),
        )  # fmt: skip

    def public(self, name: str) -> Path:
        return self.keys / f"{name}.key"

    def secret(self, name: str) -> Path:
        return self.keys / f"{name}.key_secret"

    def let_in(self, name: str) -> None:
        shutil.copy(self.public(name), self.allowed)

    def connect(self, name: str = "desk", server: str = "stage", timeout_s: float = 10.0) -> Bridge:
        return connect(
            self.endpoint,
            timeout_s=timeout_s,
            server_key=str(self.public(server)),
            client_key_file=self.secret(name),
        )


@pytest.fixture
def hall(tmp_path: Path, start_sidecar: Callable[..., Sidecar]) -> Hall:
    return Hall(tmp_path, start_sidecar)


@pytest.fixture
def desk(hall: Hall) -> Iterator[Bridge]:
    with hall.connect() as bridge:
        yield bridge


def test_plain_wrong_and_unlisted_keys_are_refused_while_the_allowed_one_works(
    hall: Hall, desk: Bridge
) -> None:
    stage, other = (load_secret(hall.secret(name)) for name in ("stage", "impostor"))
    known, unknown = (load_secret(hall.secret(name)) for name in ("desk", "stranger"))
    cases = {
        "wrong server key": (other[0], known),
        "unlisted": (stage[0], unknown),
        "the sidecar's own": (stage[0], stage),
        "another's public key": (stage[0], (known[0], unknown[1])),
        "allowed": (stage[0], known),
    }
    context: zmq.Context[Any] = zmq.Context()
    clients = {case: context.socket(zmq.DEALER) for case in (*cases, "null", "plain")}
    for case, (server, (public, secret)) in cases.items():
        clients[case].setsockopt(zmq.CURVE_SERVERKEY, server)
        clients[case].setsockopt(zmq.CURVE_PUBLICKEY, public)
        clients[case].setsockopt(zmq.CURVE_SECRETKEY, secret)
    clients["plain"].setsockopt(zmq.PLAIN_USERNAME, b"desk")
    clients["plain"].setsockopt(zmq.PLAIN_PASSWORD, known[0])
    for client in clients.values():
        client.setsockopt(zmq.LINGER, 0)
        client.connect(hall.endpoint)
        client.send(HELLO)
    try:
        assert clients["allowed"].poll(WATCHDOG_S * 1000), "the allowed one is kept out"
        end = time.monotonic() + SILENCE_S
        while time.monotonic() < end:
            assert desk.status()["pid"] == hall.sidecar.pid
            time.sleep(0.05)
        assert [case for case, client in clients.items() if client.poll(0)] == ["allowed"]
        assert desk.status()["clients"] == 2
    finally:
        for client in clients.values():
            client.close()
        context.term()


NULL_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\x05READY\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"


@pytest.mark.parametrize(
    "raw",
    [
        NULL_GREETING + b"\x04" + bytes([len(READY)]) + READY + b"\0" + bytes([len(HELLO)]) + HELLO,
        b"\x01\x00" + bytes([len(HELLO) + 1]) + b"\0" + HELLO,
        b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00" + b"\0" + bytes([len(HELLO)]) + HELLO,
        b"GET / HTTP/1.1\r\nHost: stage\r\n\r\n",
    ],
    ids=["zmtp 3 null", "zmtp 1", "zmtp 2", "http"],
)
def test_older_and_other_protocols_are_cut_off_unanswered(
    raw: bytes, hall: Hall, desk: Bridge
) -> None:
    with socket.create_connection(("127.0.0.1", hall.port), WATCHDOG_S) as stranger:
        stranger.settimeout(WATCHDOG_S)
        stranger.sendall(raw)
        said = b""
        try:
            while more := stranger.recv(4096):
                said += more
        except ConnectionResetError:
            pass
    assert b"welcome" not in said
    assert desk.status()["clients"] == 1


def test_the_clients_errors_say_whose_key_is_wrong(hall: Hall) -> None:
    with pytest.raises(BridgeError, match=r"FB-E035 key: .*--allow"):
        hall.connect("stranger")
    with pytest.raises(NotRunning, match="its public key"):
        hall.connect("desk", server="impostor", timeout_s=SILENCE_S)


def test_the_list_is_read_anew_at_each_greeting(hall: Hall, desk: Bridge) -> None:
    with pytest.raises(BridgeError, match="FB-E035"):
        hall.connect("stranger")
    hall.let_in("stranger")
    hall.connect("stranger").close()
    (hall.allowed / "stranger.key").unlink()
    with pytest.raises(BridgeError, match="FB-E035"):
        hall.connect("stranger")
    shutil.rmtree(hall.allowed)
    with pytest.raises(BridgeError, match="FB-E035"):
        hall.connect("desk")
    assert desk.connected


def test_a_remote_client_controls_but_opens_nothing_and_names_no_folder(
    hall: Hall, desk: Bridge
) -> None:
    frame = np.full((16, 16, 4), 7, np.uint8)
    with connect() as engine, engine.open("passthrough", 16, 16) as stream:
        with pytest.raises(BridgeError, match="FB-E035 open"):
            desk.open("passthrough", 16, 16)
        with pytest.raises(BridgeError, match=r"FB-E035 load\.chain"):
            desk.load(stream.number, "./passthrough")
        with pytest.raises(BridgeError, match="FB-E033"):
            desk.request("close", 10, stream=stream.number)
        assert [row["stream"] for row in desk.status()["streams"]] == [stream.number]
        desk.load(stream.number, "upscale-x2")
        until(lambda: stream.poll() or stream.packages == ["upscale-x2"], "the engine hears of it")
        assert stream.process(frame, 10).pixels.shape == (32, 32, 4)
        desk.stop()
        until(lambda: stream.poll() or stream.state == "gone", "the sidecar ends")
    hall.sidecar.wait()


def test_a_client_that_takes_the_routing_id_of_an_engine_is_not_taken_for_it(hall: Hall) -> None:
    """Both sockets have clients of the name b"engine", and each is its own."""
    stage, desk = load_secret(hall.secret("stage")), load_secret(hall.secret("desk"))
    hall.connect().close()  # by then it has published its address
    local = json.loads((hall.sidecar.folder / "bridge.json").read_text())["endpoint"]
    context: zmq.Context[Any] = zmq.Context()
    with context.socket(zmq.DEALER) as here, context.socket(zmq.DEALER) as there:
        for client in (here, there):
            client.setsockopt(zmq.ROUTING_ID, b"engine")
            client.setsockopt(zmq.LINGER, 0)
            client.setsockopt(zmq.RCVTIMEO, int(WATCHDOG_S * 1000))
        there.setsockopt(zmq.CURVE_SERVERKEY, stage[0])
        there.setsockopt(zmq.CURVE_PUBLICKEY, desk[0])
        there.setsockopt(zmq.CURVE_SECRETKEY, desk[1])

        def ask(client: zmq.Socket[Any], **fields: Any) -> dict[str, Any]:
            client.send(msgpack.packb(fields))
            answer: dict[str, Any] = msgpack.unpackb(client.recv())
            return answer

        for client, endpoint in ((here, local), (there, hall.endpoint)):
            client.connect(endpoint)
            assert ask(client, type="hello", protocol=1)["type"] == "welcome"
        source = {"width": 16, "height": 16}
        stream = ask(here, type="open", source=source, chain=["passthrough"])["stream"]
        refused = ask(there, type="close", stream=stream)
        assert refused["error"]["code"] == "FB-E033"
        there.send(msgpack.packb({"type": "bye"}))
        there.close()
        end = time.monotonic() + WATCHDOG_S
        while ask(here, type="status")["clients"] > 1:
            assert time.monotonic() < end
        assert [row["stream"] for row in ask(here, type="status")["streams"]] == [stream]
    context.term()


def serve(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bridge.cli.main", "serve", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WATCHDOG_S,
    )


@pytest.mark.parametrize("missing", ["--key", "--allow", "both"])
def test_without_key_and_list_nothing_is_bound(missing: str, short_folder: Path) -> None:
    make_key(short_folder, "stage")
    given = {
        "--key": str(short_folder / "stage.key_secret"),
        "--allow": str(short_folder / "stage.key"),
    }
    kept = [word for name in given if missing not in (name, "both") for word in (name, given[name])]
    ended = serve("--remote", "tcp://0.0.0.0:*", *kept)
    assert ended.returncode == 2
    assert ended.stderr.startswith("FB-E002 --remote")
    assert "framebridge keys new" in ended.stderr
    assert not (short_folder / "bridge.json").exists()


def test_an_empty_list_is_an_error_and_leaves_nothing(short_folder: Path) -> None:
    make_key(short_folder, "stage")
    (short_folder / "allowed").mkdir()
    ended = serve(
        "--remote", "tcp://0.0.0.0:*", "--key", str(short_folder / "stage.key_secret"),
        "--allow", str(short_folder / "allowed"),
    )  # fmt: skip
    assert ended.returncode == 2
    assert "the public key of at least one client" in ended.stderr
    assert not list(short_folder.glob("run-*"))


def test_ctl_controls_from_elsewhere(hall: Hall) -> None:
    words = ["--endpoint", hall.endpoint, "--server-key", str(hall.public("stage"))]
    command = [sys.executable, "-m", "bridge.cli.main", "ctl", *words, "--key"]
    done = subprocess.run(
        [*command, str(hall.secret("desk")), "status", "--json"],
        capture_output=True, text=True, timeout=WATCHDOG_S,
    )  # fmt: skip
    assert json.loads(done.stdout)["pid"] == hall.sidecar.pid
    refused = subprocess.run(
        [*command, str(hall.secret("stranger")), "status"],
        capture_output=True, text=True, timeout=WATCHDOG_S,
    )  # fmt: skip
    assert refused.returncode == 2
    assert refused.stderr.startswith("FB-E035")
