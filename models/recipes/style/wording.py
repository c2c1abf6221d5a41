"""What the cards of the styles say."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.inference.manifest import Quality
from converters.scores.flicker import FILTER, METRIC, METRIC_EDGES

DATA = (
    "T91 (Yang et al.), 60 pictures of BSD200, 40 photographs of edges2shoes, and drawings that "
    "the recipe makes; none of them is in the package"
)
EDGES_WITHIN = 0.10


@dataclass(frozen=True, slots=True)
class Words:
    title: str
    description: str
    architecture: str
    tried: str
    limits: tuple[str, ...] = ()


_ON_THE_SCREEN = (
    "do not move with the picture: they lie on the screen, as the grain of a canvas does. A frame "
    "cut in pieces would show where the pieces meet."
)
_AT_A_QUARTER = (
    "one 8x8 convolution of stride 4, four residual blocks of two 3x3 convolutions with 32 "
    "channels, pixel shuffle"
)

WORDS = {
    "ink": Words(
        title="Ink",
        description=(
            "Draws each frame with a brush: black lines along edges, hatching in the shade, a wash "
            "of indigo over the darker tones and one of vermilion over warm colours, on paper. The "
            "network learned lines, shade and washes from a filter that would take seconds a frame "
            "(differences of Gaussians along the flow of edges); paper and hatching are drawn."
        ),
        architecture=f"{_AT_A_QUARTER} to four layers, laid on paper by arithmetic",
        tried="a loss on what differs between two noisy copies, and on the mean of three of them",
        limits=(
            f"Paper and hatching {_ON_THE_SCREEN}",
            "Lettering smaller than about 12 pixels, and textures finer than about 3, become "
            "strokes.",
            "Colours other than warm ones are told apart by their lightness alone.",
        ),
    ),
    "oil": Words(
        title="Oil",
        description=(
            "Paints each frame in oil: patches of rich colour with clean borders, and thick "
            "strokes of a bristle brush that follow the edges, lit from the upper left. The "
            "network learned colour and direction from a filter that would take seconds a frame "
            "(Kuwahara's, along the flow of edges); the strokes themselves are drawn."
        ),
        architecture=(
            f"{_AT_A_QUARTER} to direction, and to colour as a change of a soft frame; brushed on "
            "by arithmetic"
        ),
        tried=(
            "a loss on what differs between two noisy copies up to three pixels apart, and 0.95 of "
            "the filter's edge energy as the aim"
        ),
        limits=(
            f"The strokes {_ON_THE_SCREEN} Which of them are seen follows the picture.",
            "Faces smaller than about 60 pixels, and lettering, are lost in the strokes.",
        ),
    ),
    "mosaic": Words(
        title="Mosaic",
        description=(
            "Lays each frame in glass tiles of 12 pixels, each of one colour, with grout between "
            "them; a tile that a contour crosses is cut in two along it. The network learned the "
            "colours and cuts of tiles from a filter; tiles and grout are drawn, lit from the "
            "upper left."
        ),
        architecture=(
            "one 8x8 convolution of stride 4, two residual blocks of 32 channels, then two of 64 "
            "channels with one value a tile, to two colours and a cut for each tile, laid in grout "
            "by arithmetic"
        ),
        tried="a loss on what differs between two noisy copies, and on the mean of six of them",
        limits=(
            "The grid is fixed on the screen: what moves passes from tile to tile, and a tile "
            "changes its colour and its cut as it does. Steady means here that a tile changes no "
            "more than the picture under it does, and not because of noise.",
            f"Tiles and grout {_ON_THE_SCREEN}",
            "Tiles have one size, 12 pixels: give a smaller frame for larger tiles.",
        ),
    ),
}


def aims(name: str, quality: list[Quality]) -> list[str]:
    """What was aimed at on the clip and not reached, and what was tried."""
    found = {figure.metric: figure for figure in quality}
    missed = []
    changes, edges = found[METRIC], found[METRIC_EDGES]
    if changes.value >= changes.baseline[FILTER]:
        missed.append(
            f"It was to flicker less than the filter that it learned from, and does not: "
            f"{changes.value:.2f} against {changes.baseline[FILTER]:.2f} on {changes.dataset}. "
            f"Tried: {WORDS[name].tried}."
        )
    ratio = edges.value / edges.baseline[FILTER]
    if abs(ratio - 1) > EDGES_WITHIN:
        missed.append(
            f"Its edge energy was to be within 10 per cent of the filter's, and is {ratio:.2f} "
            f"times that on {edges.dataset}."
        )
    return missed
