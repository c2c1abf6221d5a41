"""How one would send frames to Python without Framebridge: each with a real other process.

`python -m tests.bench.other_ways KIND ENDPOINT` is the other process: it has the frame as an array
that a model could read, and sends an array of the same size back, with no model between.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import zmq
from PIL import Image
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from tests.bench.frames import Pixels

QUALITY = 90
_PATIENCE_MS = 20_000
_MAX_BYTES = 64 << 20

Trip = Callable[[Pixels], Pixels]
"""A frame in the engine's buffer to its answer as an array in the engine; both uint8 (H, W, 4)."""


@contextmanager
def zeromq(transport: str, kind: str) -> Iterator[Trip]:
    """Raw frames by message.

    Args:
        transport: "ipc" or "tcp".
        kind: "by hand": `send(array)` and `np.frombuffer(recv())` at both ends, as one writes it;
            "best case": no copy that pyzmq can be told to leave out, at either end.
    """
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.setsockopt(zmq.RCVTIMEO, _PATIENCE_MS)
    socket.bind("tcp://127.0.0.1:*" if transport == "tcp" else "ipc://*")
    endpoint = socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def by_hand(frame: Pixels) -> Pixels:
        socket.send(frame)
        return np.frombuffer(socket.recv(), np.uint8).reshape(frame.shape)

    def best_case(frame: Pixels) -> Pixels:
        socket.send(frame, copy=False)
        message = socket.recv(copy=False)
        return np.frombuffer(message.buffer, np.uint8).reshape(frame.shape)

    try:
        with _other_process(kind, endpoint):
            yield by_hand if kind == "by hand" else best_case
    finally:
        socket.close(0)
        context.term()


@contextmanager
def jpeg_over_websocket() -> Iterator[Trip]:
    """JPEG of quality 90 by Pillow, encoded and decoded at both ends. The protocol's own
    compression is off: on by default, it would only slow JPEG down."""
    with _other_process("jpeg", "", stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        with connect(f"ws://127.0.0.1:{port}", compression=None, max_size=_MAX_BYTES) as connection:

            def trip(frame: Pixels) -> Pixels:
                connection.send(encoded(frame))
                answer = connection.recv(_PATIENCE_MS / 1000)
                assert isinstance(answer, bytes)
                return decoded(answer)

            yield trip


def encoded(rgba: Pixels) -> bytes:
    """JPEG has no alpha: three of the four channels travel."""
    file = io.BytesIO()
    Image.fromarray(rgba[:, :, :3]).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def decoded(jpeg: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGBA"))


@contextmanager
def _other_process(
    kind: str, endpoint: str, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-m", "tests.bench.other_ways", kind, endpoint]
    # Its standard input ends when we do, and then so does it.
    other = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=stdout)
    try:
        yield other
    finally:
        other.kill()
        other.communicate()


def _answer_zeromq(kind: str, endpoint: str) -> None:
    context: zmq.Context[Any] = zmq.Context()
    socket = context.socket(zmq.PAIR)
    socket.connect(endpoint)
    while True:
        if kind == "by hand":
            array = np.frombuffer(socket.recv(), np.uint8)
            socket.send(array)
        else:
            message = socket.recv(copy=False)
            # The array that a model would read; its bytes are sent on where they lie.
            socket.send(np.frombuffer(message.buffer, np.uint8), copy=False)


def _answer_websocket() -> None:
    def answer(connection: ServerConnection) -> None:
        for message in connection:
            assert isinstance(message, bytes)
            connection.send(encoded(decoded(message)))

    with serve(answer, "127.0.0.1", 0, compression=None, max_size=_MAX_BYTES) as server:
        print(server.socket.getsockname()[1], flush=True)
        server.serve_forever()


def _end_with_input() -> None:
    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    _end_with_input()
    if sys.argv[1] == "jpeg":
        _answer_websocket()
    else:
        _answer_zeromq(sys.argv[1], sys.argv[2])
