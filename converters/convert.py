"""Files of weights into a proved model package: all of it, or nothing."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from bridge.errors import (
    ParityError,
    RuntimeMissingError,
    UnknownNetworkError,
    UsageError,
    WeightsError,
)
from bridge.inference.manifest import (
    FORMAT_VERSION,
    Cost,
    FrameInput,
    Graph,
    LatentInput,
    Manifest,
    Source,
)
from bridge.inference.package import MANIFEST_NAME, ModelPackage, file_sha256, save
from converters import card, card_picture, parity
from converters.architectures import pix2pix_mix
from converters.architectures.base import Architecture, Found, Network
from converters.cost import count_cost
from converters.detect import read, recognise
from converters.drawing import draw
from converters.optimise import optimise
from converters.precision import Half, half_precision
from converters.readers import torch_process
from converters.showing import Rgb8, Shown, show
from converters.stored import store
from converters.weights import Weights

GRAPH_NAME = "model.onnx"
HALF_NAME = "model.float16.onnx"
REFUSE_ABOVE = 0.05
"""Of 255. A network built wrongly is whole steps off; float32 alone stays far below this."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person may say; everything is told from the files otherwise.

    Attributes:
        architecture: the only one to try.
        options: what no file tells, for the architecture: "scale", "range", "layout".
        fp16: add a second graph, with float16 inside.
        verify: repeat the proof in the network's own framework.
        replace: take the place of a package that is there.
    """

    name: str = ""
    title: str = ""
    license: str = "not stated"
    architecture: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    fp16: bool = False
    verify: bool = False
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """
    Attributes:
        proof: how near the graph is to an independent calculation of the network.
        verified: how near to the network's own framework; None where that was not tried.
        not_verified: why it was not, if it was asked for.
    """

    package: ModelPackage
    weights: Weights
    architecture: Architecture
    found: Found
    proof: parity.Measured
    verified: parity.Measured | None
    not_verified: RuntimeMissingError | None
    seconds: float

    def as_map(self) -> dict[str, Any]:
        """For `--json`."""
        manifest = self.package.manifest
        return {
            "package": str(self.package.folder),
            "name": manifest.name,
            "format": self.weights.reader,
            "architecture": self.architecture.name,
            "family": self.found.family,
            "configuration": dict(self.found.facts),
            "evidence": [*self.weights.evidence, *self.found.evidence],
            "task": manifest.task,
            "parameters": manifest.cost.parameters,
            "macs_per_input_pixel": manifest.cost.macs_per_input_pixel,
            "parity": _as_map(self.proof),
            "graphs": msgspec.to_builtins(manifest.graphs),
            "verified": self.verified and _as_map(self.verified),
            "not_verified": self.not_verified and self.not_verified.as_map(),
            "limits": manifest.limits,
            "seconds": round(self.seconds, 3),
        }


def convert(
    files: Sequence[Path],
    output: Path,
    wishes: Wishes | None = None,
    *,
    picture: Rgb8 | None = None,
    progress: Progress = lambda _: None,
) -> Converted:
    """Make a package of `files`.

    Args:
        files: of one network, or of two of the same kind that are to be mixed.
        output: folder of the package.
        picture: to show on the card; a drawing of our own otherwise.
        progress: told what is being done, a few words each time.
    Raises: WeightsError, UnsafeWeightsError, UnknownNetworkError, NetworkError, ParityError,
        RuntimeMissingError, UsageError.
    Guarantees: on an error `output` is as it was.
    """
    start = time.perf_counter()
    wishes = wishes or Wishes()
    output = Path(output).absolute()
    _check_wishes(output, wishes)
    weights = _with_options(_read(files, progress), wishes)
    weights, architecture, found = _recognised(weights, wishes, progress)
    with _scratch_beside(output) as scratch:
        progress(f"building {found.family}")
        graph = Path(scratch) / GRAPH_NAME
        network = architecture.build(weights, found.config)
        if architecture.framework == "onnx":
            progress("simplifying its graph")
            simpler = optimise(network)
            network = simpler.network
            found = replace(found, evidence=[*found.evidence, *simpler.notes])
        half = None
        if wishes.fp16:
            progress("making a graph of float16")
            half = half_precision(network)
        # From here on its weights stand in the file alone.
        network = replace(network, model=store(network.model, graph))
        progress("comparing it with an independent calculation")
        proof, verified, missing = _proofs(architecture, network, weights, found, graph, wishes)
        manifest = _manifest(output, wishes, weights, found, network, verified or proof, half)
        progress("writing")
        graphs: dict[str, bytes | Path] = {GRAPH_NAME: graph}
        if half is not None:
            graphs[HALF_NAME] = half.model.SerializeToString()
        package = save(Path(scratch) / output.name, manifest, graphs)
        progress("running it on a picture")
        shown = show(package.manifest, graph, draw() if picture is None else picture)
        facts = _card_facts(manifest, shown)
        (package.folder / card.CARD_PICTURE).write_bytes(
            card_picture.draw(package.manifest, facts, shown.panels)
        )
        card.write_card(package.folder)
        _put_in_place(package.folder, output)
    return Converted(
        ModelPackage.open(output), weights, architecture, found, proof, verified, missing,
        time.perf_counter() - start,
    )  # fmt: skip


@contextmanager
def _scratch_beside(output: Path) -> Iterator[str]:
    """A folder for the work, on the disk that the package will lie on.

    Raises: UsageError: nothing can be written there.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
            yield scratch
    except OSError as error:
        raise UsageError(
            "--output", f"a place to write to in {output.parent}",
            f"{error.strerror or type(error).__name__}", "Nothing was written.",
        ) from None  # fmt: skip


