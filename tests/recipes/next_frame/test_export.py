"""The graph equals the network, and its knobs and its state do what the manifest says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bridge.inference.package import ModelPackage  # noqa: E402
from converters.scores.plain_model import PlainModel  # noqa: E402
from models.recipes.next_frame.blend import blend_packages, blended  # noqa: E402
from models.recipes.next_frame.export import PARITY_LIMIT, About, make_package, measure_parity  # noqa: E402
from models.recipes.next_frame.graph import Shape, build_graph  # noqa: E402
from models.recipes.next_frame.network import NextFrameNetwork  # noqa: E402

SHAPE = Shape(4, 2)
FRAME = np.random.default_rng(0).integers(0, 256, (24, 40, 3)).astype(np.uint8)


def network(seed: int = 0, shape: Shape = SHAPE) -> NextFrameNetwork:
    torch.manual_seed(seed)
    made = NextFrameNetwork(shape.width, shape.levels).eval()
    with torch.no_grad():
        made.last.weight.mul_(20)
        for name, value in made.named_parameters():
            if name.endswith("bias"):
                value.normal_(0, 0.05)
    return made


def package(folder: Path, seed: int = 0) -> ModelPackage:
    about = About(folder.name, "Trial", "A network of chance.", "none", "nothing")
    make_package(folder, network(seed).state_dict(), about, SHAPE)
    return ModelPackage.open(folder)


@pytest.mark.parametrize("shape", [Shape(4, 1), Shape(4, 2), Shape(6, 3)], ids=str)
def test_graph_equals_network(shape: Shape) -> None:
    made = network(shape=shape)
    parity = measure_parity(made.state_dict(), shape, build_graph(made.state_dict(), shape))
    assert parity.max_abs_error < PARITY_LIMIT


def test_another_networks_graph_is_refused() -> None:
    graph = build_graph(network(1).state_dict(), SHAPE)
    with pytest.raises(ValueError, match="differs from the network"):
        measure_parity(network(0).state_dict(), SHAPE, graph)


def test_injected_wholly_a_frame_is_carried_on_by_one_tick(tmp_path: Path) -> None:
    made = PlainModel(package(tmp_path / "trial"), {"inject": 1.0})
    frame = torch.from_numpy(FRAME.transpose(2, 0, 1)[None].astype(np.float32) / 255)
    with torch.no_grad():
        wanted = network()(frame)[0].numpy().transpose(1, 2, 0)
    for _ in range(2):
        np.testing.assert_allclose(made.run(FRAME), 255 * wanted, atol=1e-2)


def test_left_alone_it_lives_on_its_own_results(tmp_path: Path) -> None:
    trial = package(tmp_path / "trial")
    first = PlainModel(trial, {"inject": 1.0})
    begun = first.run(FRAME)
    alone = PlainModel(trial)
    alone.reset(first.states)
    frame = torch.from_numpy(begun.transpose(2, 0, 1)[None] / 255)
    with torch.no_grad():
        wanted = network()(frame)[0].numpy().transpose(1, 2, 0)
    # What the engine shows makes no difference.
    np.testing.assert_allclose(alone.run(np.zeros_like(FRAME)), 255 * wanted, atol=1e-2)


def test_noise_of_another_seed_is_another_course_and_of_the_same_seed_the_same(
    tmp_path: Path,
) -> None:
    trial = package(tmp_path / "trial")
    first, again, other = (PlainModel(trial, seed=seed) for seed in (7, 7, 8))
    for _ in range(3):
        made = first.run(FRAME)
        np.testing.assert_array_equal(again.run(FRAME), made)
        assert np.abs(other.run(FRAME) - made).max() > 1


def test_at_speed_0_the_picture_is_held(tmp_path: Path) -> None:
    trial = package(tmp_path / "trial")
    held = PlainModel(trial, {"inject": 1.0, "speed": 0.0})
    np.testing.assert_allclose(held.run(FRAME), FRAME, atol=1e-3)


def test_a_blend_lies_between_two_packages_and_is_one_itself(tmp_path: Path) -> None:
    one, two = package(tmp_path / "one", 1), package(tmp_path / "two", 2)
    between = blend_packages(one, two, 0.25, tmp_path / "between")
    assert between.name == "between"
    weights = {
        name: 0.75 * value + 0.25 * network(2).state_dict()[name]
        for name, value in network(1).state_dict().items()
    }
    parity = measure_parity(weights, SHAPE, between.load_graph())
    assert parity.max_abs_error < PARITY_LIMIT
    assert blended(one.load_graph(), two.load_graph(), 0) == one.load_graph()
    assert blended(one.load_graph(), two.load_graph(), 1) == two.load_graph()


def test_networks_of_different_shape_have_no_blend() -> None:
    one = build_graph(network().state_dict(), SHAPE)
    two = build_graph(network(shape=Shape(6, 2)).state_dict(), Shape(6, 2))
    with pytest.raises(ValueError, match="not of one network"):
        blended(one, two, 0.5)


def test_a_frame_smaller_than_the_norms_can_take_is_padded(tmp_path: Path) -> None:
    made = PlainModel(package(tmp_path / "trial"), {"inject": 1.0}).run(FRAME[:9, :10])
    assert made.shape == (9, 10, 3)
    assert np.isfinite(made).all()
