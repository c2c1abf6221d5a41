"""A leaky slope that is learned, one for a whole layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Slope(nn.PReLU):
    """PReLU of one slope, whose own gradients take a third of the time of a step on a processor."""

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = _Leaky.apply(x, self.weight)
        return result


class _Leaky(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, slope: Tensor) -> Tensor:
        context.save_for_backward(x, slope)
        return functional.leaky_relu(x, slope.item())

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, slope = context.saved_tensors
        of_slope = (gradient * x.clamp(max=0)).sum(dtype=slope.dtype).view_as(slope)
        of_x = torch.ops.aten.leaky_relu_backward(gradient, x, slope.item(), False)
        return of_x, of_slope
