"""What of a checkpoint is the network, and what its arrays are called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.pickle_names import Record
from converters.readers.plain_values import Plainly
from converters.readers.state_dict import named_arrays

A, B, C = (np.full(2, value, np.float32) for value in (1, 2, 3))


def names(value: Any) -> dict[str, float]:
    found = named_arrays(value, "here").arrays
    return {name: float(array[0]) for name, array in found.items()}  # type: ignore[index]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"w": A, "b": B}, {"w": 1, "b": 2}),
        ({"layer": {"w": A, "b": B}}, {"w": 1, "b": 2}),
        ({"step": 3, "model": {"w": A}, "optimizer": {"state": {0: {"m": B}}}}, {"w": 1}),
        ({"params": {"w": A}, "params_ema": {"w": B}}, {"w": 2}),
        ({"state_dict": {"module.w": A, "module.b": B}}, {"w": 1, "b": 2}),
        ({"generator": {"w": A}, "discriminator": {"w": B}}, {"w": 1}),
        ({"netG": {"w": A}, "netD": {"w": B}}, {"w": 1}),
        ({"G": {"w": A}, "D": {"w": B}}, {"w": 1}),
        ({"generator.w": A, "discriminator.w": B}, {"w": 1}),
        ({"state_dict": {"netG.w": A, "netD.w": B, "netG.v": C}}, {"w": 1, "v": 3}),
        ({"model.1.weight": A, "model.2.weight": B}, {"model.1.weight": 1, "model.2.weight": 2}),
        ({"encoder": {"w": A}, "decoder": {"w": B}}, {"encoder.w": 1, "decoder.w": 2}),
        ([{"w": A}, {"w": B}], {"0.w": 1, "1.w": 2}),
        ([3, {"w": A}], {"w": 1}),
        ({"model": {"model": {"w": A}}}, {"w": 1}),
        ({1: A, "x": {2: B}}, {"1": 1, "x.2": 2}),
        ({"w": A, "optimizer": {"m": B}}, {"w": 1}),
        (A, {"tensor": 1}),
    ],
)
def test_the_network_is_found(value: Any, expected: dict[str, float]) -> None:
    assert names(value) == expected


def module(kind: str, **state: Any) -> Record:
    return Record(kind, (), {"_parameters": {}, "_buffers": {}, "_modules": {}, **state})


def test_a_module_is_walked_by_its_parts() -> None:
    inner = module("nn.Conv2d", _parameters={"weight": A, "bias": None}, stride=(2, 2), _x=1)
    norm = module("nn.BatchNorm2d", _buffers={"running_mean": B}, eps=1e-5)
    outer = module("made.up.Net", _modules={"conv": inner, "norm": norm, "same": inner})
    found = named_arrays({"epoch": 1, "model": outer}, "here")
    assert list(found.arrays) == ["conv.weight", "norm.running_mean", "same.weight"]
    assert found.facts["class"] == "made.up.Net"
    assert found.facts["epoch"] == 1
    assert found.facts["attributes"]["conv"] == {"class": "nn.Conv2d", "stride": [2, 2]}
    assert found.facts["attributes"]["norm"]["eps"] == 1e-5


def test_a_module_that_spreads_the_network_over_machines_leaves_no_trace() -> None:
    inner = module("Net", _parameters={"w": A})
    assert names(module("DataParallel", _modules={"module": inner})) == {"w": 1}


@pytest.mark.parametrize("value", [None, 3, "text", {}, [], {"a": {"b": [1, "x"]}}, Record("x.Y")])
def test_what_holds_no_array_is_refused_by_what_it_is(value: Any) -> None:
    with pytest.raises(WeightsError, match="without any"):
        named_arrays(value, "here")


def test_two_arrays_of_one_name_are_refused() -> None:
    with pytest.raises(WeightsError, match="two of one name"):
        named_arrays({1: A, "1": B}, "here")
    with pytest.raises(WeightsError, match="two of one name"):
        named_arrays({"a": {"b": A}, "a.b": B}, "here")


def test_values_that_hold_themselves_come_to_an_end() -> None:
    value: dict[str, Any] = {"w": A}
    value["self"] = value
    assert names(value) == {"w": 1}


def test_values_that_hold_each_other_many_times_come_to_an_end() -> None:
    crowd: list[dict[Any, Any]] = [{} for _ in range(12)]
    for one in crowd:
        one.update({f"{index}": other for index, other in enumerate(crowd) if other is not one})
    crowd[0]["w"] = A
    with pytest.raises(UnsafeWeightsError):
        named_arrays(crowd[0], "here")


def test_facts_are_short_and_plain() -> None:
    loop: list[Any] = []
    loop.append(loop)
    value = {"a": float("nan"), "b": loop, "c": Record("x.Y", (), {"z": 1}), 5: "x" * 9999, "d": A}
    assert Plainly().of(value) == {
        "a": "nan", "b": [[[["..."]]]], "c": {"class": "x.Y", "state": {"z": 1}}, "5": "x" * 500,
        "d": "array of shape [2]",
    }  # fmt: skip
