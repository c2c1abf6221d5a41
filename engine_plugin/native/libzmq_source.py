"""Fetches the source of libzmq: Debian's source package `zeromq3`, checked against Debian's index.

The machine's own sources of packages are only read: a list of one's own, with `deb-src` for what
the machine has as `deb`, goes into a folder of the build, and apt-get works there as an ordinary
user. apt-get checks the index by its signature; the files are compared with the index once more.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

PACKAGE = "zeromq3"
SOURCE_VARIABLE = "LIBZMQ_SOURCE"
TIMEOUT_S = 300
REMEDY = (
    f"Unpack libzmq 4.3 somewhere and name the folder: {SOURCE_VARIABLE}=FOLDER. "
    "Or install a static, position-independent libzmq (vcpkg, Homebrew) and name its folder: "
    "LIBZMQ_PREFIX=FOLDER."
)

_URI = re.compile(r"^'(?P<uri>[^']+)' (?P<name>\S+) (?P<size>\d+) SHA256:(?P<sha256>[0-9a-f]{64})$")

_ONE_LINE = re.compile(r"(?m)^deb\s+(?P<options>\[[^\]]*\])?\s*(?P<rest>[^\n#]+)")


class SourceError(Exception):
    """The source is not to be had; the text says why, and what to do."""


def source_folder(cache: Path) -> Path:
    """The unpacked source: what LIBZMQ_SOURCE names, or Debian's, fetched once into `cache`.

    Raises: SourceError.
    """
    if named := os.environ.get(SOURCE_VARIABLE):
        folder = Path(named)
        if not (folder / "include" / "zmq.h").is_file():
            raise SourceError(
                f"{SOURCE_VARIABLE}: expected the folder of libzmq's source, with include/zmq.h, "
                f"got {folder}. {REMEDY}"
            )
        return folder
    folder = cache / "libzmq-source"
    if not (folder / "include" / "zmq.h").is_file():
        print(f"libzmq: fetching Debian's source package {PACKAGE} into {cache}", flush=True)
        _unpack(_fetch(cache / "libzmq-download"), folder)
    return folder


def _fetch(folder: Path) -> Path:
    """The package's .dsc file, with the files that it names beside it, all checked."""
    for tool in ("apt-get", "dpkg-source"):
        if shutil.which(tool) is None:
            raise SourceError(
                f"libzmq's source: expected {tool}, found none. On Debian and Ubuntu: "
                f"sudo apt-get install -y dpkg-dev. Elsewhere: {REMEDY}"
            )
    shutil.rmtree(folder, ignore_errors=True)
    options = _own_sources(folder)
    _apt(folder, [*options, "update"])
    wanted = [
        match
        for line in _apt(folder, [*options, "source", "--print-uris", PACKAGE]).splitlines()
        if (match := _URI.match(line))
    ]
    if not any(match["name"].endswith(".dsc") for match in wanted):
        raise SourceError(f"libzmq's source: the index names no {PACKAGE}.dsc. {REMEDY}")
    _apt(folder, [*options, "source", "--download-only", PACKAGE])
    for match in wanted:
        found = hashlib.sha256((folder / match["name"]).read_bytes()).hexdigest()
        if found != match["sha256"]:
            (folder / match["name"]).unlink()
            raise SourceError(
                f"{match['name']}: expected sha256 {match['sha256']}, as the index states, got "
                f"{found}. It has been removed; run this again. {REMEDY}"
            )
        print(f"libzmq: {match['name']}, sha256 {found[:16]}... as the index states", flush=True)
    return next(folder / match["name"] for match in wanted if match["name"].endswith(".dsc"))


def _own_sources(folder: Path) -> list[str]:
    """Writes the list of sources, and gives the options that make apt-get use it alone."""
    text = "\n".join(_source_lines(Path("/etc/apt")))
    if not text:
        raise SourceError(
            "libzmq's source: expected an archive of this release in /etc/apt, found none. "
            + REMEDY
        )
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "sources.list").write_text(text + "\n")
    options = {
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",  # it may not write here otherwise, where root runs this
        "Acquire::Languages": "none",
    }
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


def _source_lines(etc: Path) -> list[str]:
    """`deb-src` lines for all that the machine has of its own release, other vendors left out."""
    lines = []
    for path in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        if path.is_file():
            for match in _ONE_LINE.finditer(path.read_text()):
                words = match["rest"].split()
                lines += _lines(match["options"] or "", words[:1], words[1:2], words[2:])
    for path in sorted((etc / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", path.read_text())):
            fields = {
                name.lower(): " ".join(value.split())
                for name, value in re.findall(r"(?m)^([\w-]+):((?:.*\n?)(?:[ \t]+.*\n?)*)", stanza)
            }
            if fields.get("enabled", "yes") != "no":
                signed = fields.get("signed-by", "")
                options = f"[signed-by={signed}]" if signed.startswith("/") else ""
                places, suites, components = (
                    fields.get(name, "").split() for name in ("uris", "suites", "components")
                )
                lines += _lines(options, places, suites, components)
    return list(dict.fromkeys(lines))


def _lines(options: str, uris: list[str], suites: list[str], components: list[str]) -> list[str]:
    release = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    allowed = {release, f"{release}-updates", f"{release}-security"}
    kept = " ".join(name for name in components if name in ("main", "universe"))
    return [
        " ".join(["deb-src", *([options] if options else []), uri, suite, kept])
        for uri in uris
        for suite in suites
        if kept and suite in allowed
    ]


def _apt(folder: Path, words: list[str]) -> str:
    try:
        done = subprocess.run(
            ["apt-get", "-q", *words], cwd=folder, check=True, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, env={**os.environ, "LC_ALL": "C"},
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1:] or [f"exit code {error.returncode}"]
        raise SourceError(f"libzmq's source: apt-get {words[-1]}: {reason[0]}. {REMEDY}") from None
    except subprocess.TimeoutExpired:
        raise SourceError(
            f"libzmq's source: apt-get {words[-1]}: not done within {TIMEOUT_S} s. {REMEDY}"
        ) from None
    return done.stdout


def _unpack(description: Path, folder: Path) -> None:
    """With Debian's patches. The folder appears whole or not at all."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    # --no-check is about the signature, which the index has vouched for.
    done = subprocess.run(
        ["dpkg-source", "--no-check", "--no-copy", "-x", str(description), str(partial)],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=TIMEOUT_S,
    )  # fmt: skip
    if done.returncode:
        raise SourceError(f"libzmq's source: dpkg-source: {done.stderr.strip()}. {REMEDY}")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
