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
    "A blend of next-fluid and next-growth by weights, half of each, keeps its contrast but nearly "
    "comes to rest: change falls from 2 to 0.3 to 1.2 of 255 within 400 ticks, at `speed` 2 too, "
    "which does not reach the aim of a quarter of the simulation's. Both were trained from one "
    "start; nothing else was tried for it. With a fifth of the other it still moves by 1.5 to 2.",
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
        speed=1.3,
        limits=[
            *_LIMITS,
            "What it draws is softer than the simulation, and moves less where it is unsure: at "
            "`speed` 1 by half. So the knob stands at 1.3, where it is as right after one tick as "
            "at 1 (mean error 2.2 of 255, at 1 2.1, standing still 4.7).",
        ],
    ),
    "next-growth": About(
        name="next-growth",
        title="Growth",
        description="Something that grows, divides, wears out its soil and grows again, gold and "
        "violet. The network has learned what a simulated reaction does in one tick, and begins "
        "growing on whatever picture it is given. " + _KNOBS,
        recipe="make train NAME=next-start && make train NAME=next-growth",
        data=_DATA.format("growth"),
        limits=_LIMITS,
    ),
}
