"""A pickle machine that runs nothing: names are never looked up, classes become inert records.

The machine knows every opcode of protocols 0 to 5. A name (`module.name`) stays a `Name`, an object
of an unknown class a `Record` of its name and state. What a pickle calls must be in the caller's
list of rebuilders; anything else ends the reading with UnsafeWeightsError and says what was asked.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NoReturn

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.pickle_names import Name, Record, checked_key, is_refused

MOST_BYTES = 1 << 30
MOST_OPCODES = 4_000_000
MOST_MARKS = 10_000
_MOST_HANDLED = 4
"""Bytes that rebuilders may copy, for each byte of the pickle."""
_HANDLED_FREELY = 1 << 20
_LONGEST_LINE = 1 << 16
_LONGEST_INT_BYTES = 128

Rebuilder = Callable[..., Any]


class Machine:
    """Reads one pickle.

    Args:
        file: stands where the pickle begins; after `load`, where it ends.
        size: of the file, in bytes.
        place: to name in errors.
        rebuilders: by dotted name, what stands in for the functions that the pickle may call. A
            result with a method `set_state` is given the state that follows.
        persistent: value for a persistent id.
    """

    def __init__(
        self, file: BinaryIO, size: int, place: str,
        rebuilders: Mapping[str, Rebuilder], persistent: Callable[[Any], Any],
    ) -> None:  # fmt: skip
        self._file = file
        self._place = place
        self._end = min(size, file.tell() + MOST_BYTES)
        self._rebuilders = rebuilders
        self._persistent = persistent
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}
        self._start = file.tell()
        self._handled = 0

    def load(self) -> Any:
        """Raises: WeightsError: cut short or malformed. UnsafeWeightsError: asks for a call that is
        not listed, or is larger than any weights' pickle."""
        read, opcodes = self._file.read, _OPCODES
        try:
            for _ in range(MOST_OPCODES):
                code = read(1)
                if code == b".":
                    return self._stack.pop()
                opcode = opcodes.get(code)
                if opcode is None:
                    self._unknown(code)
                opcode(self)
        except MemoryError:
            raise UnsafeWeightsError(
                self._place, "a pickle that fits into memory", "one that does not"
            ) from None
        except _MALFORMED as error:
            raise WeightsError(
                f"{self._place} at byte {self._file.tell()}", "a well-formed pickle",
                f"{type(error).__name__}: {str(error)[:200]}", "The file is damaged.",
            ) from None  # fmt: skip
        raise UnsafeWeightsError(
            self._place, f"at most {MOST_OPCODES:,} steps in a pickle", "more of them"
        )

    def _unknown(self, code: bytes) -> NoReturn:
        if not code:
            raise WeightsError(self._place, "a whole pickle", "one cut short", _DAMAGED)
        if code in b"\x82\x83\x84":
            raise UnsafeWeightsError(
                self._place,
                "a pickle that says what it names",
                "a number of the extension registry",
            )
        raise WeightsError(
            f"{self._place} at byte {self._file.tell() - 1}", "an opcode of pickle",
            f"{code!r}", "The file is damaged, or no pickle.",
        )  # fmt: skip

    # ------------------------------------------------------------------------------------ reading

    def _read(self, count: int) -> bytes:
        left = self._end - self._file.tell()
        if not 0 <= count <= left:
            raise WeightsError(
                f"{self._place} at byte {self._file.tell()}", f"at most {max(left, 0):,} bytes",
                f"a length of {count:,}", _DAMAGED,
            )  # fmt: skip
        data = self._file.read(count)
        if len(data) != count:
            raise WeightsError(self._place, "a whole pickle", "one cut short", _DAMAGED)
        return data

    def _number(self, layout: struct.Struct) -> Any:
        data = self._file.read(layout.size)
        if len(data) != layout.size:
            raise WeightsError(self._place, "a whole pickle", "one cut short", _DAMAGED)
        return layout.unpack(data)[0]

    def _line(self) -> str:
        line = self._file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise WeightsError(
                f"{self._place} at byte {self._file.tell()}", "the end of a line",
                "a pickle cut short" if len(line) < _LONGEST_LINE else "a line without end",
                _DAMAGED,
            )  # fmt: skip
        return line[:-1].decode("latin-1")

    def _sized(self, layout: struct.Struct) -> bytes:
        return self._read(self._number(layout))

    def _int_of(self, data: bytes) -> int:
        if len(data) > _LONGEST_INT_BYTES:
            raise UnsafeWeightsError(
                self._place, f"integers of at most {8 * _LONGEST_INT_BYTES} bits",
                f"one of {8 * len(data):,}",
            )  # fmt: skip
        return int.from_bytes(data, "little", signed=True)

    # ------------------------------------------------------------------------------------ objects

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _mark(self) -> None:
        if len(self._marked) >= MOST_MARKS:
            raise UnsafeWeightsError(
                self._place, f"at most {MOST_MARKS:,} levels of nesting", "more of them"
            )
        self._marked.append(self._stack)
        self._stack = []

    def _to_mark(self) -> list[Any]:
        values = self._stack
        self._stack = self._marked.pop()
        return values

    def _named(self, module: Any, name: Any) -> Name:
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name that is no text")
        found = Name(module, name)
        if is_refused(found):
            self._refuse(found.dotted)
        return found

    def _refuse(self, name: str) -> NoReturn:
        raise UnsafeWeightsError(
            self._place, "a pickle that names arrays and plain records",
            f"one that asks for {name[:120]!r}", "Nothing in the file was run.",
        )  # fmt: skip

    def _call(self, callee: Any, args: Any) -> Any:
        if not isinstance(args, tuple):
            raise ValueError("a call whose arguments are no tuple")
        if not isinstance(callee, Name):
            self._refuse(f"a call of {type(callee).__name__}")
        rebuilder = self._rebuilders.get(callee.dotted)
        if rebuilder is None:
            self._refuse(f"a call of {callee.dotted}")
        self._handle(args)
        return rebuilder(*args)

    def _handle(self, values: tuple[Any, ...]) -> None:
        """Counts what a rebuilder may copy. A list that is written once and handed over again and
        again would fill any memory."""
        for value in values:
            if isinstance(value, tuple):
                self._handled += sum(map(_weight, value[:64]))
            self._handled += _weight(value)
        if self._handled > _HANDLED_FREELY + _MOST_HANDLED * (self._file.tell() - self._start):
            raise UnsafeWeightsError(
                self._place, "a pickle that uses what it holds a few times", "one that copies it"
            )

    def _new(self, kind: Any, args: Any) -> Any:
        if not isinstance(kind, Name) or not isinstance(args, tuple):
            self._refuse(f"an object of {type(kind).__name__}")
        # Of dict and its likes `__new__` is the call: the same stand-in serves both.
        if kind.dotted in self._rebuilders:
            return self._call(kind, args)
        return Record(kind.dotted, args)

    def _instance(self, kind: Any, args: tuple[Any, ...]) -> Any:
        return self._call(kind, args) if args else self._new(kind, args)

    def _build(self) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if isinstance(target, Record):
            target.state = state
        elif hasattr(target, "set_state"):
            self._handle((state,))
            target.set_state(state)
        elif not isinstance(target, dict | list):
            self._refuse(f"a change of {type(target).__name__}")

    def _extend(self, values: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, Record):
            target.items = target.items if target.items is not None else []
            target = target.items
        if not isinstance(target, list):
            raise ValueError(f"items put into {type(target).__name__}")
        target.extend(values)

    def _put(self, pairs: list[Any]) -> None:
        target = self._stack[-1]
        if isinstance(target, Record):
            target.entries = target.entries if target.entries is not None else {}
            target = target.entries
        if not isinstance(target, dict) or len(pairs) % 2:
            raise ValueError(f"entries put into {type(target).__name__}")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            target[checked_key(key)] = value

    def _memoise(self, index: int) -> None:
        self._memo[index] = self._stack[-1]


