"""What the built library is to the outside: a dozen functions, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.native_builds import Native

HEADER = Path(__file__).parents[2] / "engine_plugin" / "native" / "include" / "framebridge.h"


def declared() -> set[str]:
    """The functions of the public header."""
    return set(re.findall(r"^FB_API [\w ]+[ *]FB_CALL (\w+)\(", HEADER.read_text(), re.M))


def output(*words: str | Path) -> str:
    if shutil.which(str(words[0])) is None:
        pytest.skip(f"needs {words[0]}")
    return subprocess.run(
        [str(word) for word in words], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_the_abi_is_the_headers(native: Native) -> None:
    assert output(native.program("abi_version")).strip() == "1"


def test_it_exports_what_the_header_declares_and_nothing_else(native: Native) -> None:
    listed = output("nm", "-D", "--defined-only", native.library)
    exported = {line.split()[-1].split("@")[0] for line in listed.splitlines()}
    assert exported - {"_init", "_fini"} == declared()


def test_it_needs_no_library_but_the_systems(native: Native) -> None:
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", native.library)))
    system = {"libc.so.6", "libm.so.6", "libgcc_s.so.1", "libstdc++.so.6", "librt.so.1"}
    assert needed <= system | {"libdl.so.2", "libpthread.so.0", "ld-linux-x86-64.so.2"}


def test_the_dll_needs_windows_alone_and_exports_the_same(native_windows: Native) -> None:
    listed = output("x86_64-w64-mingw32-objdump", "-p", native_windows.library)
    needed = {name.lower() for name in re.findall(r"DLL Name: (\S+)", listed)}
    system = {
        "kernel32.dll", "msvcrt.dll", "user32.dll", "advapi32.dll", "ws2_32.dll", "iphlpapi.dll",
        "rpcrt4.dll", "shell32.dll", "ole32.dll", "d3d11.dll", "dxgi.dll", "opengl32.dll",
        "gdi32.dll", "winmm.dll",
    }  # fmt: skip
    assert needed <= system
    table = listed[listed.index("[Ordinal/Name Pointer] Table") :]
    exported = set(re.findall(r"^\s*\[\s*\d+\].*?(\w+)$", table, re.M))
    assert exported == declared()
