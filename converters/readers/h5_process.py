"""Reads one HDF5 file in a process of its own, since a damaged one can bring its C library down.

`python -P h5_process.py FILE` writes messages to standard output: 8 bytes with the length of a JSON
text, that text, and as many bytes as it says under "bytes". They are one {"name", "dtype", "shape",
"bytes"} for each array, then one {"facts"}; or in the end {"expected", "found", "unsafe"}.

Only plain numbers that lie in the file itself are read: no external or soft links, no virtual or
external data, no filters but those that h5py has of its own.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from math import prod
from typing import Any, BinaryIO

MEMORY_BYTES = 6 << 30
PROCESSOR_S = 120
MOST_ARRAY_BYTES = 4 << 30
KERAS_WEIGHTS = "model.weights.h5"
KERAS_CONFIG = "config.json"
_MOST_OBJECTS = 100_000
_MOST_DEPTH = 64
_MOST_TEXT_BYTES = 8 << 20
_MOST_ENTRIES = 10_000
# gzip makes at most 1032 bytes of one; what was never written takes no room at all.
_MOST_INFLATION = 1100
_MOST_UNWRITTEN_BYTES = 1 << 20
_FILTERS = {1: "gzip", 2: "shuffle", 32000: "lzf"}
_KINDS = "fiub"


class Refused(Exception):
    """(expected, found)"""

    unsafe = False


class Unsafe(Refused):
    unsafe = True


def main(path: str) -> int:
    # Libraries print to standard output; the messages must stand alone.
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit()
    try:
        _send(messages, {"facts": read(path, messages)})
    except Refused as refused:
        expected, found = refused.args
        _send(messages, {"expected": expected, "found": found, "unsafe": refused.unsafe})
    except MemoryError:
        _send(messages, {"expected": "arrays that fit into memory", "found": "more",
                         "unsafe": True})  # fmt: skip
    except ImportError as error:
        _send(messages, {"missing": str(error)})
    except Exception as error:  # what h5py and zipfile raise of a damaged file is anything
        said = " ".join(str(error).split())[:300]
        _send(messages, {"expected": "a file that is whole", "found": said or type(error).__name__,
                         "unsafe": False})  # fmt: skip
    messages.flush()
    return 0


def _send(messages: BinaryIO, message: dict[str, Any], content: Any = b"") -> None:
    text = json.dumps(message).encode()
    messages.write(len(text).to_bytes(8, "little") + text)
    messages.write(content)


def _limit() -> None:
    if sys.platform == "win32":
        return
    import resource

    wanted = {"CORE": 0, "FSIZE": 0, "CPU": PROCESSOR_S}
    if sys.platform == "linux":
        # Not the address space: allocators and thread stacks reserve far more than they use.
        wanted["DATA"] = MEMORY_BYTES
    for name, value in wanted.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(kind, (value, hard))


def read(path: str, messages: BinaryIO) -> dict[str, Any]:
    """Writes the arrays of a file as messages.

    Returns: what else is known: "layout", "layers", "config", "keras_version", "skipped".
    Raises: Refused, Unsafe, and whatever h5py and zipfile raise of damaged files.
    """
    import h5py

    with open(path, "rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    facts: dict[str, Any] = {}
    source: str | BytesIO = path
    if zipped:
        source = _unzipped(path, facts)
    with h5py.File(source, "r") as opened:
        _Walk(opened, facts, messages).run()
    return facts


def _unzipped(path: str, facts: dict[str, Any]) -> BytesIO:
    """The weights of a `.keras` file; its model goes to the facts. The CRC of both is verified."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if len(names) > _MOST_ENTRIES or len(set(names)) != len(names):
            raise Refused(f"at most {_MOST_ENTRIES} entries, each once", f"{len(names)} entries")
        config = _entry(archive, KERAS_CONFIG, _MOST_TEXT_BYTES) if KERAS_CONFIG in names else b""
        if config:
            facts["config"] = config.decode("utf-8", "replace")
        return BytesIO(_entry(archive, KERAS_WEIGHTS, MOST_ARRAY_BYTES))


