"""The network that is trained is the one that a `.pict` holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import onnxruntime  # noqa: E402

from converters.architectures.pix2pix import ARCHITECTURE, SIDE  # noqa: E402
from converters.readers.pict import READER  # noqa: E402
from converters.weights import Weights  # noqa: E402
from models.recipes.edges_to_shoes.export import (  # noqa: E402
    graph_of,
    measure_parity,
    network_of,
    write_checked_pict,
)
from models.recipes.edges_to_shoes.network import Pix2PixNetwork, arrays_of  # noqa: E402

DOWN = (3, 4, 5, 6, 4, 4, 3, 2)
UP = (2, 3, 4, 5, 4, 4, 3, 3)


def network(seed: int = 1) -> Pix2PixNetwork:
    """Small, its norms and biases no longer as they begin."""
    torch.manual_seed(seed)
    made = Pix2PixNetwork(DOWN, UP).eval()
    for weight in made.parameters():
        if weight.ndim == 1:
            torch.nn.init.normal_(weight, 0.5, 0.3)
    for weight in made.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.half().float()
    return made


def checkpoint(made: Pix2PixNetwork) -> dict[str, object]:
    return {"learner": {"averages": {"network": made.state_dict()}}}


def test_its_graph_by_the_converter_makes_the_same_pictures() -> None:
    made = network()
    parity = measure_parity(made, graph_of(arrays_of(made)))
    assert parity.max_abs_error < 1e-3


def test_a_graph_of_other_weights_is_refused() -> None:
    with pytest.raises(ValueError, match="differs from the network"):
        measure_parity(network(1), graph_of(arrays_of(network(2))))


def test_its_arrays_are_recognised_with_all_their_widths() -> None:
    weights = Weights(arrays_of(network()), "test", (Path("weights"),))
    assert ARCHITECTURE.recognise(weights).config.widths == (*DOWN, *UP)


def test_a_checkpoint_gives_the_network_back_with_kernels_as_float16_has_them() -> None:
    made = network()
    with torch.no_grad():
        made.convolutions[3].weight.add_(1e-5)
    found = network_of(checkpoint(made))
    for name, weight in found.named_parameters():
        before = made.get_parameter(name)
        assert torch.equal(weight, before.half().float() if weight.ndim == 4 else before)


def test_its_pict_read_back_and_converted_makes_nearly_the_same_pictures(tmp_path: Path) -> None:
    made = network()
    check = write_checked_pict(tmp_path / "made.pict", made)
    assert 0 < check.mean < 12
    assert check.mean < check.worst
    found = ARCHITECTURE.recognise(READER.read(tmp_path / "made.pict"))
    assert found.config == made.config


def test_dropping_is_by_chance_that_repeats_and_off_without_it() -> None:
    made = network()
    drawing = torch.rand(1, 3, SIDE, SIDE)

    def run(seed: int | None) -> np.ndarray:
        random = None if seed is None else torch.Generator().manual_seed(seed)
        with torch.no_grad():
            return made(drawing, random).numpy()

    assert (run(1) == run(1)).all()
    assert (run(1) != run(2)).any()
    assert (run(None) == run(None)).all()


def test_kernels_are_stored_in_half_the_bytes_and_the_graph_still_runs() -> None:
    arrays = arrays_of(network())
    graph = graph_of(arrays)
    types = {t.data_type for t in graph.graph.initializer if len(t.dims) == 4}
    assert 10 in types  # FLOAT16
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    (picture,) = session.run(None, {"frame": np.zeros((1, 3, SIDE, SIDE), np.float32)})
    assert np.isfinite(picture).all()
