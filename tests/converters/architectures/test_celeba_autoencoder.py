"""The autoencoder and the VAE for faces, of any width."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import parity
from converters.architectures.base import Network, NotThis
from converters.architectures.celeba_autoencoder import ARCHITECTURE, Config
from converters.detect import read, recognise
from converters.references.numpy_ops import NumpyOps
from tests.converters.generating import code_of, pictures
from tests.converters.proving import (
    prove,
    random_arrays,
    shared,
    weights_of,
)

PLAIN = Config(20, (4, 6, 8), (8, 6, 4), variational=False)
VARIATIONAL = Config(20, (4, 6, 8), (8, 6, 4), variational=True)


def arrays(config: Config, seed: int = 0) -> dict[str, Any]:
    made = random_arrays(config.shapes, seed)
    for name, values in made.items():
        if values.ndim == 1 and name.endswith(("weight", "running_var")):
            made[name] = np.abs(1 + values)
    return made


@pytest.mark.parametrize(
    "config", [PLAIN, VARIATIONAL, Config(33, (3, 9, 5), (16, 3, 2), variational=True)]
)
def test_the_graph_is_the_network(config: Config) -> None:
    network = prove(ARCHITECTURE, weights_of(arrays(config)))
    assert network.outputs[0].size == [128, 128]  # type: ignore[union-attr]


def test_the_knobs_do_what_they_say() -> None:
    config = Config(7, (3, 9, 5), (2, 3, 11), variational=False)
    weights = weights_of(arrays(config))
    network = ARCHITECTURE.build(weights, config)
    plain = parity.inputs_for(network)
    for rounds, spread in [(0, 1), (0, 0), (0.5, 2), (2.25, 0.5)]:
        inputs = plain | {
            "rounds": np.array([rounds], np.float32), "spread": np.array([spread], np.float32),
        }  # fmt: skip
        measured = parity.measure(ARCHITECTURE, network, weights, config, NumpyOps(), inputs)
        assert measured.max_abs_error <= parity.TOLERANCE


def test_going_around_holds_each_weight_once() -> None:
    weights = weights_of(arrays(PLAIN))
    graph = ARCHITECTURE.build(weights, PLAIN).model.graph
    held = sum(int(np.prod(tensor.dims)) for tensor in graph.initializer)
    assert held < sum(array.size for array in weights.arrays.values()) + 100


def test_kind_width_and_code_are_told_by_names_and_shapes() -> None:
    for config in (PLAIN, VARIATIONAL):
        found = ARCHITECTURE.recognise(weights_of(arrays(config)))
        assert found.config == config
    counted = {**arrays(VARIATIONAL), "decoder.3.num_batches_tracked": np.array(9)}
    assert ARCHITECTURE.recognise(weights_of(counted)).config == VARIATIONAL


def test_arrays_of_another_network_are_refused() -> None:
    made = arrays(PLAIN)
    for others, why in [
        ({"encoder.0.weight": made["encoder.0.weight"]}, "no encoder and decoder"),
        ({**made, "decoder.0.weight": np.ones(())}, "no encoder and decoder"),
        ({**made, "decoder.0.weight": np.empty((128, 70_000), np.int8)}, "no encoder and decoder"),
        ({**made, "fc1.weight": np.ones((20, 128))}, "differ in 1 names"),
        ({**made, "encoder.9.bias": np.ones(21)}, "has the shape"),
        ({**made, "decoder.0.weight": np.ones((0, 20))}, "has the shape"),
        ({**arrays(VARIATIONAL), "decoder.3.bias": np.ones((6, 1))}, "has the shape"),
    ]:
        with pytest.raises(NotThis, match=why):
            ARCHITECTURE.recognise(weights_of(others))


def test_negative_variances_are_refused() -> None:
    made = {**arrays(VARIATIONAL), "decoder.3.running_var": np.full(6, -1.0)}
    with pytest.raises(NetworkError, match="variances"):
        ARCHITECTURE.build(weights_of(made), VARIATIONAL)


def test_weights_that_are_not_finite_are_refused() -> None:
    for config, name in ((PLAIN, "encoder.3.bias"), (VARIATIONAL, "decoder.7.running_mean")):
        made = arrays(config)
        made[name] = np.full_like(made[name], np.nan)
        with pytest.raises(NetworkError, match="finite"):
            ARCHITECTURE.build(weights_of(made), config)


def original(config: Config) -> Any:
    """Encoder and decoder as V-Kisielius/AE-VAE-CelebA has them, their widths made free."""
    torch = pytest.importorskip("torch")
    nn = torch.nn
    a, b, c = config.encoder
    d, e, f = config.decoder
    up = {"scale_factor": 2, "mode": "nearest"}
    if not config.variational:
        encoder = nn.Sequential(
            nn.Conv2d(3, a, 3, stride=2, padding=1), nn.MaxPool2d(2, stride=2), nn.ELU(),
            nn.Conv2d(a, b, 3, stride=2, padding=1), nn.MaxPool2d(2, stride=2), nn.ELU(),
            nn.Conv2d(b, c, 3, stride=2, padding=1), nn.Flatten(), nn.ELU(),
            nn.Linear(c * 16, config.latent), nn.Tanh(),
        )  # fmt: skip
        decoder = nn.Sequential(
            nn.Linear(config.latent, d * 16), nn.Unflatten(1, (d, 4, 4)),
            nn.ConvTranspose2d(d, e, 3, stride=3, padding=2), nn.ELU(), nn.Upsample(**up),
            nn.ConvTranspose2d(e, f, 4, stride=2, padding=1), nn.ELU(), nn.Upsample(**up),
            nn.ConvTranspose2d(f, 3, 4, stride=2, padding=1), nn.Tanh(),
        )  # fmt: skip
        return nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    encoder = nn.Sequential(
        nn.Conv2d(3, a, 3, stride=2, padding=1), nn.MaxPool2d(2, stride=2), nn.BatchNorm2d(a),
        nn.LeakyReLU(),
        nn.Conv2d(a, b, 3, stride=2, padding=1), nn.MaxPool2d(2, stride=2), nn.BatchNorm2d(b),
        nn.LeakyReLU(),
        nn.Conv2d(b, c, 3, stride=2, padding=1), nn.BatchNorm2d(c), nn.Tanh(), nn.Flatten(),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(config.latent, d * 16), nn.Unflatten(1, (d, 4, 4)),
        nn.ConvTranspose2d(d, e, 3, stride=3, padding=2), nn.BatchNorm2d(e), nn.LeakyReLU(),
        nn.Upsample(**up),
        nn.ConvTranspose2d(e, f, 4, stride=2, padding=1), nn.BatchNorm2d(f), nn.LeakyReLU(),
        nn.Upsample(**up),
        nn.ConvTranspose2d(f, 3, 4, stride=2, padding=1), nn.BatchNorm2d(3), nn.Tanh(),
    )  # fmt: skip
    mean, logarithm = nn.Linear(c * 16, config.latent), nn.Linear(c * 16, config.latent)
    return nn.ModuleDict({"encoder": encoder, "fc1": mean, "fc2": logarithm, "decoder": decoder})


def drawn_by_torch(config: Config, made: dict[str, Any], code: Any, rounds: int = 0) -> Any:
    torch = pytest.importorskip("torch")
    net = original(config)
    held = {name: torch.from_numpy(np.array(values)) for name, values in made.items()}
    net.load_state_dict(held, strict=False)
    assert {name for name in net.state_dict() if "num_batches" not in name} == set(held)
    # In double, so that what is measured is the graph alone.
    net.eval().double()
    with torch.no_grad():
        seen = torch.from_numpy(code).double()
        for _ in range(rounds):
            seen = net["encoder"](net["decoder"](seen))
        return net["decoder"](seen).numpy()


@pytest.mark.parametrize("config", [VARIATIONAL, Config(9, (4, 5, 6), (7, 6, 5), variational=True)])
def test_a_vae_draws_what_pytorch_draws(config: Config) -> None:
    pytest.importorskip("torch")
    weights = weights_of(arrays(config))
    network = ARCHITECTURE.build(weights, config)
    inputs = parity.inputs_for(network)
    ours = parity.run(network.model.SerializeToString(), inputs)["image"]
    theirs = drawn_by_torch(config, dict(weights.arrays), inputs["code"])
    assert np.abs(ours - theirs).max() * 127.5 <= parity.TOLERANCE


FACES = "celeba-ae/autoencoder_lat200.pt"


def published() -> tuple[Any, Config, Network]:
    weights = read(shared(FACES))
    architecture, found = recognise(weights)
    assert architecture is ARCHITECTURE
    return weights, found.config, ARCHITECTURE.build(weights, found.config)


def test_published_weights_convert() -> None:
    weights, config, _ = published()
    assert config == Config(200, (16, 32, 64), (64, 32, 16), variational=False)
    prove(ARCHITECTURE, weights)


@pytest.mark.parametrize(("rounds", "spread"), [(0, 1), (1, 0.5), (12, 1), (16, 0.5), (16, 1)])
def test_published_weights_draw_what_pytorch_draws(rounds: int, spread: float) -> None:
    pytest.importorskip("torch")
    weights, config, network = published()
    code = code_of(network, 3)
    knobs = {"rounds": np.array([rounds], np.float32), "spread": np.array([spread], np.float32)}
    ours = parity.run(network.model.SerializeToString(), {"code": code, **knobs})["image"]
    theirs = drawn_by_torch(
        config, dict(weights.arrays), np.tanh(code * np.float32(spread)), rounds
    )
    # The author's network, and it as often as by default, within 1e-3; sixteen rounds of float32
    # add up to 1.1e-3.
    bound = parity.TOLERANCE * (1 if rounds <= 12 else 2)
    assert np.abs(ours - theirs).max() * 127.5 <= bound


def test_the_bridge_draws_pictures_that_the_network_takes_for_its_own(tmp_path: Path) -> None:
    """Faces: a picture of another kind would change much in one round more."""
    _, _, network = published()
    shown = {
        rounds: np.stack(pictures(network, tmp_path / f"{rounds}", range(6), rounds=rounds))
        for rounds in (0, 1, 12, 13)
    }
    faces = shown[12]
    assert faces.shape == (6, 128, 128, 4)
    assert (faces[..., 3] == 255).all()
    assert apart(faces, shown[13]) < 5
    assert apart(shown[0], shown[1]) > 4 * apart(faces, shown[13])
    assert all(apart(faces[i], faces[j]) > 15 for i in range(6) for j in range(i))


def apart(one: Any, other: Any) -> float:
    """Mean difference, of 255."""
    return float(np.abs(one.astype(float) - other).mean())
