"""Tells pieces of photographs from pieces of what the network makes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTHS = (24, 48, 96)


class Critic(nn.Module):
    """Judges overlapping pieces of 46 pixels, each with the lines in it: above 0 for real."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inside = 1 + 3
        for width in WIDTHS:
            convolution = nn.Conv2d(inside, width, 4, 2, 1)
            layers += [nn.utils.parametrizations.spectral_norm(convolution), nn.LeakyReLU(0.2)]
            inside = width
        layers.append(nn.utils.parametrizations.spectral_norm(nn.Conv2d(inside, 1, 4, 1, 1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, pieces: Tensor) -> Tensor:
        """
        Args:
            pieces: (N, 4, H, W), the lines first, -1 to 1.
        Returns: (N, 1, H / 8 - 1, W / 8 - 1).
        """
        judged: torch.Tensor = self.layers(pieces)
        return judged
