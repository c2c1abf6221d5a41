"""What the client raises: the bridge's own errors as they came over the wire, and its own."""

from __future__ import annotations

from collections.abc import Mapping

START_ONE = "Start one: framebridge serve"


class BridgeError(Exception):
    """An error with a code, a place, what was expected and found, and a remedy.

    Attributes:
        code: FB-E000 to FB-E999; codes of the bridge's own errors are the bridge's.
        kind: name of the error's class in the bridge.
    """

    def __init__(
        self, code: str, kind: str, place: str, expected: str, found: str, remedy: str = ""
    ) -> None:
        self.code = code
        self.kind = kind
        self.place = place
        self.expected = expected
        self.found = found
        self.remedy = remedy
        super().__init__(f"{code} {place}: expected {expected}, got {found}. {remedy}".rstrip())

    @classmethod
    def from_map(cls, fields: Mapping[str, str]) -> BridgeError:
        names = ("code", "kind", "place", "expected", "found", "remedy")
        return cls(*(str(fields.get(name, "")) for name in names))


class NotRunning(BridgeError):
    """No sidecar answers."""

    def __init__(self, place: str, found: str, remedy: str = START_ONE) -> None:
        super().__init__("FB-E071", "NotRunningError", place, "a running sidecar", found, remedy)


class FrameError(BridgeError):
    """A frame is not what the stream takes."""

    def __init__(self, expected: str, found: str, remedy: str = "") -> None:
        super().__init__("FB-E020", "FrameFormatError", "frame", expected, found, remedy)


class Timeout(BridgeError):
    """An answer did not come in time."""

    def __init__(self, place: str, expected: str, timeout_s: float) -> None:
        super().__init__(
            "FB-E061", "Timeout", place, expected, f"none within {timeout_s:g} s",
            "Give it more time, or look at `framebridge ctl status`.",
        )  # fmt: skip
