"""The archive that Unity's package manager is given."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]
PACK = ROOT / "engine_plugin" / "pack_unity.py"
UNITY = ROOT / "engine_plugin" / "unity"
HEADS = {
    "linux/libframebridge.so": b"\x7fELF\x02\x01\x01",
    "windows/framebridge.dll": b"MZ\x90\x00",
    "macos/libframebridge.dylib": b"\xca\xfe\xba\xbe",
}
PLUGINS = {
    "linux": "Runtime/Plugins/Linux/x86_64/libframebridge.so",
    "windows": "Runtime/Plugins/Windows/x86_64/framebridge.dll",
    "macos": "Runtime/Plugins/macOS/libframebridge.dylib",
}
Pack = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """Files that begin like the libraries of all three systems."""
    for place, head in HEADS.items():
        path = tmp_path / "native" / place
        path.parent.mkdir(parents=True)
        path.write_bytes(head + b"\0" * 100)
    return tmp_path / "native"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A package of one script."""
    folder = tmp_path / "small"
    (folder / "Runtime").mkdir(parents=True)
    (folder / "Samples~").mkdir()
    (folder / "package.json").write_text('{"name": "com.framebridge.unity", "version": "1.2.3"}')
    (folder / "Runtime" / "A.cs").write_text("class A {}")
    (folder / "Samples~" / "needs-no-meta.txt").write_text("")
    (folder / ".gitignore").write_text("")
    for place in ("package.json", "Runtime", "Runtime/A.cs"):
        meta(folder / f"{place}.meta", place)
    return folder


def meta(path: Path, identity: str) -> None:
    guid = hashlib.md5(identity.encode()).hexdigest()
    path.write_text(f"fileFormatVersion: 2\nguid: {guid}\n")


@pytest.fixture
def pack(tmp_path: Path, libraries: Path) -> Pack:
    def run(*words: object, out: str = "out") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(PACK), "--native", str(libraries), "--out", str(tmp_path / out),
             *map(str, words)],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


def contents(archive: Path) -> dict[str, bytes]:
    """By the place in the package."""
    found = {}
    with tarfile.open(archive) as opened:
        for entry in opened:
            assert entry.isfile()
            assert entry.name.startswith("package/")
            file = opened.extractfile(entry)
            assert file is not None
            found[entry.name.removeprefix("package/")] = file.read()
    return found


def seen(place: str) -> bool:
    """Whether Unity imports it."""
    return not any(p.startswith(".") or p.endswith("~") for p in PurePosixPath(place).parts)


@pytest.mark.skipif(not UNITY.is_dir(), reason="this checkout has no Unity package")
def test_every_asset_has_its_meta_every_meta_its_asset_and_no_guid_occurs_twice(
    pack: Pack, tmp_path: Path
) -> None:
    done = pack("--require", *PLUGINS)
    assert done.returncode == 0, done.stderr
    version = json.loads((UNITY / "package.json").read_text())["version"]
    archive = tmp_path / "out" / f"com.framebridge.unity-{version}.tgz"
    assert done.stdout.strip() == str(archive)
    files = contents(archive)
    folders = {p.as_posix() for place in files for p in PurePosixPath(place).parents} - {"."}
    assets = {place for place in files if not place.endswith(".meta")} | folders
    assert {f"{place}.meta" for place in assets if seen(place)} <= set(files)
    metas = {place for place in files if place.endswith(".meta")}
    assert {place.removesuffix(".meta") for place in metas} <= assets
    guids = [re.search(rb"(?m)^guid: ([0-9a-f]{32})\r?$", files[place]) for place in metas]
    assert all(guids)
    assert len({found[1] for found in guids if found}) == len(metas)
    assert set(PLUGINS.values()) < set(files)
    assert "Third Party Notices.md" in files
    # The folder beside it is the same, for those who install from disk.
    folder = tmp_path / "out" / "com.framebridge.unity"
    assert {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    } == files


def test_the_same_files_give_the_same_bytes(pack: Pack, small: Path, tmp_path: Path) -> None:
    for out in ("one", "two"):
        (small / "Runtime" / "A.cs").touch()
        assert pack("--source", small, out=out).returncode == 0
    one, two = (tmp_path / out / "com.framebridge.unity-1.2.3.tgz" for out in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with tarfile.open(one) as opened:
        entries = opened.getmembers()
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert {(e.uid, e.gid, e.uname, e.gname, e.mode) for e in entries} == {(0, 0, "", "", 0o644)}
    assert len({entry.mtime for entry in entries}) == 1


def test_each_library_is_for_its_own_system_alone(pack: Pack, small: Path, tmp_path: Path) -> None:
    assert pack("--source", small).returncode == 0
    files = contents(tmp_path / "out" / "com.framebridge.unity-1.2.3.tgz")
    players = {"linux": "Linux64", "windows": "Win64", "macos": "OSXUniversal"}
    editors = {"linux": "Linux", "windows": "Windows", "macos": "OSX"}
    for system, place in PLUGINS.items():
        text = files[f"{place}.meta"].decode()
        enabled = re.findall(r"Standalone: (\w+)\n    second:\n      enabled: 1\n", text)
        assert enabled == [players[system]]
        assert f"        Exclude {players[system]}: 0\n" in text
        assert text.count(": 1\n") == 3 + 3, "three excluded; editor, player, references"
        assert f"        OS: {editors[system]}\n" in text


def test_without_a_library_it_says_so_and_where_it_is_required_there_is_no_package(
    pack: Pack, small: Path, libraries: Path, tmp_path: Path
) -> None:
    shutil.rmtree(libraries / "macos")
    refused = pack("--source", small, "--require", "linux", "macos")
    assert refused.returncode == 1
    assert "macos" in refused.stderr
    assert not (tmp_path / "out").exists()
    done = pack("--source", small, "--require", "linux")
    assert done.returncode == 0
    assert done.stderr.strip() == "Without the library of: macos."
    files = contents(Path(done.stdout.strip()))
    assert PLUGINS["linux"] in files
    assert not any("macOS" in place for place in files)


def test_a_file_that_is_no_library_of_its_system_is_refused(
    pack: Pack, small: Path, libraries: Path
) -> None:
    shutil.copy(
        libraries / "linux" / "libframebridge.so", libraries / "windows" / "framebridge.dll"
    )
    refused = pack("--source", small)
    assert refused.returncode == 1
    assert "expected a library of Windows" in refused.stderr


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("asset without meta", "Runtime/B.cs: has no .meta"),
        ("folder without meta", "Editor: has no .meta"),
        ("meta without asset", "Runtime/Gone.cs.meta: belongs to nothing"),
        ("guid twice", "package.json.meta: has the guid of Runtime/A.cs.meta"),
        ("no guid", "Runtime/A.cs.meta: has no guid"),
    ],
)
def test_what_unity_would_mend_by_itself_is_refused_by_name(
    pack: Pack, small: Path, tmp_path: Path, fault: str, said: str
) -> None:
    match fault:
        case "asset without meta":
            (small / "Runtime" / "B.cs").write_text("")
        case "folder without meta":
            (small / "Editor").mkdir()
            (small / "Editor" / "C.cs").write_text("")
            meta(small / "Editor" / "C.cs.meta", "Editor/C.cs")
        case "meta without asset":
            meta(small / "Runtime" / "Gone.cs.meta", "Runtime/Gone.cs")
        case "guid twice":
            shutil.copy(small / "Runtime" / "A.cs.meta", small / "package.json.meta")
        case "no guid":
            (small / "Runtime" / "A.cs.meta").write_text("fileFormatVersion: 2\nguid: 12\n")
    refused = pack("--source", small)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "out").exists()
