"""RGB around networks that know only Y, and the bicubic that goes with them.

Y is linear in RGB and so is bicubic: the Y of an enlarged picture is the enlarged Y. Cb and Cr that
stay those of the bicubic therefore need no calculation at all. A network that corrects the
bicubic Y by d gives RGB = bicubic(RGB) + d / (weight of white), alike for R, G and B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from converters.graph import NetworkGraph
from converters.weights import Array

_RADIUS = 2
"""Of bicubic, in pixels of the small picture."""
_SHARPNESS = -0.5
"""Keys' a, as Pillow and MATLAB have it."""


@dataclass(frozen=True, slots=True)
class Luma:
    """How Y, Cb and Cr are made of R, G and B, all on one scale (of 1, or of 255).

    Attributes:
        matrix: (3, 3), rows Y, Cb, Cr, columns R, G, B. The rows of Cb and Cr sum to 0.
        offsets: of Y, Cb and Cr, of 255.
    """

    matrix: tuple[tuple[float, float, float], ...]
    offsets: tuple[float, float, float]

    @property
    def weights(self) -> Array:
        """(3,) float64, of R, G and B in Y."""
        return np.asarray(self.matrix[0], np.float64)

    @property
    def rise(self) -> float:
        """How much R, G and B rise where Y alone rises by 1: the column of Y in the inverse of the
        matrix, whose three values are alike since greys have no Cb and Cr."""
        return float(1 / self.weights.sum())

    def forward(self) -> tuple[Array, Array]:
        """Matrix (3, 3) and offset (3,) for values of 1: YCbCr = matrix RGB + offset."""
        return np.asarray(self.matrix, np.float64), np.asarray(self.offsets, np.float64) / 255

    def backward(self) -> tuple[Array, Array]:
        """Matrix and offset for values of 1: RGB = matrix YCbCr + offset."""
        matrix, offset = self.forward()
        inverse = np.linalg.inv(matrix)
        return inverse, -inverse @ offset


DCSCN_STUDIO = Luma(
    (
        (65.738 / 256, 129.057 / 256, 25.064 / 256),
        (-37.945 / 256, -74.494 / 256, 112.439 / 256),
        (112.439 / 256, -94.154 / 256, -18.285 / 256),
    ),
    (16.0, 128.0, 128.0),
)
"""BT.601 studio range in the digits of DCSCN's helper/utilty.py."""

STUDIO = Luma(
    (
        (65.481 / 255, 128.553 / 255, 24.966 / 255),
        (-37.797 / 255, -74.203 / 255, 112.0 / 255),
        (112.0 / 255, -93.786 / 255, -18.214 / 255),
    ),
    (16.0, 128.0, 128.0),
)
"""BT.601 studio range, 16 to 235, in the digits of MATLAB's rgb2ycbcr."""

FULL = Luma(
    (
        (0.299, 0.587, 0.114),
        (-0.299 / 1.772, -0.587 / 1.772, 0.5),
        (0.5, -0.587 / 1.402, -0.114 / 1.402),
    ),
    (0.0, 128.0, 128.0),
)
"""BT.601 full range, 0 to 255: JPEG's, and OpenCV's YCrCb."""


def to_luma(graph: NetworkGraph, rgb: str, luma: Luma, white: float = 255.0) -> str:
    """Y with its offset, (1, 1, H, W), of RGB of 1.

    Args:
        white: what 255 is in the result: 255 for Y of 255, 1 for Y of 1.
    """
    weights = (luma.weights * white).reshape(1, 3, 1, 1)
    offset = luma.offsets[0] / 255 * white
    return graph.conv(rgb, weights, np.asarray([offset]) if offset else None)


def to_ycbcr(graph: NetworkGraph, rgb: str, luma: Luma) -> str:
    """RGB of 1 to Y, Cb, Cr of 1."""
    return _mixed(graph, rgb, *luma.forward())


def to_rgb(graph: NetworkGraph, ycbcr: str, luma: Luma) -> str:
    """Y, Cb, Cr of 1 to RGB of 1."""
    return _mixed(graph, ycbcr, *luma.backward())


def _mixed(graph: NetworkGraph, x: str, matrix: Array, offset: Array) -> str:
    return graph.conv(x, matrix[:, :, None, None], offset)


def with_detail(graph: NetworkGraph, rgb: str, detail: str, scale: int) -> str:
    """The bicubic of RGB, and what a network adds to its Y.

    Args:
        rgb: (1, 3, H, W), of 1.
        detail: (1, 1, H * scale, W * scale), of 1: the difference in Y, times `Luma.rise`.
    """
    return graph.add("Add", [bicubic(graph, rgb, 3, scale), detail])


def with_luma(graph: NetworkGraph, rgb: str, raised: str, scale: int, luma: Luma) -> str:
    """The colour differences of the bicubic of RGB, and a network's own Y.

    Args:
        rgb: (1, 3, H, W), of 1.
        raised: (1, 1, H * scale, W * scale), of 1: Y without its offset, times `Luma.rise`.
    """
    colour = np.eye(3) - luma.rise * luma.weights[None]
    return graph.add("Add", [bicubic(graph, rgb, 3, scale, colour), raised])


