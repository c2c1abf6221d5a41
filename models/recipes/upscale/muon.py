"""The optimizer of the convolutions between features."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """Steps of momentum whose singular values are all made about equal.

    A filter bank (O, I, kh, kw) is taken as a matrix (O, I * kh * kw). Directions that the gradient
    hardly points to are learned as fast as those that it is full of.
    Source: K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024).
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state: dict[str, Any] = self.state[weight]
                if not state:
                    state["momentum"] = torch.zeros_like(weight)
                state["momentum"].mul_(MOMENTUM).add_(weight.grad)
                ahead = weight.grad + MOMENTUM * state["momentum"]
                weight.add_(orthogonal(ahead.flatten(1)).view_as(weight), alpha=-group["lr"])


def orthogonal(matrix: Tensor, rounds: int = 5) -> Tensor:
    """About U V^T of `matrix` = U S V^T, its singular values between 0.7 and 1.2 instead of S.

    Args:
        matrix: float (M, N), not zero.
    Source: the quintic Newton-Schulz iteration of the same authors.
    """
    wide = matrix if len(matrix) <= matrix.shape[1] else matrix.T
    wide = wide / (wide.norm() + 1e-7)
    for _ in range(rounds):
        square = wide @ wide.T
        wide = 3.4445 * wide + (-4.7750 * square + 2.0315 * square @ square) @ wide
    return wide if len(matrix) <= matrix.shape[1] else wide.T
