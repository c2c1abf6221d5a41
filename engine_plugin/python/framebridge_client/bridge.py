"""The connection to a sidecar: finds it, opens streams, and comes back when it does."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import PurePath
from types import TracebackType
from typing import Any

import zmq

from framebridge_client.control import Control, Fields
from framebridge_client.discovery import Address, find, may_answer
from framebridge_client.errors import START_ONE, BridgeError, FrameError, NotRunning, Timeout
from framebridge_client.keys import load_keys
from framebridge_client.stream import Stream, located

RETRY_S = 0.1
GREETING_LIMIT_S = 2.0
MAX_SIDE = 16384

Answer = Callable[[Fields], None]


def connect(
    endpoint: str = "",
    token: str = "",
    timeout_s: float = 5.0,
    *,
    server_key: str = "",
    client_key_file: str | os.PathLike[str] | None = None,
) -> Bridge:
    """Connect to the running sidecar of this user, or to control one on another machine.

    Args:
        endpoint: of a sidecar, with its `token` if it listens on TCP; by default the one that
            FRAMEBRIDGE_ENDPOINT names, else the one that this user runs.
        timeout_s: how long to wait for its greeting.
        server_key: of a sidecar on another machine, its public key, or the file that holds it.
        client_key_file: for the same, one's own .key_secret file.
    Raises: NotRunning: nobody answers. BridgeError: it speaks another version, or refuses; or a
        key cannot be used.
    """
    keys = load_keys(server_key, client_key_file)
    if keys is not None and not endpoint:
        raise BridgeError(
            "FB-E002", "UsageError", "endpoint", "tcp://ADDRESS:PORT beside the keys", "none",
            "Name the endpoint of the sidecar.",
        )  # fmt: skip
    address = Address(endpoint, token, keys) if endpoint else None
    bridge = Bridge(address)
    try:
        bridge._wait(lambda: bridge.connected, timeout_s)
    except Timeout:
        bridge.close()
        found = address or find()
        where = found.endpoint if found else "this user"
        remedy = (
            "Check that it runs with --remote, and that this is its public key."
            if found and found.keys
            else START_ONE
        )
        raise NotRunning(f"sidecar of {where}", "no answer", remedy) from None
    except BaseException:
        bridge.close()
        raise
    return bridge


def _check(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        expected = f"one of {', '.join(choices)}"
        raise BridgeError("FB-E002", "UsageError", name, expected, repr(value))


class Bridge:
    """A connection, and the streams opened through it. To be used from one thread.

    When the sidecar ends, the streams show what their `when_gone` says, and everything is opened
    again when a sidecar is there; each `submit` and `poll` carries that on, without waiting.

    Attributes:
        connected: a sidecar has greeted us and has not gone since.
        version: of that sidecar.
    """

    def __init__(self, address: Address | None = None) -> None:
        self.connected = False
        self.version = ""
        self._address = address
        self._context: zmq.Context[Any] = zmq.Context()
        self._control: Control | None = None
        self._streams: list[Stream] = []
        self._answers = dict[int, Answer]()
        self._refusal: BridgeError | None = None
        self._try_at = 0.0
        self._greet_until = 0.0
        self._name = f"python {PurePath(sys.argv[0] or 'python').name} {os.getpid()}"
        self._closed = False

    def __enter__(self) -> Bridge:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def open(
        self,
        chain: str | Sequence[str],
        width: int,
        height: int,
        *,
        policy: str = "latest",
        pixel_format: str = "rgba8",
        rows: str = "top_first",
        transfer: str = "srgb",
        alpha: str = "straight",
        when_gone: str = "passthrough",
        every: bool = False,
        rate: float = 60.0,
        seed: int = 0,
        parameters: dict[str, Any] | None = None,
        label: str = "",
        timeout_s: float = 60.0,
    ) -> Stream:
        """Open a stream of frames through a model.

        Args:
            chain: name of a package, or a folder that holds one.
            width, height: of the frames to be submitted, in pixels.
            policy: "latest" (the newest frame wins), "lockstep" (every frame is answered) or "free"
                (the stream ticks by itself; a frame is taken up by the next tick).
            pixel_format: "rgba8" or "bgra8"; results have the same.
            rows: "top_first" or "bottom_first"; results have the same.
            transfer: "srgb" or "linear": what the bytes encode; results have the same. `note` tells
                what the conversion of linear frames costs.
            alpha: "straight" (carried along) or "opaque" (results have 255).
            when_gone: what `poll` gives while there is no bridge: "passthrough" (the frame that
                was submitted, at the result's size), "hold" (nothing new) or "clear"
                (transparent black).
            every: `poll` gives each result, in order, instead of the newest; the stream waits when
                nobody polls.
            rate: ticks a second at most, of a free stream; 0.1 to 1000.
            seed: of what models draw at random, 0 to 2**32 - 1.
            timeout_s: loading and warming a large model takes its time.
        Raises: BridgeError: the model or the format is refused. NotRunning, Timeout.
        """
        _check("when_gone", when_gone, ("passthrough", "hold", "clear"))
        _check("policy", policy, ("latest", "lockstep", "free"))
        _check("pixel_format", pixel_format, ("rgba8", "bgra8"))
        _check("rows", rows, ("top_first", "bottom_first"))
        _check("transfer", transfer, ("srgb", "linear"))
        _check("alpha", alpha, ("straight", "opaque"))
        for name, side in (("width", width), ("height", height)):
            if not isinstance(side, int) or not 1 <= side <= MAX_SIDE:
                found = f"{name} {side!r}"
                raise FrameError(f"a whole number of pixels from 1 to {MAX_SIDE}", found)
        names = located(chain)
        stream = Stream(self, when_gone, every, {
            "chain": names,
            "policy": policy,
            "rate": rate,
            "seed": seed,
            "label": label,
            "parameters": parameters or {},
            "source": {
                "width": width, "height": height, "pixel_format": pixel_format, "rows": rows,
                "transfer": transfer, "alpha": alpha,
            },
        })  # fmt: skip
        stream._adopt(self.request("open", timeout_s, self._close_late, **stream._wanted))
        self._streams.append(stream)
        return stream

    def status(self, timeout_s: float = 5.0) -> Fields:
        """The state of the sidecar and of all its streams. Raises: NotRunning, Timeout."""
        return self.request("status", timeout_s)

    def packages(self, timeout_s: float = 5.0) -> list[Fields]:
        """What the sidecar's library holds: a map for each package, as PROTOCOL.md has it.

        Raises: BridgeError: an older sidecar, which does not know the question. NotRunning,
            Timeout.
        """
        found: list[Fields] = self.request("packages", timeout_s)["packages"]
        return found

    def load(self, stream: int, chain: str | Sequence[str], timeout_s: float = 60.0) -> None:
        """Change the chain of any stream, by its number; the old one runs until the new one can.

        Raises: BridgeError: the chain cannot be loaded, and the old one stays. Timeout.
        """
        self.request("load", timeout_s, stream=stream, chain=located(chain))

    def set(self, stream: int, parameters: dict[str, Any], timeout_s: float = 5.0) -> None:
        """Turn knobs of any stream, by its number. Raises: BridgeError: none was turned."""
        self.request("set", timeout_s, stream=stream, parameters=parameters)

    def reset(self, stream: int, seed: int = 0, timeout_s: float = 5.0) -> None:
        """Bring the models of any stream, by its number, back to the beginning.

        Raises: BridgeError, Timeout.
        """
        self.request("reset", timeout_s, stream=stream, seed=seed)

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the sidecar, and with it every stream."""
        self.request("stop", timeout_s)

    def request(
        self, type: str, timeout_s: float, late: Answer | None = None, **fields: Any
    ) -> Fields:
        """Send a control message and wait for its answer.

        Args:
            late: called with an answer that comes after we have given up.
        Raises: BridgeError: as the sidecar answers. NotRunning: it has gone. Timeout.
        """
        arrived: list[Fields] = []
        number = self._ask(type, arrived.append, **fields)
        if not number:
            raise NotRunning("sidecar", "one that has gone")
        try:
            self._wait(lambda: bool(arrived) or not self.connected, timeout_s)
        except Timeout:
            self._answers[number] = late or (lambda _: None)
            raise Timeout(f"answer to {type}", "an answer of the sidecar", timeout_s) from None
        if not arrived:
            raise NotRunning("sidecar", "one that went before it answered")
        if arrived[0].get("type") == "error":
            raise BridgeError.from_map(arrived[0]["error"])
        return arrived[0]

    def close(self) -> None:
        """Close every stream and the connection. A second time does nothing."""
        if self._closed:
            return
        self._closed = True
        for stream in list(self._streams):
            stream._drop_epoch()
        self._disconnect(say_bye=True)
        self._context.term()

    # For the streams of this connection.

    def _ask(self, type: str, answer: Answer, **fields: Any) -> int:
        """Send a request; `answer` is called with its answer by a later `_pump`.

        Returns: its number, or 0 when there is nobody to ask.
        """
        if self._control is None or not self.connected:
            return 0
        number = self._control.send(type, **fields)
        self._answers[number] = answer
        return number

    def _close_late(self, opened: Fields) -> None:
        """A stream that nobody waits for any more."""
        if opened.get("type") == "stream":
            self._ask("close", lambda _: None, stream=opened["stream"])

    def _forget(self, stream: Stream) -> None:
        if stream in self._streams:
            self._streams.remove(stream)

    def _pump(self) -> None:
        """Carry everything on as far as it goes without waiting."""
        control = self._control
        if control is None:
            self._try_to_connect()
            return
        for message in control.receive():
            self._take(control, message)
            if self._control is not control:
                return
        if control.unknown_here:
            self._refused(
                BridgeError(
                    "FB-E035",
                    "RemoteError",
                    "key",
                    "one that the sidecar allows",
                    "another",
                    "Have your .key file copied into the folder that its --allow names.",
                )
            )
        elif control.lost or (not self.connected and time.monotonic() > self._greet_until):
            self._disconnect(say_bye=False)

    def _wait(self, done: Callable[[], bool], timeout_s: float) -> None:
        """Pump until `done`. Raises: Timeout; BridgeError: the sidecar refused our greeting."""
        until = time.monotonic() + timeout_s
        while True:
            self._pump()
            if self._refusal is not None:
                refusal, self._refusal = self._refusal, None
                raise refusal
            if done():
                return
            left = until - time.monotonic()
            if left <= 0:
                raise Timeout("sidecar", "an answer", timeout_s)
            if self._control is None:
                time.sleep(min(RETRY_S, left))
            else:
                self._control.wait([], min(RETRY_S, left))

    def _try_to_connect(self) -> None:
        now = time.monotonic()
        if now < self._try_at or self._closed:
            return
        self._try_at = now + RETRY_S
        address = self._address or find()
        if address is None or not may_answer(address.endpoint):
            return
        self._greet_until = now + GREETING_LIMIT_S
        self._control = Control(self._context, address, self._name)

    def _take(self, control: Control, message: Fields) -> None:
        request = message.get("request", 0)
        if request and request == control.hello:
            self._greeted(message)
        elif request:
            answer = self._answers.pop(request, None)
            if answer is not None:
                answer(message)
        else:
            for stream in list(self._streams):
                if stream.number == message.get("stream"):
                    stream._told(message)

    def _greeted(self, message: Fields) -> None:
        if message.get("type") != "welcome":
            self._refused(BridgeError.from_map(message.get("error", {})))
            return
        self.connected = True
        self.version = str(message.get("bridge", ""))
        for stream in list(self._streams):
            stream._reopen()

    def _refused(self, error: BridgeError) -> None:
        self._refusal = error
        self._disconnect(say_bye=False)
        self._try_at = time.monotonic() + 1.0

    def _disconnect(self, say_bye: bool) -> None:
        control, self._control = self._control, None
        self.connected = False
        # Whoever waits for an answer sees that the connection is gone.
        self._answers.clear()
        if control is not None:
            for stream in self._streams:
                stream._lost()
            control.close(say_bye)
