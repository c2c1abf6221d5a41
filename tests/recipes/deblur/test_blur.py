"""Pairs of a blurred and a sharp picture, and patches of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from models.recipes.deblur import bank, blur, store  # noqa: E402
from models.recipes.deblur.bank import Patches, find_pictures, make_bank, split  # noqa: E402
from models.recipes.deblur.blur import BORDER, Pair, make_pair  # noqa: E402
from models.recipes.deblur.store import stored_bank  # noqa: E402

SIZE = (60, 52)


def picture(seed: int, size: tuple[int, int] = (80, 70)) -> Image.Image:
    """Blots of colour, so that a blur changes something."""
    coarse = np.random.default_rng(seed).integers(0, 256, (12, 14, 3)).astype(np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST)


def pair_of(seed: int) -> Pair:
    random = torch.Generator().manual_seed(seed)
    return make_pair(picture(1), picture(2), SIZE, random)


def pictures(folder: Path, count: int = 21) -> list[Path]:
    folder.mkdir(parents=True)
    for index in range(count):
        picture(index).save(folder / f"{index:02}.png")
    return find_pictures(folder)


def test_a_pair_has_the_size_without_borders_and_repeats() -> None:
    first, second = pair_of(3), pair_of(3)
    assert first.sharp.shape == (3, SIZE[1] - 2 * BORDER, SIZE[0] - 2 * BORDER)
    assert first.blurred.shape == first.sharp.shape
    assert first.blurred.dtype == first.sharp.dtype == torch.uint8
    assert torch.equal(first.blurred, second.blurred)
    assert torch.equal(first.sharp, second.sharp)
    assert not torch.equal(first.sharp, pair_of(4).sharp)


def test_blur_takes_detail_away_and_brightens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean of light is brighter than light of the mean."""
    for share in ("STILL_SHARE", "NOISE_SHARE", "JPEG_SHARE", "GLARE_SHARE", "FOREGROUND_SHARE"):
        monkeypatch.setattr(blur, share, 0.0)
    pairs = [pair_of(seed) for seed in range(6)]
    for pair in pairs:
        across = [p.float().diff(dim=2).abs().mean() for p in (pair.blurred, pair.sharp)]
        assert across[0] <= across[1] + 0.2
    rise = sum(float((p.blurred.float() - p.sharp.float()).mean()) for p in pairs) / len(pairs)
    assert rise > 0.5


def test_where_nothing_moves_both_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for share in ("NOISE_SHARE", "JPEG_SHARE"):
        monkeypatch.setattr(blur, share, 0.0)
    monkeypatch.setattr(blur, "STILL_SHARE", 1.0)
    for seed in range(4):
        pair = pair_of(seed)
        assert torch.equal(pair.blurred, pair.sharp)


def test_pictures_held_back_are_never_learned_from(tmp_path: Path) -> None:
    paths = pictures(tmp_path / "p", 41)
    training, held_out = split(paths)
    assert len(held_out) == 2
    assert sorted([*training, *held_out]) == paths
    with pytest.raises(FileNotFoundError, match="at least 20"):
        find_pictures(tmp_path / "nothing")


def test_a_bank_is_kept_and_made_anew_for_other_pictures(tmp_path: Path) -> None:
    paths = pictures(tmp_path / "p")
    file = tmp_path / "kept" / "pairs.pt"
    first = stored_bank(file, paths, 3, 32, 1)
    assert all(min(pair.sharp.shape[1:]) >= 32 for pair in first)
    written = file.stat().st_mtime_ns
    again = stored_bank(file, paths, 3, 32, 1)
    assert file.stat().st_mtime_ns == written
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.blurred, other.blurred)
        assert torch.equal(one.sharp, other.sharp)
    other = stored_bank(file, paths[1:], 3, 32, 1)
    assert file.stat().st_mtime_ns != written
    assert not torch.equal(other[0].sharp, first[0].sharp)
    assert store.bank is bank


def test_patches_are_cut_and_turned_alike_of_both(tmp_path: Path) -> None:
    ramp = torch.arange(40 * 50, dtype=torch.int64).reshape(1, 40, 50) % 200
    sharp = ramp.expand(3, -1, -1).to(torch.uint8)
    patches = Patches([Pair(sharp + 5, sharp)], 16, flat_share=0.0)
    random = torch.Generator().manual_seed(1)
    blurred, wanted = patches.draw(12, random)
    assert blurred.shape == wanted.shape == (12, 3, 16, 16)
    assert torch.allclose(255 * (blurred - wanted), torch.full_like(blurred, 5), atol=1e-3)
    assert len({tuple(patch.flatten().tolist()) for patch in wanted}) > 6


def test_flat_patches_are_of_one_colour_each() -> None:
    patches = Patches(make_bank_of_noise(), 16, flat_share=1.0)
    blurred, wanted = patches.draw(4, torch.Generator().manual_seed(1))
    assert torch.equal(blurred, wanted)
    assert float((wanted - wanted[:, :, :1, :1]).abs().max()) == 0
    assert float((wanted[0] - wanted[1]).abs().max()) > 0


def make_bank_of_noise() -> list[Pair]:
    noise = torch.randint(0, 256, (3, 24, 24), dtype=torch.uint8)
    return [Pair(noise, noise)]


def test_a_small_picture_is_enlarged_until_a_patch_fits(tmp_path: Path) -> None:
    tiny = tmp_path / "tiny.png"
    picture(1, (30, 20)).save(tiny)
    (pair,) = make_bank([tiny], 1, 32, 1)
    assert min(pair.sharp.shape[1:]) >= 32