def _read(files: Sequence[Path], progress: Progress) -> Weights:
    """Of one network: files that belong together are one, and two networks can be mixed."""
    found: list[Weights] = []
    for path in files:
        progress(f"reading {path.name}")
        weights = read(path)
        if all(set(weights.files) != set(other.files) for other in found):
            found.append(weights)
    if not 1 <= len(found) <= 2:
        raise UsageError(
            "FILE", "one network, or two of one kind to mix", f"{len(found)} networks",
            "Convert them one by one.",
        )  # fmt: skip
    return found[0] if len(found) == 1 else pix2pix_mix.joined(*found)


def _recognised(
    weights: Weights, wishes: Wishes, progress: Progress
) -> tuple[Weights, Architecture, Found]:
    """By our own architectures, and by spandrel's where that is installed."""
    try:
        return weights, *recognise(weights, wishes.architecture)
    except UnknownNetworkError:
        if wishes.architecture or weights.graph or not find_spec("spandrel"):
            raise
        progress("asking spandrel what it is")
        with suppress(WeightsError):
            weights = torch_process.by_spandrel(weights)
            return weights, *recognise(weights)
        raise


def _proofs(
    architecture: Architecture, network: Network, weights: Weights, found: Found, graph: Path,
    wishes: Wishes,
) -> tuple[parity.Measured, parity.Measured | None, RuntimeMissingError | None]:  # fmt: skip
    """The proof that is always made, and the framework's own where that was asked for."""
    inputs = parity.inputs_for(network)
    measure = partial(parity.measure, architecture, network, weights, found.config)
    proof = measure(parity.own_ops(architecture.framework), inputs, graph)
    _check(proof, weights)
    if not wishes.verify:
        return proof, None, None
    try:
        ops = parity.ops_of(architecture.framework)
    except RuntimeMissingError as error:
        return proof, None, error
    verified = measure(ops, inputs, graph)
    _check(verified, weights)
    return proof, verified, None


def _check(measured: parity.Measured, weights: Weights) -> None:
    if measured.max_abs_error > REFUSE_ABOVE:
        raise ParityError(
            weights.place, f"a graph within {REFUSE_ABOVE} of 255 of {measured.against}",
            f"{measured.max_abs_error:.3g}",
            "Nothing was written. It is a variant that is not known here, or our fault: please "
            "report it with the names and shapes of its arrays.",
        )  # fmt: skip


