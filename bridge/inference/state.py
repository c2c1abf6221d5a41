"""What a model remembers from one tick to the next: two buffers for each port, exchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from bridge.errors import UnsupportedModelError
from bridge.inference.manifest import Manifest, StateOutput
from bridge.inference.ports import dims_of

if TYPE_CHECKING:
    import onnx

Tensor = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class StatePort:
    """A state input of a graph with the output that feeds it.

    Attributes:
        takes, gives: names of the graph's input and output.
        shape: of both, in numbers.
        dtype: of both.
        initial: what the state is at tick 0.
    """

    takes: str
    gives: str
    shape: tuple[int, ...]
    dtype: Literal["float32", "float16"]
    initial: Literal["zeros", "frame", "noise"]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a state that is a picture."""
        return self.shape[3], self.shape[2]


def state_ports(
    core: onnx.ModelProto, manifest: Manifest, model_size: tuple[int, int]
) -> list[StatePort]:
    """The states of a package, in the order of its outputs.

    Args:
        core: as `ModelPackage.load_graph` has checked it.
        model_size: width and height of the model's input; the open height and width of a state
            (1, C, H, W) are these.
    Raises: UnsupportedModelError: another dimension of a state is open.
    """
    values = {v.name: v for v in (*core.graph.input, *core.graph.output)}
    ports = []
    for port in manifest.outputs:
        if not isinstance(port, StateOutput):
            continue
        sides = [dims_of(values[name].type.tensor_type) for name in (port.feeds, port.name)]
        dims = [a if a is not None else b for a, b in zip(*sides, strict=True)]
        if len(dims) == 4:
            given = (1, dims[1], model_size[1], model_size[0])
            dims = [a if a is not None else b for a, b in zip(dims, given, strict=True)]
        shape = tuple(side for side in dims if side is not None)
        if len(shape) != len(dims):
            raise UnsupportedModelError(
                f"{manifest.name} {port.feeds}",
                "a state of fixed shape, open in the height and width of (1, C, H, W) alone",
                f"shape {dims}",
                "Give the state's other dimensions in the graph.",
            )
        ports.append(StatePort(port.feeds, port.name, shape, port.dtype, port.initial))
    return ports


class State:
    """One port's two buffers.

    Attributes:
        port: what it is the state of.
        now: what the next run reads.
        next: what the next run writes; `advance` makes it `now`.
    """

    def __init__(self, port: StatePort) -> None:
        self.port = port
        self.now: Tensor = np.zeros(port.shape, port.dtype)
        self.next: Tensor = np.zeros(port.shape, port.dtype)

    def advance(self) -> None:
        """The buffer that was written is read next; nothing is copied."""
        self.now, self.next = self.next, self.now

    def restart(self, seed: int, index: int, black: Tensor | None) -> None:
        """Back to tick 0.

        Args:
            seed: from 0 to 2**64 - 1; of noise.
            index: of this state among the package's, so that no two have the same noise.
            black: what a state that begins as a frame is before one comes.
        """
        if self.port.initial == "noise":
            random = np.random.Generator(np.random.PCG64([seed, index]))
            self.now[...] = random.standard_normal(self.port.shape)
        else:
            self.now[...] = 0 if black is None else black
