"""Composed graphs against a plain numpy reference, in both forms and for every convention."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import pytest

from bridge.errors import FrameFormatError, GraphMismatchError
from bridge.frames import FrameFormat
from bridge.inference.graph_builder import PREFIX
from bridge.inference.manifest import Manifest, Size
from bridge.inference.pixels import FRAME_IN, FRAME_OUT, compose

Picture = npt.NDArray[np.uint8]

FORMATS = {
    "pixel_format": ["rgba8", "bgra8"],
    "rows": ["top_first", "bottom_first"],
    "alpha": ["straight", "opaque"],
    "transfer": ["srgb", "linear"],
}
RANGES = [(0, 1), (-1, 1), (0, 255)]
NETWORKS: dict[str, dict[str, Any]] = {
    "rgb-x1": {},
    "rgb-x2-dcr": {"scale": 2, "tail": "DCR"},
    "rgb-x2-crd": {"scale": 2, "tail": "CRD"},
    "rgb-x3-dcr": {"scale": 3, "tail": "DCR"},
    "rgb-x3-crd": {"scale": 3, "tail": "CRD"},
    "rgb-x2-nearest": {"scale": 2, "tail": "nearest"},
    "y-studio-x1": {"channels": "Y"},
    "y-studio-x2": {"channels": "Y", "scale": 2, "tail": "DCR"},
    "y-full-x1": {"channels": "Y", "luma": "full"},
    "y-full-x2": {"channels": "Y", "luma": "full", "scale": 2, "tail": "CRD"},
}
WIDE, TALL = (24, 16), (15, 26)


def _any(frame: tuple[int, int], padding: str, multiple_of: int = 8) -> dict[str, Any]:
    return {"frame": frame, "size": {"multiple_of": multiple_of, "padding": padding}}


def _fixed(frame: tuple[int, int], fit: str, width: int, height: int) -> dict[str, Any]:
    return {"frame": frame, "size": {"fixed": [width, height], "fit": fit}}


SIZES: dict[str, dict[str, Any]] = {
    "any": _any((23, 15), "reflect", 1),
    "multiple-reflect": _any((21, 13), "reflect"),
    "multiple-edge": _any((21, 13), "edge"),
    "multiple-zero": _any((21, 13), "zero"),
    "stretch-smaller": _fixed(WIDE, "stretch", 10, 7),
    "stretch-larger": _fixed(TALL, "stretch", 32, 30),
    "stretch-same": _fixed(WIDE, "stretch", *WIDE),
    "cover-wide": _fixed(WIDE, "cover", 12, 12),
    "cover-tall": _fixed(TALL, "cover", 20, 16),
    "cover-unresized": _fixed(WIDE, "cover", 16, 16),
    "contain-wide": _fixed(WIDE, "contain", 18, 20),
    "contain-tall": _fixed(TALL, "contain", 14, 13),
    "contain-larger": _fixed(WIDE, "contain", 40, 40),
    "contain-unresized": _fixed(WIDE, "contain", 24, 24),
    "contain-unresized-tall": _fixed(TALL, "contain", 20, 26),
}


def _all_pairs(factors: dict[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Few combinations in which each pair of values of any two factors stands at least once."""
    chance = random.Random(1)
    names = list(factors)
    open_pairs = {
        ((a, x), (b, y))
        for a, b in itertools.combinations(names, 2)
        for x in factors[a]
        for y in factors[b]
    }
    chosen = []
    while open_pairs:
        seed = dict(min(open_pairs))
        tries = [{n: seed.get(n, chance.choice(factors[n])) for n in names} for _ in range(12)]
        gains = [set(itertools.combinations(one.items(), 2)) & open_pairs for one in tries]
        best = max(range(len(tries)), key=lambda index: len(gains[index]))
        chosen.append(tries[best])
        open_pairs -= gains[best]
    return chosen


CASES = _all_pairs({**FORMATS, "range_": RANGES, "network": list(NETWORKS), "size": list(SIZES)})


def _name(case: dict[str, Any]) -> str:
    low, high = case["range_"]
    words = (case["network"], case["size"], f"{low}..{high}", *(case[f] for f in FORMATS))
    return "-".join(words)


