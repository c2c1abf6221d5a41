"""Every error a person can meet: a code, the place, what was expected and found, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

_LONGEST = 1000


class FramebridgeError(Exception):
    """Base of all errors raised on purpose.

    Args:
        place: file, field or message that the error is about.
        expected: what would have been accepted.
        found: what was there.
        remedy: one sentence that says what to do.
    """

    code: ClassVar[str] = "FB-E000"
    exit_status: ClassVar[int] = 2
    """Of the command line: 1 a check failed, 2 wrong use, 3 the environment lacks something."""

    def __init__(self, place: str, expected: str, found: str, remedy: str = "") -> None:
        self.place = place
        self.expected = expected
        self.found = found
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.code} {self.place}: expected {self.expected}, got {self.found}."
        return f"{text} {self.remedy}".rstrip()

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.place, self.expected, self.found, self.remedy)

    def as_map(self) -> dict[str, str]:
        """The error as it travels on the wire and in `--json` output: valid text, no field longer
        than 1000 characters, whatever the error was made of."""
        return {
            "code": self.code,
            "kind": type(self).__name__,
            "place": _presentable(self.place),
            "expected": _presentable(self.expected),
            "found": _presentable(self.found),
            "remedy": _presentable(self.remedy),
        }


class MediaError(FramebridgeError):
    """A picture, folder or video cannot be read or written."""

    code = "FB-E001"


class UsageError(FramebridgeError):
    """The words of a command are off."""

    code = "FB-E002"


class ManifestError(FramebridgeError):
    """`model.toml` is missing, is not TOML, or does not follow the schema."""

    code = "FB-E010"
    exit_status = 1


class PackageNotFoundError(FramebridgeError):
    """No package of that name is in the library."""

    code = "FB-E011"


class HashMismatchError(FramebridgeError):
    """A graph is not the one that the manifest names."""

    code = "FB-E012"
    exit_status = 1


class GraphMissingError(FramebridgeError):
    """A graph that the manifest names is not in the package."""

    code = "FB-E013"
    exit_status = 1


class GraphMismatchError(FramebridgeError):
    """The manifest does not describe the graph beside it."""

    code = "FB-E014"
    exit_status = 1


class UnsafePackageError(FramebridgeError):
    """A package reaches outside its own folder, or is larger than any package may be."""

    code = "FB-E015"
    exit_status = 1


class UnsupportedModelError(FramebridgeError):
    """The package is valid, but this version of the bridge cannot run it."""

    code = "FB-E016"
    exit_status = 1


class FrameFormatError(FramebridgeError):
    """A frame's size, stride or contract is not what the stream or the model takes."""

    code = "FB-E020"


class ParameterError(FramebridgeError):
    """A parameter is unknown, or its value lies outside its bounds."""

    code = "FB-E021"


class ProtocolError(FramebridgeError):
    """A control message is malformed, too large or of an unknown kind."""

    code = "FB-E030"


class VersionError(FramebridgeError):
    """The other side speaks a protocol version that this side does not."""

    code = "FB-E031"


class TokenError(FramebridgeError):
    """The token of the discovery file is missing or wrong."""

    code = "FB-E032"


class UnknownStreamError(FramebridgeError):
    """No stream of that number is open for this client."""

    code = "FB-E033"


class LimitError(FramebridgeError):
    """More was asked for than the bridge gives to one client or in all."""

    code = "FB-E034"


class RemoteError(FramebridgeError):
    """A client of another machine asked for what only one of this machine can have."""

    code = "FB-E035"


class ProviderError(FramebridgeError):
    """The execution provider that was asked for is not the one obtained."""

    code = "FB-E040"
    exit_status = 3


class RuntimeMissingError(FramebridgeError):
    """No ONNX Runtime, or an unusable one, is installed."""

    code = "FB-E041"
    exit_status = 3


class InferenceError(FramebridgeError):
    """The runtime refused to load or to run a graph."""

    code = "FB-E042"
    exit_status = 1


class NonFiniteError(FramebridgeError):
    """A model gave NaN or infinity, which no picture can show."""

    code = "FB-E043"
    exit_status = 1


class RunLimitError(FramebridgeError):
    """A run took longer than a run may, and was stopped."""

    code = "FB-E044"
    exit_status = 1


class VerificationError(FramebridgeError):
    """A package did not stand its trial run: too slow, too large, or it took the process down."""

    code = "FB-E045"
    exit_status = 1


class ScratchError(FramebridgeError):
    """A trial run could not be held: that says nothing about the package."""

    code = "FB-E046"
    exit_status = 3


class TransportError(FramebridgeError):
    """A shared texture cannot be made or mapped."""

    code = "FB-E050"
    exit_status = 3


class WorkerError(FramebridgeError):
    """A worker process ended or did not answer in time."""

    code = "FB-E060"
    exit_status = 1


class AlreadyRunningError(FramebridgeError):
    """A sidecar of the same user runs already."""

    code = "FB-E070"


class NotRunningError(FramebridgeError):
    """No sidecar of this user runs."""

    code = "FB-E071"
    exit_status = 3


class EngineError(FramebridgeError):
    """The demo's engine cannot start, or its picture cannot be read."""

    code = "FB-E080"
    exit_status = 3


class WeightsError(FramebridgeError):
    """A file of weights cannot be read: it is cut short, damaged, or none at all."""

    code = "FB-E090"
    exit_status = 1


class UnsafeWeightsError(FramebridgeError):
    """A file of weights asks for something to be executed, or for more than a machine has."""

    code = "FB-E091"
    exit_status = 1


class UnknownNetworkError(FramebridgeError):
    """The arrays of a file are of no network that is known here."""

    code = "FB-E092"
    exit_status = 1


class NetworkError(FramebridgeError):
    """The arrays of a file do not fit into the network that they belong to."""

    code = "FB-E093"
    exit_status = 1


class ParityError(FramebridgeError):
    """The graph that was built is not the network that it was built from."""

    code = "FB-E094"
    exit_status = 1


class FootageError(FramebridgeError):
    """A clip has nothing in it that a network could learn from."""

    code = "FB-E100"


class TrainingError(FramebridgeError):
    """A training run cannot go on; its last checkpoint is whole."""

    code = "FB-E101"
    exit_status = 1


class TrainerMissingError(FramebridgeError):
    """What networks are trained with is not installed, or unusable."""

    code = "FB-E102"
    exit_status = 3


class StorageError(FramebridgeError):
    """A file cannot be written whole; the one before is as it was."""

    code = "FB-E103"
    exit_status = 3


def from_map(fields: Mapping[str, str]) -> FramebridgeError:
    """The error that `as_map` was made of; of a code that is unknown here, the plain base."""
    kinds = [FramebridgeError]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    chosen = next((kind for kind in kinds if kind.code == fields.get("code")), FramebridgeError)
    return chosen(*(fields.get(name, "") for name in ("place", "expected", "found", "remedy")))


def readable(message: str) -> tuple[str, str]:
    """A msgspec validation message as (problem, field), the field without its marks."""
    found = re.match(r"(?s)(.*?)\s*-\s*at `(.*)`$", message)
    if not found:
        return message, ""
    return found[1], found[2].replace("`", "").replace("$.", "").removeprefix("$")


def _presentable(text: str) -> str:
    # File names need not be valid text, and a message may repeat what somebody sent us.
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
