"""Builds the native client and its test programs: libzmq once, then CMake with Ninja.

    python3 engine_plugin/native/build.py            the library of this system
    python3 engine_plugin/native/build.py windows    framebridge.dll, cross-built by mingw-w64
    python3 engine_plugin/native/build.py address    under AddressSanitizer and UBSan
    python3 engine_plugin/native/build.py thread     under ThreadSanitizer, libzmq too

The products lie in out/native/KIND, the test programs in out/native/KIND/tests.

Environment: LIBZMQ_SOURCE, a folder with libzmq's source; LIBZMQ_PREFIX, a folder where a static,
position-independent libzmq is installed (for the plain kind); CC and CXX, the compilers; JOBS.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from libzmq_source import REMEDY, SourceError, source_folder

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "out" / "native"
SYSTEM = {"linux": "linux", "darwin": "macos", "win32": "windows"}.get(sys.platform, sys.platform)


class BuildError(Exception):
    """It cannot be built here; the text says why, and what to do.

    Attributes:
        lacking: the machine lacks a tool or a source; the code is not at fault.
    """

    def __init__(self, text: str, lacking: bool = False) -> None:
        super().__init__(text)
        self.lacking = lacking


@dataclass(frozen=True)
class Kind:
    """One way to build.

    Attributes:
        folder: under out/native, of the products.
        libzmq: under out/native, the folder where libzmq is installed.
    """

    folder: str
    libzmq: str
    options: tuple[str, ...] = ()
    libzmq_options: tuple[str, ...] = ()

    @property
    def products(self) -> Path:
        return OUT / self.folder

    @property
    def library(self) -> Path:
        name = {"windows": "framebridge.dll", "macos": "libframebridge.dylib"}.get(self.folder)
        return self.products / (name or "libframebridge.so")

    def program(self, name: str) -> Path:
        """A test program."""
        suffix = ".exe" if self.folder == "windows" else ""
        return self.products / "tests" / f"{name}{suffix}"


_CROSS = (
    () if SYSTEM == "windows" else (f"-DCMAKE_TOOLCHAIN_FILE={HERE / 'cmake' / 'mingw-w64.cmake'}",)
)
# Windows 10, as in cmake/warnings.cmake. For ipc:// libzmq takes the wrong headers here. The last
# two are for MSVC: libzmq's own build is of a time before CMake had a setting for its runtime.
_ON_WINDOWS = (
    "-DZMQ_WIN32_WINNT=0x0A00", "-DZMQ_HAVE_IPC=OFF",
    "-DCMAKE_POLICY_DEFAULT_CMP0091=NEW", "-DCMAKE_MSVC_RUNTIME_LIBRARY=MultiThreaded",
)  # fmt: skip
_THREAD = "-fsanitize=thread -g -O1"
KINDS = {
    "plain": Kind(
        SYSTEM, f"libzmq-{SYSTEM}", (), _ON_WINDOWS if SYSTEM == "windows" else ()
    ),
    "windows": Kind("windows", "libzmq-windows", _CROSS, (*_CROSS, *_ON_WINDOWS)),
    "address": Kind(
        f"{SYSTEM}-address", f"libzmq-{SYSTEM}", ("-DFB_SANITIZE=address;undefined",)
    ),
    "thread": Kind(
        f"{SYSTEM}-thread", f"libzmq-{SYSTEM}-thread", ("-DFB_SANITIZE=thread",),
        (f"-DCMAKE_C_FLAGS={_THREAD}", f"-DCMAKE_CXX_FLAGS={_THREAD}"),
    ),
}  # fmt: skip
"""By the name on the command line."""


def build(name: str = "plain", targets: tuple[str, ...] = ()) -> Kind:
    """Builds what is out of date.

    Args:
        targets: of CMake; by default all.
    Raises: BuildError.
    """
    kind = KINDS[name]
    _check_tools(kind)
    with _alone(kind.folder):
        _build(name, kind, targets)
    return kind


def _build(name: str, kind: Kind, targets: tuple[str, ...]) -> None:
    libzmq = _libzmq(name, kind)
    folder = kind.products
    if not (folder / "build.ninja").is_file():
        words = ["-DCMAKE_BUILD_TYPE=RelWithDebInfo", *kind.options]
        if libzmq is not None:
            words.append(f"-DLIBZMQ_PREFIX={libzmq}")
        _cmake(["-S", str(HERE), "-B", str(folder), "-G", "Ninja", *words], kind)
    _cmake(["--build", str(folder), *_jobs(), *(["--target", *targets] if targets else [])], kind)


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """One at a time in this checkout; others wait."""
    OUT.mkdir(parents=True, exist_ok=True)
    with (OUT / f"{what}.lock").open("w") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _check_tools(kind: Kind) -> None:
    wanted = {"cmake": "cmake", "ninja": "ninja-build"}
    if kind.folder == "windows" and SYSTEM != "windows":
        wanted["x86_64-w64-mingw32-g++-posix"] = "g++-mingw-w64-x86-64-posix"
    elif SYSTEM != "windows":
        wanted[os.environ.get("CXX", "c++").split()[0]] = "g++"
    lacking = {tool: package for tool, package in wanted.items() if shutil.which(tool) is None}
    if lacking:
        raise BuildError(
            f"The native client cannot be built: expected {', '.join(wanted)}, found no "
            f"{', '.join(lacking)}. On Debian and Ubuntu: sudo apt-get install -y "
            f"{' '.join(lacking.values())} dpkg-dev nlohmann-json3-dev",
            lacking=True,
        )


def _libzmq(name: str, kind: Kind) -> Path | None:
    """Where libzmq is installed; None where CMake has to look for it."""
    if name == "plain" and (named := os.environ.get("LIBZMQ_PREFIX")):
        return Path(named)
    with _alone(kind.libzmq):
        return _own_libzmq(kind)


def _own_libzmq(kind: Kind) -> Path | None:
    prefix = OUT / kind.libzmq
    if (prefix / "include" / "zmq.h").is_file():
        return prefix
    if SYSTEM != "linux" and not os.environ.get("LIBZMQ_SOURCE"):
        return None
    try:
        with _alone("libzmq-source"):
            source = source_folder(OUT)
    except SourceError as error:
        raise BuildError(str(error), lacking=True) from None
    print(f"libzmq: building {prefix}", flush=True)
    folder = prefix.with_name(prefix.name + ".build")
    if not _is_of(folder, source):  # else it is carried on with
        shutil.rmtree(folder, ignore_errors=True)
    partial = prefix.with_name(prefix.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    off = [
        "BUILD_SHARED", "BUILD_TESTS", "ENABLE_CPACK", "ENABLE_CURVE", "ENABLE_DRAFTS", "ENABLE_WS",
        "WITH_DOCS", "WITH_LIBBSD", "WITH_LIBSODIUM", "WITH_NSS", "WITH_PERF_TOOL", "WITH_TLS",
    ]  # fmt: skip
    words = [
        "-DCMAKE_BUILD_TYPE=Release",
        "-DCMAKE_POSITION_INDEPENDENT_CODE=ON",
        "-DCMAKE_INSTALL_LIBDIR=lib",
        "-DCMAKE_POLICY_VERSION_MINIMUM=3.5",  # libzmq asks for one that CMake 4 does not know
        f"-DCMAKE_INSTALL_PREFIX={partial}",
        *(f"-D{option}=OFF" for option in off),
        *kind.libzmq_options,
    ]
    _cmake(["-S", str(source), "-B", str(folder), "-G", "Ninja", "-Wno-dev", *words], kind)
    _cmake(["--build", str(folder), *_jobs(), "--target", "install"], kind)
    shutil.rmtree(prefix, ignore_errors=True)
    partial.rename(prefix)
    shutil.rmtree(folder)
    return prefix


def _is_of(folder: Path, source: Path) -> bool:
    """Whether this build folder was begun for that source."""
    cache = folder / "CMakeCache.txt"
    return cache.is_file() and f"CMAKE_HOME_DIRECTORY:INTERNAL={source}\n" in cache.read_text()


def _jobs() -> list[str]:
    return ["--parallel", os.environ.get("JOBS", str(os.cpu_count() or 1))]


def _cmake(words: list[str], kind: Kind) -> None:
    done = subprocess.run(
        ["cmake", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    )  # fmt: skip
    if done.returncode:
        raise BuildError(
            f"{done.stdout.strip()}\n\nNot built: {kind.products}. If it is libzmq that lacks: "
            f"{REMEDY}",
            lacking="FB-LACKS" in done.stdout,
        )


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds the native client.")
    parser.add_argument("kind", nargs="?", choices=KINDS, default="plain")
    try:
        kind = build(parser.parse_args().kind)
    except BuildError as error:
        print(error, file=sys.stderr)
        return 3 if error.lacking else 1
    print(kind.library)
    return 0


if __name__ == "__main__":
    sys.exit(main())