def _frame(format: FrameFormat, seed: int = 0) -> Picture:
    """Noise over a slope: detail everywhere, and both ends of the scale."""
    height, width, _ = format.shape
    slope = np.linspace(0, 255, height * width * 4).reshape(format.shape)
    noise = np.random.default_rng(seed).normal(0, 60, format.shape)
    return np.clip(slope + noise, 0, 255).astype(np.uint8)


def _run(
    core: onnx.ModelProto, manifest: Manifest, format: FrameFormat, frame: Picture, plain: bool
) -> tuple[Picture, str]:
    composed = compose(core, manifest, format, plain=plain)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        composed.model, options, providers=["CPUExecutionProvider"]
    )
    (picture,) = session.run([FRAME_OUT], {FRAME_IN: frame})
    assert picture.shape == composed.result.shape
    return picture, composed.form


def _assert_close(
    found: Picture, expected: Picture, alpha_exact: bool, differing_most: float = 0.02
) -> None:
    assert found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected.astype(int))
    where = np.unravel_index(difference.argmax(), difference.shape)
    assert difference.max() <= 1, (
        f"at row, column, channel {tuple(map(int, where))} of {found.shape}: "
        f"expected {expected[where]}, found {found[where]}"
    )
    differing = (difference > 0).mean()
    assert differing < differing_most, f"{differing:.1%} of the values differ by a step"
    if alpha_exact:
        assert np.array_equal(found[..., 3], expected[..., 3])


def test_the_cases_hold_every_pair_of_conventions() -> None:
    for name, values in FORMATS.items():
        for network, value in itertools.product(NETWORKS, values):
            assert any(c["network"] == network and c[name] == value for c in CASES)
    for network, size in itertools.product(NETWORKS, SIZES):
        assert any(c["network"] == network and c["size"] == size for c in CASES)


@pytest.mark.parametrize("case", CASES, ids=_name)
def test_a_composed_graph_equals_the_reference_within_a_step(
    case: dict[str, Any], small_models: ModuleType, reference: ModuleType
) -> None:
    size = SIZES[case["size"]]
    model = small_models.network(
        **NETWORKS[case["network"]], range_=case["range_"], size=Size(**size["size"])
    )
    width, height = size["frame"]
    format = FrameFormat(width=width, height=height, **{name: case[name] for name in FORMATS})
    frame = _frame(format)
    expected = reference.run(frame.tobytes(), format, model.manifest, model.core)
    if case["network"].startswith("rgb"):
        assert {0, 255} <= set(expected[..., :3].ravel()), "the network must saturate"
    for plain in (False, True):
        found, _ = _run(model.core, model.manifest, format, frame, plain)
        # The way back to linear light is a third of a step off, here and there.
        differing_most = 0.25 if format.transfer == "linear" else 0.02
        _assert_close(found, expected, format.alpha == "opaque", differing_most)


@pytest.mark.parametrize("transfer", FORMATS["transfer"])
@pytest.mark.parametrize("alpha", FORMATS["alpha"])
@pytest.mark.parametrize("pixel_format", FORMATS["pixel_format"])
@pytest.mark.parametrize("rows", FORMATS["rows"])
@pytest.mark.parametrize("name", ["rgb-x2-dcr", "rgb-x3-crd"])
def test_the_form_in_bytes_equals_the_plain_one(
    name: str, rows: str, pixel_format: str, alpha: str, transfer: str, small_models: ModuleType
) -> None:
    model = small_models.network(**NETWORKS[name], size=Size(multiple_of=4))
    format = FrameFormat(
        width=22, height=15, rows=rows, pixel_format=pixel_format, alpha=alpha, transfer=transfer
    )
    frame = _frame(format)
    moved, form = _run(model.core, model.manifest, format, frame, plain=False)
    plain, plain_form = _run(model.core, model.manifest, format, frame, plain=True)
    assert (form, plain_form) == ("bytes", "plain")
    assert np.array_equal(moved[..., :3], plain[..., :3])
    # Alpha is interpolated by a convolution in one form and by Resize in the other.
    _assert_close(moved, plain, alpha_exact=alpha == "opaque")


