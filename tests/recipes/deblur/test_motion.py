"""Random movements of a camera."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from models.recipes.deblur.motion import MESH, Motion, draw_motion, smooth_noise  # noqa: E402

HEIGHT, WIDTH = 48, 64


def still(**changed: object) -> Motion:
    parts = {
        "height": HEIGHT, "width": WIDTH, "shift": torch.zeros(2, 3), "turn": torch.zeros(3),
        "zoom": torch.zeros(3), "nearness": torch.ones(MESH, MESH),
    }  # fmt: skip
    return Motion(**{**parts, **changed})


def test_at_the_middle_of_the_exposure_nothing_is_displaced() -> None:
    random = torch.Generator().manual_seed(1)
    picture = torch.rand((3, HEIGHT, WIDTH), generator=random)
    for _ in range(5):
        motion = draw_motion(HEIGHT, WIDTH, 20.0, random)
        assert float(motion.displacement(0.0).abs().max()) < 1e-6
        assert float((motion.moved(picture, 0.0) - picture).abs().max()) < 1e-4


def test_a_shift_by_whole_pixels_moves_all_pixels() -> None:
    picture = torch.rand((1, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(2))
    motion = still(shift=torch.tensor([[3.0, 0, 0], [-2.0, 0, 0]]))
    moved = motion.moved(picture, 1.0)
    # At (x, y) stands what was at (x + 3, y - 2).
    assert torch.allclose(moved[:, 2:, :-3], picture[:, :-2, 3:], atol=1e-4)


def test_a_quarter_turn_turns_about_the_centre() -> None:
    picture = torch.rand((1, 33, 33), generator=torch.Generator().manual_seed(3))
    motion = still(height=33, width=33, turn=torch.tensor([math.pi / 2, 0, 0]))
    assert torch.allclose(motion.moved(picture, 1.0), picture.rot90(1, (1, 2)), atol=1e-4)


def test_no_point_travels_much_farther_than_asked() -> None:
    random = torch.Generator().manual_seed(4)
    longest = []
    for _ in range(50):
        motion = draw_motion(HEIGHT, WIDTH, 12.0, random)
        way = motion.displacement(1.0) - motion.displacement(-1.0)
        longest.append(float(way.norm(dim=-1).max()))
    assert max(longest) < 30
    assert 3 < sum(longest) / len(longest) < 15


def test_smooth_noise_changes_slowly() -> None:
    noise = smooth_noise(64, 64, 4, torch.Generator().manual_seed(5))
    assert float(noise.abs().max()) <= 2
    assert float((noise[:, 1:] - noise[:, :-1]).abs().max()) < 0.5
