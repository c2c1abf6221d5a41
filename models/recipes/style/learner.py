"""How a network learns what a filter finds, and to find the same in a noisy copy that has moved."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from ..recipe import Options
from ..training.learner import Learner, follow, set_cosine_rate
from .bank import SIDE, Bank, bank_of
from .network import LayerNetwork, TileNetwork
from .painting import Painting, Shares

CROP = 112
BATCH = 4
"""Pictures a step; the network sees each of them twice, moved and with other noise."""
RATE = 2e-3
BORDER = 16
"""Pixels beside a cut that are not compared: the filter saw what lies beyond it."""
NOISE = 5.0
"""Of 255, the largest standard deviation."""
BRIGHTNESS = 0.02
FARTHEST = 3
"""Pixels between the two in each direction: whatever its place under the network's stride of four,
a picture is to give the same."""
LAYER_SHARE, SLOPE_SHARE, STEADY_SHARE, ENERGY_SHARE = 0.5, 1.0, 1.5, 0.05
EDGES = 0.95
"""Of the filter's edge energy: what lies on the screen flickers as strongly as it is painted where
the picture moves below it, and the network is to be steadier than the filter."""
DIRECTION_SHARE = 2.0
STEADY_FROM = 0.3
"""Of the run, from where on steadiness has its full share: grey is steadiest of all, and with it
from the start a network may never leave grey."""
SHOWN = 4


class TensorEasel:
    """Of PyTorch's tensors."""

    def join(self, parts: list[Any]) -> Tensor:
        return torch.cat(parts, 1)

    def enlarge(self, value: Tensor, factor: int) -> Tensor:
        return functional.interpolate(value, scale_factor=factor, mode="nearest")

    def mix(self, value: Tensor, shares: Shares) -> Tensor:
        weight = torch.from_numpy(shares)[..., None, None]
        return functional.conv2d(value, weight.to(value.device))


