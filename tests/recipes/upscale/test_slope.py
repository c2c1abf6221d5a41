"""The activation equals PyTorch's, and so do its gradients."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from models.recipes.upscale.slope import Slope  # noqa: E402


def test_it_is_prelu_of_one_slope() -> None:
    torch.manual_seed(0)
    values = torch.randn(2, 3, 5, 7)
    seen = []
    for activation in (torch.nn.PReLU(1, 0.2), Slope(1, 0.2)):
        x = values.clone().requires_grad_()
        result = activation(x)
        (result * values.flip(3)).sum().backward()
        seen.append((result.detach(), x.grad, activation.weight.grad))
    for wanted, found in zip(*seen, strict=True):
        assert torch.allclose(wanted, found, rtol=1e-5, atol=1e-6)
