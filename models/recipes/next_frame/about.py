"""What the manifests of the packages say that cannot be counted."""

from __future__ import annotations

from .export import About

_DATA = "nothing but the simulation of the recipe, models/recipes/next_frame/{}.py"
_KNOBS = (
    "It plays by itself: under the policy `free` it begins with noise and is fed with its own "
    "result. `inject` lets the engine's frames in, `speed` slows it down or drives it on."
)
_LIMITS = [
    "The result is a state of its own, and not a picture of the engine's frame: with `inject` at 0 "
    "no frame is looked at, with 1 each frame is carried on by one tick.",
    "It learned at 80x80 pixels; swirls and fronts are as many pixels wide at any size, so that a "
    "large frame shows more of them, not larger ones.",
    "One rounding decides where it goes after some hundred ticks: another processor, precision or "
    "runtime gives another course, of the same kind.",
    "Half of the weights of next-fluid and half of those of next-growth are a package, too: a "
    "growth that stirs itself. Over 600 ticks from the five starts its contrast was 0.73 to 1.04 "
    "times, its change per tick 1.18 to 1.66 times that of either simulation, at `speed` 1.3.",
]

ABOUT = {
    "next-start": About(
        name="next-start",
        title="Common start",
        description="What next-fluid and next-growth were trained from. Not shipped.",
        recipe="make train NAME=next-start",
        data=_DATA.format("fluid"),
    ),
    "next-fluid": About(
        name="next-fluid",
        title="Fluid",
        description="A liquid that stirs itself, blue, rust and cream, for ever. The network has "
        "learned what a simulated liquid with two dyes does in one tick, and begins swirling from "
        "whatever picture it is given. " + _KNOBS,
        recipe="make train NAME=next-start && make train NAME=next-fluid",
        data=_DATA.format("fluid"),
        limits=[
            *_LIMITS,
            "What it draws is softer than the simulation. After one tick it is off by 1.7 of 255 "
            "on average, where standing still is off by 5.6.",
        ],
    ),
    "next-growth": About(
        name="next-growth",
        title="Growth",
        description="Something that grows, divides, wears out its soil and grows again, gold and "
        "violet. The network has learned what a simulated reaction does in one tick, and begins "
        "growing on whatever picture it is given. " + _KNOBS,
        recipe="make train NAME=next-start && make train NAME=next-fluid && "
        "make train NAME=next-growth ARGS=--export-only",
        data=_DATA.format("growth"),
        limits=_LIMITS,
    ),
}