def _entry(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    size = archive.getinfo(name).file_size
    if size > most:
        raise Unsafe(f"at most {most} bytes in {name}", f"{size}")
    with archive.open(name) as entry:
        content = entry.read(size + 1)
    if len(content) != size:
        raise Refused(f"{size} bytes in {name}", f"{len(content)} or more")
    return content


class _Walk:
    """Through all that hangs on a file's root by hard links, each object once."""

    def __init__(self, file: Any, facts: dict[str, Any], messages: BinaryIO) -> None:
        self._file = file
        self._facts = facts
        self._messages = messages
        self._seen: set[int] = set()
        self._objects = self._bytes = 0
        self._skipped: dict[str, str] = {}

    def run(self) -> None:
        self._facts["skipped"] = self._skipped
        whole = "model_weights" in self._names(self._file)
        root = self._child(self._file, "model_weights") if whole else self._file
        for key, said in (("model_config", "config"), ("keras_version", "keras_version")):
            holder = self._file if key in self._file.attrs else root
            if key in holder.attrs:
                self._facts[said] = "".join(self._texts(holder, key))
        layers = self._listed(root, "layer_names")
        names = set(self._names(root))
        keras = layers is not None or bool({"layers", "_layer_checkpoint_dependencies"} & names)
        self._facts["layout"] = (
            "keras" if layers is not None else "keras 3" if keras else "plain"
        )  # fmt: skip
        aside = {"optimizer_weights", "optimizer"} if keras else set()
        self._skipped |= dict.fromkeys(aside & names, "the optimizer's")
        found = dict(self._datasets(root, "", aside, 0))
        ordered = [] if layers is None else self._ordered(root, layers, names, found)
        if layers is not None:
            self._facts["layers"] = layers
        paths = [*ordered, *(path for path in found if path not in set(ordered))]
        short = {path: _shortened(path) for path in paths}
        if len(set(short.values())) < len(short):
            short = {path: path for path in paths}
        for path in paths:
            self._send(short[path], found[path])

    def _names(self, group: Any) -> list[str]:
        count = len(group)
        if count > _MOST_OBJECTS:
            raise Unsafe(f"at most {_MOST_OBJECTS} objects", f"{count} in one group")
        return list(group)

    def _child(self, group: Any, name: str) -> Any:
        """What a hard link leads to; None for a soft link, which is left alone."""
        import h5py

        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise Unsafe("a file that is complete in itself", f"{name[:80]!r}, in another file")
        if isinstance(link, h5py.SoftLink):
            return None
        return group[name]

    def _datasets(
        self, group: Any, prefix: str, aside: set[str], depth: int
    ) -> Iterator[tuple[str, Any]]:
        import h5py

        if depth > _MOST_DEPTH:
            raise Unsafe(f"at most {_MOST_DEPTH} groups in each other", "more")
        for name in self._names(group):
            self._objects += 1
            if self._objects > _MOST_OBJECTS:
                raise Unsafe(f"at most {_MOST_OBJECTS} objects", "more")
            if name in aside:
                continue
            found, path = self._child(group, name), f"{prefix}{name}"
            if found is None:
                self._skipped[path] = "a soft link"
                continue
            address = h5py.h5o.get_info(found.id).addr
            if address in self._seen:
                self._skipped[path] = "met before"
                continue
            self._seen.add(address)
            if isinstance(found, h5py.Group):
                yield from self._datasets(found, f"{path}/", set(), depth + 1)
            elif not isinstance(found, h5py.Dataset):
                self._skipped[path] = "a type"
            elif found.shape is None or found.dtype.kind not in _KINDS:
                self._skipped[path] = str(found.dtype)
            else:
                yield path, found

    def _ordered(
        self, root: Any, layers: list[str], names: set[str], found: dict[str, Any]
    ) -> list[str]:
        """Weights in the order of their layers; every one that is listed is there."""
        paths = []
        for layer in layers:
            group = self._child(root, layer) if layer in names else None
            if group is None:
                raise Refused(f"the layer {layer[:80]!r} that is listed", "none")
            for weight in self._listed(group, "weight_names") or []:
                path = f"{layer}/{weight}"
                if path not in found:
                    raise Refused(f"the array {path[:160]!r} that is listed", "none")
                paths.append(path)
        if len(set(paths)) < len(paths):
            raise Refused("each array listed once", "one twice")
        return paths

    def _listed(self, group: Any, key: str) -> list[str] | None:
        """Names in an attribute, which Keras spreads over several (key0, key1) when it is long."""
        if key in group.attrs:
            return self._texts(group, key)
        if f"{key}0" not in group.attrs:
            return None
        texts: list[str] = []
        part = 0
        while f"{key}{part}" in group.attrs:
            texts += self._texts(group, f"{key}{part}")
            part += 1
        return texts

    def _texts(self, holder: Any, key: str) -> list[str]:
        import h5py
        import numpy

        attribute = h5py.h5a.open(holder.id, key.encode())
        count = 0 if attribute.shape is None else prod(attribute.shape)
        if not count:
            return []
        if count > _MOST_OBJECTS or attribute.get_storage_size() > _MOST_TEXT_BYTES:
            raise Unsafe(f"at most {_MOST_OBJECTS} names in {key}", f"{count}")
        values = numpy.asarray(holder.attrs[key], dtype=object).reshape(-1).tolist()
        texts = [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]
        if not all(isinstance(text, str) for text in texts):
            raise Refused(f"texts in {key}", f"{attribute.dtype}")
        return texts

    def _send(self, name: str, dataset: Any) -> None:
        import numpy

        sides = [int(side) for side in dataset.shape]
        size = prod(sides) * dataset.dtype.itemsize
        self._bytes += size
        if self._bytes > MOST_ARRAY_BYTES:
            raise Unsafe(f"at most {MOST_ARRAY_BYTES} bytes of arrays", f"{self._bytes} or more")
        self._check(name, dataset, size)
        array = numpy.ascontiguousarray(dataset[()])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        described = {"name": name, "dtype": array.dtype.str, "shape": sides, "bytes": array.nbytes}
        _send(self._messages, described, array.reshape(-1).view(numpy.uint8))

    def _check(self, name: str, dataset: Any, size: int) -> None:
        place = f"{name[:160]!r}"
        if dataset.is_virtual or dataset.external:
            raise Unsafe("a file that is complete in itself", f"{place}, in another file")
        made = dataset.id.get_create_plist()
        for index in range(made.get_nfilters()):
            number = made.get_filter(index)[0]
            if number not in _FILTERS:
                raise Refused(
                    f"{place} plain or by {', '.join(_FILTERS.values())}", f"filter {number}"
                )
        stored = dataset.id.get_storage_size()
        if size > _MOST_INFLATION * stored + _MOST_UNWRITTEN_BYTES:
            raise Unsafe(f"{size} bytes for {place}", f"{stored} in the file")
        if dataset.chunks and prod(dataset.chunks) * dataset.dtype.itemsize > 4 * size + (64 << 20):
            raise Unsafe(f"{place} in pieces of its own size", f"pieces of {dataset.chunks}")


def _shortened(path: str) -> str:
    """Keras repeats a layer's name before each of its weights."""
    layer, _, rest = path.partition("/")
    return rest if rest.startswith(f"{layer}/") else path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