def _check_wishes(output: Path, wishes: Wishes) -> None:
    if wishes.name and wishes.name != _name(wishes.name):
        raise UsageError(
            "--name", "small letters, digits, dots and dashes, 64 at most", repr(wishes.name),
            f"For example: {_name(wishes.name)}",
        )  # fmt: skip
    if not output.exists():
        return
    if not (output / MANIFEST_NAME).is_file():
        raise UsageError(
            "--output", "a folder that is not there yet", f"{output}",
            "It holds something else than a package, which is left alone.",
        )  # fmt: skip
    if not wishes.replace:
        raise UsageError(
            "--output", "a folder that is not there yet", f"the package {output}",
            "Name another folder, or say --replace.",
        )  # fmt: skip


def _with_options(weights: Weights, wishes: Wishes) -> Weights:
    if not wishes.options:
        return weights
    return replace(weights, facts={**weights.facts, "options": dict(wishes.options)})


def _manifest(
    output: Path, wishes: Wishes, weights: Weights, found: Found, network: Network,
    proof: parity.Measured, half: Half | None,
) -> Manifest:  # fmt: skip
    try:
        cost = count_cost(network.model)
    except ValueError:
        cost = Cost()
    largest = max(weights.files, key=lambda path: path.stat().st_size)
    source = Source(file=largest.name, sha256=file_sha256(largest), reader=weights.reader)
    graph = Graph(
        file=GRAPH_NAME, precision="float32", sha256="0" * 64, parity=proof.for_manifest()
    )
    graphs = [graph]
    if half is not None:
        graphs.append(
            Graph(file=HALF_NAME, precision="float16", sha256="0" * 64, parity=half.for_manifest())
        )
    return msgspec.convert(
        msgspec.to_builtins(
            Manifest(
                format=FORMAT_VERSION,
                name=wishes.name or _name(output.name),
                version="1.0.0",
                task=network.task,
                license=wishes.license,
                title=wishes.title or network.title,
                description=network.description,
                architecture=found.family,
                graphs=graphs,
                inputs=network.inputs,
                outputs=network.outputs,
                source=source,
                tiling=network.tiling,
                cost=cost,
                limits=list(network.limits),
            )
        ),
        Manifest,
    )


def _name(folder: str) -> str:
    name = re.sub(r"[^a-z0-9._-]+", "-", folder.lower()).strip("-._")[:64]
    return name or "converted"


def _card_facts(manifest: Manifest, shown: Shown) -> list[tuple[str, str]]:
    proof = manifest.graphs[0].parity
    assert proof is not None
    cost = manifest.cost
    facts = [
        ("same network", f"at most {proof.max_abs_error:.1g} {proof.unit} from {proof.against}"),
        ("made from", f"{manifest.source.file} ({manifest.source.reader})"),
        (
            "cost",
            f"{cost.parameters:,} parameters, {cost.macs_per_input_pixel:,} multiply-accumulates "
            f"for each pixel",
        ),
    ]
    if shown.rate:
        facts.append(("rate", shown.rate))
    if any(isinstance(port, (FrameInput, LatentInput)) for port in manifest.inputs):
        facts += [
            ("limits" if index == 0 else "", text) for index, text in enumerate(manifest.limits)
        ]
    return facts


def _put_in_place(folder: Path, output: Path) -> None:
    """By one rename, or by two where a package has to make room."""
    if not output.exists():
        folder.rename(output)
        return
    old = folder.with_name(f"{output.name}-old")
    output.rename(old)
    try:
        folder.rename(output)
    except BaseException:
        old.rename(output)
        raise


def _as_map(measured: parity.Measured) -> dict[str, Any]:
    return {
        "against": measured.against, "max_abs_error": measured.max_abs_error, "unit": "of 255",
    }  # fmt: skip
