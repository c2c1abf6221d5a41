"""The U-Net of pix2pix as a `.pict` has it, and its weights as arrays of such a file.

`converters.architectures.pix2pix` is what the file is read by: names, shapes and wiring must match.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from converters.architectures.pix2pix import DEPTH, Config, Names, layers_of
from converters.weights import Array

DOWN = (16, 32, 64, 128, 64, 64, 64, 64)
UP = (64, 64, 64, 128, 64, 32, 16, 3)
NAMES = Names("conv2d/kernel", "conv2d_transpose/kernel", ("conv2d/bias", "conv2d_transpose/bias"))
SLOPE = 0.2
EPSILON = 1e-5
DROPPED = 3
"""Layers of the decoder whose results are dropped by half in training: the smallest."""


class Pix2PixNetwork(nn.Module):
    """Eight layers down, eight up, each normalised by the statistics of the picture at hand."""

    def __init__(self, down: tuple[int, ...] = DOWN, up: tuple[int, ...] = UP) -> None:
        """
        Args:
            down, up: channels of the results of encoder_1 to encoder_8 and of decoder_8 to
                decoder_1.
        """
        super().__init__()
        self.layers = layers_of(Config(NAMES, (*down, *up)))
        self.config = Config(NAMES, (*down, *up))
        self.convolutions = nn.ModuleList()
        self.norms = nn.ModuleList()
        for layer in self.layers:
            kind = nn.ConvTranspose2d if layer.up else nn.Conv2d
            convolution = kind(layer.inside, layer.outside, 4, 2, 1)
            # Transposed, with a stride of 2, each result is met by a quarter of the kernel.
            reach = layer.inside * (4 if layer.up else 16)
            nn.init.normal_(convolution.weight, std=math.sqrt(2 / (reach * (1 + SLOPE**2))))
            nn.init.zeros_(convolution.bias)
            self.convolutions.append(convolution)
            norm = nn.InstanceNorm2d(layer.outside, EPSILON, affine=True)
            self.norms.append(norm if layer.normed else nn.Identity())
        last = self.convolutions[-1]
        assert isinstance(last, nn.ConvTranspose2d)
        nn.init.normal_(last.weight, std=0.02)

    def forward(self, drawing: Tensor, random: torch.Generator | None = None) -> Tensor:
        """
        Args:
            drawing: (N, 3, 256, 256), -1 to 1.
            random: chooses what is dropped; without it nothing is.
        Returns: the same shape and range.
        """
        x, skips = drawing, list[Tensor]()
        for index, layer in enumerate(self.layers):
            number = index - DEPTH
            if layer.up:
                if number:
                    x = torch.cat([x, skips.pop()], 1)
                x = functional.relu(x)
            elif index:
                skips.append(x)
                x = functional.leaky_relu(x, SLOPE)
            if index == DEPTH - 1:
                # One pixel is its own mean: what normalisation leaves of it is its offset.
                norm = self.norms[index]
                assert isinstance(norm, nn.InstanceNorm2d)
                assert norm.bias is not None
                x = norm.bias.view(1, -1, 1, 1).expand(len(x), -1, 1, 1)
                continue
            x = self.norms[index](self.convolutions[index](x))
            if random is not None and 0 <= number < DROPPED:
                kept = torch.rand(x.shape[:2] + x.shape[2:], generator=random) < 0.5
                x = x * (2.0 * kept.to(x.device))
        return torch.tanh(x)


def arrays_of(network: Pix2PixNetwork) -> dict[str, Array]:
    """Every array by its name in a `.pict`, in the axes of TensorFlow."""
    found: dict[str, Array] = {}
    for layer, convolution, norm in zip(
        network.layers, network.convolutions, network.norms, strict=True
    ):
        weight, bias = (getattr(convolution, part).detach() for part in ("weight", "bias"))
        values = [weight.permute(2, 3, 1, 0), bias]
        if layer.normed:
            values += [norm.weight.detach(), norm.bias.detach()]
        names = layer.arrays(NAMES)
        for (name, shape), value in zip(names.items(), values, strict=True):
            assert tuple(value.shape) == shape
            found[name] = value.cpu().contiguous().numpy()
    return found
