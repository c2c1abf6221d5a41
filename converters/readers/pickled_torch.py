"""What PyTorch's pickles name and call: storages, tensors and a few plain values.

A tensor stays a description (where in which storage, its sides and strides) until it is known which
ones are wanted; then each storage is read once, and every tensor checked to lie inside its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.readers.pickle_names import Name, Record, checked_key
from converters.readers.pickled_numpy import MOST_DIMENSIONS, NUMPY_REBUILDERS
from converters.readers.pickles import Rebuilder

# By the names of storage classes and of dtypes alike; the three that NumPy lacks are widened.
BFLOAT16, FLOAT8_E4M3, FLOAT8_E5M2 = "bfloat16", "float8_e4m3fn", "float8_e5m2"
_DTYPES: Mapping[str, str] = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "BFloat16Storage": BFLOAT16,
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "bool", "UntypedStorage": "u1",
    "ComplexFloatStorage": "c8", "ComplexDoubleStorage": "c16",
    "float32": "f4", "float": "f4", "float64": "f8", "double": "f8", "float16": "f2", "half": "f2",
    "bfloat16": BFLOAT16, "int64": "i8", "long": "i8", "int32": "i4", "int": "i4", "int16": "i2",
    "short": "i2", "int8": "i1", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8",
    "bool": "bool", "complex64": "c8", "complex128": "c16",
    "float8_e4m3fn": FLOAT8_E4M3, "float8_e5m2": FLOAT8_E5M2,
}  # fmt: skip
RAW: Mapping[str, str] = {BFLOAT16: "u2", FLOAT8_E4M3: "u1", FLOAT8_E5M2: "u1", "bool": "u1"}


@dataclass(frozen=True, slots=True)
class Storage:
    """
    Attributes:
        key: its name in the file.
        dtype: as `_DTYPES` has it.
        count: of elements in the whole storage.
        start, length: of the part that is meant, in elements.
    """

    key: str
    dtype: str
    count: int
    start: int
    length: int

    @property
    def element_bytes(self) -> int:
        return np.dtype(RAW.get(self.dtype, self.dtype)).itemsize


@dataclass(frozen=True, slots=True)
class Tensor:
    """
    Attributes:
        offset, strides: in elements of `dtype`, within the storage.
        dtype: as `_DTYPES` has it.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: str

    def set_state(self, state: Any) -> None:
        """Attributes beside the numbers, and hooks: not wanted."""


class Parameter:
    """`torch.nn.parameter.Parameter` as an object, which old files have: its tensor is what it was
    made with, or the first of its state."""

    def __init__(self, data: Any = None, *_: Any) -> None:
        self.tensor = data if isinstance(data, Tensor) else None

    def set_state(self, state: Any) -> None:
        if self.tensor is None and isinstance(state, tuple) and state:
            self.tensor = state[0] if isinstance(state[0], Tensor) else None


def storage_of(persistent_id: Any) -> Storage | Name:
    """The storage that a persistent id names, or of `('module', class, file, source)` the class:
    the source is neither run nor kept. Raises: ValueError."""
    if not isinstance(persistent_id, tuple) or not persistent_id:
        raise ValueError("a persistent id that is no tuple")
    word, *rest = persistent_id
    if word == "module" and rest and isinstance(rest[0], Name):
        return rest[0]
    if word != "storage" or len(rest) not in (4, 5):
        raise ValueError(f"a persistent id of {len(rest)} parts that is no storage's")
    kind, key, _, count = rest[:4]
    if not isinstance(kind, Name) or kind.module.partition(".")[0] != "torch":
        raise ValueError("a storage that is of no class of torch")
    dtype = dtype_of(kind)
    if isinstance(key, int):
        key = str(key)
    if not isinstance(key, str) or not _natural(count):
        raise ValueError("a storage without a key or a count")
    start, length = 0, count
    if len(rest) == 5 and rest[4] is not None:
        _, start, length = rest[4]
        if not _natural(start) or not _natural(length) or start + length > count:
            raise ValueError("a view that lies outside of its storage")
    return Storage(key, dtype, count, start, length)


def dtype_of(kind: Any) -> str:
    """Of a storage class or `torch.dtype`. Raises: ValueError: one that is not read."""
    if not isinstance(kind, Name) or kind.name not in _DTYPES:
        name = kind.name[:60] if isinstance(kind, Name) else type(kind).__name__
        raise ValueError(f"numbers of the type {name}, not read here")
    return _DTYPES[kind.name]


