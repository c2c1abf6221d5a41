"""How the network is taught."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..training.learner import Learner, follow, set_cosine_rate
from .data import Patches, Sample
from .muon import Muon
from .network import Shape, UpscaleNetwork, resampled_tail


@dataclass(frozen=True, slots=True)
class Teaching:
    """
    Attributes:
        side: of a patch, in pixels of the low resolution.
        batch: patches in a step.
        rate: of Adam, for all but the convolutions between features, at the start.
        muon_rate: for those.
    """

    side: int = 32
    batch: int = 24
    rate: float = 2e-3
    muon_rate: float = 0.02


class UpscaleLearner(Learner):
    def __init__(
        self, shape: Shape, training: list[Sample], watching: list[Sample], seed: int,
        teaching: Teaching = Teaching(), device: str = "cpu",
    ) -> None:  # fmt: skip
        super().__init__(seed)
        self.teaching, self.device, self.watching = teaching, device, watching
        self.patches = Patches(training, teaching.side)
        self.network = UpscaleNetwork(shape).to(device)
        self.average = copy.deepcopy(self.network).eval()
        # Channels last: two thirds of the time of a step on a processor.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        inner = self.network.inner()
        outer = [p for p in self.network.parameters() if all(p is not weight for weight in inner)]
        self.networks["upscale"], self.averages["upscale"] = self.network, self.average
        self.optimizers["adam"] = torch.optim.Adam(outer, teaching.rate, fused=True)
        self.optimizers["muon"] = Muon(inner, teaching.muon_rate)

    def begin_with(self, weights: Mapping[str, Tensor]) -> None:
        """Take the weights of a network of the same shape but for its scale."""
        taken = {
            name: resampled_tail(weight, self.network.shape.scale)
            if name.startswith("tail.")
            else weight
            for name, weight in weights.items()
        }
        self.network.load_state_dict(taken)
        self.average.load_state_dict(taken)

    def step(self, progress: float) -> float:
        set_cosine_rate(self.optimizers["adam"], self.teaching.rate, progress)
        set_cosine_rate(self.optimizers["muon"], self.teaching.muon_rate, progress)
        low, missing = self.patches.draw(self.teaching.batch, self.random)
        # bfloat16 halves the time of a step where the processor has it; weights stay float32.
        with torch.autocast(torch.device(self.device).type, torch.bfloat16):
            correction = self.network.correction(low.to(self.device))
        loss = nn.functional.l1_loss(correction.float(), missing.to(self.device))
        for optimizer in self.optimizers.values():
            optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in self.optimizers.values():
            optimizer.step()
        follow(self.average, self.network, self.taken)
        return 255 * loss.item()

    def check(self) -> dict[str, float]:
        return {"gain_db": gain_over_bicubic(self.average, self.watching)}


@torch.no_grad()
def gain_over_bicubic(network: UpscaleNetwork, samples: list[Sample]) -> float:
    """PSNR of the network minus PSNR of bicubic, mean over `samples`, in dB."""
    gains = [
        10 * math.log10(_mean_square(s.missing) / _mean_square(_left(network, s))) for s in samples
    ]
    return sum(gains) / len(gains)


def _left(network: UpscaleNetwork, sample: Sample) -> Tensor:
    low = sample.low[None].to(network.bicubic.device)
    return sample.missing - network.correction(low)[0].cpu()


def _mean_square(difference: Tensor) -> float:
    return float(difference.square().mean())