@pytest.mark.parametrize("size", ["multiple-reflect", "multiple-edge", "multiple-zero"])
@pytest.mark.parametrize("name", ["rgb-x1", "rgb-x2-dcr", "y-studio-x2"])
def test_borders_are_as_exact_as_the_middle(
    name: str, size: str, small_models: ModuleType, reference: ModuleType
) -> None:
    model = small_models.network(**NETWORKS[name], size=Size(**SIZES[size]["size"]), seed=5)
    format = FrameFormat(width=21, height=13)
    frame = _frame(format, seed=5)
    expected = reference.run(frame.tobytes(), format, model.manifest, model.core)
    found, _ = _run(model.core, model.manifest, format, frame, plain=False)
    rim = np.ones(found.shape[:2], bool)
    rim[3:-3, 3:-3] = False
    _assert_close(found[rim], expected[rim], alpha_exact=False)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("name", ["rgb-x1", "rgb-x2-dcr", "rgb-x3-crd", "y-full-x2"])
def test_the_smallest_frames_equal_the_reference(
    name: str, width: int, height: int, small_models: ModuleType, reference: ModuleType
) -> None:
    model = small_models.network(**NETWORKS[name], size=Size(multiple_of=4, padding="edge"))
    format = FrameFormat(width=width, height=height)
    frame = _frame(format)
    expected = reference.run(frame.tobytes(), format, model.manifest, model.core)
    for plain in (False, True):
        found, _ = _run(model.core, model.manifest, format, frame, plain)
        difference = np.abs(found.astype(int) - expected.astype(int))
        assert difference.max() <= 1


def test_parameters_reach_the_core_beside_the_frame(
    small_models: ModuleType, reference: ModuleType
) -> None:
    model = small_models.knobs()
    format = FrameFormat(width=12, height=8)
    frame = _frame(format)
    values = {
        "strength": np.array([0.7], np.float32),
        "steps": np.array([5]),
        "invert": np.array([True]),
        "look": np.array([1]),
        "tint": np.array([0.1, 0.0, 0.3], np.float32),
    }
    expected = reference.run(frame.tobytes(), format, model.manifest, model.core, values)
    session = onnxruntime.InferenceSession(
        compose(model.core, model.manifest, format).model, providers=["CPUExecutionProvider"]
    )
    (found,) = session.run([FRAME_OUT], {FRAME_IN: frame, **values})
    _assert_close(found, expected, alpha_exact=True)


@pytest.mark.parametrize("name", NETWORKS)
def test_only_a_final_shuffle_of_colour_is_moved_behind_the_rounding(
    name: str, small_models: ModuleType
) -> None:
    model = small_models.network(**NETWORKS[name])
    composed = compose(model.core, model.manifest, FrameFormat(width=8, height=8))
    shuffled = name.startswith("rgb") and name.endswith(("dcr", "crd"))
    assert composed.form == ("bytes" if shuffled else "plain")


def test_a_shuffle_that_does_not_say_how_far_stays_in_the_core(small_models: ModuleType) -> None:
    model = small_models.network(scale=2, tail="DCR")
    del model.core.graph.node[-1].attribute[:]
    assert compose(model.core, model.manifest, FrameFormat(width=8, height=8)).form == "plain"


def test_a_shuffle_whose_result_is_resized_stays_in_the_core(small_models: ModuleType) -> None:
    model = small_models.network(scale=2, tail="DCR", size=Size(fixed=[16, 16]))
    composed = compose(model.core, model.manifest, FrameFormat(width=24, height=12))
    assert composed.form == "plain"


@pytest.mark.parametrize("plain", [False, True])
def test_the_core_that_was_given_is_not_changed(plain: bool, small_models: ModuleType) -> None:
    model = small_models.network(scale=2, tail="DCR")
    before = model.core.SerializeToString(deterministic=True)
    compose(model.core, model.manifest, FrameFormat(width=8, height=8), plain=plain)
    assert model.core.SerializeToString(deterministic=True) == before


