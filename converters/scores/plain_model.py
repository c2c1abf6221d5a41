"""A package's graph in ONNX Runtime on the processor, picture after picture: what measures run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from bridge.errors import FrameFormatError, InferenceError, UnsupportedModelError, UsageError
from bridge.inference.latent import LatentWalk
from bridge.inference.manifest import (
    FrameInput,
    LatentInput,
    ParameterInput,
    Precision,
    StateInput,
    check_parameters,
)
from bridge.inference.package import ModelPackage
from bridge.inference.placement import Placement
from bridge.inference.state import State, StatePort, state_ports
from converters.luma_psnr import FloatPicture, Rgb8
from converters.scores.placing import given_back, placed_at, rgb_of, taken, values_of_255

Tensor = npt.NDArray[Any]
_TYPES = {"float": np.float32, "int": np.int64, "bool": np.bool_, "colour": np.float32}
_SERVED = (FrameInput, LatentInput, ParameterInput, StateInput)


class PlainModel:
    """The reference graph in float, without the bridge's pixel work and rounding.

    What it makes depends on the parameters, the seed, and every picture since `reset`, as in the
    bridge: latent codes walk the same way, and states begin alike.

    Attributes:
        package: what is run.
        scale: how many times larger the result is.
        tick: how many runs there were since `reset`.
    """

    def __init__(
        self, package: ModelPackage, parameters: Mapping[str, object] | None = None, seed: int = 0,
        *, precision: Precision | None = None, threads: int = 0,
    ) -> None:  # fmt: skip
        """
        Args:
            parameters: knobs by name; the others stand at their defaults.
            precision: of the graph; by default the reference.
            threads: 0 leaves it to ONNX Runtime.
        Raises: UnsupportedModelError: the package makes no frame, or takes a mask or a template.
            ParameterError. InferenceError: the graph does not load. GraphMissingError,
            GraphMismatchError, HashMismatchError, UnsafePackageError.
        """
        manifest = package.manifest
        place, result = str(package.folder), manifest.frame_output
        other = [port for port in manifest.inputs if not isinstance(port, _SERVED)]
        if result is None or other:
            raise UnsupportedModelError(
                place, "a package that makes a frame of a frame, latent codes, states and knobs",
                f"an input {other[0].name!r} of another role" if other else "no frame output",
                "It has no such figure.",
            )  # fmt: skip
        ports = manifest.parameters
        chosen = dict(parameters or {})
        check_parameters(ports, chosen)
        self.package, self.scale, self.seed = package, result.scale, seed
        self._in, self._out = manifest.frame_input, result
        self._core = package.load_graph(precision)
        shapes = {
            value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in self._core.graph.input
        }
        self._knobs = {
            name: _tensor(port, chosen.get(name, port.default)).reshape(shapes[name])
            for name, port in ports.items()
        }
        latents = [port for port in manifest.inputs if isinstance(port, LatentInput)]
        self._walks = {p.name: LatentWalk(p, index) for index, p in enumerate(latents)}
        self._session = self._loaded(threads)
        types = {"tensor(float16)": np.float16, "tensor(float)": np.float32}
        self._dtypes = {i.name: types.get(i.type) for i in self._session.get_inputs()}
        self.reset()

    @property
    def states(self) -> dict[str, Tensor]:
        """Copies of what the next run reads, by the name of the input that takes it; empty before
        the first run where the size of the picture is that of the state."""
        return {name: value.copy() for name, value in self._state.items()}

    def state_ports(self, width: int = 0, height: int = 0) -> list[StatePort]:
        """The states of the package, for pictures of that size (any, where it takes no frame).

        Raises: FrameFormatError, UnsupportedModelError.
        """
        way = placed_at(self.package.manifest, width, height)
        return state_ports(self._core, self.package.manifest, way.model)

    def reset(self, state: Mapping[str, Tensor] | None = None) -> None:
        """Back to tick 0, with no picture seen.

        Args:
            state: what the next run reads, by the name of the input that takes it; those that are
                not named begin as the manifest says.
        Raises: UsageError: the package has no such state.
        """
        given = dict(state or {})
        known = {p.name for p in self.package.manifest.inputs if isinstance(p, StateInput)}
        if unknown := sorted(set(given) - known):
            raise UsageError(f"state {unknown[0]!r}", f"one of: {', '.join(sorted(known))}", "none")
        self.tick = 0
        self._given = {name: np.array(value) for name, value in given.items()}
        self._state: dict[str, Tensor] = {}
        self._size: tuple[int, int] | None = None
        self._last: FloatPicture | None = None
        if self._in is None:
            self._begin(placed_at(self.package.manifest, 1, 1), None)

    def run(self, rgb8: Rgb8 | None = None) -> FloatPicture:
        """The next picture.

        Args:
            rgb8: (H, W, 3), sRGB, top row first. None: the last one again, if the package takes
                a frame. Where it takes none, a picture begins anew the states that begin as one.
        Returns: float32 (H * scale, W * scale, 3), RGB of 255, clamped, not rounded; of the
            package's own size where it takes no frame, and of the cut part where it fits frames
            to a fixed size by `cover`.
        Raises: FrameFormatError: of another size than the last one, or too large for the package.
            UsageError: no picture, and there was none before. InferenceError.
        """
        source = None if rgb8 is None else rgb8.astype(np.float32)
        port = self._in or self._out
        way = self._way(source.shape[:2] if source is not None else None)
        planes = self.run_planes(None if source is None else values_of_255(port, source))
        if source is not None:
            self._last = source
        seen = self._last if self._in is not None else None
        rgb = rgb_of(self._out, planes, seen, way)
        return np.asarray(np.clip(rgb, 0, 255), np.float32)

    def run_planes(self, planes: FloatPicture | None) -> FloatPicture:
        """As `run`, in the graph's own channels and range, and not clamped.

        Args:
            planes: float32 (C, H, W).
        Returns: float32 (C, H * scale, W * scale).
        """
        way = self._way(planes.shape[1:] if planes is not None else None)
        if planes is not None and self._in is not None:
            self._tensor_in = taken(planes, way, self._in)[None]
            self._size = planes.shape[2], planes.shape[1]
        if not self._state or (planes is not None and self._in is None):
            self._begin(way, planes)
        for walk in self._walks.values():
            walk.go_to(self.seed % 2**64, self.tick)
        feeds: dict[str, Tensor] = {**self._knobs, **self._state}
        feeds |= {name: walk.value for name, walk in self._walks.items()}
        if self._in is not None:
            feeds[self._in.name] = self._tensor_in.astype(self._dtypes[self._in.name] or np.float32)
        result, *states = self._run([self._out.name, *self._gives], feeds)
        self._state = dict(zip(self._takes, states, strict=True))
        self.tick += 1
        return given_back(np.asarray(result[0], np.float32), way)

    def _way(self, shape: tuple[int, ...] | None) -> Placement:
        """How a picture of `shape` (H, W) passes; of None, how the last one did."""
        if self._in is None:
            return placed_at(self.package.manifest, *(reversed(shape) if shape else (1, 1)))
        size = self._size if shape is None else (shape[1], shape[0])
        if size is None:
            raise UsageError(str(self.package.folder), "a picture: it takes a frame", "none")
        if self._size is not None and size != self._size and self._state:
            raise FrameFormatError(
                str(self.package.folder), "pictures of one size: it remembers the last one",
                f"{size[0]}x{size[1]} after {self._size[0]}x{self._size[1]}",
                "Reset it, or give a set of one size.",
            )  # fmt: skip
        return placed_at(self.package.manifest, *size)

    def _begin(self, way: Placement, planes: FloatPicture | None) -> None:
        """Set the states as at tick 0, of the picture if it is one that they begin as."""
        ports = state_ports(self._core, self.package.manifest, way.model)
        self._takes, self._gives = [p.takes for p in ports], [p.gives for p in ports]
        before, self._state = self._state, {}
        for index, port in enumerate(ports):
            if port.takes in self._given and (planes is None or self._in is not None):
                self._state[port.takes] = self._given[port.takes].astype(port.dtype)
                continue
            if before and port.initial != "frame":
                self._state[port.takes] = before[port.takes]
                continue
            state = State(port)
            fresh = self._framed(way, port, planes) if port.initial == "frame" else None
            state.restart(self.seed % 2**64, index, fresh)
            self._state[port.takes] = state.now

    def _framed(self, way: Placement, port: StatePort, planes: FloatPicture | None) -> Tensor:
        """A state that begins as a frame: black before there is one."""
        picture = self._in or self._out
        if planes is None:
            black = np.zeros((way.crop[3], way.crop[2], 3), np.uint8)
            planes = values_of_255(picture, black)
        if len(port.shape) != 4 or port.shape[1] != len(planes):
            raise UnsupportedModelError(
                f"{self.package.folder} {port.takes}", f"a state (1, {len(planes)}, H, W), for it "
                "begins as a frame", f"shape {list(port.shape)}",
            )  # fmt: skip
        if port.size != way.model:
            way = Placement(way.crop, port.size, (0, 0, 0, 0), way.kept, port.size)
        return taken(planes, way, picture)[None].astype(port.dtype)

    def _loaded(self, threads: int) -> Any:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        try:
            return onnxruntime.InferenceSession(
                self._core.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "onnxruntime":
                raise
            raise _failed(self.package, error) from None

    def _run(self, outputs: list[str], feeds: dict[str, Tensor]) -> list[Tensor]:
        try:
            results: list[Tensor] = self._session.run(outputs, feeds)
        except Exception as error:
            raise _failed(self.package, error) from None
        return results


def _tensor(port: ParameterInput, value: Any) -> Tensor:
    """The value as the graph takes it: one element, or three for a colour."""
    if port.kind == "choice":
        return np.array([port.choices.index(value)], np.int64)
    return np.atleast_1d(np.array(value, _TYPES[port.kind]))


def _failed(package: ModelPackage, error: Exception) -> InferenceError:
    said = " ".join(str(error).split())[:300]
    return InferenceError(
        str(package.folder), "a graph that runs", said, "Try it with `framebridge models verify`."
    )
