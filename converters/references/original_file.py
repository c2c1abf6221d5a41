"""The reference of what is a graph already: the file itself, run as it was."""

from __future__ import annotations

import onnxruntime

from converters.references.numpy_ops import NumpyOps


class OriginalFile(NumpyOps):
    """Names the reference; the file holds every operation."""

    against = f"the file itself, as it was, in ONNX Runtime {onnxruntime.__version__}"
