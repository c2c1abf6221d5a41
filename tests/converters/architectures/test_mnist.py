"""Generators of fully connected layers, of any width and depth."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from bridge.inference.manifest import LatentInput
from converters import parity
from converters.architectures.base import NotThis
from converters.architectures.mnist import ARCHITECTURE
from converters.detect import read, recognise
from tests.converters.generating import code_of, pictures
from tests.converters.proving import prove, random_arrays, shared, weights_of

PUBLISHED = {"vae_epoch_25.pth": 20, "G--300.ckpt": 64}


def gan(*widths: int) -> dict[str, Any]:
    shapes: dict[str, tuple[int, ...]] = {}
    for index, (inside, out) in enumerate(pairwise(widths)):
        shapes |= {f"{2 * index}.weight": (out, inside), f"{2 * index}.bias": (out,)}
    return random_arrays(shapes)


def vae(code: int, hidden: int, pixels: int) -> dict[str, Any]:
    sides = {"fc1": (hidden, pixels), "fc21": (code, hidden), "fc22": (code, hidden)}
    sides |= {"fc3": (hidden, code), "fc4": (pixels, hidden)}
    return random_arrays(
        {f"{name}.weight": shape for name, shape in sides.items()}
        | {f"{name}.bias": shape[:1] for name, shape in sides.items()}
    )


@pytest.mark.parametrize("widths", [(64, 128, 784), (3, 9, 5, 20, 256), (7, 11, 64)])
def test_a_gan_generator_is_the_network(widths: tuple[int, ...]) -> None:
    network = prove(ARCHITECTURE, weights_of(gan(*widths)))
    assert network.outputs[0].range == [-1.0, 1.0]  # type: ignore[union-attr]


@pytest.mark.parametrize("widths", [(20, 40, 784), (5, 33, 100)])
def test_a_vae_is_its_decoder(widths: tuple[int, int, int]) -> None:
    network = prove(ARCHITECTURE, weights_of(vae(*widths)))
    assert network.inputs == [LatentInput(name="code", length=widths[0])]
    assert network.outputs[0].range == [0.0, 1.0]  # type: ignore[union-attr]


def test_arrays_of_another_network_are_refused() -> None:
    for made, why in [
        (gan(784, 256, 1), "no square picture"),
        (gan(784, 256, 100), "not its widest"),
        (gan(784, 1024, 784), "not its widest"),
        (gan(64, 784), "neither"),
        ({**gan(4, 9, 100), "0.weight": np.empty((9, 70_000), np.int8)}, "longer than any"),
        ({**gan(4, 9, 100), "1.weight": np.ones(9)}, "neither"),
        ({**gan(4, 9, 100), "2.weight": np.ones((100, 8))}, "do not follow"),
        ({**gan(4, 9, 100), "2.bias": np.ones((100, 1))}, "biases"),
        ({**gan(4, 9, 100), "0.weight": np.ones((9, 4, 3, 3))}, "fully connected"),
        ({**gan(4, 9, 100), "0.weight": np.ones(())}, "fully connected"),
        ({**vae(4, 9, 100), "fc1.weight": np.ones((9, 99))}, "do not fit"),
        ({**vae(4, 9, 100), "fc21.weight": np.ones(())}, "do not fit"),
        (vae(4, 9, 101), "no square picture"),
    ]:
        with pytest.raises(NotThis, match=why):
            ARCHITECTURE.recognise(weights_of(made))


def test_weights_that_are_not_finite_are_refused() -> None:
    made = gan(4, 9, 100)
    made["2.bias"][7] = np.inf
    with pytest.raises(NetworkError, match="finite"):
        ARCHITECTURE.build(weights_of(made), ARCHITECTURE.recognise(weights_of(made)).config)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_convert(name: str) -> None:
    weights = read(shared(f"mnist-vae/{name}"))
    architecture, found = recognise(weights)
    assert architecture is ARCHITECTURE
    assert (found.facts["latent"], found.facts["side"]) == (PUBLISHED[name], 28)
    prove(ARCHITECTURE, weights)


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_bridge_draws_digits(name: str, tmp_path: Path) -> None:
    weights = read(shared(f"mnist-vae/{name}"))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    shown = np.stack(pictures(network, tmp_path / "package", range(24)))
    assert shown.shape == (24, 28, 28, 4)
    assert (shown[..., 3] == 255).all()
    grey = shown[..., 0]
    assert (shown[..., :3] == grey[..., None]).all()
    # A bright stroke in the middle of a dark picture, and another one each time.
    assert (grey.max((1, 2)) > 200).mean() > 0.8
    assert (grey < 64).mean() > 0.7
    assert grey[:, [0, 1, -2, -1]].mean() < 8
    assert grey[:, :, [0, 1, -2, -1]].mean() < 8
    assert grey[:, 8:20, 8:20].mean() > 60
    assert len(np.unique(grey.reshape(24, -1), axis=0)) == 24


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_give_what_pytorch_gives(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class VAE(nn.Module):
        """As pytorch/examples (BSD-3-Clause) and csinva/gan-vae-pretrained-pytorch have it."""

        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(784, 400)
            self.fc21, self.fc22 = nn.Linear(400, 20), nn.Linear(400, 20)
            self.fc3, self.fc4 = nn.Linear(20, 400), nn.Linear(400, 784)

        def forward(self, z: Any) -> Any:
            return torch.sigmoid(self.fc4(torch.relu(self.fc3(z))))

    generator = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 784),
        nn.Tanh(),
    )  # fmt: skip
    weights = read(shared(f"mnist-vae/{name}"))
    network = ARCHITECTURE.build(weights, ARCHITECTURE.recognise(weights).config)
    net = VAE() if name.startswith("vae") else generator
    net.load_state_dict({k: torch.from_numpy(np.array(v)) for k, v in weights.arrays.items()})
    low, high = network.outputs[0].range  # type: ignore[union-attr]
    shown = pictures(network, tmp_path / "package", range(8))
    for seed in range(8):
        code = code_of(network, seed)
        ours = parity.run(network.model.SerializeToString(), {"code": code})["image"]
        with torch.no_grad():
            theirs = net(torch.from_numpy(code)).numpy().reshape(28, 28)
        assert np.abs(ours - theirs).max() * 255 / (high - low) <= parity.TOLERANCE
        bytes_ = np.round((theirs - low) / (high - low) * 255)
        assert np.abs(shown[seed][..., 0] - bytes_).max() <= 1
