"""What every architecture has to show: its graph is its network, in both runtimes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from converters import parity
from converters.architectures.base import Architecture, Network
from converters.references.ops import Ops
from converters.weights import Array, Weights

SHARED = Path(__file__).parents[3] / "shared" / "data"


def weights_of(arrays: Mapping[str, Array], **facts: Any) -> Weights:
    return Weights(dict(arrays), "test", (Path("weights"),), facts)


def shared(name: str) -> Path:
    """A real file; the test is skipped where these are not there."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"no {path}: real weights are not part of the project")
    return path


def random_arrays(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Array]:
    """Kernels that keep the size of what passes through them, small biases."""
    random = np.random.default_rng(seed)
    return {
        name: (
            random.standard_normal(shape) / np.sqrt(max(np.prod(shape[1:]), 1))
            if len(shape) > 1
            else 0.1 * random.standard_normal(shape)
        ).astype(np.float32)
        for name, shape in shapes.items()
    }


def changed(
    arrays: Mapping[str, Array], change: Mapping[str, tuple[int, ...] | None]
) -> dict[str, Array]:
    """The arrays with zeros of these shapes in place of some, or without those that are None."""
    kept = {name: array for name, array in arrays.items() if name not in change}
    shapes = {name: shape for name, shape in change.items() if shape is not None}
    return {**kept, **{name: np.zeros(shape, np.float32) for name, shape in shapes.items()}}


def openvino_run(model: onnx.ModelProto, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """float32 on the processor."""
    openvino = pytest.importorskip("openvino")
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(model.SerializeToString()), "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    results = compiled(dict(inputs))
    # A tensor may keep several names there, of which any is "any".
    return {name: np.array(results[port]) for port in compiled.outputs for name in port.names}


def prove(
    architecture: Architecture, weights: Weights, *sizes: tuple[int, int],
    tolerance: float = parity.TOLERANCE, ops: Ops | None = None,
) -> Network:  # fmt: skip
    """The architecture recognises the arrays; its graph is within `tolerance` of 255 of its
    reference at each of `sizes` (width, height), and OpenVINO within as much of ONNX Runtime."""
    found = architecture.recognise(weights)
    network = architecture.build(weights, found.config)
    assert network.model.ir_version <= 10
    assert [opset.version for opset in network.model.opset_import] == [17]
    for size in sizes or (network.try_size,):
        inputs = parity.inputs_for(network, size)
        measured = parity.measure(
            architecture, network, weights, found.config, ops or parity.NumpyOps(), inputs
        )
        assert measured.max_abs_error <= tolerance, f"{size}: {measured}"
        ours = parity.run(network.model.SerializeToString(), inputs)
        theirs = openvino_run(network.model, inputs)
        for port in network.outputs:
            low, high = getattr(port, "range", (0, 255))
            apart = np.abs(ours[port.name] - theirs[port.name]).max() * 255 / (high - low)
            assert apart <= 10 * tolerance, f"{size}: OpenVINO differs by {apart} of 255"
    return network
