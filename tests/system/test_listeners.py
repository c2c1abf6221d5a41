"""Nothing of a sidecar can be reached from elsewhere: every listener of every process, as the
system lists them."""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from framebridge_client import connect

from bridge.supervisor.keys import make_key
from tests.system.processes import Sidecar, numbered, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

LOOPBACK = {"127.0.0.1", "::1"}
_GONE = (errno.ENOENT, errno.ESRCH, errno.EINVAL)
_LISTENING = "0A"
_ACCEPTS_CONNECTIONS = 0x10000


def family_of(pid: int) -> list[int]:
    """A process and all that it started, and they in turn."""
    found = [pid]
    for parent in found:
        for task in _files(Path(f"/proc/{parent}/task")):
            found += map(int, _text(task / "children").split())
    return found


def listeners(pid: int) -> list[str]:
    """What a process accepts connections or datagrams at: paths, or address:port."""
    inodes = set(_sockets_of(pid))
    found = []
    for line in _text(Path(f"/proc/{pid}/net/unix")).splitlines()[1:]:
        fields = line.split(maxsplit=7)
        if fields[6] in inodes and int(fields[3], 16) & _ACCEPTS_CONNECTIONS:
            found.append(fields[7] if len(fields) > 7 else "nameless")
    for kind in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "udplite", "udplite6"):
        for line in _text(Path(f"/proc/{pid}/net/{kind}")).splitlines()[1:]:
            fields = line.split()
            takes = fields[3] == _LISTENING or not kind.startswith("tcp")
            if fields[9] in inodes and takes:
                found.append(_address(fields[1]))
    return found


def _text(path: Path) -> str:
    """Of a file in /proc; nothing where the process has ended since it was seen."""
    try:
        return path.read_text()
    except OSError as error:
        if error.errno in _GONE:
            return ""
        raise


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        if error.errno in _GONE:
            return []
        raise


def _sockets_of(pid: int) -> Iterator[str]:
    for link in _files(Path(f"/proc/{pid}/fd")):
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            continue
        if match := re.fullmatch(r"socket:\[(\d+)\]", target):
            yield match[1]


def _address(field: str) -> str:
    host, port = field.split(":")
    # Words of four bytes, each in the machine's own order.
    raw = b"".join(
        int(host[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(host), 8)
    )
    name = socket.inet_ntop(socket.AF_INET if len(raw) == 4 else socket.AF_INET6, raw)
    return f"{name}:{int(port, 16)}"


def reachable_from_elsewhere(found: list[str], folder: Path) -> list[str]:
    """Those that are neither in the runtime folder nor on loopback."""
    return [
        at
        for at in found
        if not at.startswith(f"{folder}/") and at.rpartition(":")[0] not in LOOPBACK
    ]


def test_what_others_could_reach_is_found_out() -> None:
    with (
        socket.create_server(("0.0.0.0", 0)) as open_tcp,
        socket.create_server(("::", 0), family=socket.AF_INET6) as open_tcp6,
        socket.create_server(("127.0.0.1", 0)),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as open_udp,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        open_udp.bind(("0.0.0.0", 0))
        abstract.bind(f"\0fb-test-{os.getpid()}")
        abstract.listen()
        found = reachable_from_elsewhere(listeners(os.getpid()), Path("/run/none"))
        wanted = {
            f"0.0.0.0:{open_tcp.getsockname()[1]}", f":::{open_tcp6.getsockname()[1]}",
            f"0.0.0.0:{open_udp.getsockname()[1]}", f"@fb-test-{os.getpid()}",
        }  # fmt: skip
        assert wanted <= set(found)
        assert not [at for at in found if at.startswith("127.")]


@pytest.mark.parametrize(
    "words",
    [(), ("--endpoint", "tcp://127.0.0.1:*"), ("--endpoint", "tcp://localhost:*"), ("--private",)],
    ids=lambda words: " ".join(words) or "default",
)
def test_every_listener_is_in_the_runtime_folder_or_on_loopback(
    words: tuple[str, ...], start_sidecar: Callable[..., Sidecar], short_folder: Path
) -> None:
    sidecar = start_sidecar(*words)
    endpoint = f"ipc://{short_folder}/{sidecar.runs[-1]}-c" if "--private" in words else ""
    with connect(endpoint) as bridge:
        streams = [
            bridge.open("passthrough", 32, 32, policy=policy) for policy in ("latest", "lockstep")
        ]
        for stream in streams:
            stream.process(numbered(1), 10)
        streams[0].load("upscale-x2")  # another epoch, and another doorbell
        until(lambda: streams[0].poll() or streams[0].result_shape == (64, 64, 4), "its new slots")
        family = family_of(sidecar.pid)
        workers = {row["worker_pid"] for row in bridge.status()["streams"]}
        assert len(workers) == 2
        assert workers < set(family)
        found = {pid: listeners(pid) for pid in family}
        assert all(found[pid] for pid in (sidecar.pid, *workers)), "each has at least one"
        for pid, listening in found.items():
            assert reachable_from_elsewhere(listening, short_folder) == [], pid


def test_a_remote_endpoint_is_the_only_one_that_others_can_reach(
    start_sidecar: Callable[..., Sidecar], short_folder: Path, tmp_path: Path
) -> None:
    public, secret = make_key(tmp_path, "stage")
    with socket.create_server(("0.0.0.0", 0)) as probe:
        port = probe.getsockname()[1]
    sidecar = start_sidecar(
        "--remote", f"tcp://0.0.0.0:{port}", "--key", str(secret), "--allow", str(public)
    )
    with connect() as bridge, bridge.open("passthrough", 32, 32) as stream:
        stream.process(numbered(1), 10)
        found = [at for pid in family_of(sidecar.pid) for at in listeners(pid)]
        assert reachable_from_elsewhere(found, short_folder) == [f"0.0.0.0:{port}"]


def test_the_system_agrees_on_who_listens(sidecar: Sidecar) -> None:
    """Where `ss` is installed, it names the same ports."""
    try:
        said = subprocess.run(
            ["ss", "-Hlntup"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no ss here")
    mine = [line for line in said.splitlines() if f"pid={sidecar.pid}," in line]
    assert len(mine) == len([at for at in listeners(sidecar.pid) if not at.startswith("/")])
