"""What a package is shown with: by which policy, on which frames, in which size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bridge.errors import UsageError
from bridge.inference.manifest import (
    LatentInput,
    Manifest,
    ParameterInput,
    StateInput,
    check_parameters,
)

DEFAULT_SIZE = (320, 180)
LARGER_SIZE = (480, 270)
"""For models that do not enlarge, if two processor cores can keep up with them."""
_MACS, _MACS_EACH_TICK = 4e9, 1.2e9
"""For a frame of LARGER_SIZE at most: of a model that answers frames, and of one that should tick
sixty times a second."""
INJECTED = 0.1
"""What `--inject` turns a knob of that name to, unless it was set."""
_FROM_FRAMES = ("upscale", "deblur", "stylize", "refocus")
"""Tasks whose models need a frame at each tick, even if they remember something."""

Frames = Literal["none", "scene", "blurred", "lines"]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Attributes:
        policy: latest, lockstep or free.
        frames: what is submitted: nothing, a scene, the same with motion blur, or a drawing.
        size: width and height of the stream's frames; None: the clip's own.
        parameters: knobs to open the stream with.
    """

    policy: str
    frames: Frames
    size: tuple[int, int] | None
    parameters: dict[str, object]


def plan(
    manifest: Manifest,
    *,
    policy: str = "",
    size: tuple[int, int] | None = None,
    clip: bool = False,
    inject: bool = False,
    parameters: Mapping[str, object] | None = None,
) -> Plan:
    """How to show a package.

    Args:
        policy: "" chooses: `free` for what goes on from its own last picture or takes no frame,
            else `latest`.
        clip: there are frames of a file to be shown.
        inject: the source's frames go into a model that plays by itself.
    Raises: UsageError: the options do not suit the package, or there is nothing to look at.
        ParameterError: a knob is unknown, or out of bounds.
    """
    values = dict(parameters or {})
    check_parameters(manifest.parameters, values)
    port, result = manifest.frame_input, manifest.frame_output
    if result is None:
        gives = ", ".join(sorted({type(o).__name__.removesuffix("Output").lower()
                                  for o in manifest.outputs}))  # fmt: skip
        raise UsageError("--model", "a package that makes a picture",
                         f"{manifest.name}, which gives {gives}")  # fmt: skip
    state = any(isinstance(p, StateInput) for p in manifest.inputs)
    if port is None:
        if not state and not any(isinstance(p, LatentInput) for p in manifest.inputs):
            raise UsageError(
                "--model", "a package that takes a frame, a state or a latent code",
                f"{manifest.name}, which takes none of them",
                "It would make the same picture at each tick.",
            )  # fmt: skip
        for option, given in (("--inject", inject), ("--source", clip)):
            if given:
                raise UsageError(
                    option, "a model that takes frames", f"{manifest.name}, which plays by itself",
                    f"Leave {option} away.",
                )  # fmt: skip
        if policy not in ("", "free"):
            raise UsageError("--policy", f"free: {manifest.name} takes no frame to be answered",
                             repr(policy), "Leave --policy away.")  # fmt: skip
        assert result.size is not None
        return Plan("free", "none", (result.size[0], result.size[1]), values)
    plays_itself = state and manifest.task not in _FROM_FRAMES
    policy = policy or ("free" if plays_itself else "latest")
    if inject and policy != "free":
        raise UsageError(
            "--inject", "a model that plays by itself",
            f"{manifest.name} under the policy {policy}, where every frame goes in",
            "Leave --inject away.",
        )  # fmt: skip
    knob = manifest.parameters.get("inject")
    if (inject or clip) and policy == "free" and knob is not None and "inject" not in values:
        values["inject"] = _turned_up(knob)
    fed = policy != "free" or not plays_itself or inject or clip or bool(values.get("inject"))
    chosen = _size(manifest, size, clip, policy == "free")
    return Plan(policy, _frames(manifest) if fed else "none", chosen, values)


def _turned_up(knob: ParameterInput) -> object:
    if knob.kind == "bool":
        return True
    if knob.kind != "float" or knob.default:
        return knob.default
    assert knob.min is not None
    assert knob.max is not None
    return min(max(INJECTED, knob.min), knob.max)


def _frames(manifest: Manifest) -> Frames:
    assert manifest.frame_input is not None
    if manifest.frame_input.content == "lines":
        return "lines"
    return "blurred" if manifest.task == "deblur" else "scene"


def _size(
    manifest: Manifest, size: tuple[int, int] | None, clip: bool, free: bool
) -> tuple[int, int] | None:
    """The size asked for; else the model's only one; else one that it can keep up with."""
    port, result = manifest.frame_input, manifest.frame_output
    assert port is not None
    assert result is not None
    wanted = port.size
    if size or clip:
        return size
    if wanted.fixed:
        return wanted.fixed[0], wanted.fixed[1]
    width, height = LARGER_SIZE
    macs = manifest.cost.macs_per_input_pixel * width * height
    if result.scale > 1 or macs > (_MACS_EACH_TICK if free else _MACS):
        width, height = DEFAULT_SIZE
    if any(isinstance(port, StateInput) for port in manifest.inputs):
        of = wanted.multiple_of  # what is padded would be cut from the picture that it goes on from
        width, height = -(-width // of) * of, -(-height // of) * of
    least, most = wanted.min or [1, 1], wanted.max or [16384, 16384]
    return min(max(width, least[0]), most[0]), min(max(height, least[1]), most[1])
