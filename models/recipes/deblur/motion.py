"""Where each point of a scene moves to while the shutter is open: random, but as cameras move.

Times run from -1 (the shutter opens) to 1 (it closes); at 0 nothing is displaced, which is when the
sharp picture is taken. Lengths are in pixels of the picture that is warped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

LONGEST = 14.0
"""Pixels of the finished picture that a point may travel while the shutter is open."""
TURN_SHARE, ZOOM_SHARE = 0.5, 0.5
"""How far a corner may travel by turning and by zooming, against LONGEST."""
DEPTH_CELLS = 4
MESH = 33
"""Points in each direction at which a displacement is worked out."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A movement of the camera before a scene that is not equally far everywhere.

    Attributes:
        height, width: of the picture that is moved.
        shift: (2, 3), x and y: coefficients of time, its square and its cube; pixels.
        turn: (3,), radians.
        zoom: (3,), unitless.
        nearness: (MESH, MESH), over the whole picture: what shift and zoom are multiplied by,
            about 1.
    """

    height: int
    width: int
    shift: Tensor
    turn: Tensor
    zoom: Tensor
    nearness: Tensor

    def displacement(self, time: float) -> Tensor:
        """(MESH, MESH, 2), x and y, pixels."""
        powers = torch.tensor([time, time**2, time**3])
        x = torch.linspace(-1, 1, MESH)[None, :] * (self.width - 1) / 2
        y = torch.linspace(-1, 1, MESH)[:, None] * (self.height - 1) / 2
        angle, zoom = float(self.turn @ powers), float(self.zoom @ powers)
        cos, sin = math.cos(angle) - 1, math.sin(angle)
        dx, dy = (float(value) for value in self.shift @ powers)
        return torch.stack(
            [
                (dx + zoom * x) * self.nearness + cos * x - sin * y,
                (dy + zoom * y) * self.nearness + sin * x + cos * y,
            ],
            dim=-1,
        )

    def moved(self, picture: Tensor, time: float) -> Tensor:
        """What stands at each pixel then; mirrored at the borders.

        Args:
            picture: float (C, H, W).
        """
        along = torch.linspace(-1, 1, MESH)
        y, x = torch.meshgrid(along, along, indexing="ij")
        # The unit of grid_sample: -1 and 1 are the centres of the outermost pixels.
        unit = torch.tensor([2 / (self.width - 1), 2 / (self.height - 1)])
        places = torch.stack([x, y], dim=-1) + self.displacement(time) * unit
        # Between the mesh's points by straight lines: the mesh is what makes this cheap.
        fine = functional.interpolate(
            places.permute(2, 0, 1)[None], (self.height, self.width), mode="bilinear",
            align_corners=True,
        )  # fmt: skip
        found: Tensor = functional.grid_sample(
            picture[None], fine.permute(0, 2, 3, 1), padding_mode="reflection", align_corners=True
        )[0]
        return found


def draw_motion(height: int, width: int, longest: float, random: torch.Generator) -> Motion:
    """A movement of which no point travels much more than `longest` pixels."""
    radius = math.hypot(height, width) / 2
    direction = _uniform(random, 0, 2 * math.pi)
    # Half of the way for half of the open time.
    along = longest / 2 * _uniform(random, 0.2, 1)
    shift = torch.stack([
        _path(along * math.cos(direction), random, bend=0.35 * along),
        _path(along * math.sin(direction), random, bend=0.35 * along),
    ])  # fmt: skip
    turn = longest / 2 * TURN_SHARE * _uniform(random, -1, 1) ** 3 / radius
    zoom = longest / 2 * ZOOM_SHARE * _uniform(random, -1, 1) ** 3 / radius
    return Motion(
        height,
        width,
        shift,
        _path(turn, random, bend=0.3 * abs(turn)),
        _path(zoom, random, bend=0.2 * abs(zoom)),
        _nearness(_uniform(random, 0, 0.6), random),
    )


def smooth_noise(height: int, width: int, cells: int, random: torch.Generator) -> Tensor:
    """(H, W), mean 0, within about -2 to 2, that changes over about a `cells`-th of the picture."""
    coarse = torch.randn((1, 1, cells + 3, cells + 3), generator=random)
    fine: Tensor = functional.interpolate(
        coarse, (height, width), mode="bicubic", align_corners=True
    )[0, 0]
    return fine.clamp(-2, 2)


def _nearness(spread: float, random: torch.Generator) -> Tensor:
    noise = smooth_noise(MESH, MESH, DEPTH_CELLS, random)
    slope = torch.linspace(-1, 1, MESH)[:, None] * _uniform(random, -1, 1)
    return 1 + spread * (0.35 * noise + 0.5 * slope)


def _path(speed: float, random: torch.Generator, bend: float) -> Tensor:
    """Coefficients of time, time squared and cubed."""
    square, cube = (torch.rand(2, generator=random) * 2 - 1).tolist()
    return torch.tensor([speed, bend * square, bend * cube])


def _uniform(random: torch.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand((), generator=random))
