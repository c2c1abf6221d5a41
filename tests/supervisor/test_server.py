"""A real sidecar, spoken to with nothing but a ZeroMQ socket and MessagePack."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq

from bridge.demo.sidecar import PrivateSidecar
from bridge.errors import WorkerError
from bridge.supervisor.library import shipped_folder

WATCHDOG_S = 30.0
SOURCE = {"width": 16, "height": 16}
Fields = dict[str, Any]
Connect = Callable[..., "RawClient"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals and paths")


def listens(endpoint: str) -> bool:
    """Whether a sidecar has this endpoint open."""
    try:
        if endpoint.startswith("ipc://"):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(endpoint.removeprefix("ipc://").replace("@", "\0", 1))
        else:
            host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
            socket.create_connection((host, int(port)), timeout=WATCHDOG_S).close()
    except OSError:
        return False
    return True


class RawClient:
    """One connection. Requests are numbered from 101, so that none looks like another's."""

    def __init__(self, context: zmq.Context[Any], endpoint: str, token: str = "") -> None:
        """
        Args:
            token: for each hello that names no other; over ipc none is wanted.
        """
        self.endpoint = endpoint
        self._token = token
        self.socket = context.socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 1000)
        self.socket.connect(endpoint)
        self._requests = 100

    def send(self, type: str, **fields: Any) -> int:
        self._requests += 1
        self.socket.send(msgpack.packb({"type": type, "request": self._requests, **fields}))
        return self._requests

    def receive(self) -> Fields:
        until = time.monotonic() + WATCHDOG_S
        while not self.socket.poll(100):
            assert listens(self.endpoint), "the sidecar has ended"
            assert time.monotonic() < until, "the sidecar does not answer"
        message: Fields = msgpack.unpackb(self.socket.recv())
        return message

    def ask(self, type: str, **fields: Any) -> Fields:
        """Send a message. Returns: its answer; what comes unasked before it is passed over."""
        request = self.send(type, **fields)
        while (answer := self.receive())["request"] != request:
            assert answer["request"] == 0, answer
        return answer

    def hello(self, **fields: Any) -> Fields:
        return self.ask("hello", **{"protocol": 1, "token": self._token, **fields})

    def open(self, **fields: Any) -> Fields:
        return self.ask("open", **{"source": SOURCE, "chain": ["passthrough"], **fields})

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Makes connections to a sidecar, greeted unless told otherwise."""
    made = []
    context: zmq.Context[Any] = zmq.Context()

    def connect(sidecar: PrivateSidecar, greeted: bool = True) -> RawClient:
        client = RawClient(context, sidecar.endpoint, sidecar.token)
        made.append(client)
        if greeted:
            assert client.hello()["type"] == "welcome"
        return client

    yield connect
    for client in made:
        client.close()
    context.term()


def eventually(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + WATCHDOG_S
    while not holds():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.02)


def refused(answer: Fields) -> tuple[str, str]:
    assert answer["type"] == "error", answer
    return answer["error"]["code"], answer["error"]["kind"]


# Malformed messages.


def test_every_malformed_vector_is_answered_with_its_error_and_the_server_goes_on(
    module_sidecar: PrivateSidecar, connect: Connect, vectors: dict[str, list[Fields]]
) -> None:
    witness = connect(module_sidecar)
    greeted = connect(module_sidecar)
    for entry in vectors["malformed"]:
        if entry["channel"] != "control":
            continue
        client = greeted if entry["after_hello"] else connect(module_sidecar, greeted=False)
        client.socket.send(bytes.fromhex(entry["hex"]))
        answer = client.receive()
        assert answer["type"] == "error", entry["name"]
        assert answer["error"]["code"] == entry["code"], (entry["name"], answer)
        assert answer["request"] == entry["request"], (entry["name"], answer)
        assert all(type(answer["error"][key]) is str for key in ("place", "expected", "remedy"))
        assert witness.ask("heartbeat")["type"] == "heartbeat", entry["name"]
    assert greeted.ask("heartbeat")["type"] == "heartbeat"


def test_a_message_of_several_parts_is_refused(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar)
    status = msgpack.packb({"type": "status", "request": 7})
    for parts in ([b"", status], [status, b""], [status] * 3):
        client.socket.send_multipart(parts)
        answer = client.receive()
        assert refused(answer) == ("FB-E030", "ProtocolError")
        assert answer["error"]["found"] == f"{len(parts)} parts"
    assert client.ask("heartbeat")["type"] == "heartbeat"


def test_a_message_that_is_too_long_harms_nobody_else(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    witness, offender = connect(module_sidecar), connect(module_sidecar)
    clients = witness.ask("status")["clients"]
    offender.socket.send(b"\x00" * (64 * 1024 + 1))
    # Its connection is cut, and the one that ZeroMQ makes in its place has not been greeted.
    eventually(lambda: witness.ask("status")["clients"] == clients - 1)
    assert refused(offender.ask("heartbeat")) == ("FB-E030", "ProtocolError")
    assert offender.hello(token=module_sidecar.token)["type"] == "welcome"


def test_a_message_of_exactly_64_kib_is_read(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar)
    short = msgpack.packb({"type": "status", "request": 7, "padding": b"x" * 60000})
    padding = 60000 + 64 * 1024 - len(short)
    raw = msgpack.packb({"type": "status", "request": 7, "padding": b"x" * padding})
    assert len(raw) == 64 * 1024
    client.socket.send(raw)
    answer = client.receive()
    assert refused(answer) == ("FB-E030", "ProtocolError")
    assert answer["request"] == 7


# Greeting.


def test_a_greeting_names_version_bridge_and_run(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    welcome = connect(module_sidecar, greeted=False).hello(client="a test")
    assert welcome["protocol"] == 1
    assert welcome["bridge"]
    assert len(welcome["run"]) == 6


@pytest.mark.parametrize("type", ["status", "heartbeat", "stop", "bye"])
def test_a_message_before_the_greeting_is_refused(
    module_sidecar: PrivateSidecar, connect: Connect, type: str
) -> None:
    client = connect(module_sidecar, greeted=False)
    answer = client.ask(type)
    assert refused(answer) == ("FB-E030", "ProtocolError")
    assert answer["error"]["expected"] == "a hello first"
    assert client.hello()["type"] == "welcome"


def test_a_version_from_the_future_is_refused_naming_both(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar, greeted=False)
    answer = client.hello(protocol=7)
    assert refused(answer) == ("FB-E031", "VersionError")
    assert answer["error"]["expected"] == "version 1"
    assert answer["error"]["found"] == "version 7"
    assert refused(client.ask("status")) == ("FB-E030", "ProtocolError")
    assert client.hello(protocol=1)["type"] == "welcome"


def test_a_second_greeting_is_answered_like_the_first(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar)
    clients = client.ask("status")["clients"]
    assert client.hello()["type"] == "welcome"
    assert client.ask("status")["clients"] == clients


def test_after_bye_a_greeting_is_due_again(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar)
    client.send("bye")
    assert refused(client.ask("status")) == ("FB-E030", "ProtocolError")
    assert client.hello()["type"] == "welcome"


# Endpoints.


def test_over_tcp_the_token_is_wanted(runtime_dir: Path, connect: Connect) -> None:
    with PrivateSidecar(["--endpoint", "tcp://127.0.0.1:*"]) as sidecar:
        assert sidecar.endpoint.startswith("tcp://127.0.0.1:")
        client = connect(sidecar, greeted=False)
        assert refused(client.ask("hello", protocol=1)) == ("FB-E032", "TokenError")
        for token in ("", "0" * 32, sidecar.token + "0"):
            assert refused(client.hello(token=token)) == ("FB-E032", "TokenError")
            assert refused(client.ask("status")) == ("FB-E030", "ProtocolError")
        assert client.hello(token=sidecar.token)["type"] == "welcome"
        assert client.ask("status")["endpoint"] == sidecar.endpoint


@pytest.mark.parametrize("endpoint", ["tcp://0.0.0.0:*", "tcp://*:5999", "x"])
def test_an_endpoint_that_others_could_reach_is_refused_at_the_start(
    runtime_dir: Path, endpoint: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "bridge.cli.main", "serve", "--private", "--endpoint", endpoint],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WATCHDOG_S,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("FB-E002")
    assert "Traceback" not in ended.stderr
    assert [path for path in runtime_dir.iterdir() if path.name != "log"] == []


@posix
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has abstract sockets")
def test_an_abstract_socket_is_refused(runtime_dir: Path) -> None:
    with pytest.raises(WorkerError, match="status 2"):
        PrivateSidecar(["--endpoint", f"ipc://@fb-test-{os.getpid()}"])


# Streams.


def test_a_stream_and_what_status_says_of_it(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client, other = connect(module_sidecar), connect(module_sidecar)
    stream = client.open(label="mine")
    assert stream["type"] == "stream"
    assert len(stream["source"]["names"]) == len(stream["result"]["names"]) == 3
    assert len(set(stream["source"]["names"] + stream["result"]["names"])) == 6
    assert stream["source"]["format"] == stream["result"]["format"]
    assert stream["source"]["format"]["pixel_format"] == "rgba8"
    assert (stream["source"]["stride"], stream["source"]["size_bytes"]) == (64, 1024)
    assert len(stream["chain"]) == 64

    state = other.ask("status")
    assert state["type"] == "state"
    (row,) = [row for row in state["streams"] if row["stream"] == stream["stream"]]
    assert (row["label"], row["state"], row["policy"]) == ("mine", "live", "latest")
    assert (row["packages"], row["chain"]) == (["passthrough"], stream["chain"])
    assert (row["epoch"], row["restarts"], row["last_error"]) == (stream["epoch"], 0, "")

    # Anybody may turn knobs; only its own client may close it.
    number = stream["stream"]
    assert other.ask("set", stream=number, parameters={})["type"] == "ok"
    unknown = other.ask("set", stream=number, parameters={"strength": 1.0})
    assert refused(unknown) == ("FB-E021", "ParameterError")
    assert refused(other.ask("close", stream=number)) == ("FB-E033", "UnknownStreamError")
    assert client.ask("close", stream=number)["type"] == "ok"
    assert refused(client.ask("close", stream=number)) == ("FB-E033", "UnknownStreamError")


def test_loading_the_same_formats_keeps_the_epoch_and_tells_the_owner(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client, other = connect(module_sidecar), connect(module_sidecar)
    stream = client.open(label="mine")
    answer = other.ask("load", stream=stream["stream"], chain=["passthrough"])
    assert answer["type"] == "ok"
    event = client.receive()
    assert (event["type"], event["request"]) == ("stream", 0)
    assert {**event, "request": stream["request"]} == stream
    client.ask("close", stream=stream["stream"])


def test_loading_another_result_size_makes_a_new_epoch_with_new_slots(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar)
    stream = client.open()
    client.send("load", stream=stream["stream"], chain=["upscale-x2"])
    event, answer = client.receive(), client.receive()
    assert (event["type"], answer["type"]) == ("stream", "ok")
    assert event["stream"] == stream["stream"]
    assert event["epoch"] != stream["epoch"]
    assert event["doorbell"] != stream["doorbell"]
    assert not set(event["source"]["names"]) & set(stream["source"]["names"])
    assert event["result"]["format"]["width"] == 32
    client.ask("close", stream=stream["stream"])


def test_an_unknown_stream_is_refused_naming_the_known_ones(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar)
    for type, fields in (("close", {}), ("load", {"chain": ["passthrough"]}),
                         ("set", {"parameters": {}})):  # fmt: skip
        answer = client.ask(type, stream=12345, **fields)
        assert refused(answer) == ("FB-E033", "UnknownStreamError")
        assert answer["error"]["found"] == "12345"


def test_an_unknown_model_is_refused_with_a_suggestion(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar)
    answer = client.open(chain=["upscale-x22"])
    assert refused(answer) == ("FB-E011", "PackageNotFoundError")
    assert answer["error"]["remedy"] == "Did you mean 'upscale-x2'?"
    assert client.ask("status")["streams"] == []


_VANISHING = """
import sys, time
import msgpack, zmq
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(sys.argv[1])
socket.send(msgpack.packb({"type": "hello", "request": 1, "protocol": 1}))
socket.recv()
source = {"width": 16, "height": 16}
for request in (2, 3):
    socket.send(msgpack.packb(
        {"type": "open", "request": request, "source": source, "chain": ["passthrough"]}
    ))
