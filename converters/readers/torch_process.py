"""Formats that only PyTorch itself can read, each in a process of its own: TorchScript and
ExportedProgram; and spandrel, for arrays that no architecture here knows.

Their code is a graph of PyTorch's operators, not Python, yet it does run: so it runs in a process
that is given a folder, a time and a memory to stay in, and hands back an ONNX graph. A whole
pickled module is never loaded this way: spandrel is given plain arrays.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from bridge.errors import FramebridgeError, RuntimeMissingError, WeightsError
from converters.readers import torch_zip
from converters.readers.base import Reader
from converters.readers.zip_directory import ZipDirectory
from converters.weights import Array, Weights

_TIMEOUT_S = 300
_MOST_MEMORY_BYTES = 24 << 30
_MOST_GRAPH_BYTES = 2 << 30
_MOST_FACTS_BYTES = 1 << 20
_OPSET = 17
# Sides that the first example may have, and those of a second one: other, and not square.
_SIDES = (64, 128, 256, 224, 512)
_CHANNELS = (3, 1, 4, 6)
_SECOND = (96, 128)
_TOLERANCE = 1e-4


# ------------------------------------------------------------------------------ in the own process


def _names(path: Path, head: bytes) -> list[str]:
    if not head.startswith(b"PK\3\4"):
        return []
    try:
        return list(ZipDirectory(path).entries)
    except FramebridgeError:
        return []


def _is_torchscript(path: Path, head: bytes) -> bool:
    names = _names(path, head)
    return any(name.endswith("/constants.pkl") for name in names) and any(
        "/code/" in name for name in names
    )


def _is_program(path: Path, head: bytes) -> bool:
    return any(
        name.endswith("/models/model.json") or name == "serialized_exported_program.json"
        for name in _names(path, head)
    )


def _read_torchscript(path: Path) -> Weights:
    """The arrays, without PyTorch; where PyTorch is there, the graph too."""
    weights = replace(torch_zip.READER.read(path), reader=TORCHSCRIPT.name)
    if importlib.util.find_spec("torch") is None:
        return _with(weights, {}, None, "TorchScript; its graph needs the extra 'torch'")
    with tempfile.TemporaryDirectory(prefix="framebridge-") as folder:
        try:
            facts, graph = _run("torchscript", path, Path(folder))
        except WeightsError as error:
            # The arrays may still be of a network that is known here.
            return _with(weights, {}, None, f"TorchScript; it gave no graph: {error.found}")
    return _with(
        weights, facts, graph, "TorchScript, turned into ONNX by PyTorch in its own process"
    )


def _read_program(path: Path) -> Weights:
    _needs("torch", "torch", path)
    with tempfile.TemporaryDirectory(prefix="framebridge-") as folder:
        facts, graph = _run("program", path, Path(folder))
    arrays = {tensor.name: _array_of(tensor) for tensor in graph.graph.initializer}
    weights = Weights(arrays, PROGRAM.name, (path,))
    return _with(
        weights, facts, graph, "an ExportedProgram, turned into ONNX by PyTorch in its own process"
    )


def by_spandrel(weights: Weights) -> Weights:
    """The same weights with the graph of whatever network spandrel recognises in them.

    Raises: RuntimeMissingError: the extra `spandrel` is not installed. WeightsError: spandrel does
        not recognise them either, or its network cannot be written as ONNX.
    """
    _needs("spandrel", "spandrel", Path(weights.place))
    with tempfile.TemporaryDirectory(prefix="framebridge-") as folder:
        given = Path(folder) / "given.npz"
        names = list(weights.arrays)
        _save_arrays(given, [weights.arrays[name] for name in names])
        (Path(folder) / "names.json").write_text(json.dumps(names), "utf-8")
        facts, graph = _run("spandrel", given, Path(folder), place=weights.place)
    return _with(weights, facts, graph, f"spandrel knows it as {facts.get('architecture', '?')}")


def _with(
    weights: Weights, facts: Mapping[str, Any], graph: onnx.ModelProto | None, evidence: str
) -> Weights:
    return replace(
        weights, facts={**weights.facts, **facts}, graph=graph,
        evidence=(*weights.evidence, evidence),
    )  # fmt: skip


def _needs(module: str, extra: str, path: Path) -> None:
    if importlib.util.find_spec(module) is None:
        raise RuntimeMissingError(
            str(path), f"the extra {extra!r}, which this format needs", "none installed",
            f"Run: pip install 'framebridge[{extra}]'",
        )  # fmt: skip


def _save_arrays(path: Path, arrays: Sequence[Array]) -> None:
    with path.open("wb") as file:
        np.savez(file, *arrays)


def _array_of(tensor: onnx.TensorProto) -> Array:
    return np.asarray(onnx.numpy_helper.to_array(tensor))


def _run(
    kind: str, path: Path, folder: Path, place: str = ""
) -> tuple[dict[str, Any], onnx.ModelProto]:
    """What the other process made of a file."""
    place = place or str(path)
    root = str(Path(__file__).parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    log = folder / "log.txt"
    with log.open("wb") as out:
        try:
            done = subprocess.run(
                [sys.executable, "-m", __name__, kind, str(path.resolve()), str(folder)],
                cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=_TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise WeightsError(
                place, f"an ONNX graph within {_TIMEOUT_S} s", "none by then"
            ) from None
    answer, made = folder / "facts.json", folder / "graph.onnx"
    if done.returncode != 0 or not answer.is_file() or not made.is_file():
        raise WeightsError(
            place, "a network that PyTorch can write as ONNX", _last_words(log),
            "What else it holds is not known here.",
        )  # fmt: skip
    if made.stat().st_size > _MOST_GRAPH_BYTES or answer.stat().st_size > _MOST_FACTS_BYTES:
        raise WeightsError(place, f"a graph of at most {_MOST_GRAPH_BYTES:,} bytes", "a larger one")
    return json.loads(answer.read_text("utf-8")), onnx.load(made, load_external_data=False)


def _last_words(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000))
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    words = next((line for line in reversed(lines) if line.strip()), "no answer")
    return " ".join(words.split())[:300]


# ---------------------------------------------------------------------------- in the other process


def _main(kind: str, path: Path, folder: Path) -> None:
    _stay_small()
    import torch

    torch.set_grad_enabled(False)
    torch.set_num_threads(max(1, min(4, os.cpu_count() or 1)))
    if kind == "torchscript":
        module = torch.jit.load(str(path), map_location="cpu").eval()
        facts = _export_any(torch, module, _CHANNELS, folder)
    elif kind == "program":
        facts = _export_program(torch, torch.export.load(path), folder)
    else:
        facts = _export_spandrel(torch, path, folder)
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")


def _stay_small() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _export_spandrel(torch: Any, path: Path, folder: Path) -> dict[str, Any]:
    import spandrel

    names = json.loads((folder / "names.json").read_text("utf-8"))
    with np.load(path, allow_pickle=False) as given:
        state = {
            name: torch.from_numpy(np.array(given[f"arr_{index}"]))
            for index, name in enumerate(names)
        }
    found = spandrel.ModelLoader(device="cpu").load_from_state_dict(state)
    if not isinstance(found, spandrel.ImageModelDescriptor):
        raise SystemExit(f"{found.architecture.name}: not from one picture to one picture")
    facts = _export_any(torch, found.model.float().eval(), (found.input_channels,), folder)
    size = found.size_requirements
    return {
        **facts, "architecture": found.architecture.name, "scale": found.scale,
        "purpose": found.purpose, "tags": list(found.tags), "multiple_of": size.multiple_of,
        "smallest": size.minimum, "range": [0, 1],
    }  # fmt: skip


def _export_any(torch: Any, module: Any, channels: Sequence[int], folder: Path) -> dict[str, Any]:
    """Writes the graph of a network whose input is not known: the first picture that it takes."""
    example, reason = None, ""
    for side in _SIDES:
        for count in channels:
            try:
                example = torch.rand(1, count, side, side)
                module(example)
                break
            except RuntimeError as error:
                example, reason = None, str(error).strip().splitlines()[-1]
        if example is not None:
            break
    if example is None:
        raise SystemExit(f"no network that takes one picture of 1, 3, 4 or 6 channels: {reason}")
    any_size = torch.rand(1, example.shape[1], *_SECOND)
    _write(torch, module, example, {2: "H", 3: "W"}, folder)
    try:
        apart = _difference(module, any_size, folder)
        if apart > _TOLERANCE:
            raise ValueError(f"off by {apart}")
    except Exception:
        # Of many kinds, and all mean one: the graph holds for the example's size alone.
        _write(torch, module, example, {}, folder)
    return {"difference": _difference(module, example, folder)}


def _export_program(torch: Any, program: Any, folder: Path) -> dict[str, Any]:
    (arguments, keywords) = program.example_inputs
    if len(arguments) != 1 or keywords or getattr(arguments[0], "ndim", 0) != 4:
        raise SystemExit("no network that takes one picture")
    inputs = [node for node in program.graph.nodes if node.op == "placeholder"]
    wanted = program.graph_signature.user_inputs[0]
    sides = next(node for node in inputs if node.name == wanted).meta["val"].shape
    axes = {
        axis: letter for axis, letter in ((2, "H"), (3, "W")) if not isinstance(sides[axis], int)
    }
    module, example = program.module(), torch.rand(arguments[0].shape)
    # A program's module knows no training mode, which the writer asks for: a trace of it does.
    _write(torch, torch.jit.trace(module, example, check_trace=False), example, axes, folder)
    return {"difference": _difference(module, example, folder)}


def _write(torch: Any, module: Any, example: Any, axes: dict[int, str], folder: Path) -> None:
    result = {axis: f"{letter}2" for axis, letter in axes.items()}
    torch.onnx.export(
        module, (example,), str(folder / "graph.onnx"), dynamo=False, opset_version=_OPSET,
        input_names=["frame"], output_names=["result"],
        dynamic_axes={"frame": axes, "result": result} if axes else None,
    )  # fmt: skip


def _difference(module: Any, picture: Any, folder: Path) -> float:
    """Between PyTorch and the graph in ONNX Runtime, as a share of the largest value."""
    import onnxruntime

    theirs = module(picture).detach().numpy()
    session = onnxruntime.InferenceSession(
        str(folder / "graph.onnx"), providers=["CPUExecutionProvider"]
    )
    (ours,) = session.run(None, {"frame": picture.numpy()})
    return float(np.abs(ours - theirs).max() / max(1.0, np.abs(theirs).max()))


TORCHSCRIPT = Reader(
    "torchscript", "TorchScript", "*.pt, *.ptl", _is_torchscript, _read_torchscript, extra="torch"
)
PROGRAM = Reader(
    "exported-program", "ExportedProgram", "*.pt2", _is_program, _read_program, "torch"
)

if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
