"""Whatever is done to a package's files, it is a valid package or a typed error.

FRAMEBRIDGE_FUZZ says how many mutations (`make test-fuzz`: 20,000).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bridge.errors import FramebridgeError
from bridge.frames import FrameFormat
from bridge.inference import package as packages
from bridge.inference.manifest import Manifest
from bridge.inference.package import ModelPackage
from bridge.inference.pixels import compose
from bridge.inference.runner import RunOptions
from bridge.inference.verification import Limits, verified
from tests.inference import mutations

COUNT = int(os.environ.get("FRAMEBRIDGE_FUZZ", "600"))
BATCH = 1000
RUNS = 60 if COUNT >= 20_000 else 6
SOURCE = FrameFormat(width=32, height=24)
MOST_GROWTH_KIB = 64 << 10
GRAPH, DATA = "model.onnx", "weights.bin"


class Mutant:
    """A package as it was, and folders of it with some of its bytes exchanged."""

    def __init__(self, folder: Path) -> None:
        self.files = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        self.manifest: Manifest = ModelPackage.open(folder).manifest

    def write(self, folder: Path, seed: int) -> None:
        """Mutation number `seed`; where a graph or its data changed, the hashes say so."""
        chance = random.Random(seed)
        folder.mkdir(exist_ok=True)
        files = dict(self.files)
        names = [name for name in (GRAPH, DATA) if name in files]
        kind = chance.random()
        if kind < 0.7:
            name = GRAPH if kind < 0.65 else chance.choice(names)
            files[name] = mutations.damaged(files[name], chance)
        if kind < 0.7:
            files[packages.MANIFEST_NAME] = self._rehashed(files)
        if kind >= 0.6:
            toml = files[packages.MANIFEST_NAME]
            files[packages.MANIFEST_NAME] = mutations.damaged_toml(toml, chance)
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def _rehashed(self, files: dict[str, bytes]) -> bytes:
        (graph,) = self.manifest.graphs
        data = [
            msgspec.structs.replace(entry, sha256=packages._digest(files[entry.file]))
            for entry in graph.data
        ]
        graph = msgspec.structs.replace(graph, sha256=packages._digest(files[GRAPH]), data=data)
        manifest = msgspec.structs.replace(self.manifest, graphs=[graph])
        return packages.manifest_toml(manifest)


def originals(folder: Path) -> list[Mutant]:
    return [Mutant(path) for path in sorted(folder.iterdir())]


def tried(folder: Path) -> str:
    """How far the package in `folder` gets without a runtime: "composed", or the code of its error.

    Raises: anything that is no FramebridgeError, which is what is being looked for.
    """
    try:
        package = ModelPackage.open(folder)
        compose(package.load_graph(), package.manifest, SOURCE)
    except FramebridgeError as error:
        error.as_map()
        return error.code
    return "composed"


def batch(folder: Path, first: int, count: int) -> Iterator[dict[str, object]]:
    """In a process of its own: one row for each mutation that broke out, and one of all others."""
    import resource

    mutants = originals(folder)
    seen: dict[str, int] = {}
    before = 0
    scratch = folder.parent / f"batch{first}"
    for seed in range(first, first + count):
        mutants[seed % len(mutants)].write(scratch, seed)
        try:
            how = tried(scratch)
        except BaseException as fault:
            yield {"seed": seed, "fault": f"{type(fault).__name__}: {str(fault)[:200]}"}
            how = "fault"
        seen[how] = seen.get(how, 0) + 1
        shutil.rmtree(scratch)
        if seed == first + 99:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before if before else 0
    yield {"seen": seen, "grown_kib": grown}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, small_models: object) -> Path:
    """Packages before anything is done to them: with parameters, an upscaler, and one whose
    weights lie beside its graph."""
    import onnx

    folder = tmp_path_factory.mktemp("mutated") / "sound"
    models = small_models
    models.knobs().write(folder / "knobs")  # type: ignore[attr-defined]
    models.network(scale=2, tail="DCR").write(folder / "larger")  # type: ignore[attr-defined]
    model = models.network()  # type: ignore[attr-defined]
    content = b""
    for tensor in model.core.graph.initializer:
        onnx.external_data_helper.set_external_data(
            tensor, DATA, len(content), len(tensor.raw_data)
        )
        content += tensor.raw_data
        tensor.ClearField("raw_data")
    files = {GRAPH: model.core.SerializeToString(), DATA: content}
    packages.save(folder / "beside", model.manifest, files)
    return folder


@pytest.mark.timeout(1800)
def test_no_mutation_is_more_than_a_typed_error(sound: Path) -> None:
    seen: dict[str, int] = {}
    faults = []
    for first in range(0, COUNT, BATCH):
        count = min(BATCH, COUNT - first)
        # A process of its own, so that one that takes its process down is noticed too.
        done = subprocess.run(
            [sys.executable, __file__, str(sound), str(first), str(count)],
            capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, f"mutations from {first} on: {done.stderr[-2000:]}"
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        faults += rows[:-1]
        assert rows[-1]["grown_kib"] < MOST_GROWTH_KIB
        for how, number in rows[-1]["seen"].items():
            seen[how] = seen.get(how, 0) + number
    print(seen)
    assert faults == []
    assert sum(seen.values()) == COUNT
    # The mutations reach every part: the manifest, the hashes, the graph, and past all of them.
    assert {"composed", "FB-E010", "FB-E014"} <= set(seen)


@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux alone")
def test_what_gets_past_all_checks_is_a_verdict_or_a_typed_error(
    sound: Path, tmp_path: Path
) -> None:
    mutants = originals(sound)
    chosen = random.Random(1)
    ran: dict[str, int] = {}
    while sum(ran.values()) < RUNS:
        folder = tmp_path / "mutant"
        seed = chosen.randrange(10**9)
        mutants[seed % len(mutants)].write(folder, seed)
        if tried(folder) == "composed":
            try:
                verified(
                    ModelPackage.open(folder), SOURCE, RunOptions(provider="cpu"),
                    Limits(20, 1 << 30), fresh=True,
                )  # fmt: skip
                how = "passed"
            except FramebridgeError as error:
                how = error.code
            ran[how] = ran.get(how, 0) + 1
        shutil.rmtree(folder)
    print(ran)
    assert "FB-E046" not in ran
    assert "passed" in ran


def test_one_seed_is_one_mutation(sound: Path, tmp_path: Path) -> None:
    mutant = originals(sound)[0]
    contents = []
    for name in ("a", "b"):
        mutant.write(tmp_path / name, 5)
        contents.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert contents[0] == contents[1] != mutant.files


if __name__ == "__main__":
    for row in batch(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])):
        print(json.dumps(row), flush=True)
