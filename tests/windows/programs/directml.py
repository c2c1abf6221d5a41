"""What DirectML's variant of ONNX Runtime says, and what becomes of it where it falls back.

`directml`, with that variant before all other packages.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from bridge.errors import FramebridgeError
from bridge.inference.backends import onnxruntime


def main() -> dict[str, Any]:
    import onnxruntime as runtime

    model = doubling()
    raw = runtime.InferenceSession(
        model, providers=["DmlExecutionProvider", "CPUExecutionProvider"]
    )
    found = {
        "version": runtime.__version__,
        "listed": onnxruntime.available_providers(),
        "what_it_took_without_a_word": raw.get_providers(),
        "error": {},
    }
    try:
        onnxruntime.compile_graph(model, provider="directml")
    except FramebridgeError as error:
        found["error"] = error.as_map()
    for name, words in (
        ("allowed", {"provider": "directml", "allow_fallback": True}),
        ("auto", {}),
    ):
        compiled = onnxruntime.compile_graph(model, **words)  # type: ignore[arg-type]
        numbers, doubled = np.arange(4, dtype=np.float32), np.zeros(4, np.float32)
        compiled.run({"x": numbers}, {"y": doubled})
        execution = compiled.execution
        found[name] = [execution.provider, execution.note, doubled.tolist()]
    return found


def doubling() -> bytes:
    """A graph that adds a vector to itself."""
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    serialized: bytes = model.SerializeToString()
    return serialized


if __name__ == "__main__":
    print(json.dumps(main()))
