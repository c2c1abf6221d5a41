"""What the command line uses; PyTorch is loaded only when a run begins."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

from bridge.errors import RuntimeMissingError, TrainerMissingError

from .plan import COMMAND, Order

if TYPE_CHECKING:
    from .run import Outcome
    from .telling import Tell

__all__ = ["COMMAND", "Order", "check_installed", "train"]

INSTALL = "pip install 'framebridge[train]'"


def check_installed() -> None:
    """
    Raises: TrainerMissingError: PyTorch is not there, or is broken. RuntimeMissingError: ONNX
        Runtime is, which proves that a package is the network that was trained.
    """
    try:
        importlib.import_module("torch")
    except (ImportError, OSError) as error:
        raise TrainerMissingError(
            "PyTorch", "PyTorch, which training needs", str(error), f"Install it: {INSTALL}"
        ) from None
    # From 1.31 on it would otherwise keep a record of each run and send it to its maker.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        importlib.import_module("onnxruntime")
    except (ImportError, OSError) as error:
        raise RuntimeMissingError(
            "ONNX Runtime", "an ONNX Runtime", str(error),
            "Install one: pip install 'framebridge[cpu]' (or directml, or cuda).",
        ) from None  # fmt: skip


def train(order: Order, tell: Tell) -> Outcome:
    """As `run.train`."""
    from .run import train as run

    return run(order, tell)