print(msgpack.unpackb(socket.recv())["source"]["names"][0], flush=True)
time.sleep(600)
"""


@posix
def test_a_client_that_is_killed_loses_its_streams(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    witness = connect(module_sidecar)
    clients = witness.ask("status")["clients"]
    vanishing = subprocess.Popen(
        [sys.executable, "-c", _VANISHING, module_sidecar.endpoint], stdout=subprocess.PIPE
    )
    assert vanishing.stdout is not None
    try:
        segment = vanishing.stdout.readline().decode().strip()
        assert segment.startswith("fb-")
        assert len(witness.ask("status")["streams"]) == 2
    finally:
        vanishing.kill()
        vanishing.wait(WATCHDOG_S)
        vanishing.stdout.close()

    def all_gone() -> bool:
        state = witness.ask("status")
        return not state["streams"] and state["clients"] == clients

    eventually(all_gone)
    if sys.platform == "linux":
        assert not (Path("/dev/shm") / segment).exists()


def test_bye_ends_the_streams_of_its_client_alone(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    leaving, staying = connect(module_sidecar), connect(module_sidecar)
    kept = staying.open()["stream"]
    leaving.open()
    leaving.send("bye")
    eventually(lambda: [s["stream"] for s in staying.ask("status")["streams"]] == [kept])
    staying.ask("close", stream=kept)


# Its end.


def test_stop_is_answered_and_leaves_nothing(
    sidecar: PrivateSidecar, connect: Connect, runtime_dir: Path
) -> None:
    client = connect(sidecar)
    stream = client.open()
    assert client.ask("stop")["type"] == "ok"
    eventually(lambda: not listens(sidecar.endpoint))
    sidecar.close()
    assert [path for path in runtime_dir.iterdir() if path.name != "log"] == []
    if sys.platform == "linux":
        names = stream["source"]["names"] + stream["result"]["names"]
        assert not [name for name in names if (Path("/dev/shm") / name).exists()]


# What is known to be wrong, as it ought to be.


def test_stop_ends_with_status_0_while_standard_input_is_open(
    sidecar: PrivateSidecar, connect: Connect
) -> None:
    assert connect(sidecar).ask("stop")["type"] == "ok"
    assert sidecar._process.wait(WATCHDOG_S) == 0


def test_a_model_name_longer_than_a_file_name_does_not_end_the_bridge(
    sidecar: PrivateSidecar, connect: Connect
) -> None:
    answer = connect(sidecar).open(chain=["x" * 1024])
    assert refused(answer) == ("FB-E011", "PackageNotFoundError")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_a_package_folder_whose_name_is_no_utf8_does_not_end_the_bridge(
    runtime_dir: Path, connect: Connect
) -> None:
    odd = os.fsencode(runtime_dir) + b"/models/\xff"
    os.makedirs(odd)
    with open(odd + b"/model.toml", "w"):
        pass
    with PrivateSidecar(["--models", str(runtime_dir / "models")]) as sidecar:
        answer = connect(sidecar).open(chain=["zzzzzz"])
        assert refused(answer) == ("FB-E011", "PackageNotFoundError")


def test_a_client_that_leaves_before_it_was_read_is_forgotten(
    runtime_dir: Path, connect: Connect
) -> None:
    slow = runtime_dir / "models" / "slow"
    shutil.copytree(shipped_folder() / "passthrough", slow)
    with (slow / "model.onnx").open("r+b") as file:
        file.truncate(384 << 20)
    with PrivateSidecar(["--models", str(slow.parent)]) as sidecar:
        witness = connect(sidecar)
        # The bridge hashes that file to name what there is; meanwhile others come and go.
        witness.send("open", source=SOURCE, chain=["zzzzzz"])
        context: zmq.Context[Any] = zmq.Context()
        for _ in range(5):
            passing = RawClient(context, sidecar.endpoint)
            passing.send("hello", protocol=1, token=sidecar.token)
            passing.close()
        context.term()  # waits until they have sent
        assert refused(witness.receive())[0] == "FB-E011"
        connect(sidecar)
        time.sleep(0.5)
        assert witness.ask("status")["clients"] == 2


@posix
def test_a_worker_that_does_not_read_keeps_nobody_waiting(
    sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(sidecar)
    number = client.open()["stream"]
    worker = client.ask("status")["streams"][0]["worker_pid"]
    os.kill(worker, signal.SIGSTOP)
    try:
        other = connect(sidecar)
        for _ in range(4000):  # a pipe holds about half as many
            client.send("set", stream=number, parameters={})
        assert other.ask("status")["type"] == "state"
        # Those that the worker may still read are not answered yet; the others are refused.
        assert refused(client.receive()) == ("FB-E034", "LimitError")
    finally:
        os.kill(worker, signal.SIGCONT)


def test_an_error_does_not_repeat_what_is_too_long_to_read(
    module_sidecar: PrivateSidecar, connect: Connect
) -> None:
    client = connect(module_sidecar)
    client.socket.send(msgpack.packb({"type": "status", "x" * 65000: 1}))
    assert len(client.receive()["error"]["found"]) <= 1000
