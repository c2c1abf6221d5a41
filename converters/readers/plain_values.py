"""Values out of pickles, in plain words: for facts beside weights, and for errors."""

from __future__ import annotations

from itertools import islice
from math import isfinite
from typing import Any

import numpy as np

from converters.readers.pickle_names import Name, Record
from converters.readers.pickled_numpy import PickledArray
from converters.readers.pickled_torch import Parameter, Tensor

LEAVES = Tensor | np.ndarray
_LONGEST_NAME = 500
_MOST_MEMBERS = 20
_DEEPEST_FACT = 5


def leaf_of(value: Any) -> Any:
    """A tensor, from whatever stands around it; other values as they are."""
    if isinstance(value, PickledArray):
        return value.value
    if isinstance(value, Parameter) and value.tensor is not None:
        return value.tensor
    return value


def key_of(key: Any) -> str:
    if isinstance(key, str):
        return key.encode("utf-8", "backslashreplace").decode()
    return f"{key}" if isinstance(key, int | float | bool | type(None)) else type(key).__name__


class Plainly:
    """Values as JSON has them: of records the class and the state; all of it shortened, so that
    values that hold each other many times over stay small."""

    def __init__(self, most: int = 50_000) -> None:
        self._left = most

    def of(self, value: Any, depth: int = 0) -> Any:
        value = leaf_of(value)
        self._left -= 1
        if self._left < 0:
            return "..."
        if isinstance(value, bool | int | type(None)):
            return value
        if isinstance(value, float):
            return value if isfinite(value) else str(value)
        if isinstance(value, str):
            return value[:_LONGEST_NAME].encode("utf-8", "backslashreplace").decode()
        if isinstance(value, Name):
            return value.dotted[:_LONGEST_NAME]
        if isinstance(value, LEAVES):
            return f"array of shape {list(value.shape)}"
        if depth >= _DEEPEST_FACT:
            return "..."
        if isinstance(value, list | tuple):
            return [self.of(item, depth + 1) for item in value[:_MOST_MEMBERS]]
        if isinstance(value, dict):
            pairs = islice(value.items(), _MOST_MEMBERS)
            return {key_of(key)[:60]: self.of(item, depth + 1) for key, item in pairs}
        if isinstance(value, Record):
            return {"class": value.kind, "state": self.of(value.args or value.state, depth + 1)}
        return type(value).__name__


def described(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, Record):
        return f"an object of class {value.kind[:120]}"
    names: dict[type, str] = {
        dict: "a dictionary",
        list: "a list",
        tuple: "a list",
        str: "text",
        bytes: "bytes",
    }
    return names.get(type(value), "a single value")
