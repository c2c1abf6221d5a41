"""The network, its training and its graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

torch = pytest.importorskip("torch")

from models.recipes.deblur import learner as learning  # noqa: E402
from models.recipes.deblur.blur import Pair  # noqa: E402
from models.recipes.deblur.graph import FRAME, STRENGTH, build_graph  # noqa: E402
from models.recipes.deblur.learner import DeblurLearner, psnr_unbiased_db  # noqa: E402
from models.recipes.deblur.network import STRIDE, DeblurNetwork, reach  # noqa: E402
from models.recipes.recipe import Options  # noqa: E402
from models.recipes.training.loop import CHECKPOINT, Run, train  # noqa: E402

WIDTHS, BLOCKS = (8, 8, 8), (1, 1, 1)


def pairs(count: int, seed: int) -> list[Pair]:
    """Blots, and the same averaged over five pixels of a row."""
    random = torch.Generator().manual_seed(seed)
    found = []
    for _ in range(count):
        coarse = torch.rand((1, 3, 8, 8), generator=random)
        sharp = 255 * torch.nn.functional.interpolate(coarse, (32, 40), mode="nearest")
        blurred = torch.nn.functional.avg_pool2d(sharp, (1, 5), 1, (0, 2), count_include_pad=False)
        found.append(Pair(blurred[0].to(torch.uint8), sharp[0].to(torch.uint8)))
    return found


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learning, "PATCH_SIDE", 16)
    monkeypatch.setattr(learning, "BATCH", 2)
    monkeypatch.setattr(learning, "WARM_UP_STEPS", 2)
    monkeypatch.setattr(learning, "DeblurNetwork", lambda: DeblurNetwork(WIDTHS, BLOCKS))


def learner(seed: int = 1) -> DeblurLearner:
    return DeblurLearner(Options(seed=seed), pairs(4, 1), pairs(2, 2))


def weights(taught: DeblurLearner) -> torch.Tensor:
    return torch.cat([w.flatten() for w in taught.averages["deblur"].parameters()])


@pytest.mark.usefixtures("small")
def test_a_run_killed_in_the_middle_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    whole = Run("deblur-motion", learner(), 1, 6)
    train(whole, tmp_path / "whole")
    stopped = Run("deblur-motion", learner(), 1, 6)

    def killed(progress: float, step=stopped.learner.step) -> float:  # type: ignore[no-untyped-def]
        if stopped.step == 3:
            raise KeyboardInterrupt
        return step(progress)

    stopped.learner.step = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        train(stopped, tmp_path / "part")
    resumed = Run("deblur-motion", learner(seed=5), 5, 6)
    resumed.load(tmp_path / "part" / CHECKPOINT)
    assert resumed.step == 3
    train(resumed, tmp_path / "part")
    assert torch.equal(weights(resumed.learner), weights(whole.learner))


@pytest.mark.usefixtures("small")
def test_it_learns_to_undo_one_blur(tmp_path: Path) -> None:
    taught = learner()
    before = taught.check()["gain_db"]
    steps = 120
    for _ in range(steps):
        taught.step(taught.taken / steps)
        taught.taken += 1
    figures = taught.check()
    assert figures["gain_db"] > max(0.0, before) + 0.1
    taught.preview(tmp_path / "preview.png")
    assert (tmp_path / "preview.png").stat().st_size > 100


def test_an_untrained_network_nearly_returns_its_frame() -> None:
    torch.manual_seed(0)
    frame = torch.rand((1, 3, 32, 48))
    with torch.no_grad():
        assert float((DeblurNetwork()(frame) - frame).abs().mean()) < 0.1


def test_a_flat_frame_stays_flat_but_for_its_border_and_the_last_unfolding() -> None:
    torch.manual_seed(0)
    network = DeblurNetwork()
    side = STRIDE * (2 * reach() // STRIDE + 2)
    with torch.no_grad():
        found = network(torch.full((1, 3, side, side), 0.4))
    middle = found[0, :, side // 2 - 8 : side // 2 + 8, side // 2 - 8 : side // 2 + 8]
    assert float((middle - middle[:, :1, :1]).abs().max()) < 1e-5


def test_no_pixel_looks_farther_than_it_is_said_to() -> None:
    network = DeblurNetwork(WIDTHS, BLOCKS)
    far = reach(BLOCKS)
    side = STRIDE * (2 * far // STRIDE + 4)
    farthest = 0
    for centre in range(side // 2, side // 2 + STRIDE, 3):
        frame = torch.rand((1, 3, side, side), requires_grad=True)
        network(frame)[0, :, centre, centre].sum().backward()
        seen = torch.nonzero(frame.grad.abs().sum((0, 1)))
        farthest = max(farthest, int((seen - centre).abs().max()))
    assert far - 2 * STRIDE < farthest <= far


@pytest.mark.parametrize("size", [(8, 8), (16, 40), (56, 24)])
def test_the_graph_equals_the_network(size: tuple[int, int]) -> None:
    torch.manual_seed(1)
    network = DeblurNetwork((8, 12, 16), (1, 2, 2)).eval()
    with torch.no_grad():
        network.tail.weight.normal_(0, 0.1)
        network.tail.bias.normal_(0, 0.1)
        network.head.bias.normal_(0, 0.1)
    model = build_graph(network.state_dict(), (8, 12, 16), (1, 2, 2))
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    frame = np.random.default_rng(1).random((1, 3, *size), np.float32)
    with torch.no_grad():
        wanted = network(torch.from_numpy(frame)).numpy()
    assert np.abs(wanted - frame).max() > 0.01
    for strength in (0.0, 0.5, 1.0):
        (found,) = session.run(None, {FRAME: frame, STRENGTH: np.full(1, strength, np.float32)})
        assert np.abs(found - (frame + strength * (wanted - frame))).max() < 2e-6


def test_the_mean_error_of_a_colour_is_no_blur() -> None:
    sharp = torch.rand((1, 3, 9, 9), generator=torch.Generator().manual_seed(1))
    shifted = sharp + torch.tensor([0.1, -0.05, 0.2])[:, None, None]
    assert psnr_unbiased_db(shifted, sharp) == pytest.approx(20 * np.log10(255))
    noisy = shifted + 0.1 * torch.randn(sharp.shape, generator=torch.Generator().manual_seed(2))
    assert psnr_unbiased_db(noisy, sharp) == pytest.approx(20, abs=1)
