"""Make `models/passthrough`: the package that returns each frame unchanged.

`python -m models.recipes.passthrough`. What it takes, the bridge itself takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import onnx
from onnx import TensorProto, helper

from bridge.inference.manifest import (
    Cost,
    FrameInput,
    FrameOutput,
    Graph,
    Manifest,
    Size,
    Source,
    Tiling,
)
from bridge.inference.package import IR_VERSION_MAX, OPSET, save
from converters.card import write_card

FILE = "model.onnx"
FRAME = "frame"
RESULT = "unchanged"


def build_graph() -> onnx.ModelProto:
    """One Identity: float32 (1, 3, H, W), RGB, 0 to 1, in and out."""
    source, result = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, "H", "W"])
        for name in (FRAME, RESULT)
    )
    node = helper.make_node("Identity", [FRAME], [RESULT], "identity")
    model = helper.make_model(
        helper.make_graph([node], "passthrough", [source], [result]),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION_MAX,
        producer_name="models.recipes.passthrough",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def manifest() -> Manifest:
    return Manifest(
        format=1,
        name="passthrough",
        version="1.0.0",
        task="measure",
        license="MIT",
        title="Passthrough",
        description="Returns each frame unchanged. For whoever sets up a stream: it shows that "
        "frames leave the engine and come back whole, and what the way itself costs.",
        architecture="identity",
        source=Source(recipe="python -m models.recipes.passthrough"),
        tiling=Tiling(overlap=0),
        cost=Cost(parameters=0, macs_per_input_pixel=0),
        # `save` fills in the hash.
        graphs=[Graph(file=FILE, precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name=FRAME, size=Size(multiple_of=1, padding="edge"))],
        outputs=[FrameOutput(name=RESULT, scale=1)],
    )


def main() -> int:
    """Exit status: 0 written."""
    parser = argparse.ArgumentParser(
        prog="python -m models.recipes.passthrough", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--package", type=Path, default=Path("models/passthrough"), metavar="FOLDER",
        help="where the package goes (%(default)s)",
    )  # fmt: skip
    folder = parser.parse_args().package
    save(folder, manifest(), {FILE: build_graph().SerializeToString()})
    write_card(folder)
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