def _natural(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> Tensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    if not isinstance(shape, tuple | list) or not isinstance(strides, tuple | list):
        raise ValueError("a tensor without sides or strides")
    if len(shape) != len(strides) or len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"a tensor of {len(shape)} sides and {len(strides)} strides")
    if not all(map(_natural, (offset, *shape, *strides))):
        raise ValueError("a tensor with an offset, side or stride below 0 or far too large")
    return Tensor(storage, offset, tuple(shape), tuple(strides), storage.dtype)


def _tensor_v3(
    storage: Any, offset: Any, shape: Any, strides: Any, _grad: Any, _hooks: Any, dtype: Any,
    *_: Any,
) -> Tensor:  # fmt: skip
    plain = _tensor(storage, offset, shape, strides)
    return Tensor(plain.storage, plain.offset, plain.shape, plain.strides, dtype_of(dtype))


def _parameter(data: Any, *_: Any) -> Any:
    return data


def _of_subclass(function: Any, _kind: Any, args: Any, *_: Any) -> Any:
    # Of plain tensors alone: a child of a child of a child has no end.
    if not isinstance(function, Name) or not isinstance(args, tuple):
        raise ValueError("a tensor's child without a tensor")
    if function.dotted not in _PLAIN_TENSORS:
        raise ValueError("a tensor's child that is not made of a plain tensor")
    return _PLAIN_TENSORS[function.dotted](*args)


def _refused(what: str) -> Rebuilder:
    def refuse(*_: Any) -> Any:
        raise ValueError(f"{what}, not read here")

    return refuse


def _mapping(pairs: Any = ()) -> dict[Any, Any]:
    if isinstance(pairs, dict):
        return dict(pairs)
    return {checked_key(key): value for key, value in pairs}


def _reconstructed(kind: Any, base: Any, _: Any) -> Record:
    if not (isinstance(kind, Name) and isinstance(base, Name) and base.name == "object"):
        raise ValueError("an object that is more than an object")
    return Record(kind.dotted)


def _inert(kind: str) -> Rebuilder:
    return lambda *args: Record(kind, args)


def _sequence(values: Any = ()) -> list[Any]:
    if not isinstance(values, list | tuple):
        raise ValueError("members that are no list")
    return list(values)


def _size(values: Any = ()) -> tuple[Any, ...]:
    return tuple(_sequence(values))


_PLAIN_TENSORS: Mapping[str, Rebuilder] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_v3,
}
_BUILTINS = ("builtins", "__builtin__")
TORCH_REBUILDERS: dict[str, Rebuilder] = {
    **NUMPY_REBUILDERS,
    **_PLAIN_TENSORS,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch.nn.parameter.Parameter": Parameter,
    "torch.nn.parameter.Buffer": Parameter,
    "torch.autograd.variable.Variable": Parameter,
    "torch._tensor._rebuild_from_type_v2": _of_subclass,
    "torch._tensor._rebuild_from_type": _of_subclass,
    "torch._utils._rebuild_sparse_tensor": _refused("a sparse tensor"),
    "torch._utils._rebuild_sparse_csr_tensor": _refused("a sparse tensor"),
    "torch._utils._rebuild_nested_tensor": _refused("a nested tensor"),
    "torch._utils._rebuild_qtensor": _refused("a quantised tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": _refused("a tensor without numbers"),
    "collections.OrderedDict": _mapping,
    "collections.Counter": _mapping,
    "collections.defaultdict": lambda *_: {},
    "collections.deque": lambda values=(), *_: _sequence(values),
    "torch.Size": _size,
    **{
        f"torch.jit._pickle.build_{kind}list": _sequence
        for kind in ("int", "double", "bool", "tensor")
    },
    "torch.jit._pickle.restore_type_tag": lambda value=None, *_: value,
    "copyreg._reconstructor": _reconstructed,
    "copy_reg._reconstructor": _reconstructed,
    **{f"{module}.{name}": _sequence for module in _BUILTINS for name in ("set", "frozenset")},
    **{
        name: _inert(name)
        for name in (
            "torch.device", "torch.serialization._get_layout", "argparse.Namespace",
            "types.SimpleNamespace", "functools.partial", "pathlib.Path", "pathlib.PurePath",
            "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath",
            "pathlib.PureWindowsPath", "pathlib._local.PosixPath", "pathlib._local.WindowsPath",
            "datetime.datetime", "datetime.date", "datetime.timedelta",
            "torch.nn.backends.thnn._get_thnn_function_backend",
        )
    },
}  # fmt: skip
"""What a call in a PyTorch pickle becomes."""
