"""How close an exported graph is to the network that was trained, for the manifest to state."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridge.inference.manifest import Parity


def difference_of_255(found: Any, wanted: Any) -> float:
    """The largest difference of two arrays of 1, of 255; infinite if one of them is not finite."""
    largest = 255 * float(np.abs(np.asarray(found) - np.asarray(wanted)).max())
    return largest if np.isfinite(largest) else float("inf")


def parity_of(worst: float, limit: float, against: str) -> Parity:
    """
    Args:
        worst: the largest difference that was found, of 255.
        against: what the graph was compared with, and on what.
    Raises: ValueError: `worst` is larger than `limit`.
    """
    if worst > limit:
        raise ValueError(f"the graph differs from the network by {worst:.2e} of 255 ({against})")
    return Parity(against=against, max_abs_error=float(f"{worst:.1e}"), unit="of 255")