def bicubic(
    graph: NetworkGraph, x: str, channels: int, scale: int, mixing: Array | None = None
) -> str:
    """Pillow's bicubic of floats, to 1e-4 of 255, borders included: (1, C, H * scale, W * scale).

    Pillow leaves out what lies beyond the border and divides by the sum of the weights that remain.
    That is a zero-padded convolution divided by the same convolution of ones, which is the product
    of one for the rows and one for the columns. No mode of Resize means this in every runtime.

    Args:
        mixing: (C, C) that each pixel is multiplied with on the way; it costs no node.
    """
    along = _kernel(scale)
    if mixing is None:
        mixing = np.eye(channels)
    taps = along.shape[1]
    phases = np.einsum("rh,cw,oi->rcoihw", along, along, mixing).reshape(-1, channels, taps, taps)
    enlarged = graph.depth_to_space(graph.conv(x, phases, pads=(_RADIUS,) * 4), scale)
    sums = graph.add("Mul", [_sums(graph, x, channels, along, axis) for axis in (2, 3)])
    return graph.add("Div", [enlarged, sums])


def _sums(graph: NetworkGraph, x: str, channels: int, along: Array, axis: int) -> str:
    """For each row (axis 2) or column (3) of the enlarged picture the sum of its weights that lie
    within: 1 but at the borders."""
    line = graph.slice(x, [0], [1], [5 - axis])
    # Zero times any input and one: a line of ones of the right length, without shape arithmetic.
    ones = graph.conv(line, np.zeros((1, channels, 1, 1)), np.ones(1))
    scale = along.shape[0]
    kernel = along[:, ::-1].T.reshape((1, 1, -1, 1) if axis == 2 else (1, 1, 1, -1))
    margin = scale * _RADIUS
    rows, columns = (1, 0) if axis == 2 else (0, 1)
    return graph.add(
        "ConvTranspose", [ones, graph.constant(kernel, np.float32)],
        kernel_shape=list(kernel.shape[2:]),
        strides=[scale * rows + columns, scale * columns + rows],
        pads=[margin * rows, margin * columns] * 2,
    )  # fmt: skip


def _kernel(scale: int) -> Array:
    """(scale, 5): for each place within an enlarged pixel the weights of its surroundings."""
    taps = np.arange(-_RADIUS, _RADIUS + 1)
    places = (np.arange(scale) + 0.5) / scale - 0.5
    along = _keys(taps[None, :] - places[:, None])
    return np.asarray(along / along.sum(1, keepdims=True))


def _keys(distance: Array) -> Array:
    """Source: Keys, "Cubic convolution interpolation for digital image processing", 1981."""
    x, a = np.abs(distance), _SHARPNESS
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))


def bicubic_reference(x: Array, scale: int) -> Array:
    """The same enlargement by one matrix for the rows and one for the columns, in float64, as
    Pillow's Resample.c works out its coefficients: (1, C, H, W) to (1, C, H * scale, W * scale)."""
    rows, columns = (_coefficients(side, scale) for side in x.shape[2:])
    return np.asarray(rows @ np.asarray(x, np.float64) @ columns.T)


def _coefficients(side: int, scale: int) -> Array:
    """(side * scale, side): row i holds the weights of the pixels that enlarged pixel i is of."""
    matrix = np.zeros((side * scale, side))
    for place in range(side * scale):
        centre = (place + 0.5) / scale
        first, end = max(int(centre - 2 + 0.5), 0), min(int(centre + 2 + 0.5), side)
        weights = [_bicubic_filter(pixel - centre + 0.5) for pixel in range(first, end)]
        matrix[place, first:end] = np.asarray(weights) / sum(weights)
    return matrix


def _bicubic_filter(x: float) -> float:
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1
    return ((-0.5 * x + 2.5) * x - 4) * x + 2 if x < 2 else 0.0


def luma_reference(rgb: Array, luma: Luma, white: float = 255.0) -> Array:
    """Y with its offset of RGB (1, 3, H, W) of 1, in float64: (1, 1, H, W)."""
    red, green, blue = np.asarray(rgb, np.float64)[0] * white
    r, g, b = luma.matrix[0]
    return np.asarray(r * red + g * green + b * blue + luma.offsets[0] * white / 255)[None, None]


def with_luma_reference(rgb: Array, y: Array, scale: int, luma: Luma) -> Array:
    """The whole way: RGB of 1 to YCbCr, Cb and Cr enlarged, a network's Y of 255 (1, 1, H * scale,
    W * scale) put in, and back to RGB of 1."""
    colours = bicubic_reference(to_ycbcr_reference(rgb, luma)[:, 1:], scale)
    return to_rgb_reference(np.concatenate([y / 255, colours], axis=1), luma)


def to_ycbcr_reference(rgb: Array, luma: Luma) -> Array:
    """RGB (1, 3, H, W) of 1 to Y, Cb, Cr of 1, in float64."""
    matrix, offset = luma.forward()
    return np.asarray(np.einsum("oi,bihw->bohw", matrix, rgb) + offset.reshape(1, 3, 1, 1))


def to_rgb_reference(ycbcr: Array, luma: Luma) -> Array:
    """Y, Cb, Cr (1, 3, H, W) of 1 to RGB of 1, in float64."""
    matrix, offset = luma.forward()
    shifted = np.asarray(ycbcr, np.float64) - offset.reshape(1, 3, 1, 1)
    return np.linalg.solve(matrix, shifted.reshape(3, -1)).reshape(shifted.shape)