_MALFORMED = (
    IndexError, KeyError, TypeError, ValueError, OverflowError, RecursionError, struct.error,
)  # fmt: skip
_WEIGHTS: dict[type, int] = {str: 1, bytes: 1, list: 4, tuple: 4, dict: 8}
_DAMAGED = "The file is damaged or cut short."
_U1, _U2, _I4, _U4, _U8 = (struct.Struct(f"<{code}") for code in "BHiIQ")
_F8 = struct.Struct(">d")


def _weight(value: Any) -> int:
    """What a copy of a value costs; its members are not copied with it."""
    each = _WEIGHTS.get(type(value))
    return each * len(value) if each else 0


def _text_int(machine: Machine) -> Any:
    line = machine._line()
    return (
        {"00": False, "01": True}[line] if line in ("00", "01") else machine._int_of(_bytes(line))
    )


def _bytes(line: str) -> bytes:
    value = int(line[:400].rstrip("L"))
    return value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)


def _text_string(machine: Machine) -> str:
    line = machine._line().strip()
    if len(line) < 2 or line[0] != line[-1] or line[0] not in "'\"":
        raise ValueError("a string without quotes")
    # Escapes are left as they stand: names of arrays have none.
    return line[1:-1]


def _pop(machine: Machine) -> None:
    if machine._stack:
        machine._stack.pop()
    else:
        machine._to_mark()


def _drop(machine: Machine) -> None:
    machine._to_mark()


def _pairs(machine: Machine) -> dict[Any, Any]:
    values = machine._to_mark()
    if len(values) % 2:
        raise ValueError("a key without a value")
    return {checked_key(k): v for k, v in zip(values[::2], values[1::2], strict=True)}


def _last(machine: Machine, count: int) -> tuple[Any, ...]:
    values = tuple(machine._stack[-count:])
    if len(values) != count:
        raise IndexError("nothing left on the stack")
    del machine._stack[-count:]
    return values


def _object(machine: Machine) -> Any:
    values = machine._to_mark()
    return machine._instance(values[0], tuple(values[1:]))


