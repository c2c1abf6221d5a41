"""Imports look downward, in the order that docs/architecture.md draws."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CLIENT = ROOT / "engine_plugin" / "python" / "framebridge_client"

# Each line may import the lines above it, and itself. Rooms of one line do not know each other.
ROOMS = (
    ("bridge.errors",),
    ("bridge.windows",),
    ("bridge.children", "bridge.frames", "bridge.contact_sheet"),
    ("bridge.protocol", "bridge.media", "bridge.inference", "bridge.transport"),
    ("bridge.apply", "bridge.worker", "bridge.supervisor", "bridge.regress"),
    ("bridge.doctor", "bridge.demo"),
    ("bridge.cli",),
)
INFERENCE = (
    (
        "bridge.inference.cache", "bridge.inference.manifest", "bridge.inference.plain_file",
        "bridge.inference.memory_limit", "bridge.inference.outline", "bridge.inference.pauses",
    ),
    ("bridge.inference.external_data", "bridge.inference.ports"),
    ("bridge.inference.package",),
    (
        "bridge.inference.placement", "bridge.inference.graph_builder", "bridge.inference.state",
        "bridge.inference.latent",
    ),
    ("bridge.inference.finite", "bridge.inference.transfer"),
    ("bridge.inference.shuffle",),
    ("bridge.inference.pixels", "bridge.inference.backends"),
    ("bridge.inference.transfer_cost",),
    ("bridge.inference.selection",),
    ("bridge.inference.runner",),
    ("bridge.inference.chain",),
    ("bridge.inference.trial",),
    ("bridge.inference.scratch",),
    ("bridge.inference.scratch_process",),
    ("bridge.inference.verification",),
)  # fmt: skip
NEVER = {"torch", "torchvision", "tensorflow", "keras"}
# Each line may import the lines above it, and itself.
CONVERTERS = (
    ("converters.weights",),
    ("converters.apart",),
    (
        "converters.graph", "converters.stored", "converters.readers", "converters.references",
        "converters.writers",
    ),
    ("converters.drawing", "converters.luma_psnr", "converters.shape_folding"),
    ("converters.cost",),
    ("converters.devices", "converters.layers"),
    ("converters.roofline",),
    ("converters.cost_report", "converters.this_machine"),
    ("converters.luma", "converters.tf_translate"),
    ("converters.architectures",),
    ("converters.catalogue",),
    ("converters.detect", "converters.parity"),
    (
        "converters.card_picture", "converters.half_weights",
        "converters.optimise", "converters.precision",
    ),
    ("converters.contact_sheet", "converters.scores"),
    ("converters.card_figures",),
    ("converters.card",),
    ("converters.showing",),
    ("converters.convert",),
)  # fmt: skip
CONVERTERS_MAY = {
    "bridge.inference.package", "bridge.inference.manifest", "bridge.inference.graph_builder",
    "bridge.inference.external_data", "bridge.inference.plain_file", "bridge.inference.outline",
    "bridge.inference.memory_limit", "bridge.inference.placement", "bridge.inference.state",
    "bridge.inference.latent", "bridge.frames",
    "bridge.errors", "bridge.media", "bridge.contact_sheet",
}  # fmt: skip
FRAMEWORKS_MAY = {
    "converters.references.torch_ops", "converters.references.tensorflow_ops",
    "converters.readers.torch_process",
}  # fmt: skip
CLIENT_MAY = {"numpy", "zmq", "msgpack", "framebridge_client", "_posixshmem", "_winapi"}
CLIENT_USERS = {"bridge.cli", "bridge.demo"}


def imports(source: str, module: str, is_package: bool = False) -> set[str]:
    """Every name that a module imports, wherever in it: `a.b` for `from a import b` too."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                kept = parts[: len(parts) - node.level + is_package]
                base = ".".join([*kept, *([base] if base else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def violations(module: str, imported: set[str]) -> list[str]:
    """What in the imports of a module breaks the order; empty when nothing does."""
    found = [
        f"{module} imports {name}"
        for name in sorted(imported)
        if _root(name) in NEVER and module not in FRAMEWORKS_MAY
    ]
    if module == "converters" or module.startswith("converters."):
        own = {name for name in imported if _inside(name, "bridge")}
        allowed = {name for name in own if any(_inside(name, room) for room in CONVERTERS_MAY)}
        level = _level(module, CONVERTERS)
        if level is None and module != "converters":
            return [f"{module} stands in no line of CONVERTERS: add it where it belongs"]
        rooms = {name for name in imported if _inside(name, "converters")}
        upward = {n for n in rooms if not _looks_down(level, _level(n, CONVERTERS))}
        return found + [f"{module} imports {name}" for name in sorted((own - allowed) | upward)]
    if _inside(module, "framebridge_client"):
        foreign = {n for n in imported if _root(n) not in CLIENT_MAY | sys.stdlib_module_names}
        return found + [f"{module} imports {name}" for name in sorted(foreign)]
    room = _level(module, ROOMS)
    if room is None and module != "bridge":
        return [f"{module} stands in no line of ROOMS: add it where it belongs"]
    inside = _level(module, INFERENCE)
    if module.startswith("bridge.inference.") and inside is None:
        return [f"{module} stands in no line of INFERENCE: add it where it belongs"]
    for name in sorted(imported):
        if _root(name) == "framebridge_client":
            good = any(_inside(module, user) for user in CLIENT_USERS)
        elif _root(name) == "converters":
            good = _inside(module, "bridge.cli")
        elif _root(name) == "zmq":
            good = not _inside(module, "bridge.inference")
        elif _inside(name, "bridge"):
            good = _looks_down(room, _level(name, ROOMS))
            if _inside(module, "bridge.inference") and _inside(name, "bridge.inference"):
                good = good and _looks_down(inside, _level(name, INFERENCE))
        else:
            good = True
        if not good:
            found.append(f"{module} imports {name}")
    return found


def _looks_down(upper: tuple[int, int] | None, lower: tuple[int, int] | None) -> bool:
    # `bridge` itself holds the version alone and stands below everything.
    return lower is None or (upper is not None and (lower[0] < upper[0] or lower == upper))


def _level(name: str, lines: tuple[tuple[str, ...], ...]) -> tuple[int, int] | None:
    for index, line in enumerate(lines):
        for place, room in enumerate(line):
            if _inside(name, room):
                return index, place
    return None


def _inside(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def _root(name: str) -> str:
    return name.partition(".")[0]


def _modules(folder: Path, package: str) -> Iterator[tuple[str, str, bool]]:
    for path in sorted(folder.rglob("*.py")):
        parts = [package, *path.relative_to(folder).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        yield ".".join(parts[:-1] if is_package else parts), path.read_text("utf-8"), is_package


MODULES = [
    *_modules(ROOT / "bridge", "bridge"),
    *_modules(ROOT / "converters", "converters"),
    *_modules(CLIENT, "framebridge_client"),
]


def test_every_room_was_read() -> None:
    names = {name for name, _, _ in MODULES}
    for wanted in ("bridge.errors", "bridge.inference.pixels", "bridge.worker", "converters"):
        assert wanted in names
    assert {"framebridge_client.stream", "bridge.cli.main", "bridge.supervisor.server"} <= names


@pytest.mark.parametrize(
    ("module", "source", "is_package"), MODULES, ids=[name for name, _, _ in MODULES]
)
def test_imports_look_downward(module: str, source: str, is_package: bool) -> None:
    assert violations(module, imports(source, module, is_package)) == []


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bridge.errors", "from bridge.frames import Frame"),
        ("bridge.frames", "import bridge.protocol"),
        ("bridge.frames", "from bridge import protocol"),
        ("bridge.media", "from bridge.inference.package import ModelPackage"),
        ("bridge.transport.base", "from bridge import protocol"),
        ("bridge.inference.chain", "from bridge.transport.base import Slot"),
        ("bridge.inference.chain", "import zmq.green"),
        ("bridge.inference.manifest", "from bridge.inference.package import save"),
        ("bridge.inference.package", "from bridge.inference import placement"),
        ("bridge.inference.placement", "from bridge.inference.graph_builder import GraphBuilder"),
        ("bridge.inference.pixels", "from bridge.inference.backends.base import Arrays"),
        ("bridge.inference.backends.base", "from ..runner import Runner"),
        ("bridge.inference.runner", "def f():\n    from bridge.inference.chain import Chain"),
        ("bridge.inference.new", "import os"),
        ("bridge.worker.service", "from bridge.supervisor.stream import Stream"),
        ("bridge.supervisor.stream", "from bridge.worker import service"),
        ("bridge.supervisor.stream", "from ..worker.service import FrameService"),
        ("bridge.apply", "from bridge.supervisor.library import Library"),
        ("bridge.doctor", "from bridge.demo import report"),
        ("bridge.doctor", "from framebridge_client import connect"),
        ("bridge.supervisor.server", "import framebridge_client.wire"),
        ("bridge.demo.run", "from bridge.cli.main import app"),
        ("bridge.demo.run", "from converters import detect"),
        ("bridge.inference.runner", "import torch"),
        ("bridge.cli.apply", "from tensorflow.python import framework"),
        ("bridge.unheard_of", "import os"),
        ("converters.detect", "from bridge.inference.runner import Runner"),
        ("converters.detect", "from bridge.inference import chain"),
        ("converters.detect", "import torch.nn"),
        ("framebridge_client.stream", "from bridge.frames import FrameFormat"),
        ("framebridge_client.stream", "import PIL.Image"),
        ("framebridge_client.stream", "if False:\n    import cv2"),
    ],
)
def test_a_violation_is_found(module: str, source: str) -> None:
    assert len(violations(module, imports(source, module))) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("bridge.frames", "import bridge\nfrom bridge.errors import MediaError"),
        ("bridge.inference.chain", "from .runner import Runner\nimport onnx"),
        ("bridge.inference.backends.onnxruntime", "from bridge.inference.backends import base"),
        ("bridge.worker.process", "import zmq\nfrom bridge.transport.base import Slot"),
        ("bridge.demo.run", "from framebridge_client import connect"),
        ("bridge.cli.convert", "from converters import detect"),
        ("converters.detect", "from bridge.inference.package import save"),
        ("framebridge_client.stream", "import mmap, numpy.typing, zmq.utils.monitor, msgpack"),
    ],
)
def test_what_looks_downward_is_let_through(module: str, source: str) -> None:
    assert violations(module, imports(source, module)) == []


def test_relative_imports_are_read_as_what_they_name() -> None:
    source = "from . import a\nfrom .b import c\nfrom ..d import e"
    assert imports(source, "x.y.z") == {"x.y.a", "x.y.b.c", "x.d.e"}
    assert imports(source, "x.y", is_package=True) == {"x.y.a", "x.y.b.c", "x.d.e"}