def test_the_names_of_the_core_stay_as_they_are(small_models: ModuleType) -> None:
    model = small_models.network(scale=2, tail="nearest")
    composed = compose(model.core, model.manifest, FrameFormat(width=8, height=8))
    graph = onnx.load_model_from_string(composed.model).graph
    ours = [node for node in graph.node if node.name.startswith(PREFIX)]
    assert [node for node in graph.node if node not in ours] == list(model.core.graph.node)


def test_a_composed_graph_is_valid_and_of_the_stated_versions(small_models: ModuleType) -> None:
    model = small_models.network(scale=2, tail="DCR")
    composed = onnx.load_model_from_string(
        compose(model.core, model.manifest, FrameFormat(width=8, height=8)).model
    )
    onnx.checker.check_model(composed, full_check=True)
    assert composed.ir_version <= 10
    assert [entry.version for entry in composed.opset_import] == [17]


@pytest.mark.parametrize("alpha", FORMATS["alpha"])
@pytest.mark.parametrize("pixel_format", FORMATS["pixel_format"])
def test_the_runtime_leaves_the_planes_as_they_were_taken_apart(
    pixel_format: str, alpha: str, small_models: ModuleType, tmp_path: Path
) -> None:
    """It would rather undo a Transpose that nothing but cheap nodes separates from its inverse."""
    format = FrameFormat(width=16, height=8, pixel_format=pixel_format, alpha=alpha)
    kinds = _optimized(small_models.identity(), format, tmp_path, plain=True)
    assert kinds.count("Transpose") == 2
    assert "Slice" not in kinds


@pytest.mark.parametrize("transfer", FORMATS["transfer"])
def test_the_runtime_reorders_the_output_of_a_convolution_once(
    transfer: str, small_models: ModuleType, tmp_path: Path
) -> None:
    """And not once more for what follows it in a blocked layout."""
    format = FrameFormat(width=16, height=8, transfer=transfer)
    assert (
        _optimized(small_models.single_convolution(), format, tmp_path).count("ReorderOutput") < 2
    )


