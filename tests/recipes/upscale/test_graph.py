"""The graph is the network, at every scale, and ends as the bridge likes it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch")

from bridge.frames import FrameFormat  # noqa: E402
from bridge.inference.pixels import compose  # noqa: E402
from models.recipes.upscale.export import make_manifest, measure_parity  # noqa: E402
from models.recipes.upscale.graph import FRAME, UPSCALED, build_graph  # noqa: E402
from models.recipes.upscale.network import Shape, UpscaleNetwork  # noqa: E402
from tests.converters.proving import openvino_run  # noqa: E402


def network(scale: int, narrow: int = 4) -> UpscaleNetwork:
    torch.manual_seed(scale)
    made = UpscaleNetwork(Shape(scale, 6, 2, narrow)).eval()
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return made


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("narrow", [0, 4])
def test_the_graph_is_the_network_at_odd_sizes_and_borders(scale: int, narrow: int) -> None:
    made = network(scale, narrow)
    parity = measure_parity(made, build_graph(made).SerializeToString())
    assert parity.max_abs_error is not None
    assert 0 < parity.max_abs_error < 1e-3


def test_a_graph_of_other_weights_is_refused() -> None:
    made = network(2)
    graph = build_graph(made).SerializeToString()
    with torch.no_grad():
        made.tail.bias.add_(1e-4)
    with pytest.raises(ValueError, match="differs from the network by"):
        measure_parity(made, graph)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_openvino_agrees(scale: int) -> None:
    made = network(scale)
    frame = np.random.default_rng(0).random((1, 3, 9, 14), np.float32)
    found = openvino_run(build_graph(made), {FRAME: frame})[UPSCALED]
    with torch.no_grad():
        luma = torch.from_numpy(frame)
        weights = torch.tensor([65.738, 129.057, 25.064]).view(1, 3, 1, 1) / 256
        wanted = made((luma * weights).sum(1, keepdim=True))
    assert np.abs((found * weights.numpy()).sum(1, keepdims=True) - wanted.numpy()).max() < 1e-5


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_it_ends_in_a_shuffle_of_row_column_and_colour(scale: int) -> None:
    made = network(scale)
    model = build_graph(made)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds[-3:] == ["Conv", "Add", "DepthToSpace"]
    last = {a.name: onnx.helper.get_attribute_value(a) for a in model.graph.node[-1].attribute}
    assert last == {"blocksize": scale, "mode": b"DCR"}
    parity = measure_parity(made, model.SerializeToString())
    manifest = make_manifest("upscale", made, model, parity, "none")
    composed = compose(model, manifest, FrameFormat(width=17, height=31))
    assert composed.form == "bytes"
    # What runtimes fuse into a convolution; PRelu is none of it.
    assert set(kinds) == {"Conv", "LeakyRelu", "Add", "Pad", "DepthToSpace"}
