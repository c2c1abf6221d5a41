"""Packs the Unity package with its native libraries, for Unity's package manager.

    python3 engine_plugin/pack_unity.py
    python3 engine_plugin/pack_unity.py --native FOLDER --require linux windows macos

Takes engine_plugin/unity and the libraries that lie in out/native/{linux,windows,macos}, checks
that every asset has its .meta, and leaves in out/unity

    com.framebridge.unity-VERSION.tgz    for "Install package from tarball"
    com.framebridge.unity/               the same, for "Install package from disk"

The same files give the same bytes. Needs nothing but Python's standard library.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PLUGINS = "Runtime/Plugins"
EPOCH = 499162500
"""The time of every file in the archive: 1985-10-26 08:15, as npm's packer has it, since some tools
stumble over 1970."""
MAX_BYTES = 64 << 20
"""Of one file; a library that still has its debug information may be larger than that."""


class PackingError(Exception):
    """There is no package to be made of this; the text says why, and what to do."""


@dataclass(frozen=True)
class Library:
    """The native client of one system.

    Attributes:
        place: in the package.
        heads: what the file begins with, one of these.
        unity: the name of the system as a build target of Unity's.
        editor: as the Editor calls its own system.
    """

    file: str
    place: str
    heads: tuple[bytes, ...]
    unity: tuple[str, ...]
    editor: str
    cpu: str

    def meta(self) -> str:
        """Loaded in the Editor of its system and in players of its system, and nowhere else."""
        targets = {"Linux64": 0, "OSXUniversal": 0, "Win": 0, "Win64": 0}
        targets.update(dict.fromkeys(self.unity, 1))
        exclude = "".join(f"        Exclude {name}: {1 - on}\n" for name, on in targets.items())
        players = "".join(
            f"  - first:\n      Standalone: {name}\n    second:\n      enabled: {on}\n"
            f"      settings:\n        CPU: {self.cpu if on else 'None'}\n"
            for name, on in targets.items()
        )
        return _META.format(
            guid=guid_of(self.place),
            importer=_PLUGIN.format(
                exclude=exclude, players=players, cpu=self.cpu, editor=self.editor
            ),
        )


_MACHO = (b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
LIBRARIES = {
    "linux": Library(
        "libframebridge.so", f"{PLUGINS}/Linux/x86_64/libframebridge.so",
        (b"\x7fELF\x02\x01",), ("Linux64",), "Linux", "x86_64",
    ),
    "windows": Library(
        "framebridge.dll", f"{PLUGINS}/Windows/x86_64/framebridge.dll",
        (b"MZ",), ("Win64",), "Windows", "x86_64",
    ),
    "macos": Library(
        "libframebridge.dylib", f"{PLUGINS}/macOS/libframebridge.dylib",
        _MACHO, ("OSXUniversal",), "OSX", "AnyCPU",
    ),
}  # fmt: skip
"""By the name of the folder under out/native."""

_META = "fileFormatVersion: 2\nguid: {guid}\n{importer}"
_TAIL = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"
_FOLDER = f"folderAsset: yes\nDefaultImporter:\n  externalObjects: {{}}\n{_TAIL}"
_TEXT = f"TextScriptImporter:\n  externalObjects: {{}}\n{_TAIL}"
_PLUGIN = (
    """PluginImporter:
  externalObjects: {{}}
  serializedVersion: 2
  iconMap: {{}}
  executionOrder: {{}}
  defineConstraints: []
  isPreloaded: 0
  isOverridable: 0
  isExplicitlyReferenced: 0
  validateReferences: 1
  platformData:
  - first:
      : Any
    second:
      enabled: 0
      settings:
        Exclude Editor: 0
{exclude}  - first:
      Any: 
    second:
      enabled: 0
      settings: {{}}
  - first:
      Editor: Editor
    second:
      enabled: 1
      settings:
        CPU: {cpu}
        DefaultValueInitialized: true
        OS: {editor}
{players}"""  # noqa: W291 - Unity writes the blank after `Any:`
    + _TAIL
)


def guid_of(place: str) -> str:
    """The identity of what this script adds: made of its place, so that it never changes."""
    return hashlib.sha256(f"com.framebridge.unity/{place}".encode()).hexdigest()[:32]


def pack(source: Path, native: Path, required: list[str], out: Path) -> tuple[Path, list[str]]:
    """Make the package.

    Args:
        source: the folder with package.json.
        native: with a folder for each system.
        required: systems without whose library there is no package.
    Returns: the archive, and the systems whose library is in it.
    Raises: PackingError. Guarantees: then nothing in `out` has changed.
    """
    version = json.loads((source / "package.json").read_text(encoding="utf-8"))["version"]
    files = {place: path.read_bytes() for place, path in _own_files(source)}
    packed = []
    for system, library in LIBRARIES.items():
        path = native / system / library.file
        if not path.is_file():
            if system in required:
                raise PackingError(
                    f"{path}: expected the library of {system}, got none. Build it: "
                    "make native, make native-windows, or take it from another machine."
                )
            continue
        files[library.place] = _library(path, library)
        files[f"{library.place}.meta"] = library.meta().encode()
        packed.append(system)
    notices = "Third Party Notices.md"
    files[notices] = (HERE / "native" / "THIRD_PARTY.md").read_bytes()
    files[f"{notices}.meta"] = _META.format(guid=guid_of(notices), importer=_TEXT).encode()
    for library in LIBRARIES.values():
        # Folders that lie in the checkout have their .meta there; these are made here.
        for folder in (p.as_posix() for p in PurePosixPath(library.place).parents):
            if folder.startswith(PLUGINS) and library.place in files:
                meta = _META.format(guid=guid_of(folder), importer=_FOLDER)
                files.setdefault(f"{folder}.meta", meta.encode())
    check_metas(files)
    archive = out / f"com.framebridge.unity-{version}.tgz"
    _unfold(files, out / "com.framebridge.unity")
    archive.write_bytes(_tarball(files))
    return archive, packed


def check_metas(files: dict[str, bytes]) -> None:
    """
    Args:
        files: contents by their place in the package.
    Raises: PackingError: an asset without its .meta, a .meta without its asset, or two with one
        identity: Unity would make up identities of its own, and every scene that names one of
        these assets would lose it.
    """
    parents = {p.as_posix() for name in files for p in PurePosixPath(name).parents} - {"."}
    assets = {name for name in files if not name.endswith(".meta")} | parents
    wrong = [
        f"{name}: has no .meta"
        for name in sorted(assets)
        if _is_seen(name) and f"{name}.meta" not in files
    ]
    seen = dict[str, str]()
    for name in sorted(files):
        if not name.endswith(".meta"):
            continue
        if name.removesuffix(".meta") not in assets:
            wrong.append(f"{name}: belongs to nothing")
        found = re.search(rb"^guid: ([0-9a-f]{32})\s*$", files[name], re.MULTILINE)
        if found is None:
            wrong.append(f"{name}: has no guid of 32 hex digits")
            continue
        guid = found[1].decode()
        if guid in seen:
            wrong.append(f"{name}: has the guid of {seen[guid]}")
        seen[guid] = name
    if wrong:
        raise PackingError("The package is not complete:\n  " + "\n  ".join(wrong))


def _is_seen(name: str) -> bool:
    """Whether Unity imports it: not what begins with a dot or ends with a tilde."""
    return not any(part.startswith(".") or part.endswith("~") for part in PurePosixPath(name).parts)


def _own_files(source: Path) -> Iterator[tuple[str, Path]]:
    """What the checkout has of the package, libraries that somebody has put there left out."""
    ours = {library.place for library in LIBRARIES.values()}
    for path in sorted(source.rglob("*")):
        place = path.relative_to(source).as_posix()
        hidden = any(part.startswith(".") for part in PurePosixPath(place).parts)
        if path.is_file() and not hidden and place.removesuffix(".meta") not in ours:
            if path.is_symlink() or path.stat().st_size > MAX_BYTES:
                raise PackingError(f"{path}: expected a plain file of at most {MAX_BYTES} bytes.")
            yield place, path


def _library(path: Path, library: Library) -> bytes:
    content = _without_debug_information(path)
    if not content.startswith(library.heads):
        raise PackingError(f"{path}: expected a library of {library.editor}, got something else.")
    if len(content) > MAX_BYTES:
        raise PackingError(
            f"{path}: expected at most {MAX_BYTES} bytes, got {len(content)}. Strip it."
        )
    return content


def _without_debug_information(path: Path) -> bytes:
    """The library as it is shipped, if its system's `strip` is here; else as it is."""
    tools = {".so": "strip", ".dll": "x86_64-w64-mingw32-strip"}
    tool = shutil.which(tools.get(path.suffix, ""))
    content = path.read_bytes()
    if tool is None or b".debug_info" not in content:
        return content
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / path.name
        done = subprocess.run(
            [tool, "--strip-unneeded", "-o", str(stripped), str(path)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
        )  # fmt: skip
        return stripped.read_bytes() if done.returncode == 0 else content


def _tarball(files: dict[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size, entry.mtime, entry.mode = len(files[name]), EPOCH, 0o644
            archive.addfile(entry, io.BytesIO(files[name]))
    return gzip.compress(raw.getvalue(), compresslevel=9, mtime=0)


def _unfold(files: dict[str, bytes], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main() -> int:
    parser = argparse.ArgumentParser(description="Packs the Unity package.")
    parser.add_argument("--source", type=Path, default=HERE / "unity")
    parser.add_argument("--native", type=Path, default=ROOT / "out" / "native")
    parser.add_argument("--out", type=Path, default=ROOT / "out" / "unity")
    parser.add_argument("--require", nargs="*", choices=LIBRARIES, default=[])
    words = parser.parse_args()
    try:
        archive, packed = pack(words.source, words.native, words.require, words.out)
    except PackingError as error:
        print(error, file=sys.stderr)
        return 1
    left_out = [system for system in LIBRARIES if system not in packed]
    if left_out:
        print(f"Without the library of: {', '.join(left_out)}.", file=sys.stderr)
    print(archive)
    return 0


if __name__ == "__main__":
    sys.exit(main())