def _optimized(model: Any, format: FrameFormat, folder: Path, *, plain: bool = False) -> list[str]:
    """What nodes ONNX Runtime makes of a composed graph."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(
        compose(model.core, model.manifest, format, plain=plain).model, options,
        providers=["CPUExecutionProvider"],
    )  # fmt: skip
    return [node.op_type for node in onnx.load_model(folder / "optimized.onnx").graph.node]


def test_a_core_that_uses_our_names_is_refused(small_models: ModuleType) -> None:
    model = small_models.network()
    taken = f"{PREFIX}1.Transpose"
    model.core.graph.node[0].output[0] = taken
    model.core.graph.node[1].input[0] = taken
    with pytest.raises(GraphMismatchError) as caught:
        compose(model.core, model.manifest, FrameFormat(width=8, height=8))
    assert caught.value.found == repr(taken)


def test_a_result_beyond_the_largest_frame_is_a_typed_error(small_models: ModuleType) -> None:
    model = small_models.network(scale=3, tail="DCR")
    with pytest.raises(FrameFormatError):
        compose(model.core, model.manifest, FrameFormat(width=16000, height=8))


# The reference itself, where the right answer is known without it.


@pytest.mark.parametrize("transfer", FORMATS["transfer"])
@pytest.mark.parametrize("rows", FORMATS["rows"])
@pytest.mark.parametrize("pixel_format", FORMATS["pixel_format"])
@pytest.mark.parametrize("range_", RANGES)
@pytest.mark.parametrize("channels", ["RGB", "Y"])
def test_an_identity_returns_the_same_bytes(
    channels: str,
    range_: tuple[float, float],
    pixel_format: str,
    rows: str,
    transfer: str,
    small_models: ModuleType,
    reference: ModuleType,
) -> None:
    model = small_models.identity(
        channels=channels, range_=range_, size=Size(multiple_of=8, padding="edge")
    )
    format = FrameFormat(
        width=13, height=21, pixel_format=pixel_format, rows=rows, transfer=transfer
    )
    frame = _frame(format)
    frame.flat[: 256 * 4] = np.repeat(np.arange(256), 4)  # every byte
    expected = reference.run(frame.tobytes(), format, model.manifest, model.core)
    assert np.array_equal(expected, frame)
    for plain in (False, True):
        found, form = _run(model.core, model.manifest, format, frame, plain)
        assert np.array_equal(found, frame)
        assert form == ("plain" if plain else "copy")


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        ({}, {"alpha": "opaque"}),
        ({"size": Size(fixed=[30, 20], fit="contain")}, {}),
        ({"size": Size(fixed=[13, 20], fit="stretch")}, {}),
        ({"size": Size(fixed=[30, 21], fit="cover")}, {}),
    ],
)
def test_a_frame_that_does_not_stay_whole_is_not_merely_copied(
    fields: dict[str, Any], facts: dict[str, str], small_models: ModuleType, reference: ModuleType
) -> None:
    model = small_models.identity(**fields)
    format = FrameFormat(width=13, height=21, **facts)
    frame = _frame(format)
    found, form = _run(model.core, model.manifest, format, frame, plain=False)
    assert form == "plain"
    expected = reference.run(frame.tobytes(), format, model.manifest, model.core)
    assert found.shape == expected.shape


def test_a_core_that_states_another_range_for_its_output_is_not_merely_copied(
    small_models: ModuleType, reference: ModuleType
) -> None:
    model = small_models.identity()
    (port,) = model.manifest.outputs
    darker = msgspec.structs.replace(port, range=[0.0, 2.0])
    model = model.stating(outputs=[darker])
    format = FrameFormat(width=13, height=21)
    frame = _frame(format)
    found, form = _run(model.core, model.manifest, format, frame, plain=False)
    assert form == "plain"
    # Half of all values lie between two bytes.
    expected = reference.run(frame.tobytes(), format, model.manifest, model.core)
    _assert_close(found, expected, alpha_exact=True, differing_most=0.6)
    assert not np.array_equal(found, frame)


@pytest.mark.parametrize("name", ["any", "multiple-edge", "stretch-smaller", "cover-tall"])
def test_a_picture_of_one_colour_stays_that_colour(
    name: str, small_models: ModuleType, reference: ModuleType
) -> None:
    size = SIZES[name]
    model = small_models.identity(size=Size(**size["size"]))
    width, height = size["frame"]
    format = FrameFormat(width=width, height=height)
    frame = np.empty(format.shape, np.uint8)
    frame[:] = (200, 30, 7, 90)
    expected = reference.run(frame.tobytes(), format, model.manifest, model.core)
    assert (expected == (200, 30, 7, 90)).all()
    found, _ = _run(model.core, model.manifest, format, frame, plain=False)
    assert np.array_equal(found, expected)


def test_a_frame_upside_down_gives_the_result_upside_down(
    small_models: ModuleType, reference: ModuleType
) -> None:
    model = small_models.network(scale=2, tail="DCR", size=Size(multiple_of=4))
    upright = FrameFormat(width=14, height=9)
    turned = FrameFormat(width=14, height=9, rows="bottom_first")
    frame = _frame(upright)
    flipped = np.ascontiguousarray(frame[::-1])
    first = reference.run(frame.tobytes(), upright, model.manifest, model.core)
    second = reference.run(flipped.tobytes(), turned, model.manifest, model.core)
    assert np.array_equal(first, second[::-1])
    found, _ = _run(model.core, model.manifest, turned, flipped, plain=False)
    assert np.array_equal(_run(model.core, model.manifest, upright, frame, False)[0], found[::-1])


def test_the_frame_lands_in_the_middle_of_what_contains_it(
    small_models: ModuleType, reference: ModuleType
) -> None:
    """White on black bars: an identity gives the white frame back, without any bar."""
    model = small_models.identity(size=Size(fixed=[30, 20], fit="contain"))
    format = FrameFormat(width=9, height=20)
    white = np.full(format.shape, 255, np.uint8)
    assert (reference.run(white.tobytes(), format, model.manifest, model.core) == 255).all()
    assert (_run(model.core, model.manifest, format, white, plain=False)[0] == 255).all()


def test_the_reference_interpolates_between_pixel_centres(reference: ModuleType) -> None:
    row = np.array([[[0.0, 100.0]]])
    assert reference.linear(row, 1, 4)[0, 0].tolist() == [0, 25, 75, 100]
