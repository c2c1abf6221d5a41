"""How networks learn the styles: banks of pictures, steps, resuming."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from models.recipes.recipe import Options  # noqa: E402
from models.recipes.style.bank import Bank, bank_of, make_bank, training_pictures  # noqa: E402
from models.recipes.style.drawings import draw  # noqa: E402
from models.recipes.style.ink import INK  # noqa: E402
from models.recipes.style.learner import StyleLearner, moved  # noqa: E402
from models.recipes.style.mosaic import MOSAIC  # noqa: E402
from models.recipes.style.network import LayerNetwork, TileNetwork  # noqa: E402
from models.recipes.style.oil import OIL  # noqa: E402
from models.recipes.style.painting import Painting  # noqa: E402

PAINTINGS = pytest.mark.parametrize("painting", [INK, OIL, MOSAIC], ids=lambda p: p.name)
HELD_BACK = 1


def small(painting: Painting) -> Painting:
    return dataclasses.replace(painting, pictures=2, jitters=1)


def pictures() -> list[np.ndarray]:
    return [draw(np.random.default_rng(seed), 64) for seed in range(3)]


def learner(painting: Painting) -> StyleLearner:
    bank = make_bank(small(painting), pictures(), 1, HELD_BACK)
    torch.manual_seed(1)
    if painting.cell > 1:
        network = TileNetwork(painting.count, painting.cell, 8, 1, 8)
    else:
        network = LayerNetwork(painting.count, 8, 1)
    return StyleLearner(painting, network, bank, Options(), HELD_BACK)


def test_a_bank_repeats_and_depends_on_its_seed() -> None:
    banks = [make_bank(small(MOSAIC), pictures(), seed, HELD_BACK) for seed in (1, 1, 2)]
    assert np.array_equal(banks[0].frames, banks[1].frames)
    assert np.array_equal(banks[0].layers, banks[1].layers)
    assert not np.array_equal(banks[0].frames, banks[2].frames)


def test_a_bank_is_kept_until_what_it_depends_on_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "train-images" / "t91"
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures()):
        Image.fromarray(picture).save(folder / f"{index}.png")
    painting = small(MOSAIC)

    def made(seed: int) -> Bank:
        return bank_of(painting, tmp_path, tmp_path / "out", seed)

    first = made(1)
    written = (tmp_path / "out" / "bank.npz").stat().st_mtime_ns
    assert np.array_equal(made(1).frames, first.frames)
    assert (tmp_path / "out" / "bank.npz").stat().st_mtime_ns == written
    assert not np.array_equal(made(2).frames, first.frames)


def test_without_pictures_the_error_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="give --data"):
        training_pictures(tmp_path)


@PAINTINGS
def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(painting: Painting) -> None:
    whole, stopped = learner(painting), learner(painting)
    for index in range(2):
        whole.step(index / 2)
        whole.taken += 1
        if index < 1:
            stopped.step(index / 2)
            stopped.taken += 1
    resumed = learner(painting)
    resumed.load_state(stopped.state())
    resumed.step(0.5)
    resumed.taken += 1
    for name, weights in whole.average.state_dict().items():
        assert torch.equal(weights, resumed.average.state_dict()[name]), name


def test_it_learns() -> None:
    one = learner(MOSAIC)
    losses = []
    for _ in range(24):
        losses.append(one.step(0.0))
        one.taken += 1
    assert sum(losses[-6:]) < 0.8 * sum(losses[:6])


@PAINTINGS
def test_a_turned_pair_is_what_the_filter_finds_in_the_turned_frame(painting: Painting) -> None:
    one = learner(painting)
    frame = one.frames[0, :, :72, :72].float() / 255
    layers = torch.from_numpy(painting.layers(frame.numpy()))
    mask = torch.ones(1, 72, 72)
    for _ in range(4):
        turned, expected, _ = one._turned(frame, layers, mask)
        found = painting.layers(np.ascontiguousarray(turned.numpy()))
        assert np.abs(found - expected.numpy()).mean() < 2e-3


def test_all_of_a_frame_is_compared_but_what_lies_beside_a_cut() -> None:
    one = learner(INK)
    assert one._mask(0, 0, 0).all()
    cut = one._mask(5, 0, 10)[0]
    assert not cut[:16].any()
    assert not cut[-16:].any()
    assert not cut[:, -16:].any()
    assert cut[16:-16, :-16].all()


def test_what_is_moved_repeats_what_was_at_the_border() -> None:
    pictures = torch.arange(24.0).reshape(1, 2, 3, 4)
    found = moved(pictures, [1, -2])
    assert torch.equal(found[..., 1:, :2], pictures[..., :-1, 2:])
    assert torch.equal(found[..., 0, :], found[..., 1, :])
    assert torch.equal(found[..., 2:], found[..., 1:2].expand(1, 2, 3, 2))
    assert moved(pictures, [0, 0]) is pictures


def test_a_preview_shows_frame_filter_and_network(tmp_path: Path) -> None:
    learner(MOSAIC).preview(tmp_path / "preview.png")
    with Image.open(tmp_path / "preview.png") as preview:
        assert preview.size == (156, 3 * 156)
