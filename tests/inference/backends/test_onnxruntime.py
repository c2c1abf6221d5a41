"""ONNX Runtime: memory bound in place, providers compared with what was asked for."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bridge.errors import InferenceError, ProviderError, RuntimeMissingError
from bridge.inference.backends import onnxruntime as backend

SHAPE = (2, 3)


@pytest.fixture(scope="module")
def negation() -> bytes:
    """255 - x, uint8 (2, 3)."""
    values = [helper.make_tensor_value_info(n, TensorProto.UINT8, SHAPE) for n in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("BitwiseNot", ["x"], ["y"])], "negation", values[:1], values[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _arrays(value: int) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"x": np.full(SHAPE, value, np.uint8)}, {"y": np.zeros(SHAPE, np.uint8)}


def test_the_result_is_written_at_the_address_that_was_given(negation: bytes) -> None:
    compiled = backend.compile_graph(negation, provider="cpu")
    memory = np.zeros((4, *SHAPE), np.uint8)
    for slot in (2, 0, 2):
        memory[:] = 7
        compiled.run({"x": np.full(SHAPE, 250, np.uint8)}, {"y": memory[slot]})
        assert (memory[slot] == 5).all()
        assert (np.delete(memory, slot, 0) == 7).all()


def test_what_lies_in_a_slot_is_read_at_each_run(negation: bytes) -> None:
    compiled = backend.compile_graph(negation, provider="cpu")
    inputs, outputs = _arrays(0)
    for value in (0, 1, 200):
        inputs["x"][:] = value
        compiled.run(inputs, outputs)
        assert (outputs["y"] == 255 - value).all()


def test_bindings_are_made_once_for_a_pair_of_addresses_and_are_bounded(negation: bytes) -> None:
    compiled: Any = backend.compile_graph(negation, provider="cpu")
    inputs, outputs = _arrays(1)
    compiled.run(inputs, outputs)
    (binding,) = compiled._bindings.values()
    compiled.run(inputs, outputs)
    assert list(compiled._bindings.values()) == [binding]

    many = np.zeros((3 * backend._MAX_BINDINGS, *SHAPE), np.uint8)
    for slot in many:
        compiled.run(inputs, {"y": slot})
        assert len(compiled._bindings) <= backend._MAX_BINDINGS
    assert (many == 254).all()


def test_a_graph_that_is_none_is_a_typed_error_with_its_place() -> None:
    with pytest.raises(InferenceError) as caught:
        backend.compile_graph(b"no graph", provider="cpu", place="here")
    assert caught.value.place == "here"
    assert "\n" not in caught.value.found


def test_a_wrong_shape_is_a_typed_error_and_the_next_run_is_good(negation: bytes) -> None:
    compiled = backend.compile_graph(negation, provider="cpu", place="here")
    inputs, outputs = _arrays(5)
    with pytest.raises(InferenceError):
        compiled.run({"x": np.zeros((3, 3), np.uint8)}, outputs)
    compiled.run(inputs, outputs)
    assert (outputs["y"] == 250).all()


def test_a_missing_input_is_a_typed_error(negation: bytes) -> None:
    compiled = backend.compile_graph(negation, provider="cpu")
    with pytest.raises(InferenceError):
        compiled.run({}, {"y": np.zeros(SHAPE, np.uint8)})


def test_an_unknown_provider_is_refused_with_those_that_there_are(negation: bytes) -> None:
    with pytest.raises(ProviderError) as caught:
        backend.compile_graph(negation, provider="abacus")
    assert caught.value.found == "'abacus'"
    assert all(name in caught.value.expected for name in ("auto", *backend.PROVIDERS))


def test_a_provider_that_is_not_offered_is_refused_unless_a_fallback_is_allowed(
    negation: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "available_providers", lambda: ["cpu"])
    with pytest.raises(ProviderError) as caught:
        backend.compile_graph(negation, provider="cuda")
    assert (caught.value.expected, "cpu" in caught.value.found) == ("cuda", True)
    assert "framebridge doctor" in caught.value.remedy
    execution = backend.compile_graph(negation, provider="cuda", allow_fallback=True).execution
    assert (execution.provider, execution.note) == ("cpu", "cuda was asked for and not obtained")


def test_auto_takes_what_there_is_without_a_note(
    negation: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend, "available_providers", lambda: ["cpu"])
    execution = backend.compile_graph(negation).execution
    assert (execution.provider, execution.note) == ("cpu", "")


def test_the_processor_is_always_offered() -> None:
    assert backend.available_providers()[-1] == "cpu"


def test_one_variant_of_the_runtime_is_installed() -> None:
    found = backend.installed_distributions()
    assert len(found) == 1
    assert set(found) < set(backend.DISTRIBUTIONS)


@pytest.mark.parametrize("found", [None, ModuleType("onnxruntime")], ids=["none", "emptied"])
def test_a_missing_or_emptied_runtime_is_a_typed_error(
    found: ModuleType | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", found)
    with pytest.raises(RuntimeMissingError) as caught:
        backend.available_providers()
    assert caught.value.remedy
