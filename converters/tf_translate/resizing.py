"""Resizes whose result TensorFlow, ONNX Runtime and OpenVINO agree on."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from converters.tf_translate.context import Context, Translator, flag, static_of
from converters.tf_translate.nodes import Node, Untranslatable
from converters.tf_translate.sizes import Size, ratio
from converters.tf_translate.values import Known, Value


def _wanted(context: Context, given: list[Known]) -> tuple[Value, Value, list[Fraction]]:
    """The picture, what it becomes (still without a name), and how much larger that is."""
    x = context.picture(given[0], "NHWC")
    sizes = static_of(given[1], "the size of a resize").sizes()
    if len(sizes) != 2:
        raise Untranslatable("a resize has no height and width")
    ratios = [ratio(size, x.along(letter)) for size, letter in zip(sizes, "HW", strict=True)]
    if any(not Fraction(1, 64) <= each <= 64 for each in ratios):
        raise Untranslatable(f"it resizes by {float(ratios[0])} and {float(ratios[1])}")
    return x, Value("", (x.along("N"), *sizes, x.along("C")), "NHWC"), ratios


def _nearest(context: Context, node: Node, given: list[Known]) -> Known:
    x, made, ratios = _wanted(context, given)
    if flag(node.attr, "align_corners"):
        raise Untranslatable("it resizes to the nearest pixel with the corners aligned")
    name = x.name
    if all(each.denominator == 1 for each in ratios):
        if ratios == [1, 1]:
            return x
        scales = context.graph.constant([1, 1, *(int(each) for each in ratios)], np.float32)
        name = context.graph.add(
            "Resize", [name, "", scales], mode="nearest", nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )  # fmt: skip
        return made.renamed(name)
    if any(each.numerator != 1 for each in ratios):
        raise Untranslatable("it resizes to the nearest pixel by a broken factor")
    # Every nth pixel: the first of each n, or with centres at halves the one after the middle.
    for axis, each in zip((2, 3), ratios, strict=True):
        step = each.denominator
        start = step // 2 if flag(node.attr, "half_pixel_centers") else 0
        end = int(np.iinfo(np.int64).max)
        name = context.graph.slice(name, [start], [end], [axis], [step])
    return made.renamed(name)


def _bilinear(context: Context, node: Node, given: list[Known]) -> Known:
    x, made, ratios = _wanted(context, given)
    if ratios == [1, 1]:
        return x
    if flag(node.attr, "align_corners"):
        mode = "align_corners"
    else:
        mode = "half_pixel" if flag(node.attr, "half_pixel_centers") else "asymmetric"
    free = any(isinstance(made.along(letter), Size) for letter in "HW")
    if free:
        scales = context.graph.constant([1, 1, *map(float, ratios)], np.float32)
        inputs = [x.name, "", scales]
    else:
        sizes = [1, x.along("C"), made.along("H"), made.along("W")]
        inputs = [x.name, "", "", context.sizes_tensor(sizes)]
    name = context.graph.add("Resize", inputs, mode="linear", coordinate_transformation_mode=mode)
    return made.renamed(name)


TRANSLATORS: dict[str, Translator] = {
    "ResizeNearestNeighbor": _nearest, "ResizeBilinear": _bilinear,
}  # fmt: skip
