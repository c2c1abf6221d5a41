"""A Windows CPython with what the sidecar needs, and a Wine prefix to run it in, made once.

The interpreter is the one that panda3d's wheel for Windows carries to ship games with: its library,
its extension modules and the C runtime. Its standard library is that of the Python that runs this,
which is of the same version; `python.exe` and `python3.dll` are made here.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[1]
PLACE_VARIABLE = "FRAMEBRIDGE_WINDOWS_DIR"
VERSION = (3, 11)
COMPILER = "x86_64-w64-mingw32-gcc"
_MADE_FROM = ("installation.py", "python_stub.c", "requirements.txt", "requirements_apart.txt")
_NOT_FROM_HERE = (
    "lib-dynload", "site-packages", "test", "tests", "lib2to3", "idlelib", "ensurepip",
    "__pycache__",
)  # fmt: skip
_PROGRAMS = {
    "wine64": "wine64",
    "wineserver": "wine64",
    COMPILER: "g++-mingw-w64-x86-64-posix",
    "x86_64-w64-mingw32-objdump": "g++-mingw-w64-x86-64-posix",
    "xvfb-run": "xvfb xauth",
}
_MOUNT_MANAGER = "HKLM\\System\\CurrentControlSet\\Services\\MountMgr"
_DEBIANS_WINE = "/usr/lib/wine"
"""Where Debian's wine64 puts its programs, outside of the search path."""


class Missing(Exception):
    """Something that cannot be set up here; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What was made, as Linux sees it.

    Attributes:
        python: folder of python.exe.
        directml: packages to put before all others for DirectML's variant of ONNX Runtime.
        prefix: Wine's.
    """

    python: Path
    directml: Path
    prefix: Path


def place() -> Path:
    """Where it all is."""
    named = os.environ.get(PLACE_VARIABLE)
    return Path(named) if named else ROOT / "out" / "windows"


