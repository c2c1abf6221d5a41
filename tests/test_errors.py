"""Every error says where, what was expected and found, and what to do."""

from __future__ import annotations

import pickle
import re

import msgspec
import pytest

from bridge import errors
from bridge.errors import FramebridgeError, readable


def _subclasses(kind: type[FramebridgeError]) -> list[type[FramebridgeError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _subclasses(child))]


KINDS = [kind for kind in _subclasses(FramebridgeError) if kind.__module__ == errors.__name__]


def test_every_class_of_error_has_a_code_of_its_own() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(KINDS) > 20
    assert len(set(codes)) == len(codes)
    assert all("code" in vars(kind) for kind in KINDS), "a code is written, never inherited"
    assert all(re.fullmatch(r"FB-E\d{3}", code) for code in codes)


def test_codes_rise_down_the_file() -> None:
    codes = [kind.code for name, kind in vars(errors).items() if kind in KINDS and name]
    assert codes == sorted(codes)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_class_of_error_says_what_it_is_and_how_the_command_ends(
    kind: type[FramebridgeError],
) -> None:
    assert kind.__doc__
    assert kind.exit_status in (1, 2, 3)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_message_has_code_place_expected_found_and_remedy(kind: type[FramebridgeError]) -> None:
    error = kind("a.toml size", "two numbers", "3", "Write two.")
    assert str(error) == f"{kind.code} a.toml size: expected two numbers, got 3. Write two."
    assert error.args == (str(error),)
    assert str(kind("a.toml", "this", "that")) == f"{kind.code} a.toml: expected this, got that."


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind: type[FramebridgeError]) -> None:
    error = kind("place", "this", "that", "Do.")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert copy.as_map() == error.as_map()


def test_an_error_travels_as_a_map() -> None:
    assert errors.ManifestError("place", "this", "that", "Do.").as_map() == {
        "code": "FB-E010",
        "kind": "ManifestError",
        "place": "place",
        "expected": "this",
        "found": "that",
        "remedy": "Do.",
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_comes_back_from_its_map(kind: type[FramebridgeError]) -> None:
    error = kind("place", "this", "that", "Do.")
    copy = errors.from_map(error.as_map())
    assert type(copy) is kind
    assert str(copy) == str(error)


def test_a_map_of_another_version_is_still_an_error() -> None:
    error = errors.from_map({"code": "FB-E999", "place": "here"})
    assert type(error) is FramebridgeError
    assert (error.place, error.found) == ("here", "")


class _Inner(msgspec.Struct, forbid_unknown_fields=True):
    size: list[int]


class _Outer(msgspec.Struct):
    inputs: list[_Inner]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"inputs": [{"size": [1, "2"]}]}, "inputs[0].size[1]"),
        ({"inputs": [{"size": 1}]}, "inputs[0].size"),
        ({"inputs": [{}]}, "inputs[0]"),
        ({"inputs": 3}, "inputs"),
        ({}, ""),
        (3, ""),
    ],
)
def test_a_validation_message_is_split_into_problem_and_field(value: object, field: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(value, _Outer)
    problem, found = readable(str(caught.value))
    assert found == field
    assert problem
    assert "`$" not in problem
    assert " - at" not in problem


def test_a_message_without_a_field_is_kept() -> None:
    assert readable("something\nelse") == ("something\nelse", "")
