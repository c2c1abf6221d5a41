"""What the library holds, as an answer to a client; read on a thread, since a disk may be slow."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge import protocol
from bridge.errors import FramebridgeError, LimitError
from bridge.inference.manifest import StateInput
from bridge.inference.package import ModelPackage
from bridge.inference.placement import check_served, made_by
from bridge.supervisor.library import Library, names_a_folder

MAX_PACKAGES = 400
MAX_FACTS_BYTES = 512 * 1024
"""Of all packages together: half of what an answer may have."""

Answer = Callable[[protocol.Message], None]


class Catalogue:
    """Answers who asks for the packages. Every method is called from the supervisor's loop.

    Each answer is of a reading that began after its question, so that whoever has just put a
    package there finds it. Questions that come during a reading share the next one.
    """

    def __init__(self, library: Library, wake: Callable[[], None]) -> None:
        """
        Args:
            wake: makes the loop call `tend` soon; called from another thread.
        """
        self._library = library
        self._wake = wake
        self._waiting = dict[bytes, Answer]()
        self._served = dict[bytes, Answer]()
        """Those that the reading under way is for."""
        self._reading = False
        self._read: queue.SimpleQueue[protocol.Message] = queue.SimpleQueue()

    def ask(self, sender: bytes, answer: Answer) -> None:
        """Answer soon.

        Raises: LimitError: this client waits for an answer already.
        """
        if sender in self._waiting or sender in self._served:
            raise LimitError("packages", "one such request at a time", "one more")
        self._waiting[sender] = answer
        self._begin()

    def forget(self, sender: bytes) -> None:
        """A client has gone."""
        self._waiting.pop(sender, None)
        self._served.pop(sender, None)

    def tend(self) -> None:
        """Hand out what has been read."""
        try:
            found = self._read.get_nowait()
        except queue.Empty:
            return
        self._reading = False
        served, self._served = self._served, {}
        for answer in served.values():
            answer(found)
        self._begin()

    def _begin(self) -> None:
        if self._waiting and not self._reading:
            self._reading = True
            self._served, self._waiting = self._waiting, {}
            threading.Thread(target=self._read_aside, name="catalogue", daemon=True).start()

    def _read_aside(self) -> None:
        try:
            found: protocol.Message = packages_of(self._library)
        except Exception as error:
            # A folder that cannot be listed, or a fault of ours: whoever waits must hear of it.
            fault = FramebridgeError(
                "packages", "a library that can be read", f"{type(error).__name__}: {error}",
                "Check the folders of models.",
            )  # fmt: skip
            found = protocol.Error(error=protocol.error_map(fault))
        self._read.put(found)
        self._wake()


def packages_of(library: Library) -> protocol.Packages:
    """What there is, by name: the manifests alone are read, and no graph.

    What goes beyond MAX_PACKAGES or MAX_FACTS_BYTES is counted in `left_out`.
    """
    found = list[protocol.PackageFacts]()
    size_bytes = left_out = 0
    for name, folder in sorted(library.package_folders().items()):
        if not _can_be_asked_for(name):
            continue
        if len(found) == MAX_PACKAGES:
            left_out += 1
            continue
        facts = _facts(name, folder)
        size_bytes += (more := _size_bytes(facts))
        if size_bytes > MAX_FACTS_BYTES:
            size_bytes -= more
            left_out += 1
        else:
            found.append(facts)
    return protocol.Packages(packages=found, left_out=left_out)


def _size_bytes(facts: protocol.PackageFacts) -> int:
    """As part of a message; a package that fits none gives up its facts for a problem."""
    try:
        return len(protocol.encode(facts))
    except OverflowError as error:
        facts.knobs, facts.problem = [], f"{facts.name}: a knob's number is too large: {error}."
        return len(protocol.encode(facts))


def _can_be_asked_for(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False  # a file name in another encoding has no place in a message
    return not names_a_folder(name)


def _facts(name: str, folder: Path) -> protocol.PackageFacts:
    try:
        manifest = ModelPackage.peek(folder).manifest
        check_served(manifest, str(folder))
        result = made_by(manifest)
    except FramebridgeError as error:
        return protocol.PackageFacts(name=name, problem=_valid_text(error))
    width, height = result.size or (0, 0)
    return protocol.PackageFacts(
        name=name,
        title=manifest.title,
        task=manifest.task,
        description=manifest.description,
        version=manifest.version,
        generator=manifest.frame_input is None,
        stateful=any(isinstance(port, StateInput) for port in manifest.inputs),
        scale=result.scale,
        width=width,
        height=height,
        knobs=[msgspec.to_builtins(knob) for knob in manifest.parameters.values()],
    )


def _valid_text(error: FramebridgeError) -> str:
    """The error in words, as it may travel: the names of folders need not be valid text."""
    said = error.as_map()
    return str(type(error)(said["place"], said["expected"], said["found"], said["remedy"]))
