"""What a training step of the deblurring network is, and how it is watched."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from ..recipe import Options
from ..training.learner import Learner, follow, set_cosine_rate
from .bank import Pair, Patches, find_pictures, split
from .network import STRIDE, DeblurNetwork
from .preview import write_progress
from .store import stored_bank

NAME = "deblur-motion"
PAIRS, HELD_OUT_PAIRS = 1600, 24
PATCH_SIDE, BATCH = 96, 4
LEARNING_RATE = 1e-3
WARM_UP_STEPS = 200
GRADIENT_LIMIT = 0.5
FLAT_SHARE = 0.03
PREVIEW_PAIRS = 4
LEAST_ERROR, LEAST_SQUARED_ERROR = 1.5 / 255, (3 / 255) ** 2
SQUARED_FROM = 0.63
"""Progress from which errors count squared. What a blur took is rare and strong: where a network is
not sure, the likeliest single value is nothing, but the mean, which PSNR asks for, is not."""
SPECTRUM_SHARE = 0.5
"""Weight of the difference of spectra beside that of pixels: it counts fine detail as much as
coarse, where the mean over pixels alone is content with a soft picture."""


class DeblurLearner(Learner):
    """L1 of pixels and of the spectrum, against that of the blurred patches; the loss is unitless.

    Args:
        training, held_out: pairs; those held out are only looked at.
        network: to start from.
    """

    def __init__(
        self, options: Options, training: list[Pair], held_out: list[Pair],
        network: DeblurNetwork | None = None,
    ) -> None:  # fmt: skip
        super().__init__(options.seed)
        network, average = network or DeblurNetwork(), DeblurNetwork()
        average.load_state_dict(network.state_dict())
        self.device = torch.device(options.device)
        # Channels last, bfloat16 and the fused Adam: a third of the time of a step on a CPU.
        network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        average.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.networks = {"deblur": network}
        self.averages = {"deblur": average}
        self.optimizers = {
            "deblur": torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=True)
        }
        self.patches = Patches(training, PATCH_SIDE, FLAT_SHARE)
        self.held_out = held_out

    def step(self, progress: float) -> float:
        network, optimizer = self.networks["deblur"], self.optimizers["deblur"]
        warmth = min(1.0, (self.taken + 1) / WARM_UP_STEPS)
        set_cosine_rate(optimizer, LEARNING_RATE * warmth, progress)
        blurred, sharp = (side.to(self.device) for side in self.patches.draw(BATCH, self.random))
        with torch.autocast(self.device.type, torch.bfloat16):
            found = network(blurred)
        loss_of = relative_loss if progress < SQUARED_FROM else relative_squared_loss
        loss = loss_of(found.float(), blurred, sharp)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
        optimizer.step()
        follow(self.averages["deblur"], network, self.taken)
        return float(loss.item())

    @torch.no_grad()
    def check(self) -> dict[str, float]:
        """Gain over the blurred pictures that are held back, without each picture's mean error."""
        gains = []
        for pair in self.held_out:
            blurred, sharp = (_as_frame(p).to(self.device) for p in (pair.blurred, pair.sharp))
            found = self.averages["deblur"](blurred).clamp(0, 1)
            gains.append(psnr_unbiased_db(found, sharp) - psnr_unbiased_db(blurred, sharp))
        return {"gain_db": sum(gains) / len(gains), "worst_db": min(gains)}

    @torch.no_grad()
    def preview(self, path: Path) -> None:
        rows = []
        for pair in self.held_out[:PREVIEW_PAIRS]:
            blurred, sharp = (_as_frame(p) for p in (pair.blurred, pair.sharp))
            found = self.averages["deblur"](blurred.to(self.device)).cpu().clamp(0, 1)
            rows.append([blurred[0], found[0], sharp[0]])
        write_progress(rows, path)


def learner(options: Options) -> DeblurLearner:
    """From nothing, on the pictures of `options.data`.

    Raises: FileNotFoundError: they are not there.
    """
    training, held_out = split(find_pictures(options.data / "train-images"))
    folder = options.trained / NAME
    return DeblurLearner(
        options,
        stored_bank(folder / "pairs.pt", training, PAIRS, PATCH_SIDE, options.seed),
        # Of one seed always, so that runs can be compared.
        stored_bank(folder / "held_out.pt", held_out, HELD_OUT_PAIRS, PATCH_SIDE, 0),
    )


def relative_loss(found: Tensor, blurred: Tensor, sharp: Tensor) -> Tensor:
    """What is left of the error, against what it was before: 1 for a network that does nothing.

    Each patch counts by itself, for PSNR is a mean of logarithms: a long blur, of which little can
    be undone, would otherwise outweigh the short ones, of which most can.
    Args: float (N, 3, H, W), of 1.
    Source: the spectrum's part follows Cho et al., Rethinking Coarse-to-Fine Approach in Single
        Image Deblurring, 2021.
    """
    before = (blurred - sharp).abs().mean((1, 2, 3)) + LEAST_ERROR
    pixels = (found - sharp).abs().mean((1, 2, 3))
    spectrum = torch.fft.rfft2(found - sharp, norm="ortho").abs().mean((1, 2, 3))
    left = (pixels + SPECTRUM_SHARE * spectrum) / (1 + SPECTRUM_SHARE)
    return (left / before).mean()


def relative_squared_loss(found: Tensor, blurred: Tensor, sharp: Tensor) -> Tensor:
    """As `relative_loss`, of squared errors of pixels alone."""
    before = (blurred - sharp).square().mean((1, 2, 3)) + LEAST_SQUARED_ERROR
    return ((found - sharp).square().mean((1, 2, 3)) / before).mean()


def psnr_unbiased_db(found: Tensor, sharp: Tensor) -> float:
    """PSNR of pictures of 1 after removing the mean error of each colour.

    At most that of an error of one level of 255, or pictures that were never blurred would decide
    the mean over several.
    """
    error = found - sharp
    error = error - error.mean((-2, -1), keepdim=True)
    return -10 * math.log10(max(255**-2, float(error.square().mean())))


def _as_frame(picture: Tensor) -> Tensor:
    """(1, 3, H, W) of 1, cut to sides that the network takes."""
    height, width = (STRIDE * (side // STRIDE) for side in picture.shape[1:])
    return picture[None, :, :height, :width].float() / 255
