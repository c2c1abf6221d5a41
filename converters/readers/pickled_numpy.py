"""NumPy's arrays inside pickles, without NumPy's own rebuilders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from converters.readers.pickle_names import Name, Record
from converters.readers.pickles import Rebuilder
from converters.weights import Array

MOST_DIMENSIONS = 32
_CODE = re.compile(r"[<>|=]?([biufc])(1|2|4|8|16)")


class DType:
    """`numpy.dtype(code, ...)` and the state that follows it."""

    def __init__(self, code: Any, *_: Any) -> None:
        if not isinstance(code, str):
            raise ValueError("an array's type that is no text")
        self.code = code
        self.order = "="

    def set_state(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "|", "="):
            self.order = state[1]

    def of_numbers(self) -> np.dtype[Any] | None:
        """None for text and the like. Raises: ValueError: for objects."""
        if self.code.lstrip("<>|=").startswith("O"):
            raise ValueError("an array of objects, which only their own classes could make")
        found = _CODE.fullmatch(self.code)
        return np.dtype(f"{self.order}{found[1]}{found[2]}") if found else None


class PickledArray:
    """`numpy.core.multiarray._reconstruct(...)` and the state that follows it."""

    def __init__(self, *_: Any) -> None:
        self.value: Array | Record | None = None

    def set_state(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ValueError("an array's state that is not (version, shape, type, order, bytes)")
        _, shape, dtype, fortran, data = state
        self.value = array_of(data, dtype, shape, "F" if fortran else "C")


def array_of(data: Any, dtype: Any, shape: Any, order: Any) -> Array | Record:
    """The array; of text and the like a record. Raises: ValueError."""
    if not isinstance(dtype, DType):
        raise ValueError("an array without a type")
    numbers = dtype.of_numbers()
    if numbers is None:
        return Record("numpy.ndarray", (dtype.code,))
    if isinstance(data, str):
        data = data.encode("latin-1")
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(data, bytes) or not isinstance(shape, tuple) or order not in ("C", "F"):
        raise ValueError("an array without bytes, shape or order")
    if len(shape) > MOST_DIMENSIONS or any(type(side) is not int or side < 0 for side in shape):
        raise ValueError(f"an array of {len(shape)} dimensions, or with a side below 0")
    if prod(shape) * numbers.itemsize != len(data):
        raise ValueError("an array whose shape and bytes differ")
    array = np.frombuffer(data, numbers).reshape(shape, order=order)
    return array.astype(numbers.newbyteorder("="), copy=False)


def _scalar(dtype: Any, data: Any = b"") -> Any:
    array = array_of(data, dtype, (), "C")
    return array.item() if isinstance(array, np.ndarray) else array


def _encoded(text: Any, encoding: Any = "") -> bytes:
    # How protocol 2 writes bytes.
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise ValueError("an encoding other than latin1")
    return text.encode("latin-1")


def _array_rebuilder(kind: Any, *_: Any) -> PickledArray:
    if not isinstance(kind, Name) or kind.dotted != "numpy.ndarray":
        raise ValueError("an array of an unknown class")
    return PickledArray()


NUMPY_REBUILDERS: Mapping[str, Rebuilder] = {
    "numpy.dtype": DType,
    "_codecs.encode": _encoded,
    **{
        f"numpy.{core}.{name}": rebuilder
        for core in ("core", "_core")
        for name, rebuilder in (
            ("multiarray._reconstruct", _array_rebuilder),
            ("multiarray.scalar", _scalar),
            ("numeric._frombuffer", array_of),
        )
    },
}
