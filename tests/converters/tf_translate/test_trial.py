"""Graphs tried in several ranges."""

from __future__ import annotations

import pytest

from converters.graph import NetworkGraph
from converters.tf_translate.nodes import Untranslatable
from converters.tf_translate.ranges import BYTES, SIGNED, UNIT
from converters.tf_translate.trial import ALIKE, soft_picture, tried

PAIRS = [(UNIT, UNIT), (BYTES, BYTES), (SIGNED, SIGNED), (UNIT, BYTES)]


def model(low: float, high: float, scale: int = 2) -> bytes:
    graph = NetworkGraph()
    x = graph.nearest(graph.clip("frame", low, high), scale)
    built = graph.model([("frame", (1, 3, "H", "W"))], [(x, "result", (1, 3, "h", "w"))])
    return bytes(built.SerializeToString())


def test_a_graph_gives_back_what_it_is_given_in_its_own_range() -> None:
    apart = tried(model(0, 1), (16, 12), 3, 2, PAIRS)
    assert apart[UNIT, UNIT] < 1e-6
    assert min(apart[pair] for pair in PAIRS[1:]) > 0.02
    assert min(apart[BYTES, BYTES], apart[UNIT, BYTES]) > ALIKE
    apart = tried(model(0, 255), (16, 12), 3, 2, PAIRS)
    assert apart[BYTES, BYTES] < 1e-6
    assert apart[SIGNED, SIGNED] > 0.02


def test_pictures_use_most_of_their_range() -> None:
    for channels in (1, 3):
        picture = soft_picture(channels, (32, 21))
        assert picture.shape == (1, channels, 21, 32)
        assert 0.1 <= picture.min() < 0.2
        assert 0.8 < picture.max() <= 0.9


def test_what_the_runtime_refuses_is_said() -> None:
    with pytest.raises(Untranslatable, match="ONNX Runtime refuses it"):
        tried(b"no graph", (8, 8), 3, 1, PAIRS)
