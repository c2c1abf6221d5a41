"""What the cards of the upscalers say."""

from __future__ import annotations

from .network import Shape

_TIMES = {2: "Doubles", 3: "Triples", 4: "Quadruples"}
_PART = {2: "half", 3: "a third of", 4: "a quarter of"}

# By data set and scale; measured ones with the checkpoints that the authors publish.
_DCSCN = {
    ("Set5", 2): {"c-DCSCN, published": 37.15, "c-DCSCN, measured": 37.12},
    ("Set14", 2): {"c-DCSCN, published": 32.74, "c-DCSCN, measured": 32.70},
    ("Set5", 3): {"c-DCSCN, published": 33.09, "c-DCSCN, measured": 33.08},
    ("Set14", 3): {"c-DCSCN, published": 29.47, "c-DCSCN, measured": 29.43},
    ("Set5", 4): {"c-DCSCN, published": 30.85},
    ("Set14", 4): {"c-DCSCN, published": 27.76},
}


def published(dataset: str, scale: int) -> dict[str, float]:
    """What to hold a figure against, in dB.

    Source: the tables of jiny2001/dcscn-super-resolution, and its checkpoints.
    """
    return _DCSCN.get((dataset, scale), {})


def description(scale: int) -> str:
    return (
        f"{_TIMES[scale]} the width and height of each frame; edges and lettering come out sharper "
        f"than by bicubic. For whoever renders at {_PART[scale]} the resolution to save time. A "
        "small convolutional network corrects the bicubic enlargement in luma; colour differences "
        "are those of bicubic."
    )


def architecture(shape: Shape, trained: int) -> str:
    narrow = f", one of {shape.narrow}" if shape.narrow else ""
    return (
        f"{shape.body + 1} convolutions of {shape.width} channels{narrow} and one to "
        f"{shape.subpixels} sub-pixels, on luma, {trained:,} trained parameters, added to bicubic"
    )


def limits(name: str, radius: int) -> list[str]:
    """
    Args:
        radius: how far a pixel looks, in pixels of the frame.
    """
    return [
        "Trained on clean pictures that were reduced by bicubic: noise, compression artifacts and "
        "the jagged edges of a renderer without anti-aliasing are sharpened too.",
        f"Within {radius} pixels of the frame's border, beyond which the network sees black, fine "
        "detail can leave a faint echo.",
        "Text and stripes finer than a pixel of the frame come out as sharp shapes of another "
        "form, not as what they were.",
        "Set14 is measured with its one picture of a single channel as its own Y, as DCSCN does; "
        "through the range 16 to 235 the mean would be 0.09 dB higher, for bicubic too.",
        *_OF_ONE.get(name, []),
    ]


_OF_ONE: dict[str, list[str]] = {
    "upscale-x2": [
        "The aim of 37.3 dB on Set5 is reached, that of 32.95 dB on Set14 is not: the convolution "
        "of 16 channels before the last one halves what the last one costs. The second half of "
        "28,000 steps gained less than 0.03 dB on pictures held back; Muon instead of Adam brought "
        "most of what there is.",
    ],
}