def _new_with_keywords(machine: Machine) -> Any:
    kind, args, keywords = _last(machine, 3)
    if keywords:
        machine._refuse("an object made with keywords")
    return machine._new(kind, args)


def _global(machine: Machine) -> Name:
    module = machine._line()
    return machine._named(module, machine._line())


def _text_instance(machine: Machine) -> Any:
    kind = _global(machine)
    return machine._instance(kind, tuple(machine._to_mark()))


def _gives(value: Callable[[Machine], Any]) -> Callable[[Machine], None]:
    def run(machine: Machine) -> None:
        result = value(machine)
        machine._stack.append(result)

    return run


def _same(value: Any) -> Callable[[Machine], None]:
    return lambda machine: machine._stack.append(value)


def _ignore(layout: struct.Struct) -> Callable[[Machine], None]:
    def run(machine: Machine) -> None:
        machine._number(layout)

    return run


def _latin(layout: struct.Struct) -> Callable[[Machine], None]:
    # Text of Python 2, or its bytes: latin-1 keeps both whole.
    return _gives(lambda m: m._sized(layout).decode("latin-1"))


def _text(layout: struct.Struct) -> Callable[[Machine], None]:
    return _gives(lambda m: m._sized(layout).decode("utf-8", "surrogatepass"))


def _no_buffers(machine: Machine) -> None:
    machine._refuse("a buffer that stands outside of it")


_OPCODES: dict[bytes, Callable[[Machine], None]] = {
    b"\x80": _ignore(_U1),
    b"\x95": _ignore(_U8),  # a frame's length says nothing that the file's end does not
    b"N": _same(None), b"\x88": _same(True), b"\x89": _same(False),
    b"I": _gives(_text_int), b"L": _gives(_text_int),
    b"F": _gives(lambda m: float(m._line())),
    b"J": _gives(lambda m: m._number(_I4)),
    b"K": _gives(lambda m: m._number(_U1)),
    b"M": _gives(lambda m: m._number(_U2)),
    b"G": _gives(lambda m: m._number(_F8)),
    b"\x8a": _gives(lambda m: m._int_of(m._sized(_U1))),
    b"\x8b": _gives(lambda m: m._int_of(m._sized(_I4))),
    b"S": _gives(_text_string), b"T": _latin(_I4), b"U": _latin(_U1),
    b"V": _gives(lambda m: m._line()),
    b"X": _text(_U4), b"\x8c": _text(_U1), b"\x8d": _text(_U8),
    b"B": _gives(lambda m: m._sized(_U4)),
    b"C": _gives(lambda m: m._sized(_U1)),
    b"\x8e": _gives(lambda m: m._sized(_U8)),
    b"\x96": _gives(lambda m: m._sized(_U8)),
    b"\x97": _no_buffers, b"\x98": _no_buffers,
    b"(": Machine._mark,
    b"0": _pop,
    b"1": _drop,
    b"2": lambda m: m._push(m._stack[-1]),
    b"]": _gives(lambda m: []), b"}": _gives(lambda m: {}), b")": _same(()),
    b"\x8f": _gives(lambda m: []),  # a set's hashes are of no use here, its members are
    b"l": _gives(lambda m: m._to_mark()),
    b"t": _gives(lambda m: tuple(m._to_mark())),
    b"\x91": _gives(lambda m: m._to_mark()),
    b"d": _gives(_pairs),
    b"\x85": _gives(lambda m: _last(m, 1)),
    b"\x86": _gives(lambda m: _last(m, 2)),
    b"\x87": _gives(lambda m: _last(m, 3)),
    b"a": lambda m: m._extend([m._stack.pop()]),
    b"e": lambda m: m._extend(m._to_mark()),
    b"\x90": lambda m: m._extend(m._to_mark()),
    b"s": lambda m: m._put(list(_last(m, 2))),
    b"u": lambda m: m._put(m._to_mark()),
    b"p": lambda m: m._memoise(int(m._line()[:20])),
    b"q": lambda m: m._memoise(m._number(_U1)),
    b"r": lambda m: m._memoise(m._number(_U4)),
    b"\x94": lambda m: m._memoise(len(m._memo)),
    b"g": _gives(lambda m: m._memo[int(m._line()[:20])]),
    b"h": _gives(lambda m: m._memo[m._number(_U1)]),
    b"j": _gives(lambda m: m._memo[m._number(_U4)]),
    b"c": _gives(_global),
    b"\x93": _gives(lambda m: m._named(*_last(m, 2))),
    b"R": _gives(lambda m: m._call(*_last(m, 2))),
    b"\x81": _gives(lambda m: m._new(*_last(m, 2))),
    b"\x92": _gives(_new_with_keywords),
    b"o": _gives(_object), b"i": _gives(_text_instance),
    b"b": Machine._build,
    b"P": _gives(lambda m: m._persistent(m._line())),
    b"Q": _gives(lambda m: m._persistent(m._stack.pop())),
}  # fmt: skip