class StyleLearner(Learner):
    """Paired L1 on the painted picture, on its layers and on its slopes."""

    def __init__(
        self, painting: Painting, network: nn.Module, bank: Bank, options: Options, held_back: int
    ) -> None:
        super().__init__(options.seed)
        self.painting, self.device = painting, torch.device(options.device)
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).requires_grad_(False)
        self.networks, self.averages = {"painter": self.network}, {"painter": self.average}
        fused = self.device.type in ("cpu", "cuda")
        self.optimizer = torch.optim.Adam(self.network.parameters(), RATE, fused=fused)
        self.optimizers = {"painter": self.optimizer}
        frames, layers = torch.from_numpy(bank.frames), torch.from_numpy(bank.layers)
        self.frames, self.layers = frames[:-held_back], layers[:-held_back]
        self.kept = frames[-held_back:], layers[-held_back:]
        self.side, self.crop = painting.side(SIDE), painting.side(CROP)
        self.screen = torch.from_numpy(painting.screen_maps())

    def step(self, progress: float) -> float:
        set_cosine_rate(self.optimizer, RATE, progress)
        frame, target, screen, compared = self._batch()
        offset = self._offset()
        again = compared
        if any(offset):
            # What has moved out of sight is no longer what the filter saw beside a border.
            again = functional.pad(compared[..., BORDER:-BORDER, BORDER:-BORDER], [BORDER] * 4)
        frame, target = (torch.cat([part, moved(part, offset)]) for part in (frame, target))
        compared = torch.cat([compared, moved(again, offset)])
        # In bfloat16 a step takes two thirds of the time where the processor has it.
        with torch.autocast(self.device.type, torch.bfloat16):
            found = self.network(self._noisy(frame)).float()
        steady = STEADY_SHARE * min(1.0, progress / STEADY_FROM)
        loss, shown = self._loss(found, target, screen, compared, offset, steady)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        follow(self.average, self.network, self.taken)
        return shown

    def _loss(
        self,
        found: Tensor,
        target: Tensor,
        screen: Tensor,
        compared: Tensor,
        offset: list[int],
        steady: float,
    ) -> tuple[Tensor, float]:
        """And the mean difference of the painted pictures, of 255, for a person.

        Args:
            offset: by how much the second half of all was moved from the first.
            steady: how much it counts that both halves differ.
        """
        wanted = self.paint(target, screen)
        cell = self.painting.cell
        cells = compared[..., cell // 2 :: cell, cell // 2 :: cell]
        by_layer = ((_leaky_clip(found) - target).abs() * cells).mean()
        painted = self.paint(self._without_direction(found.clamp(0, 1)), screen)
        difference = ((painted - wanted).abs() * compared).mean()
        slopes = energy = torch.zeros(())
        for axis in (2, 3):
            mask = compared.narrow(axis, 1, compared.shape[axis] - 1)
            mine, theirs = painted.diff(dim=axis) * mask, wanted.diff(dim=axis) * mask
            slopes = slopes + (mine - theirs).abs().mean()
            energy = energy + (mine.abs().mean() / (theirs.abs().mean() + 1e-3) - EDGES).abs()
        # The screen stays where it is: what has moved is compared before it is painted.
        one, other = (found.clamp(0, 1) if any(offset) else painted).chunk(2)
        unsteady = ((moved(one, offset) - other).abs() * compared[len(one) :]).mean()
        first = self.painting.direction
        turned = found.new_zeros(())
        if first is not None:
            both = (part[:, first : first + 2] for part in (found, target))
            turned = ((next(both) - next(both)).abs() * cells).mean()
        loss = (
            difference + LAYER_SHARE * by_layer + SLOPE_SHARE * slopes
            + steady * unsteady + DIRECTION_SHARE * turned + ENERGY_SHARE * energy
        )  # fmt: skip
        return loss, 255 * difference.item()

    def _without_direction(self, layers: Tensor) -> Tensor:
        """A direction is learnt as a layer: which strokes it picks turns over within a few degrees,
        so the slope of the painted picture says little about it."""
        first = self.painting.direction
        if first is None:
            return layers
        parts = layers[:, :first], layers[:, first : first + 2].detach(), layers[:, first + 2 :]
        return torch.cat(parts, 1)

    def paint(self, layers: Tensor, screen: Tensor) -> Tensor:
        painted: Tensor = self.painting.compose(layers, screen, TensorEasel())
        return painted

    def _offset(self) -> list[int]:
        """Rows and columns; a grid of tiles stays where it is."""
        return self._integers(-FARTHEST, FARTHEST + 1, 2) if self.painting.cell == 1 else [0, 0]

    def _integers(self, low: int, high: int, count: int) -> list[int]:
        drawn: list[int] = torch.randint(low, high, (count,), generator=self.random).tolist()
        return drawn

    def _batch(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Frames, layers, the screen under them, and 1 where they are compared.

        All crops of a batch lie at the same place of the screen, so that one map serves them.
        """
        cell, crop = self.painting.cell, self.crop
        room = (self.side - crop) // cell
        frames, targets, masks = [], [], []
        for index in self._integers(0, len(self.frames), BATCH):
            # A third of the crops touch each border: there the network learns what it is.
            places = self._integers(-room // 2, room + room // 2 + 1, 2)
            row, column = (min(max(0, at), room) for at in places)
            cells = self.layers[index, :, row : row + crop // cell, column : column + crop // cell]
            top, left = row * cell, column * cell
            frame = self.frames[index, :, top : top + crop, left : left + crop]
            turned = self._turned(frame, cells.float() / 255, self._mask(row, column, room))
            for part, into in zip(turned, (frames, targets, masks), strict=True):
                into.append(part)
        top, left = (cell * at for at in self._integers(0, self.screen.shape[1] // cell, 2))
        screen = self.screen.roll((-top, -left), (1, 2))[None, :, :crop, :crop]
        frame = torch.stack(frames).float() / 255
        parts = frame, torch.stack(targets), screen, torch.stack(masks)
        on = [p.to(self.device) for p in parts]
        return on[0], on[1], on[2], on[3]

    def _mask(self, row: int, column: int, room: int) -> Tensor:
        """(1, crop, crop): 0 beside a cut, 1 elsewhere."""
        cell, crop = self.painting.cell, self.crop
        border = -(-BORDER // cell) * cell
        mask = torch.zeros(1, crop, crop)
        bottom, right = crop - border * (row < room), crop - border * (column < room)
        mask[:, border * (row > 0) : bottom, border * (column > 0) : right] = 1
        return mask

    def _turned(self, frame: Tensor, layers: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Mirrored in both ways and turned by a quarter, at random."""
        if self.painting.cell > 1:
            # What holds for a tile is told by its own left and right.
            return frame, layers, mask
        parts = [frame, layers, mask]
        flip, mirror, turn = self._integers(0, 2, 3)
        for wanted, axis in ((flip, 1), (mirror, 2)):
            if wanted:
                parts = [p.flip(axis) for p in parts]
        if turn:
            parts = [p.transpose(1, 2) for p in parts]
        first = self.painting.direction
        if first is not None:
            layers = parts[1].clone()
            if flip != mirror:
                layers[first + 1] = 1 - layers[first + 1]
            if turn:
                layers[first] = 1 - layers[first]
            parts[1] = layers
        return tuple(parts)

    def _noisy(self, frame: Tensor) -> Tensor:
        """Other noise and brightness for each picture, as between two frames of a camera."""
        count = len(frame)
        amount = torch.rand(count, 1, 1, 1, generator=self.random) * (NOISE / 255)
        noise = torch.randn(frame.shape, generator=self.random) * amount
        gain = 1 + BRIGHTNESS * (2 * torch.rand(count, 1, 1, 1, generator=self.random) - 1)
        noisy = (frame * gain.to(self.device) + noise.to(self.device)).clamp(0, 1)
        return noisy.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def check(self) -> dict[str, float]:
        """On pictures held back: difference from the filter, change under noise, edge energy."""
        frames, layers = self._kept()
        painted, wanted = self._shown(frames), self.paint(layers, self._screen())
        noise = torch.randn(frames.shape, generator=torch.Generator().manual_seed(0)) * (2 / 255)
        noisy = self._shown((frames + noise.to(self.device)).clamp(0, 1))
        return {
            "l1_255": 255 * (painted - wanted).abs().mean().item(),
            "under_noise_255": 255 * (noisy - painted).abs().mean().item(),
            "edges": _slope(painted) / _slope(wanted),
        }

    def _kept(self) -> tuple[Tensor, Tensor]:
        frames, layers = (part.to(self.device).float() / 255 for part in self.kept)
        return frames, layers

    def _screen(self) -> Tensor:
        repeated = self.screen.repeat(1, 2, 2)[None, :, : self.side, : self.side]
        return repeated.to(self.device)

    def _shown(self, frames: Tensor) -> Tensor:
        return self.paint(self.average(frames).clamp(0, 1), self._screen())

    @torch.no_grad()
    def preview(self, path: Path) -> None:
        """Rows of frame, filter and network."""
        frames, layers = (part[: 2 * SHOWN] for part in self._kept())
        rows = [frames, self.paint(layers, self._screen()), self._shown(frames)]
        sheet = torch.cat([torch.cat(list(row), 2) for row in rows], 1)
        pixels = (sheet.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
        Image.fromarray(np.ascontiguousarray(pixels)).save(path)


def network_of(painting: Painting) -> nn.Module:
    if painting.cell == 1:
        return LayerNetwork(painting.count, coloured=painting.coloured)
    return TileNetwork(painting.count, painting.cell)


def learner(painting: Painting, options: Options, *, held_back: int) -> StyleLearner:
    bank = bank_of(painting, options.data, options.trained / f"style-{painting.name}", options.seed)
    torch.manual_seed(options.seed)
    network = network_of(painting)
    return StyleLearner(painting, network, bank, options, held_back)


def moved(pictures: Tensor, offset: list[int]) -> Tensor:
    """Down and to the right by so many pixels; what comes in repeats what was at the border."""
    if not any(offset):
        return pictures
    far = max(abs(step) for step in offset)
    padded = functional.pad(pictures, [far] * 4, mode="replicate")
    top, left = (far - step for step in offset)
    return padded[..., top : top + pictures.shape[2], left : left + pictures.shape[3]]


def _leaky_clip(values: Tensor) -> Tensor:
    """0 to 1, and a little beyond: a layer that is fully on or off has found its value."""
    return values.clamp(0, 1) + 0.05 * (values - values.clamp(0, 1))


def _slope(pictures: Tensor) -> float:
    return sum(pictures.diff(dim=axis).abs().mean().item() for axis in (2, 3))
