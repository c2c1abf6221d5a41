"""What a pickle names and makes, kept as words: nothing here is ever looked up or called."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

_LONGEST_KEY_TUPLE = 16

_PYTHON_ITSELF = (sys.stdlib_module_names - {"__future__"}) | {
    "__builtin__", "__builtins__", "copy_reg", "commands", "nt", "cPickle", "dill", "cloudpickle",
    "_pickle", "pip", "setuptools", "pkg_resources", "distutils", "test", "imp", "asyncore",
}  # fmt: skip
# Parts of Python itself that trained weights have good reason to name. Of all others the first
# mention is refused: nothing would be run, but such a file means harm or holds no weights.
HARMLESS = frozenset({
    "collections.OrderedDict", "collections.defaultdict", "collections.Counter",
    "collections.deque", "argparse.Namespace", "types.SimpleNamespace", "functools.partial",
    "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.WindowsPath",
    "pathlib.PurePosixPath", "pathlib.PureWindowsPath", "pathlib._local.PosixPath",
    "pathlib._local.WindowsPath", "datetime.datetime", "datetime.date", "datetime.timedelta",
    "enum.Enum", "typing.Any", "typing.Union", "typing.Optional", "typing.List", "typing.Dict",
    "copyreg._reconstructor", "copy_reg._reconstructor", "_codecs.encode",
    *(
        f"{module}.{name}"
        for module in ("builtins", "__builtin__")
        for name in (
            "object", "set", "frozenset", "list", "dict", "tuple", "int", "long", "float", "bool",
            "complex", "bytes", "bytearray", "str", "unicode", "slice", "range", "xrange",
        )
    ),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """What a pickle names, never looked up."""

    module: str
    name: str

    @property
    def dotted(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, repr=False, slots=True)
class Record:
    """An object of a class that is not known here: what the file says of it, and nothing more.

    Attributes:
        kind: dotted name of its class.
        args: what it would have been made with.
        state: what it would have been given as its state.
        items: of a list's child, what was appended.
        entries: of a dict's child, what was put in.
    """

    kind: str
    args: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] | None = None
    entries: dict[Any, Any] | None = None

    def __repr__(self) -> str:
        # Short, whatever the record holds: a repr that followed it might never end.
        return f"<{self.kind[:120]}>"


def is_refused(name: Name) -> bool:
    """Whether no file of weights has reason to name this: nearly all of Python itself."""
    return name.module.partition(".")[0] in _PYTHON_ITSELF and name.dotted not in HARMLESS


def checked_key(key: Any) -> Any:
    """A key whose hash takes no time: tuples of tuples of tuples can take a life.

    Raises: ValueError.
    """
    plain = (str, int, float, bytes, Name, Record, type(None))
    if isinstance(key, plain) or (
        isinstance(key, tuple)
        and len(key) <= _LONGEST_KEY_TUPLE
        and all(isinstance(part, plain) for part in key)
    ):
        return key
    raise ValueError(f"a key that is {type(key).__name__}")
