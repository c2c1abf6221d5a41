"""A Godot 4 to test in: one that is installed, or Debian's, unpacked into a folder of its own.

    python -m tests.godot.engine        gets it if need be, and says how it is run

Debian's newest Godot wants newer libraries than most systems have. So it is unpacked together with
every library that it needs, down to the C library, into one folder, and run by the loader in that
folder. Nothing is installed, and nobody need be root; a process that Godot starts finds the
system's own libraries.

Environment: FRAMEBRIDGE_GODOT, a Godot 4.4 or later to use instead; FRAMEBRIDGE_ENGINES_DIR, where
engines are kept (out/engines); FRAMEBRIDGE_DEBIAN_MIRROR, if apt's configuration names none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITE = "forky"
PACKAGES = ("godot", "libgl1", "libglx-mesa0", "libgl1-mesa-dri", "libegl1", "libegl-mesa0")
"""Godot, and Mesa with its renderer for processors."""
OLDEST = (4, 4)
LIMIT_S = 1200
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MARK = "complete"


class EngineError(Exception):
    """There is no Godot to be had here; the text says why, and what to do."""


@dataclass(frozen=True)
class Engine:
    """Attributes:
    words: what a command line begins with.
    """

    words: tuple[str, ...]

    def version(self) -> str:
        said = subprocess.run(
            [*self.words, "--headless", "--version"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        return said.stdout.strip().splitlines()[-1] if said.stdout.strip() else ""


def engine() -> Engine:
    """The Godot to use; it is fetched if there is none. Raises: EngineError."""
    if named := os.environ.get("FRAMEBRIDGE_GODOT"):
        found = Engine((named,))
        if not _is_new_enough(found):
            raise EngineError(
                f"FRAMEBRIDGE_GODOT: expected Godot 4.4 or later, found {named} "
                f"({found.version() or 'it says no version'})."
            )
        return found
    for name in ("godot4", "godot"):
        path = shutil.which(name)
        if path and _is_new_enough(Engine((path,))):
            return Engine((path,))
    folder = Path(os.environ.get("FRAMEBRIDGE_ENGINES_DIR") or ROOT / "out" / "engines") / "godot"
    if not (folder / MARK).is_file():
        _fetch(folder)
    return _unpacked(folder / "root")


def _is_new_enough(candidate: Engine) -> bool:
    try:
        found = re.match(r"(\d+)\.(\d+)", candidate.version())
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found is not None and (int(found[1]), int(found[2])) >= OLDEST


def _unpacked(root: Path) -> Engine:
    loaders = [*root.glob("usr/lib/*-linux-gnu/ld-linux*.so.*")]
    if not loaders:
        raise EngineError(
            f"{root}: expected a loader, found none. Delete {root.parent}, run again."
        )
    libraries = loaders[0].parent
    path = f"{libraries}:{libraries / 'pulseaudio'}"
    return Engine((str(loaders[0]), "--library-path", path, str(root / "usr" / "bin" / "godot")))


def _fetch(folder: Path) -> None:
    lacking = [tool for tool in ("apt-get", "dpkg-deb", "dpkg") if shutil.which(tool) is None]
    if lacking:
        raise EngineError(
            f"Godot cannot be fetched without {' and '.join(lacking)}. Install Godot 4.4 or later "
            "yourself, and name it: FRAMEBRIDGE_GODOT=/path/of/godot"
        )
    if not KEYRING.is_file():
        raise EngineError(
            f"Debian's packages cannot be checked without {KEYRING}: "
            "sudo apt-get install -y debian-archive-keyring. Or name a Godot: FRAMEBRIDGE_GODOT"
        )
    mirror = os.environ.get("FRAMEBRIDGE_DEBIAN_MIRROR") or _mirror()
    _say(f"Godot: fetching Debian {SUITE}'s, with all its libraries (150 MB, 600 MB unpacked)")
    _say(f"Godot: into {folder}; nothing is installed. FRAMEBRIDGE_GODOT would name one of yours")
    shutil.rmtree(folder, ignore_errors=True)
    apt = folder / "apt"
    for name in ("lists/partial", "archives/partial"):
        (apt / name).mkdir(parents=True)
    # An empty list of what is installed: so every library comes along.
    (apt / "status").touch()
    (apt / "sources.list").write_text(f"deb [signed-by={KEYRING}] {mirror} {SUITE} main\n")
    (apt / "apt.conf").write_text(_configuration(apt))
    _apt(apt, "update")
    _apt(apt, "install", "--yes", "--download-only", *PACKAGES)
    packages = sorted((apt / "archives").glob("*.deb"))
    _say(f"Godot: unpacking {len(packages)} packages")
    root = folder / "root"
    for package in packages:
        _run(["dpkg-deb", "--extract", str(package), str(root)])
    shutil.rmtree(apt)
    version = _unpacked(root).version()
    if not version:
        raise EngineError(
            f"{root}: Godot does not run: {' '.join(_unpacked(root).words)} --version"
        )
    (folder / MARK).write_text(f"{version}\n")


def _configuration(apt: Path) -> str:
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    lines = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Install-Recommends": "false",
        # Who runs this may not become the user that apt downloads as.
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Acquire::Check-Valid-Until": "false",
        "Dir::State": apt,
        "Dir::State::lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::Cache": apt,
        "Dir::Cache::archives": apt / "archives",
        "Dir::Etc::sourcelist": apt / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::Log": apt,
    }
    return "".join(f'{key} "{value}";\n' for key, value in lines.items())


def _mirror() -> str:
    """Where this system's apt gets Debian from."""
    said = _run(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(CODENAME) $(REPO_URI)",
         "Created-By: Packages"]
    )  # fmt: skip
    for line in said.splitlines():
        # The first word is left as it stands where apt has not been updated yet.
        origin, _, place = line.partition(" ")
        uri = place.rpartition(" ")[2].rstrip("/")
        if origin in ("Debian", "$(ORIGIN)") and uri.endswith("/debian"):
            return uri
    raise EngineError(
        "Apt's configuration names no mirror of Debian: expected a repository whose address ends "
        "with /debian. Name one: FRAMEBRIDGE_DEBIAN_MIRROR=ADDRESS, or a Godot: FRAMEBRIDGE_GODOT"
    )


def _apt(apt: Path, *words: str) -> None:
    _run(["apt-get", "-qq", *words], {"APT_CONFIG": str(apt / "apt.conf")})


def _run(words: list[str], variables: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=LIMIT_S, env={**os.environ, **(variables or {})},
    )  # fmt: skip
    if done.returncode:
        raise EngineError(f"{' '.join(words)}: {done.stdout.strip()}")
    return done.stdout


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    try:
        found = engine()
    except EngineError as error:
        _say(str(error))
        return 3
    print(f"{found.version()}\n{' '.join(found.words)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
