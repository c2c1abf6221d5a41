"""What was once found out on this machine and need not be found out again: small JSON files in the
user's cache folder, one an entry, which anybody may delete at any time.

Nothing depends on an entry: what cannot be read counts as never written, and a place that cannot be
written to costs the memory, never the work.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import re
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

FOLDER_VARIABLE = "FRAMEBRIDGE_CACHE_DIR"
MOST_ENTRIES = 256
"""Of one kind: the ones written longest ago go."""
MOST_BYTES = 65536
"""Of one entry: a larger one is not kept, and not read."""


def cache_folder() -> Path:
    """The folder of this user's cache; not made here."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "framebridge" / "cache"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "framebridge"


def remembered(kind: str, key: str) -> dict[str, Any] | None:
    """What was remembered last under this key, or None.

    Args:
        kind: what sort of fact it is, a word of a-z, 0-9 and "-".
        key: everything that the fact depends on, in any words.
    """
    path = _path(kind, key)
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        entry = json.loads(content) if len(content) <= MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None
    # The key stands in the entry itself, so that a file that was moved or mixed up is not believed.
    if not isinstance(entry, dict) or entry.get("key") != key:
        return None
    value = entry.get("value")
    return value if isinstance(value, dict) else None


def remember(kind: str, key: str, value: dict[str, Any]) -> None:
    """Keep `value`, which JSON can hold, in place of what was there.

    Guarantees: whoever reads sees the old entry or the new one, whole; never raises for a place
    that cannot be written to.
    """
    path = _path(kind, key)
    content = _entry(key, value)
    if len(content) > MOST_BYTES:
        return
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, content)
        forget_the_oldest(path.parent, most_entries=MOST_ENTRIES)


def remember_first(kind: str, key: str, value: dict[str, Any]) -> dict[str, Any]:
    """Keep `value`, unless another process was faster.

    Returns: what is kept, the same to all who ask; `value` where nothing can be written.
    """
    path = _path(kind, key)
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _write(path, _entry(key, value), create=True)
            forget_the_oldest(path.parent, most_entries=MOST_ENTRIES)
            return value
        found = remembered(kind, key)
        if found is not None:
            return found
    # What is there cannot be read, and counts as never written.
    remember(kind, key, value)
    return value


@functools.cache
def machine_key() -> str:
    """Names the machine as far as speed and rounding go: its processor with all that it can do,
    the number of cores that this process may use, the operating system."""
    facts = _processor()
    digest = hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]
    name = " ".join(facts[0].split()) or "processor"
    return f"{name} {digest}, {_cores()} cores, {platform.system()} {platform.machine()}"


def _path(kind: str, key: str) -> Path:
    if not re.fullmatch(r"[a-z0-9-]+", kind):
        raise ValueError(f"a kind is a word of a-z, 0-9 and '-', not {kind!r}")
    digest = hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()
    return cache_folder() / kind / f"{digest[:32]}.json"


def _entry(key: str, value: dict[str, Any]) -> bytes:
    return json.dumps({"key": key, "value": value}).encode()


def _write(path: Path, content: bytes, *, create: bool = False) -> None:
    """Whole or not at all. Raises: OSError; FileExistsError: it is to be created, and is there."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        if create:
            os.link(name, path)
        else:
            os.replace(name, path)
            return
    except OSError:
        with suppress(OSError):
            os.unlink(name)
        raise
    os.unlink(name)


def forget_the_oldest(folder: Path, *, most_entries: int, most_bytes: int = 1 << 40) -> None:
    """Remove the files of a folder that were written longest ago, until it is within limits."""
    # Everything in it, so that what a killed writer left half written goes as well.
    entries = []
    with suppress(OSError):
        for path in folder.iterdir():
            with suppress(OSError):  # somebody else removed it meanwhile
                status = path.stat()
                entries.append((status.st_mtime_ns, status.st_size, path))
    kept_bytes = 0
    for index, (_, size, path) in enumerate(sorted(entries, reverse=True)):
        kept_bytes += size
        if index >= most_entries or kept_bytes > most_bytes:
            with suppress(OSError):
                path.unlink()


def _processor() -> list[str]:
    """The processor's name, and whatever else tells it from others, if the system says."""
    if sys.platform == "linux":
        with suppress(OSError):
            facts = _first_processor(Path("/proc/cpuinfo").read_text("utf-8", "replace"))
            if facts:
                return facts
    return [platform.processor() or platform.machine()]


def _first_processor(text: str) -> list[str]:
    # Virtual machines share one name for processors that differ in what they can do.
    lines = dict(line.partition(":")[::2] for line in text.split("\n\n", 1)[0].splitlines())
    found = {name.strip(): value.strip() for name, value in lines.items()}
    name = found.get("model name") or found.get("CPU part") or ""
    wanted = ("vendor_id", "cpu family", "model", "stepping", "flags", "Features", "CPU variant")
    return [name, *(found[key] for key in wanted if key in found)] if name else []


def _cores() -> int:
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
