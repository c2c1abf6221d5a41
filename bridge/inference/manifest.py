"""The schema of `model.toml`, version 1.

`docs/model.schema.json` is generated from these types; `python -m bridge.inference.manifest`
prints it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from bridge.errors import ParameterError

FORMAT_VERSION = 1

Task = Literal[
    "stylize", "upscale", "deblur", "predict", "refocus", "complete", "generate", "classify",
    "track", "measure",
]  # fmt: skip
Precision = Literal["float32", "float16", "int8"]
Channels = Literal["RGB", "Y"]
Padding = Literal["reflect", "edge", "zero"]
Fit = Literal["stretch", "cover", "contain"]

Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
PortName = Annotated[str, Meta(min_length=1, max_length=128)]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Meta(max_length=2000)]
Side = Annotated[int, Meta(ge=1, le=16384)]
Pair = Annotated[list[Side], Meta(min_length=2, max_length=2)]
Range = Annotated[list[float], Meta(min_length=2, max_length=2)]


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A typing mistake in a field's name is an error, never silently ignored."""


class Source(_Strict, kw_only=True):
    """Where the weights came from."""

    file: Text = ""
    sha256: Sha256 | None = None
    reader: Text = ""
    url: Text = ""
    recipe: Text = ""
    data: Text = ""


class Parity(_Strict, kw_only=True):
    """How close the graph is to the network in its own framework."""

    against: Text
    max_abs_error: float
    unit: Text


class DataFile(_Strict, kw_only=True):
    """A file of weights beside a graph: what ONNX calls external data."""

    file: FileName
    sha256: Sha256


class Graph(_Strict, kw_only=True):
    """One ONNX file. The first graph of a manifest is the reference."""

    file: FileName
    precision: Precision
    sha256: Sha256
    data: Annotated[list[DataFile], Meta(max_length=64)] = msgspec.field(default_factory=list)
    """Every file that the graph's external data lies in: no other is read."""
    parity: Parity | None = None


class Size(_Strict, kw_only=True):
    """Which frame sizes the graph takes: any multiple within limits, or one fixed size."""

    multiple_of: Side = 1
    padding: Padding = "reflect"
    min: Pair | None = None
    max: Pair | None = None
    fixed: Pair | None = None
    fit: Fit = "stretch"

    def __post_init__(self) -> None:
        if self.fixed and (self.multiple_of != 1 or self.min or self.max):
            raise ValueError("write either `fixed` or `multiple_of`, `min` and `max`, not both")
        if self.min and self.max and any(a > b for a, b in zip(self.min, self.max, strict=True)):
            raise ValueError(f"`min` {self.min} is larger than `max` {self.max}")


class _Picture(_Strict, kw_only=True):
    channels: Channels = "RGB"
    range: Range = msgspec.field(default_factory=lambda: [0.0, 1.0])
    transfer: Literal["srgb"] = "srgb"
    luma: Literal["studio", "full"] = "studio"
    """For `channels = "Y"`: BT.601 with Y from 16 to 235 of 255, or full range."""

    def __post_init__(self) -> None:
        low, high = self.range
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(
                f"`range` must be two finite numbers, the lower first, got {self.range}"
            )


class FrameInput(_Picture, kw_only=True, tag_field="role", tag="frame"):
    """The picture to work on: float (1, C, H, W) in `range`."""

    name: PortName
    size: Size = msgspec.field(default_factory=Size)
    content: Literal["picture", "lines"] = "picture"
    """What the network expects to see: any picture, or dark strokes on white, as drawn with a pen.
    The bridge takes either; the demo offers a sheet to draw on."""


class MaskInput(_Strict, kw_only=True, tag_field="role", tag="mask"):
    """What of the frame is to be kept or completed: float (1, 1, H, W), 0 to 1."""

    name: PortName


class TemplateInput(_Picture, kw_only=True, tag_field="role", tag="template"):
    """The picture of what is to be found: float (1, C, H, W) in `range`."""

    name: PortName
    size: Size = msgspec.field(default_factory=Size)


