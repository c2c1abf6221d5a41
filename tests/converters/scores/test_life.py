"""How alive a package is: against a set that flickers at a known pace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import InferenceError, MediaError, UnsupportedModelError
from bridge.inference.manifest import (
    FrameInput,
    FrameOutput,
    Graph,
    Manifest,
    ParameterInput,
    StateInput,
    StateOutput,
)
from bridge.inference.package import ModelPackage, save
from bridge.media import write_picture
from converters.graph import NetworkGraph
from converters.scores.life import PHOTOGRAPH, Feedback, life, pace
from tests.inference.small_models import identity, network

SIDE = 8
FIRST = np.zeros((SIDE, SIDE, 3), np.uint8)
FIRST[:, ::2] = 100


def dataset(folder: Path, frames: int = 4) -> Path:
    """Stripes of 0 and 100 that change places: contrast 50, change 100."""
    folder.mkdir()
    for index in range(frames):
        rgb = FIRST if index % 2 == 0 else 100 - FIRST
        rgba = np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=2)
        write_picture(folder / f"frame-{index}.png", rgba)
    return folder


def flicker(folder: Path, decay: float = 1.0) -> ModelPackage:
    """1 less the state, or less what is injected; what is far from grey comes nearer to it.

    Args:
        decay: of the distance from grey, for each tick.
    """
    g = NetworkGraph()
    injected = g.add("Mul", [g.add("Sub", ["frame", "state"]), "inject"])
    mixed = g.sum("state", injected)
    turned = g.affine(g.affine(mixed, 1, -0.5), -decay, 0.5)
    kept = g.add("Identity", [turned])
    picture = (1, 3, "H", "W")
    model = g.model(
        [("frame", picture), ("state", picture), ("inject", (1,))],
        [(turned, "made", picture), (kept, "kept", picture)],
    )
    manifest = Manifest(
        format=1, name=folder.name, version="1.0.0", task="predict", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[
            FrameInput(name="frame"),
            StateInput(name="state"),
            ParameterInput(name="inject", kind="float", default=0.0, min=0.0, max=1.0),
        ],
        outputs=[
            FrameOutput(name="made"),
            StateOutput(name="kept", feeds="state", initial="zeros"),
        ],
    )  # fmt: skip
    return save(folder, manifest, {"model.onnx": model.SerializeToString()})


def figures(package: ModelPackage, data: Path) -> dict[str, tuple[float, dict[str, float]]]:
    return {
        figure.metric: (figure.value, {name: value for name, value, _ in figure.rows})
        for figure in life(package, data, lambda done, count, name: None)
    }


def test_contrast_and_change_are_shares_of_the_sets_own(tmp_path: Path) -> None:
    data = dataset(tmp_path / "stripes")
    found = figures(flicker(tmp_path / "flicker"), data)
    assert list(found) == [
        f"{prefix}_{kind}_{side}"
        for prefix in ("life", "life_late")
        for kind in ("contrast", "change")
        for side in ("least", "most")
    ]
    least = found["life_contrast_least"][1]
    assert least["first frame"] == pytest.approx(1, abs=0.01)
    assert least["black"] == least["white"] == 0
    assert found["life_contrast_least"][0] == 0
    changes = found["life_change_most"][1]
    assert changes["black"] == pytest.approx(2.55, abs=0.01)
    assert changes["first frame"] == pytest.approx(1.55, abs=0.01)
    assert found["life_change_most"][0] == max(changes.values())


def test_what_dies_later_is_seen_in_the_late_figures(tmp_path: Path) -> None:
    data = dataset(tmp_path / "stripes")
    found = figures(flicker(tmp_path / "tired", decay=0.99), data)
    whole, late = found["life_contrast_least"][1], found["life_late_contrast_least"][1]
    assert whole["first frame"] > 0.1
    assert late["first frame"] < 0.01


def test_a_package_without_state_is_fed_with_its_frames(tmp_path: Path) -> None:
    package = identity().write(tmp_path / "identity")
    found = list(Feedback(package).run(FIRST, 5))
    for frame in found:
        np.testing.assert_allclose(frame, FIRST, atol=1e-3)
    assert pace(iter(found)).change.max() < 1e-3


def test_a_picture_beside_the_frames_is_a_start_and_no_frame(tmp_path: Path) -> None:
    data = dataset(tmp_path / "stripes")
    before = figures(flicker(tmp_path / "flicker"), data)["life_contrast_least"][1]
    half = np.full((4, 30, 4), 255, np.uint8)
    half[:, :15, :3] = 0
    write_picture(data / PHOTOGRAPH, half)
    after = figures(flicker(tmp_path / "flicker"), data)["life_contrast_least"][1]
    assert after.pop("photograph") == pytest.approx(2.55, abs=0.02)
    before.pop("photograph")
    assert after == before


def test_a_result_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    growing = flicker(tmp_path / "growing", decay=-1e9)
    with pytest.raises(InferenceError, match="NaN or infinity at tick"):
        life(growing, dataset(tmp_path / "stripes"), lambda done, count, name: None)


def test_a_set_of_one_frame_or_of_stills_is_refused(tmp_path: Path) -> None:
    package = flicker(tmp_path / "flicker")
    with pytest.raises(MediaError, match="two consecutive frames"):
        life(package, dataset(tmp_path / "one", 1), lambda done, count, name: None)
    still = dataset(tmp_path / "still", 1)
    rgba = np.full((SIDE, SIDE, 4), 255, np.uint8)
    for index in range(3):
        write_picture(still / f"frame-{index}.png", rgba)
    with pytest.raises(MediaError, match="frames that differ"):
        life(package, still, lambda done, count, name: None)
    larger = dataset(tmp_path / "sizes")
    write_picture(larger / "frame-9.png", np.full((SIDE, 12, 4), 255, np.uint8))
    with pytest.raises(MediaError, match="frames of one size"):
        life(package, larger, lambda done, count, name: None)


def test_what_cannot_be_fed_with_its_result_has_no_life(tmp_path: Path) -> None:
    enlarging = network(scale=2, tail="DCR").write(tmp_path / "enlarging")
    with pytest.raises(UnsupportedModelError, match="same size"):
        Feedback(enlarging)