def program(name: str) -> str:
    """The path of a program that the system has. Raises: Missing."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_DEBIANS_WINE}")
    if found is None:
        raise Missing(
            f"{name} is not to be found. Install it: sudo apt-get install -y {_PROGRAMS[name]}"
        )
    return found


def install() -> Installation:
    """Make what is not there yet; the first time some minutes and 700 MB, most of them wheels.

    Raises: Missing.
    Guarantees: what was half made is made again.
    """
    if sys.version_info[:2] != VERSION:
        raise Missing(
            f"The Windows CPython here is {VERSION[0]}.{VERSION[1]} and takes its standard library"
            f" from a Python of that version, not of {sys.version_info[0]}.{sys.version_info[1]}:"
            " make PYTHON=python3.11 VENV=.venv-3.11 test-windows"
        )
    for name in _PROGRAMS:
        program(name)
    folder = place()
    made = Installation(folder / "python", folder / "directml", folder / "prefix")
    stamp = folder / ".made-from"
    if not stamp.exists() or stamp.read_text() != _recipe():
        stamp.unlink(missing_ok=True)
        for each in (made.python, made.directml, made.prefix):
            shutil.rmtree(each, ignore_errors=True)
        _make_python(folder, made)
        _make_prefix(made)
        stamp.write_text(_recipe())
    _name_drives(made)
    return made


def _recipe() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for name in _MADE_FROM:
        digest.update((FOLDER / name).read_bytes())
    return digest.hexdigest()


def _make_python(folder: Path, made: Installation) -> None:
    wheels, apart = folder / "wheels", folder / "wheels-apart"
    _download("requirements.txt", wheels)
    _download("requirements_apart.txt", apart)
    library = made.python / "Lib"
    shutil.copytree(
        sysconfig.get_path("stdlib"), library, ignore=shutil.ignore_patterns(*_NOT_FROM_HERE)
    )
    with zipfile.ZipFile(_only(apart, "panda3d")) as wheel:
        for name in wheel.namelist():
            # Of the C runtime, Wine has its own.
            if name.startswith("deploy_libs/") and "/api-ms-win" not in name:
                (made.python / Path(name).name).write_bytes(wheel.read(name))
    for line in (FOLDER / "requirements.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            _unpack(_only(wheels, *line.split("==")), library / "site-packages")
    _unpack(_only(apart, "onnxruntime_directml"), made.directml)
    _compile_stub(made.python)
    _make_forwarder(made.python)
    # Byte code of this version is the same on every system.
    for packages in (library, made.directml):
        compileall.compile_dir(packages, quiet=2)


def _download(requirements: str, to: Path) -> None:
    words = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--platform", "win_amd64", "--python-version", f"{VERSION[0]}.{VERSION[1]}",
        "--only-binary", ":all:", "--dest", str(to), "--requirement", str(FOLDER / requirements),
    ]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=1200)
    if done.returncode:
        raise Missing(f"Wheels for Windows could not be fetched:\n{done.stderr.strip()}")


def _only(folder: Path, name: str, version: str = "") -> Path:
    start = f"{name}-{version}".replace("-", "_").lower()
    found = [
        wheel
        for wheel in folder.glob("*.whl")
        if wheel.name.replace("-", "_").lower().startswith(start)
    ]
    assert len(found) == 1, f"{folder}: one wheel of {name} {version} is expected, found {found}"
    return found[0]


def _unpack(wheel: Path, to: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        file.extractall(to)


def _compile_stub(python: Path) -> None:
    words = [program(COMPILER), "-municode", "-s", "-o", str(python / "python.exe")]
    subprocess.run([*words, str(FOLDER / "python_stub.c")], check=True, timeout=120)


def _make_forwarder(python: Path) -> None:
    """`python3.dll`, which extension modules of the stable ABI ask for."""
    table = subprocess.run(
        [program("x86_64-w64-mingw32-objdump"), "-p", str(python / "python311.dll")],
        check=True, capture_output=True, text=True, timeout=120,
    ).stdout.split("[Ordinal/Name Pointer] Table")[1]  # fmt: skip
    names = [line.split()[-1] for line in table.split("\n\n")[0].splitlines() if "[" in line]
    definitions, source = python / "python3.def", python / "python3.c"
    definitions.write_text("EXPORTS\n" + "".join(f"{n} = python311.{n}\n" for n in names))
    source.write_text("")
    words = [program(COMPILER), "-shared", "-nostdlib", "-s", "-Wl,-e0"]
    words += ["-o", str(python / "python3.dll"), str(source), str(definitions)]
    subprocess.run(words, check=True, timeout=120)


def _make_prefix(made: Installation) -> None:
    environment = os.environ | wine_environment(made)
    # Wine's mount manager, a process of its own, is asked at each look at a file: that trebles the
    # time of a start, and now and then it does not answer any more.
    no_mount_manager = ["/v", "Start", "/t", "REG_DWORD", "/d", "4", "/f"]
    for words in (["wineboot", "--init"], ["reg", "add", _MOUNT_MANAGER, *no_mount_manager]):
        # Not into a pipe of ours: what it leaves running would hold that open.
        subprocess.run(
            [program("wine64"), *words], check=True, timeout=300, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    subprocess.run([program("wineserver"), "--kill"], timeout=300, env=environment)
    subprocess.run([program("wineserver"), "--wait"], timeout=300, env=environment)


def wine_environment(made: Installation) -> dict[str, str]:
    """What Wine wants to know, beside this process's environment."""
    return {
        "WINEPREFIX": str(made.prefix),
        "WINEDEBUG": os.environ.get("WINEDEBUG", "-all"),
        # Neither .NET nor a browser: it would offer to fetch them.
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
    }


def _name_drives(made: Installation) -> None:
    """P: is the interpreter and F: this repository, so that no program of ours runs on Z:, which is
    all of Linux: there even /proc exists."""
    for letter, folder in (("p", made.python), ("f", ROOT)):
        link = made.prefix / "dosdevices" / f"{letter}:"
        if not link.is_symlink() or Path(os.readlink(link)) != folder:
            link.unlink(missing_ok=True)
            link.symlink_to(folder)


if __name__ == "__main__":
    try:
        print(install())
    except Missing as missing:
        print(missing, file=sys.stderr)
        sys.exit(3)