class StateInput(_Strict, kw_only=True, tag_field="role", tag="state"):
    """What the last tick left behind; a state output names it in `feeds`."""

    name: PortName


class LatentInput(_Strict, kw_only=True, tag_field="role", tag="latent"):
    """The code that a generator draws from: float (1, length)."""

    name: PortName
    length: Annotated[int, Meta(ge=1, le=65536)]
    distribution: Literal["normal", "uniform"] = "normal"


class ParameterInput(_Strict, kw_only=True, tag_field="role", tag="parameter"):
    """A knob: an input of the graph, so turning it costs nothing.

    The graph input is a tensor of one element: float32 for float, int64 for int and choice, bool
    for bool; `colour` is float32 (3,), RGB, 0 to 1.
    """

    name: PortName
    kind: Literal["float", "int", "bool", "choice", "colour"]
    default: float | int | bool | str | list[float]
    min: float | None = None
    max: float | None = None
    choices: Annotated[list[Text], Meta(max_length=256)] = msgspec.field(default_factory=list)
    label: Text = ""
    unit: Text = ""

    def __post_init__(self) -> None:
        if self.kind in ("float", "int") and (self.min is None or self.max is None):
            raise ValueError(f"parameter `{self.name}` of kind {self.kind} needs `min` and `max`")
        if self.kind == "choice" and not self.choices:
            raise ValueError(f"parameter `{self.name}` of kind choice needs `choices`")
        expected = self.expected_instead_of(self.default)
        if expected:
            raise ValueError(
                f"the default of parameter `{self.name}` must be {expected}, got {self.default!r}"
            )

    def expected_instead_of(self, value: object) -> str:
        """What is taken instead of `value`, or an empty string when it is taken itself."""
        if self.kind == "bool":
            return "" if isinstance(value, bool) else "true or false"
        if self.kind == "choice":
            return "" if value in self.choices else f"one of {self.choices}"
        if self.kind == "colour":
            good = (
                isinstance(value, (list, tuple))
                and len(value) == 3
                and all(_number(v) and 0 <= v <= 1 for v in value)
            )
            return "" if good else "three numbers from 0 to 1"
        if not _number(value) or (self.kind == "int" and value != int(value)):  # type: ignore[call-overload]
            return f"a finite {self.kind}"
        if not self.min <= value <= self.max:  # type: ignore[operator]
            return f"{self.min:g} to {self.max:g}"
        return ""


def _number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False  # an integer beyond any float


class FrameOutput(_Picture, kw_only=True, tag_field="role", tag="frame"):
    """The picture made: float (1, C, H * scale, W * scale) in `range`, clamped by the bridge.

    Without a frame input it is float (1, C, H, W) of `size`: width and height.
    """

    name: PortName
    scale: Annotated[int, Meta(ge=1, le=16)] = 1
    size: Pair | None = None


class StateOutput(_Strict, kw_only=True, tag_field="role", tag="state"):
    """Fed to the input `feeds` of the next tick."""

    name: PortName
    feeds: PortName
    initial: Literal["zeros", "frame", "noise"] = "zeros"
    dtype: Literal["float32", "float16"] = "float32"


class DepthOutput(_Strict, kw_only=True, tag_field="role", tag="depth"):
    """Distance for each pixel: float (1, 1, H, W), larger is farther."""

    name: PortName


class LabelsOutput(_Strict, kw_only=True, tag_field="role", tag="labels"):
    """A score for each of `names`; travels on the control channel."""

    name: PortName
    names: list[Text] = msgspec.field(default_factory=list)


class BoxesOutput(_Strict, kw_only=True, tag_field="role", tag="boxes"):
    """(N, 4) boxes as x, y, width, height in pixels; travels on the control channel."""

    name: PortName


Input = FrameInput | MaskInput | TemplateInput | StateInput | LatentInput | ParameterInput
Output = FrameOutput | StateOutput | DepthOutput | LabelsOutput | BoxesOutput


class Tiling(_Strict, kw_only=True):
    """How far a pixel looks, so that a frame can be run in tiles."""

    overlap: Annotated[int, Meta(ge=0, le=4096)] = 0
    tileable: bool = True


