"""A liquid that stirs itself and two dyes in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .world import Batch, World

SWIRL = 0.22
"""Wave number that grows fastest, radians a pixel: a swirl is about 14 pixels wide."""
REACH = 10.0
"""Pixels over which a vortex drags what is around it. With no such limit each point would move all
others, and no network could see the whole of it from a few pixels."""
GROWTH = 0.06
SATURATION = 0.06
DRAG = 0.55
"""Of speed: pixels a tick for each unit of the stream function's slope."""
STREAM = 14.0
"""What of the stream function is 1 in a state."""
TURN = 0.03
TURN_BY_VORTICITY = 0.08
RESTORE = 0.12
SPREAD = 0.12
MOST = 2.2


class Fluid(World):
    """Two-dimensional flow between four walls, shown by its stream function and two dyes.

    The stream function and not the vorticity, because the flow at a point is then told by the
    pixels around it: its slope. Vorticity grows at the size of a swirl, is damped at all others and
    by its own cube, and is carried along by the flow that it makes: a stream function with
    (laplacian - 1 / REACH^2) of it equal to the vorticity, and zero at the walls. The dyes are the
    two parts of an oscillation that returns to amplitude 1 wherever stirring has thinned it, and
    turns one way or the other with the vorticity; so they can never become all one colour.

    Source: the growth and the cube are those of active turbulence (Wensink and others, 2012), the
    limited reach is the deformation radius of quasi-geostrophic flow, and the dyes are the
    Ginzburg-Landau oscillation.
    """

    name = "fluid"
    ground = np.array([0.5, 0.5, 0.5], np.float32)
    # Stream function, first dye (blue to orange), second dye (brown to pale blue).
    colours = np.array([[0.10, 0.30, 0.16], [0.16, -0.06, 0.22], [0.16, -0.24, 0.08]], np.float32)

    def __init__(self, height: int, width: int) -> None:
        super().__init__(height, width)
        rows, columns = np.arange(2 * height + 2), np.arange(width + 2)
        down = np.pi * np.minimum(rows, 2 * height + 2 - rows) / (height + 1)
        squared = down[:, None] ** 2 + (np.pi * columns[None] / (width + 1)) ** 2
        self._vorticity = -(squared + 1 / REACH**2)
        grown = GROWTH * (1 - 1.5 * ((squared - SWIRL**2) / SWIRL**2) ** 2)
        self._grown = np.exp(np.maximum(grown, -12))
        self._y, self._x = np.mgrid[0:height, 0:width].astype(np.float32)

    def bounded(self, state: Batch) -> Batch:
        return np.clip(state, -MOST, MOST, dtype=np.float32)

    def first_pictures(self, count: int, random: np.random.Generator) -> Batch:
        state = random.normal(0, 0.3, (count, 3, self.height, self.width))
        return self.pictures(state.astype(np.float32))

    def step(self, state: Batch) -> Batch:
        stream = np.pad(STREAM * state[:, 0], ((0, 0), (1, 1), (1, 1)))
        spectrum = _sines(STREAM * state[:, 0]) * self._vorticity * self._grown
        right = DRAG * (stream[:, :-2, 1:-1] - stream[:, 2:, 1:-1]) / 2
        down = DRAG * (stream[:, 1:-1, 2:] - stream[:, 1:-1, :-2]) / 2
        vorticity = self._plane(spectrum)
        vorticity /= np.sqrt(1 + 2 * SATURATION * vorticity**2)
        whole = np.concatenate([vorticity[:, None], state[:, 1:]], axis=1)
        carried = np.stack(
            [
                fetched(one, self._y - dy, self._x - dx)
                for one, dy, dx in zip(whole, down, right, strict=True)
            ]
        )
        dyes = carried[:, 1] + 1j * carried[:, 2]
        dyes = dyes * np.exp(
            RESTORE * (1 - np.abs(dyes) ** 2) + 1j * (TURN + TURN_BY_VORTICITY * carried[:, 0])
        )
        parts = np.stack([dyes.real, dyes.imag], axis=1).astype(np.float32)
        parts += SPREAD * laplacian(parts)
        stream = self._plane(_sines(carried[:, 0]) / self._vorticity) / STREAM
        return self.bounded(np.concatenate([stream[:, None], parts], axis=1))

    def _plane(self, spectrum: npt.NDArray[np.complex128]) -> Batch:
        size = (2 * self.height + 2, 2 * self.width + 2)
        plane = np.fft.irfft2(spectrum, s=size)[:, 1 : self.height + 1, 1 : self.width + 1]
        return plane.astype(np.float32)


def laplacian(planes: Batch) -> Batch:
    """Of nine points, (N, C, H, W); nothing passes the border."""
    p = np.pad(planes, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    sides = p[..., :-2, 1:-1] + p[..., 2:, 1:-1] + p[..., 1:-1, :-2] + p[..., 1:-1, 2:]
    corners = p[..., :-2, :-2] + p[..., :-2, 2:] + p[..., 2:, :-2] + p[..., 2:, 2:]
    spread: Batch = sides * np.float32(0.2) + corners * np.float32(0.05) - planes
    return spread


def _sines(planes: Batch) -> npt.NDArray[np.complex128]:
    """Spectrum of planes (N, H, W) that are zero at the walls: mirrored with the sign turned."""
    count, height, width = planes.shape
    whole = np.zeros((count, 2 * height + 2, 2 * width + 2), np.float32)
    whole[:, 1 : height + 1, 1 : width + 1] = planes
    whole[:, height + 2 :, 1 : width + 1] = -planes[:, ::-1]
    whole[:, :, width + 2 :] = -whole[:, :, width:0:-1]
    return np.fft.rfft2(whole)


def fetched(planes: Batch, y: Batch, x: Batch) -> Batch:
    """Planes (C, H, W) at places between pixels, by Catmull-Rom's cubic."""
    height, width = planes.shape[1:]
    flat = planes.reshape(len(planes), -1)
    top, left = np.floor(y).astype(np.int32), np.floor(x).astype(np.int32)
    down, across = _cubic(y - top), _cubic(x - left)
    columns = [np.clip(left + k - 1, 0, width - 1) for k in range(4)]
    found = np.zeros_like(planes)
    for j in range(4):
        start = np.clip(top + j - 1, 0, height - 1) * width
        row = np.zeros_like(planes)
        for k in range(4):
            row += flat[:, start + columns[k]] * across[k]
        found += row * down[j]
    return found


def _cubic(t: Batch) -> list[Batch]:
    t = t.astype(np.float32)
    square, cube = t * t, t * t * t
    return [
        (-t + 2 * square - cube) / 2,
        1 - (5 * square - 3 * cube) / 2,
        (t + 4 * square - 3 * cube) / 2,
        (cube - square) / 2,
    ]
