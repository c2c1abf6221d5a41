"""Blend two next-frame packages by their weights: neither torch nor a checkpoint is needed.

    python -m models.recipes.next_frame.blend models/next-fluid models/next-growth \\
        --package out/next-between
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec
import numpy as np
import onnx
from onnx import numpy_helper

from bridge.errors import FramebridgeError
from bridge.inference.package import ModelPackage, save
from converters.card import write_card
from converters.cost import count_cost


def blended(first: onnx.ModelProto, second: onnx.ModelProto, share: float) -> onnx.ModelProto:
    """The first graph with weights between those of both.

    Args:
        share: of the second's weights: 0 is the first graph, 1 the second.
    Raises: ValueError: the graphs are not of one network.
    """
    others = {tensor.name: numpy_helper.to_array(tensor) for tensor in second.graph.initializer}
    if _outline(first) != _outline(second):
        raise ValueError("the two graphs are not of one network: their nodes or weights differ")
    made = onnx.ModelProto()
    made.CopyFrom(first)
    for tensor in made.graph.initializer:
        here, there = numpy_helper.to_array(tensor), others[tensor.name]
        if here.dtype.kind == "f":
            between = here + share * (there.astype(np.float64) - here)
            tensor.CopyFrom(numpy_helper.from_array(between.astype(here.dtype), tensor.name))
    return made


def blend_packages(
    first: ModelPackage, second: ModelPackage, share: float, folder: Path
) -> ModelPackage:
    """Write the package between two, under the name of `folder`.

    Raises: ValueError, FramebridgeError.
    """
    model = blended(first.load_graph(), second.load_graph(), share)
    stated = first.manifest
    graph = msgspec.structs.replace(stated.graphs[0], parity=None)
    manifest = msgspec.structs.replace(
        stated,
        name=folder.name,
        title=f"{stated.title} and {second.manifest.title}, {share:g}",
        description=f"Between {first.name} and {second.name}: a blend of their weights, of which "
        f"{share:g} are the second's.",
        graphs=[graph],
        cost=count_cost(model),
        quality=[],
        limits=[],
        source=msgspec.structs.replace(
            stated.source,
            recipe=f"python -m models.recipes.next_frame.blend models/{first.name} "
            f"models/{second.name} --share {share:g} --package {folder.as_posix()}",
            data=f"what {first.name} and {second.name} learned from",
        ),
    )
    package = save(folder, manifest, {graph.file: model.SerializeToString()})
    write_card(folder)
    return package


def _outline(model: onnx.ModelProto) -> list[object]:
    nodes = [node.SerializeToString() for node in model.graph.node]
    return [nodes, [(t.name, t.data_type, tuple(t.dims)) for t in model.graph.initializer]]


def main() -> int:
    """Exit status: 0 written, otherwise as the error says."""
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.next_frame.blend",
        description="Make a package whose weights lie between those of two, which were trained "
        "from one start.",
    )
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument(
        "--share", type=float, default=0.5, metavar="S",
        help="of the second: 0 is the first, 1 the second (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--package", type=Path, required=True, metavar="FOLDER")
    arguments = parser.parse_args()
    try:
        packages = ModelPackage.open(arguments.first), ModelPackage.open(arguments.second)
        made = blend_packages(*packages, arguments.share, arguments.package)
    except FramebridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(made.folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
