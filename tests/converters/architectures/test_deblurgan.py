"""DeblurGAN, of any width and number of blocks, with one and two convolutions a block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bridge.errors import NetworkError
from converters import detect, parity
from converters.architectures.base import NotThis
from converters.architectures.deblurgan import ANY_RESNET, ARCHITECTURE, WITHOUT_DROPOUT
from converters.weights import Array
from tests.converters.proving import prove, weights_of

SIZES = ((76, 52), (44, 36), (100, 60))
"""Multiples of four, none of 32."""


def arrays(
    width: int = 8, blocks: int = 2, convolutions: tuple[int, ...] = (1, 6), *,
    counted: bool = True, tracked: bool = True, prefix: str = "", affine: bool = False,
) -> dict[str, Array]:  # fmt: skip
    """As `state_dict()` of the original has them, kernels after He."""
    random = np.random.default_rng(width + blocks)
    made: dict[str, Array] = {}

    def layer(name: str, norm: str, out: int, inside: int, side: int, up: bool = False) -> None:
        name, norm = f"{prefix}model.{name}", f"{prefix}model.{norm}"
        shape = (inside, out, side, side) if up else (out, inside, side, side)
        spread = np.sqrt(2 / (inside * side**2))
        made[f"{name}.weight"] = (spread * random.standard_normal(shape)).astype(np.float32)
        if not affine or norm.endswith("."):
            made[f"{name}.bias"] = (0.1 * random.standard_normal(out)).astype(np.float32)
        if norm.endswith("."):
            return
        if affine:
            made[f"{norm}.weight"] = random.uniform(0.5, 1.5, out).astype(np.float32)
            made[f"{norm}.bias"] = (0.1 * random.standard_normal(out)).astype(np.float32)
        if tracked:
            # Far from the picture's: whoever used them would be seen.
            made[f"{norm}.running_mean"] = np.full(out, 3, np.float32)
            made[f"{norm}.running_var"] = np.full(out, 9, np.float32)
        if counted and tracked:
            made[f"{norm}.num_batches_tracked"] = np.asarray(7, np.int64)

    layer("1", "2", width, 3, 7)
    layer("4", "5", 2 * width, width, 3)
    layer("7", "8", 4 * width, 2 * width, 3)
    for index in range(10, 10 + blocks):
        for at in convolutions:
            block = f"{index}.conv_block"
            layer(f"{block}.{at}", f"{block}.{at + 1}", 4 * width, 4 * width, 3)
    end = 10 + blocks
    layer(f"{end}", f"{end + 1}", 2 * width, 4 * width, 3, up=True)
    layer(f"{end + 3}", f"{end + 4}", width, 2 * width, 3, up=True)
    layer(f"{end + 7}", "", 3, width, 7)
    # What is added to the picture is a part of its range, as in a network that deblurs. With the
    # whole range PyTorch's own float32 is 9e-4 of 255 from float64.
    made[f"{prefix}model.{end + 7}.weight"] *= 0.5
    return made


@pytest.mark.parametrize(
    ("width", "blocks", "convolutions"),
    [(8, 2, (1, 6)), (4, 3, (1, 5)), (6, 1, (1, 6)), (8, 3, (1,))],
)
def test_the_graph_is_the_network(width: int, blocks: int, convolutions: tuple[int, ...]) -> None:
    weights = weights_of(arrays(width, blocks, convolutions))
    network = prove(ARCHITECTURE, weights, *SIZES[:2], (8, 8))
    assert network.task == "deblur"
    assert network.inputs[0].size.multiple_of == 4  # type: ignore[union-attr]


def test_norms_with_weights_take_them_and_the_statistics_of_the_picture() -> None:
    prove(ANY_RESNET, weights_of(arrays(affine=True)), SIZES[0])


def test_a_prefix_of_all_names_is_no_hindrance() -> None:
    weights = weights_of(arrays(4, 1, prefix="module."))
    assert ARCHITECTURE.recognise(weights).config.prefix == "module."
    prove(ARCHITECTURE, weights, (24, 20))


def test_one_convolution_a_block_is_told_and_what_cannot_be_told_is_said() -> None:
    found = ARCHITECTURE.recognise(weights_of(arrays(8, 9, (1,))))
    assert found.facts == {
        "width": 8, "blocks": 9, "convolutions_per_block": 1, "relu_in_block": True,
    }  # fmt: skip
    assert any("deblurgan-no-dropout" in sentence for sentence in found.evidence)


def test_without_dropout_a_block_of_one_convolution_ends_with_its_norm() -> None:
    weights = weights_of(arrays(8, 2, (1,)))
    plain, usual = (prove(each, weights, SIZES[0]) for each in (WITHOUT_DROPOUT, ARCHITECTURE))
    inputs = parity.inputs_for(plain, SIZES[0])
    results = [
        parity.run(each.model.SerializeToString(), inputs)["deblurred"] for each in (plain, usual)
    ]
    assert np.abs(results[0] - results[1]).max() > 0.1
    with pytest.raises(NotThis, match="two convolutions"):
        WITHOUT_DROPOUT.recognise(weights_of(arrays()))


@pytest.mark.parametrize(
    "given",
    [
        {"counted": False, "convolutions": (1, 5)},
        {"tracked": False, "convolutions": (1, 6)},
        {"tracked": False, "convolutions": (1, 5)},
        {"affine": True},
    ],
)
def test_what_may_be_a_cyclegan_generator_is_left_to_it_unless_chosen(given: Any) -> None:
    weights = weights_of(arrays(**given))
    with pytest.raises(NotThis):
        ARCHITECTURE.recognise(weights)
    assert "CycleGAN" in ANY_RESNET.recognise(weights).evidence[2]


@pytest.mark.parametrize(
    "given",
    [{"counted": False}, {"convolutions": (1, 5)}, {"convolutions": (1,), "tracked": False}],
)
def test_marks_that_only_deblurgan_has_are_enough(given: Any) -> None:
    assert ARCHITECTURE.recognise(weights_of(arrays(**given))).evidence


def test_its_own_arrays_are_near() -> None:
    assert ARCHITECTURE.nearness(weights_of(arrays(prefix="module."))) == 1
    assert ARCHITECTURE.nearness(weights_of({"conv1.conv2d.weight": np.zeros(1)})) == 0


def test_arrays_of_another_network_are_refused() -> None:
    with pytest.raises(NotThis, match="conv_block"):
        ARCHITECTURE.recognise(weights_of({"model.1.weight": np.zeros((8, 3, 7, 7))}))
    wide, gap, deep = arrays(), arrays(4, 3), arrays()
    wide["model.4.weight"] = np.zeros((16, 9, 3, 3), np.float32)
    for name in [name for name in gap if name.startswith("model.11.")]:
        del gap[name]
    for name in [name for name in deep if name.startswith("model.11.conv_block.6")]:
        del deep[name]
    for others, reason in ((wide, "not"), (gap, "follow"), (deep, "differ")):
        with pytest.raises(NotThis, match=reason):
            ANY_RESNET.recognise(weights_of(others))


@pytest.mark.parametrize("name", ["model.4.bias", "model.10.conv_block.1.bias", "model.15.weight"])
def test_missing_and_wrong_arrays_are_errors_that_name_them(name: str) -> None:
    missing, nan = arrays(), arrays()
    config = ARCHITECTURE.recognise(weights_of(missing)).config
    del missing[name]
    nan[name] = np.full_like(nan[name], np.nan)
    for bad in (missing, nan):
        with pytest.raises(NetworkError, match=name):
            ARCHITECTURE.build(weights_of(bad), config)


@pytest.mark.parametrize("convolutions", [(1, 6), (1, 5), (1,)])
@pytest.mark.parametrize(("width", "blocks"), [(64, 9), (16, 6)])
def test_the_graph_is_the_original_in_pytorch(
    width: int, blocks: int, convolutions: tuple[int, ...], record_property: Any
) -> None:
    torch = pytest.importorskip("torch")
    stored = arrays(width, blocks, convolutions)
    original = _original(torch, width, blocks, convolutions)
    original.load_state_dict({name: torch.from_numpy(a) for name, a in stored.items()})
    weights = weights_of(stored)
    config = ARCHITECTURE.recognise(weights).config
    network = ARCHITECTURE.build(weights, config)
    for size in SIZES:
        inputs = parity.inputs_for(network, size)
        found = parity.run(network.model.SerializeToString(), inputs)["deblurred"]
        original.float().train()
        for module in original.modules():
            if isinstance(module, torch.nn.Dropout):
                module.eval()
        with torch.no_grad():
            x = torch.from_numpy(inputs["frame"])
            expected = original(x).numpy()
            exact = original.double()(x.double()).numpy()
        apart = np.abs(found - expected).max() * 127.5
        from_exact = np.abs(found - exact).max() * 127.5
        theirs = np.abs(expected - exact).max() * 127.5
        record_property(f"{size}", f"{apart}; {from_exact} and {theirs} from float64")
        print(
            f"{width} {blocks} {convolutions} {size}: {apart:.1e} of 255; from float64: ours "
            f"{from_exact:.1e}, PyTorch {theirs:.1e}"
        )
        assert found.shape == expected.shape
        assert np.abs(expected - inputs["frame"]).max() > 0.3, "the network does something"
        assert apart <= parity.TOLERANCE


def _original(torch: Any, width: int, blocks: int, convolutions: tuple[int, ...]) -> Any:
    """Its modules, in the order and with the names of the original's `Sequential`."""
    nn = torch.nn

    def norm(channels: int) -> Any:
        return nn.InstanceNorm2d(channels, affine=False, track_running_stats=True)

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, channels: int) -> None:
            super().__init__()

            def padded() -> list[Any]:
                return [nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), norm(channels)]

            parts = [*padded(), nn.ReLU(True)]
            parts += [nn.Dropout(0.5)] if convolutions != (1, 5) else []
            parts += padded() if len(convolutions) == 2 else []
            self.conv_block = nn.Sequential(*parts)

        def forward(self, x: Any) -> Any:
            return x + self.conv_block(x)

    class Generator(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            model = [nn.ReflectionPad2d(3), nn.Conv2d(3, width, 7), norm(width), nn.ReLU(True)]
            for inside in (width, 2 * width):
                down = nn.Conv2d(inside, 2 * inside, 3, stride=2, padding=1)
                model += [down, norm(2 * inside), nn.ReLU(True)]
            model += [Block(4 * width) for _ in range(blocks)]
            for inside in (4 * width, 2 * width):
                up = nn.ConvTranspose2d(
                    inside, inside // 2, 3, stride=2, padding=1, output_padding=1
                )
                model += [up, norm(inside // 2), nn.ReLU(True)]
            model += [nn.ReflectionPad2d(3), nn.Conv2d(width, 3, 7), nn.Tanh()]
            self.model = nn.Sequential(*model)

        def forward(self, x: Any) -> Any:
            return torch.clamp(x + self.model(x), -1, 1)

    return Generator()


@pytest.mark.parametrize(
    ("given", "name", "chosen"),
    [
        ({}, "", "deblurgan"),
        ({"convolutions": (1,)}, "", "deblurgan"),
        ({"convolutions": (1, 5), "tracked": False}, "", "junyanz"),
        ({"convolutions": (1, 5), "counted": False}, "", "junyanz"),
        ({"convolutions": (1, 5), "tracked": False}, "deblurgan-resnet", "deblurgan-resnet"),
        ({"convolutions": (1,)}, "deblurgan-no-dropout", "deblurgan-no-dropout"),
    ],
)
def test_of_all_networks_the_right_one_is_chosen(given: Any, name: str, chosen: str) -> None:
    architecture, _ = detect.recognise(weights_of(arrays(**given)), name)
    assert architecture.name == chosen
