"""What this machine has, what it lacks, and how to get it."""

from __future__ import annotations

import ctypes.util
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import bridge
from bridge.errors import FramebridgeError
from bridge.inference.backends import onnxruntime, openvino
from bridge.supervisor.library import Library
from bridge.supervisor.logs import log_folder
from bridge.supervisor.runtime_folder import read_address, runtime_folder


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        level: "ok"; "missing" for what can be done without; "problem" for what cannot.
        remedy: what to do, or empty.
    """

    topic: str
    level: Literal["ok", "missing", "problem"]
    text: str
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at everything; nothing is changed."""
    return [
        Finding(
            "framebridge",
            "ok",
            f"{bridge.__version__}, Python {platform.python_version()}, {platform.platform()}",
        ),
        *_runtime(),
        *_second_runtime(),
        *_transports(),
        _engine(),
        *_folders(),
        *_models(),
    ]


def _runtime() -> Iterator[Finding]:
    variants = onnxruntime.installed_distributions()
    if len(variants) > 1:
        names = " ".join(variants)
        keep = "cuda" if "onnxruntime-gpu" in variants else "directml"
        yield Finding(
            "runtime", "problem", f"{len(variants)} variants overwrite each other: {names}",
            f"pip uninstall -y {names} && pip install 'framebridge[{keep}]'",
        )  # fmt: skip
        return
    try:
        providers = onnxruntime.available_providers()
    except FramebridgeError as error:
        yield Finding("runtime", "problem", "ONNX Runtime is missing", error.remedy)
        return
    name, version = next(iter(variants.items()), ("onnxruntime", "?"))
    yield Finding("runtime", "ok", f"{name} {version}, providers: {', '.join(providers)}")
    wanted = {"cuda": "an NVIDIA GPU"}
    if sys.platform == "win32":
        wanted["directml"] = "a GPU of any vendor"
    for provider, device in wanted.items():
        if provider not in providers:
            yield Finding(
                "runtime", "missing", f"{provider}, for {device}",
                f"pip uninstall -y {name} && pip install 'framebridge[{provider}]'",
            )  # fmt: skip


def _second_runtime() -> Iterator[Finding]:
    version = openvino.installed_version()
    if version is None:
        if platform.machine() in ("x86_64", "AMD64"):
            text = "openvino, which runs some models faster on this processor"
            yield Finding("runtime", "missing", text, openvino.INSTALL)
        return
    try:
        computes = ", ".join(openvino.available_computes())
    except FramebridgeError as error:
        yield Finding("runtime", "problem", str(error), error.remedy)
        return
    yield Finding("runtime", "ok", f"openvino {version}, calculates in {computes}")


def _transports() -> Iterator[Finding]:
    if os.path.isdir("/dev/shm"):
        free = shutil.disk_usage("/dev/shm").free / 2**20
        enough = free >= 64
        yield Finding(
            "shared memory", "ok" if enough else "problem", f"{free:.0f} MiB free",
            "" if enough else "Six slots of 1080p take 50 MiB. In a container: --shm-size=1g",
        )  # fmt: skip
    else:
        yield Finding("shared memory", "ok", "named shared memory")
    if sys.platform == "win32":
        yield _distribution("Spout", "SpoutGL", "pip install SpoutGL")


def _engine() -> Finding:
    finding = _distribution("demo engine", "panda3d", "pip install 'framebridge[demo]'")
    headless = sys.platform == "linux" and not os.environ.get("DISPLAY")
    if finding.level == "ok" and headless and ctypes.util.find_library("EGL") is None:
        return Finding(
            "demo engine", "missing", "Mesa's EGL, which Panda3D needs where there is no display",
            "sudo apt-get install -y libegl1 libgl1-mesa-dri",
        )  # fmt: skip
    return finding


def _distribution(topic: str, name: str, remedy: str) -> Finding:
    try:
        return Finding(topic, "ok", f"{name} {importlib.metadata.version(name)}")
    except importlib.metadata.PackageNotFoundError:
        return Finding(topic, "missing", f"{name} is not installed", remedy)


def _folders() -> Iterator[Finding]:
    try:
        folder = runtime_folder()
    except FramebridgeError as error:
        yield Finding("runtime folder", "problem", str(error), error.remedy)
        return
    address = read_address(folder)
    running = (
        f"a sidecar runs at {address.endpoint}, process {address.pid}"
        if address
        else "no sidecar runs"
    )
    yield Finding("sidecar", "ok", running)
    yield Finding("runtime folder", "ok", str(folder))
    yield Finding("logs", "ok", str(log_folder()))


def _models() -> Iterator[Finding]:
    library = Library()
    good = []
    for entry in library.entries():
        if entry.package is not None:
            good.append(entry.package.name)
        else:
            yield Finding(
                "models", "problem", str(entry.error), f"Remove or replace {entry.folder}"
            )
    yield Finding("models", "ok" if good else "problem", ", ".join(good) or "none",
                  "" if good else "Install Framebridge again.")  # fmt: skip
    yield Finding("model folders", "ok", os.pathsep.join(map(str, library.folders)))
