"""Activation ranges: what comes out of each convolution."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from .diary import LayerRange

SILENT = 1e-4
"""Standard deviation over a frame below which a channel says the same everywhere."""
_TAIL = 0.01
_MOST = 200_000


def layer_ranges(network: nn.Module, frames: npt.NDArray[np.float32]) -> list[LayerRange]:
    """
    Args:
        frames: float (N, 3, H, W), 0 to 1: the same every time, or ranges cannot be compared.
    Returns: in the order in which the network calculates them.
    """
    found: list[LayerRange] = []

    def watch(name: str, layer: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(_layer: nn.Module, _given: tuple[Tensor, ...], made: Tensor) -> None:
            found.append(_range(name.removesuffix(".convolution"), made.detach()))

        return layer.register_forward_hook(note)

    device = next(network.parameters()).device
    hooks = [
        watch(name, layer)
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d)
    ]
    try:
        with torch.inference_mode():
            network(torch.from_numpy(frames).to(device))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _range(name: str, made: Tensor) -> LayerRange:
    values = made.float().flatten()
    values = values[:: max(1, len(values) // _MOST)]
    low, high = torch.quantile(values, torch.tensor([_TAIL, 1 - _TAIL], device=made.device))
    silent = (made.float().std(dim=(2, 3)).mean(dim=0) < SILENT).float().mean()
    return LayerRange(name, float(low), float(high), float(values.std()), float(silent))
