"""Builds the Godot extension into the demo's addon, and the native client before it.

    python3 engine_plugin/godot/build.py GODOT

GODOT is how Godot 4.4 or later is run, in one or more words; by default godot. It writes the header
of its interface, which is all that is needed of it. The products lie in
engine_plugin/godot/demo/addons/framebridge/bin, the rest in out/native/godot.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "native"))

from build import OUT, BuildError  # noqa: E402  the native client's builder
from build import build as build_native  # noqa: E402

FOLDER = OUT / "godot"
HEADER = "gdextension_interface.h"


def build(godot: list[str]) -> Path:
    """Builds what is out of date. Returns the addon's folder. Raises: BuildError."""
    native = build_native("plain", ("framebridge",))
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not (FOLDER / HEADER).is_file():
        _run([*godot, "--headless", "--dump-gdextension-interface"])
    if not (FOLDER / "build.ninja").is_file():
        _run(
            ["cmake", "-S", str(HERE), "-B", str(FOLDER), "-G", "Ninja",
             f"-DGODOT_HEADER={FOLDER}", f"-DFRAMEBRIDGE_LIBRARY={native.library}"]
        )  # fmt: skip
    _run(["cmake", "--build", str(FOLDER)])
    return HERE / "demo" / "addons" / "framebridge"


def _run(words: list[str]) -> None:
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", cwd=FOLDER,
        )  # fmt: skip
    except FileNotFoundError:
        raise BuildError(
            f"{words[0]}: not found. Say how Godot is run: build.py /path/of/godot", lacking=True
        ) from None
    if done.returncode:
        raise BuildError(f"{' '.join(words)}: {done.stdout.strip()}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds the Godot extension.")
    parser.add_argument("godot", nargs=argparse.REMAINDER, help="how Godot is run")
    try:
        addon = build(parser.parse_args().godot or ["godot"])
    except BuildError as error:
        print(error, file=sys.stderr)
        return 3 if error.lacking else 1
    print(addon)
    return 0


if __name__ == "__main__":
    sys.exit(main())