class Quality(_Strict, kw_only=True):
    """One measured figure."""

    dataset: Text
    metric: Text
    value: float
    baseline: dict[str, float] = msgspec.field(default_factory=dict)
    command: Text = ""


class Cost(_Strict, kw_only=True):
    """What the network costs, counted from its graph."""

    parameters: Annotated[int, Meta(ge=0)] = 0
    macs_per_input_pixel: Annotated[int, Meta(ge=0)] = 0


class Manifest(_Strict, kw_only=True):
    """A whole `model.toml`."""

    format: Annotated[int, Meta(ge=1)]
    name: Name
    version: Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$")]
    task: Task
    license: Text
    graphs: Annotated[list[Graph], Meta(min_length=1, max_length=8)]
    inputs: Annotated[list[Input], Meta(min_length=1, max_length=64)]
    outputs: Annotated[list[Output], Meta(min_length=1, max_length=64)]
    title: Text = ""
    description: Text = ""
    architecture: Text = ""
    deterministic: bool = True
    source: Source = msgspec.field(default_factory=Source)
    tiling: Tiling = msgspec.field(default_factory=Tiling)
    quality: list[Quality] = msgspec.field(default_factory=list)
    cost: Cost = msgspec.field(default_factory=Cost)
    limits: Annotated[list[Text], Meta(max_length=64)] = msgspec.field(default_factory=list)
    """What whoever uses it should know, a sentence each."""

    def __post_init__(self) -> None:
        if self.format != FORMAT_VERSION:
            raise ValueError(
                f"format {self.format} is not one that this version reads ({FORMAT_VERSION})"
            )
        for what, ports in (("inputs", self.inputs), ("outputs", self.outputs)):
            names = [port.name for port in ports]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{what}: the name {twice[0]!r} stands twice")
            if sum(isinstance(port, (FrameInput, FrameOutput)) for port in ports) > 1:
                raise ValueError(f"{what}: at most one port may have the role frame")
        result = self.frame_output
        if result is not None and self.frame_input is None and result.size is None:
            raise ValueError("without a frame input the frame output needs `size`")
        if result is not None and result.size is not None:
            if self.frame_input is not None:
                raise ValueError("with a frame input the frame output has `scale`, not `size`")
            if result.scale != 1:
                raise ValueError("a frame output with `size` has no `scale`")
        states = {port.name for port in self.inputs if isinstance(port, StateInput)}
        fed = [port.feeds for port in self.outputs if isinstance(port, StateOutput)]
        if sorted(states) != sorted(fed):
            raise ValueError(
                f"each state input must be fed by one state output: inputs {sorted(states)}, "
                f"fed {sorted(fed)}"
            )

    @property
    def frame_input(self) -> FrameInput | None:
        return next((p for p in self.inputs if isinstance(p, FrameInput)), None)

    @property
    def frame_output(self) -> FrameOutput | None:
        return next((p for p in self.outputs if isinstance(p, FrameOutput)), None)

    @property
    def parameters(self) -> dict[str, ParameterInput]:
        return {p.name: p for p in self.inputs if isinstance(p, ParameterInput)}

    def graph(self, precision: Precision | None = None) -> Graph | None:
        """The reference graph, or the one of `precision` if there is one."""
        if precision is None:
            return self.graphs[0]
        return next((g for g in self.graphs if g.precision == precision), None)


def check_parameters(ports: Mapping[str, ParameterInput], values: Mapping[str, object]) -> None:
    """
    Raises: ParameterError: a value has no port, or lies outside its bounds.
    """
    for name, value in values.items():
        if name not in ports:
            known = f"one of: {', '.join(ports)}" if ports else "none: the model has no parameters"
            raise ParameterError(f"parameter {name!r}", known, "no such parameter")
        if expected := ports[name].expected_instead_of(value):
            raise ParameterError(f"parameter {name!r}", expected, repr(value))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of `model.toml`."""
    schema = msgspec.json.schema(Manifest)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Framebridge model package manifest, format 1"
    return schema


if __name__ == "__main__":
    print(msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode())
