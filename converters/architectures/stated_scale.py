"""The scale of an upscaler whose arrays do not tell it."""

from __future__ import annotations

from bridge.errors import NetworkError
from converters.weights import Weights

LARGEST_SCALE = 16


def stated_scale(weights: Weights) -> int | None:
    """What was asked for on the command line, `facts["options"]["scale"]`; None for nothing."""
    options = weights.facts.get("options")
    scale = options.get("scale") if isinstance(options, dict) else None
    if isinstance(scale, int) and not isinstance(scale, bool) and 2 <= scale <= LARGEST_SCALE:
        return scale
    return None


def check_stated_scale(weights: Weights, scale: int) -> None:
    """
    Args:
        scale: that of the arrays, which tell it.
    Raises: NetworkError: another one was asked for.
    """
    stated = stated_scale(weights)
    if stated not in (None, scale):
        raise NetworkError(
            f"{weights.place} --scale", f"{scale}, which its arrays tell", f"{stated}",
            "Leave --scale out.",
        )  # fmt: skip
