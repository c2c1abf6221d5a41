"""Whether a graph is the network that it was built from: the same inputs through both."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from bridge.errors import ParityError, RuntimeMissingError
from bridge.inference.manifest import FrameInput, FrameOutput, LatentInput, ParameterInput, Parity
from converters.architectures.base import Architecture, Framework, Network
from converters.references.numpy_ops import NumpyOps
from converters.references.ops import Ops
from converters.references.original_file import OriginalFile
from converters.weights import Array, Weights

TOLERANCE = 1e-3
"""Of 255."""
_OPS = {"torch": ("torch_ops", "TorchOps"), "tensorflow": ("tensorflow_ops", "TensorFlowOps")}


@dataclass(frozen=True, slots=True)
class Measured:
    """
    Attributes:
        against: what the graph was compared with.
        max_abs_error: the largest difference of any value of the picture, of 255.
    """

    against: str
    max_abs_error: float

    def for_manifest(self) -> Parity:
        return Parity(against=self.against, max_abs_error=self.max_abs_error, unit="of 255")


def ops_of(framework: Framework) -> Ops:
    """The arithmetic of a framework.

    Raises: RuntimeMissingError: it is not installed.
    """
    if framework not in _OPS:
        return own_ops(framework)
    module, name = _OPS[framework]
    try:
        ops: Ops = getattr(importlib.import_module(f"converters.references.{module}"), name)()
    except ImportError as error:
        raise RuntimeMissingError(
            "parity", framework, str(error),
            "Install it for the proof alone: pip install 'framebridge[parity]'. Converted packages "
            "do not need it.",
        ) from None  # fmt: skip
    return ops


def own_ops(framework: Framework) -> Ops:
    """What every machine has to hold a graph against: a calculation of our own, or the file itself
    where that is a graph."""
    return OriginalFile() if framework == "onnx" else NumpyOps()


def inputs_for(
    network: Network, size: tuple[int, int] | None = None, seed: int = 0
) -> dict[str, Array]:
    """Values for every input of a network: noise over soft shapes, so that borders, flat areas and
    edges are all there.

    Args:
        size: width and height of the frame; the network's own `try_size` otherwise.
    """
    random = np.random.default_rng(seed)
    values: dict[str, Array] = {}
    for port in network.inputs:
        if isinstance(port, FrameInput):
            width, height = port.size.fixed or size or network.try_size
            low, high = port.range
            channels = 1 if port.channels == "Y" else 3
            rows, columns = np.mgrid[0:height, 0:width] / 8.0
            waves = [
                np.sin(rows * (c + 1) / 2) * np.cos(columns * (c + 2) / 3) for c in range(channels)
            ]
            picture = (
                0.5
                + 0.35 * np.stack(waves)
                + 0.15 * random.uniform(-1, 1, (channels, height, width))
            )
            values[port.name] = (low + (high - low) * picture.clip(0, 1))[None].astype(np.float32)
        elif isinstance(port, LatentInput):
            values[port.name] = random.standard_normal((1, port.length)).astype(np.float32)
        elif isinstance(port, ParameterInput):
            values[port.name] = _default(port)
    return values


def _default(port: ParameterInput) -> Array:
    if port.kind == "choice":
        return np.asarray([port.choices.index(str(port.default))], np.int64)
    dtype = {"bool": np.bool_, "int": np.int64}.get(port.kind, np.float32)
    return np.atleast_1d(np.asarray(port.default, dtype))


def run(model: bytes | Path, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The graph's outputs by name, from ONNX Runtime on the processor.

    Args:
        model: serialized, or its file, which takes half the memory.
    """
    try:
        session = session_of(model)
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))
    except Exception as error:  # the runtime's own exceptions share no base
        place = "the graph" if isinstance(model, bytes) else str(model)
        reason = " ".join(str(error).split())[:300]
        raise ParityError(place, "a graph that runs", reason) from None


def session_of(model: bytes | Path) -> Any:
    """An onnxruntime.InferenceSession on the processor, silent."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # One run needs no second copy of the weights in another order, and no memory kept for more.
    options.add_session_config_entry("session.disable_prepacking", "1")
    options.enable_cpu_mem_arena = False
    given = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])


def measure(
    architecture: Architecture, network: Network, weights: Weights, config: object, ops: Ops,
    inputs: Mapping[str, Array], stored: Path | None = None,
) -> Measured:  # fmt: skip
    """How far the graph is from the reference.

    Args:
        stored: the file of the graph, where `network` holds its outline alone.
    Raises: ParityError: the results differ in shape, or are not finite.
    """
    found = run(stored or network.model.SerializeToString(), inputs)
    expected = architecture.reference(ops, weights, config, inputs)
    worst = 0.0
    for port in network.outputs:
        result, reference = found[port.name], np.asarray(expected[port.name])
        if result.shape != reference.shape:
            raise ParityError(weights.place, f"a result of {reference.shape}", f"{result.shape}")
        span = 1.0
        if isinstance(port, FrameOutput):
            low, high = port.range
            span = 255 / (high - low)
        difference = np.abs(result.astype(np.float64) - reference).max() * span
        if not np.isfinite(difference):
            raise ParityError(weights.place, "finite results", "NaN or infinity")
        worst = max(worst, float(difference))
    return Measured(ops.against, worst)
