"""What a generator's package shows when the bridge runs it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.frames import FrameFormat
from bridge.inference.latent import LatentWalk
from bridge.inference.manifest import Graph, LatentInput, Manifest
from bridge.inference.package import save
from bridge.inference.runner import Runner, RunOptions
from converters.architectures.base import Network


def pictures(
    network: Network, folder: Path, seeds: Iterable[int], **parameters: float
) -> list[npt.NDArray[np.uint8]]:
    """The first picture of each seed, uint8 (H, W, 4), RGBA; no frame goes in.

    Args:
        folder: where the package is written.
    """
    manifest = Manifest(
        format=1, name="generator", version="1.0.0", task=network.task, license="unknown",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=network.inputs, outputs=network.outputs,
    )  # fmt: skip
    package = save(folder, manifest, {"model.onnx": network.model.SerializeToString()})
    options = RunOptions(provider="cpu", threads=1)
    runner = Runner(package, FrameFormat(width=16, height=16), options)
    runner.set_parameters(parameters)
    shown = []
    for seed in seeds:
        runner.reset(seed)
        shown.append(np.zeros(runner.result.shape, np.uint8))
        runner.run(None, shown[-1])
    runner.close()
    return shown


def code_of(network: Network, seed: int) -> npt.NDArray[Any]:
    """float32 (1, length): what the bridge gives a package of one latent code at that seed."""
    (port,) = (port for port in network.inputs if isinstance(port, LatentInput))
    walk = LatentWalk(port, 0)
    walk.go_to(seed, 0)
    return walk.value
