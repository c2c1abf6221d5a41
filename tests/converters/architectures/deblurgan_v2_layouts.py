"""The arrays of DeblurGAN-v2's files: names and shapes as `state_dict()` of the original has them.

`test_the_layout_is_that_of_the_original` compares them with PyTorch's own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from converters.weights import Array

Shapes = dict[str, tuple[int, ...]]

SETTING = (
    (1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1),
)  # fmt: skip
"""MobileNetV2: expansion, channels, how many."""


def mobilenet(divisor: int = 1, pyramid: int = 128, width: int = 64) -> Shapes:
    return {
        **dict(_mobilenet_backbone(divisor)),
        **dict(
            _pyramid(pyramid, width, [channels // divisor for channels in (16, 24, 32, 64, 160)])
        ),
        **dict(_heads(pyramid, width)),
    }


def inception(
    divisor: int = 1,
    pyramid: int = 256,
    width: int = 128,
    blocks: tuple[int, int, int] = (10, 20, 9),
) -> Shapes:
    backbone = dict(_inception_backbone(divisor, blocks))
    channels = [each // divisor for each in (32, 64, 192, 1088, 2080)]
    return {
        **backbone,
        **dict(_pyramid(pyramid, width, channels)),
        **dict(_heads(pyramid, width)),
    }


def filled(shapes: Shapes, seed: int = 0, prefix: str = "") -> dict[str, Array]:
    """Kernels after He, norms that change what they pass, one array for what has two names.

    The norms of the backbone shift by about one, as relu otherwise makes noise of rounding: with
    shifts around zero, fifty layers of random norms bring PyTorch's own float32 to 1e-2 of 255
    from float64. Every eighth shift is larger, so that relu6 cuts at six as well as at zero.
    """
    random = np.random.default_rng(seed)
    made: dict[str, Array] = {}
    for name, shape in shapes.items():
        if name.startswith("fpn.enc"):
            made[prefix + name] = made[prefix + twin(name, shapes)]
        elif name.endswith("num_batches_tracked"):
            made[prefix + name] = np.asarray(7, np.int64)
        elif name.endswith(("running_mean", "running_var")):
            # Far from the picture's: whoever used them would be seen.
            made[prefix + name] = np.full(shape, 5, np.float32)
        elif len(shape) == 4:
            spread = np.sqrt(2 / np.prod(shape[1:]), dtype=np.float32)
            made[prefix + name] = random.standard_normal(shape, np.float32) * spread
        elif name.endswith("weight"):
            made[prefix + name] = random.uniform(0.5, 1.5, shape).astype(np.float32)
        elif f"{name.removesuffix('bias')}running_mean" in shapes:
            made[prefix + name] = 1 + 0.3 * random.standard_normal(shape, np.float32)
            made[prefix + name][::8] += 4
        else:
            made[prefix + name] = 0.1 * random.standard_normal(shape, np.float32)
    # What is added to the picture is a part of its range, as in a network that deblurs.
    made[f"{prefix}final.weight"] *= 0.5
    return made


_STAGES = {
    "enc1.0.": "conv2d_2a.", "enc1.1.": "conv2d_2b.", "enc2.0.": "conv2d_3b.",
    "enc2.1.": "conv2d_4a.", "enc3.0.": "mixed_5b.", "enc3.1.": "repeat.", "enc3.2.": "mixed_6a.",
    "enc4.0.": "repeat_1.", "enc4.1.": "mixed_7a.", "enc0.": "conv2d_1a.",
}  # fmt: skip


def twin(name: str, shapes: Shapes) -> str:
    """The name in the backbone of what a stage has: "fpn.enc1.0.x" is "fpn.features.2.x"."""
    own = name.removeprefix("fpn.")
    if "fpn.features.0.0.weight" in shapes:
        stage, place, rest = own.split(".", 2)
        first = (0, 2, 4, 7, 11)[int(stage[-1])]
        return f"fpn.features.{first + int(place)}.{rest}"
    beginning = next(beginning for beginning in _STAGES if own.startswith(beginning))
    return f"fpn.inception.{_STAGES[beginning]}{own.removeprefix(beginning)}"


def _norm(
    name: str, channels: int, *, affine: bool = True
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for part in (("weight", "bias") if affine else ()) + ("running_mean", "running_var"):
        yield f"{name}.{part}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def _pyramid(
    pyramid: int, width: int, channels: list[int]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    for index in (1, 2, 3):
        yield from _normed(f"fpn.td{index}", pyramid, pyramid)
    for index in (4, 3, 2, 1, 0):
        out = pyramid if index else pyramid // 2
        assert index or out == width
        yield f"fpn.lateral{index}.weight", (out, channels[index], 1, 1)


def _heads(pyramid: int, width: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for index in (1, 2, 3, 4):
        yield f"head{index}.block0.weight", (width, pyramid, 3, 3)
        yield f"head{index}.block1.weight", (width, width, 3, 3)
    yield from _normed("smooth", width, 4 * width)
    yield from _normed("smooth2", width // 2, width)
    yield "final.weight", (3, width // 2, 3, 3)
    yield "final.bias", (3,)


def _normed(name: str, out: int, inside: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.0.weight", (out, inside, 3, 3)
    yield f"{name}.0.bias", (out,)
    yield from _norm(f"{name}.1", out, affine=False)


def _mobilenet_backbone(divisor: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    layers: list[Shapes] = []

    def layer(*convolutions: tuple[str, int, tuple[int, ...]]) -> None:
        shapes: Shapes = {}
        for where, at, shape in convolutions:
            shapes[f"{where}{at}.weight"] = shape
            shapes |= dict(_norm(f"{where}{at + 1}", shape[0]))
        layers.append(shapes)

    inside = 32 // divisor
    layer(("", 0, (inside, 3, 3, 3)))
    for expansion, channels, count in SETTING:
        for _ in range(count):
            out, hidden = channels // divisor, inside * expansion
            narrow = [("conv.", 0, (hidden, 1, 3, 3)), ("conv.", 3, (out, hidden, 1, 1))]
            if expansion > 1:
                narrow = [(where, at + 3, shape) for where, at, shape in narrow]
                narrow.insert(0, ("conv.", 0, (hidden, inside, 1, 1)))
            layer(*narrow)  # type: ignore[arg-type]
            inside = out
    layer(("", 0, (1280, inside, 1, 1)))
    for index, shapes in enumerate(layers):
        yield from ((f"fpn.features.{index}.{name}", shape) for name, shape in shapes.items())
    for stage, (first, last) in enumerate(((0, 2), (2, 4), (4, 7), (7, 11), (11, 16))):
        for index in range(first, last):
            for name, shape in layers[index].items():
                yield f"fpn.enc{stage}.{index - first}.{name}", shape


def _inception_backbone(
    divisor: int, blocks: tuple[int, int, int]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    def basic(name: str, out: int, inside: int, *side: int) -> Shapes:
        shape = (out // divisor, inside // divisor if inside > 3 else 3, side[0], side[-1])
        return {f"{name}.conv.weight": shape, **dict(_norm(f"{name}.bn", out // divisor))}

    def block(name: str, out: int, inside: int, *branches: Shapes) -> Shapes:
        together = {key: shape for branch in branches for key, shape in branch.items()}
        shape = (out // divisor, inside // divisor, 1, 1)
        return {**{f"{name}.{key}": shape for key, shape in together.items()},
                f"{name}.conv2d.weight": shape, f"{name}.conv2d.bias": shape[:1]}  # fmt: skip

    def mixed(name: str, *branches: Shapes) -> Shapes:
        return {f"{name}.{key}": shape for branch in branches for key, shape in branch.items()}

    shapes: Shapes = {}
    for name, out, inside, side in (
        ("conv2d_1a", 32, 3, 3), ("conv2d_2a", 32, 32, 3), ("conv2d_2b", 64, 32, 3),
        ("conv2d_3b", 80, 64, 1), ("conv2d_4a", 192, 80, 3),
    ):  # fmt: skip
        shapes |= basic(name, out, inside, side)
    shapes |= mixed(
        "mixed_5b", basic("branch0", 96, 192, 1),
        basic("branch1.0", 48, 192, 1), basic("branch1.1", 64, 48, 5),
        basic("branch2.0", 64, 192, 1), basic("branch2.1", 96, 64, 3),
        basic("branch2.2", 96, 96, 3),
        basic("branch3.1", 64, 192, 1),
    )  # fmt: skip
    for index in range(blocks[0]):
        shapes |= block(
            f"repeat.{index}", 320, 128, basic("branch0", 32, 320, 1),
            basic("branch1.0", 32, 320, 1), basic("branch1.1", 32, 32, 3),
            basic("branch2.0", 32, 320, 1), basic("branch2.1", 48, 32, 3),
            basic("branch2.2", 64, 48, 3),
        )  # fmt: skip
    shapes |= mixed(
        "mixed_6a", basic("branch0", 384, 320, 3), basic("branch1.0", 256, 320, 1),
        basic("branch1.1", 256, 256, 3), basic("branch1.2", 384, 256, 3),
    )  # fmt: skip
    for index in range(blocks[1]):
        shapes |= block(
            f"repeat_1.{index}", 1088, 384, basic("branch0", 192, 1088, 1),
            basic("branch1.0", 128, 1088, 1), basic("branch1.1", 160, 128, 1, 7),
            basic("branch1.2", 192, 160, 7, 1),
        )  # fmt: skip
    shapes |= mixed(
        "mixed_7a", basic("branch0.0", 256, 1088, 1), basic("branch0.1", 384, 256, 3),
        basic("branch1.0", 256, 1088, 1), basic("branch1.1", 288, 256, 3),
        basic("branch2.0", 256, 1088, 1), basic("branch2.1", 288, 256, 3),
        basic("branch2.2", 320, 288, 3),
    )  # fmt: skip
    for name in (*(f"repeat_2.{index}" for index in range(blocks[2])), "block8"):
        shapes |= block(
            name, 2080, 448, basic("branch0", 192, 2080, 1), basic("branch1.0", 192, 2080, 1),
            basic("branch1.1", 224, 192, 1, 3), basic("branch1.2", 256, 224, 3, 1),
        )  # fmt: skip
    shapes |= basic("conv2d_7b", 1536, 2080, 1)
    shapes |= {"last_linear.weight": (1000, 1536 // divisor), "last_linear.bias": (1000,)}
    yield from ((f"fpn.inception.{name}", shape) for name, shape in shapes.items())
    for stage, part in _STAGES.items():
        for name, shape in shapes.items():
            if name.startswith(part):
                yield f"fpn.{stage}{name.removeprefix(part)}", shape
