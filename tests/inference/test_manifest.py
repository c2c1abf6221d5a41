"""`model.toml`: what is read, what is refused, and in which words."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from bridge.errors import ManifestError, ParameterError
from bridge.inference import manifest as schema
from bridge.inference.manifest import Manifest, ParameterInput, check_parameters
from bridge.inference.package import manifest_toml, parse_manifest

SCHEMA_FILE = Path(__file__).parents[2] / "docs" / "model.schema.json"
HASH = "ab" * 32

COMPLETE = f"""
format = 1
name = "next-frame"
version = "1.2.3"
task = "predict"
license = "CC-BY-4.0"
title = "Next frame"
description = "Dreams on from what it saw."
architecture = "pix2pix"
deterministic = false

[source]
file = "frames.pict"
sha256 = "{HASH}"
reader = "pict"
url = "https://example.org/frames.pict"
recipe = "python -m train"
data = "a clip"

[[graphs]]
file = "model.onnx"
precision = "float32"
sha256 = "{HASH}"
parity = {{ against = "tensorflow 2.21", max_abs_error = 6.1e-5, unit = "of 255" }}

[[graphs]]
file = "model.int8.onnx"
precision = "int8"
sha256 = "{HASH}"

[[inputs]]
name = "frame"
role = "frame"
channels = "RGB"
range = [-1, 1]
transfer = "srgb"
size = {{ multiple_of = 4, padding = "edge", min = [16, 16], max = [4096, 2160] }}

[[inputs]]
name = "keep"
role = "mask"

[[inputs]]
name = "sample"
role = "template"
channels = "Y"
luma = "full"
size = {{ fixed = [64, 48], fit = "contain" }}

[[inputs]]
name = "state_in"
role = "state"

[[inputs]]
name = "code"
role = "latent"
length = 512
distribution = "uniform"

[[inputs]]
name = "strength"
role = "parameter"
kind = "float"
default = 1
min = 0.0
max = 2.0
label = "Strength"
unit = "of 1"

[[inputs]]
name = "steps"
role = "parameter"
kind = "int"
default = 3
min = 1
max = 8

[[inputs]]
name = "invert"
role = "parameter"
kind = "bool"
default = true

[[inputs]]
name = "look"
role = "parameter"
kind = "choice"
default = "dim"
choices = ["bright", "dim"]

[[inputs]]
name = "tint"
role = "parameter"
kind = "colour"
default = [0.5, 0, 1]

[[outputs]]
name = "result"
role = "frame"
channels = "RGB"
range = [-1, 1]
transfer = "srgb"
scale = 2

[[outputs]]
name = "state_out"
role = "state"
feeds = "state_in"
initial = "noise"
dtype = "float16"

[[outputs]]
name = "distance"
role = "depth"

[[outputs]]
name = "classes"
role = "labels"
names = ["cat", "dog"]

[[outputs]]
name = "found"
role = "boxes"

[tiling]
overlap = 16
tileable = false

[[quality]]
dataset = "Set5"
metric = "psnr_y_db"
value = 37.12
baseline = {{ bicubic = 33.66 }}
command = "python -m evaluate"

[[quality]]
dataset = "Set14"
metric = "psnr_y_db"
value = 32.7

[cost]
parameters = 27209
macs_per_input_pixel = 26890
"""

MINIMAL = f"""
format = 1
name = "small"
version = "1.0.0"
task = "upscale"
license = "MIT"
graphs = [{{ file = "model.onnx", precision = "float32", sha256 = "{HASH}" }}]
inputs = [{{ name = "frame", role = "frame" }}]
outputs = [{{ name = "result", role = "frame" }}]
"""


def _read(text: str) -> Manifest:
    return parse_manifest(text.encode(), "model.toml")


def _knob(words: str) -> tuple[str, str]:
    """A replacement that puts a parameter beside the frame input."""
    frame = '{ name = "frame", role = "frame" }'
    knob = f'{{ name = "knob", role = "parameter", {words} }}'
    return f"inputs = [{frame}]", f"inputs = [{frame}, {knob}]"


def _sized(words: str) -> tuple[str, str]:
    return 'name = "frame", role = "frame"', f'name = "frame", role = "frame", size = {{ {words} }}'


def test_a_complete_manifest_is_read() -> None:
    manifest = _read(COMPLETE)
    assert [type(port).__name__.removesuffix("Input") for port in manifest.inputs] == [
        "Frame", "Mask", "Template", "State", "Latent", *["Parameter"] * 5,
    ]  # fmt: skip
    assert [type(port).__name__.removesuffix("Output") for port in manifest.outputs] == [
        "Frame", "State", "Depth", "Labels", "Boxes",
    ]  # fmt: skip
    source, result = manifest.frame_input, manifest.frame_output
    assert source is not None
    assert result is not None
    assert source.range == [-1, 1]
    assert (source.size.multiple_of, source.size.padding) == (4, "edge")
    assert (source.size.min, source.size.max) == ([16, 16], [4096, 2160])
    assert result.scale == 2
    assert list(manifest.parameters) == ["strength", "steps", "invert", "look", "tint"]
    assert manifest.graph() is manifest.graphs[0]
    assert manifest.graph("int8") is manifest.graphs[1]
    assert manifest.graph("float16") is None
    assert manifest.graphs[0].parity is not None
    assert manifest.graphs[0].parity.max_abs_error == 6.1e-5
    assert (manifest.tiling.overlap, manifest.tiling.tileable) == (16, False)
    assert manifest.quality[0].baseline == {"bicubic": 33.66}
    assert manifest.cost.parameters == 27209
    assert manifest.source.reader == "pict"
    assert not manifest.deterministic


def test_what_is_not_written_has_its_default() -> None:
    manifest = _read(MINIMAL)
    source, result = manifest.frame_input, manifest.frame_output
    assert source is not None
    assert result is not None
    assert (source.channels, source.range, source.transfer) == ("RGB", [0, 1], "srgb")
    assert (source.size.multiple_of, source.size.padding) == (1, "reflect")
    assert source.size.fixed is None
    assert result.scale == 1
    assert manifest.deterministic
    assert manifest.tiling.tileable
    assert manifest.parameters == {}


@pytest.mark.parametrize("text", [COMPLETE, MINIMAL], ids=["complete", "minimal"])
def test_a_manifest_written_and_read_is_the_same(text: str) -> None:
    manifest = _read(text)
    written = manifest_toml(manifest)
    assert parse_manifest(written, "model.toml") == manifest
    assert manifest_toml(parse_manifest(written, "model.toml")) == written


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        (("format = 1", ""), "", "missing required field `format`"),
        (("format = 1", "format = 2"), "", "format 2"),
        (("format = 1", 'format = "1"'), "format", "Expected `int`"),
        (('name = "small"', 'name = "Not Good"'), "name", "regex"),
        (('name = "small"', 'name = "../up"'), "name", "regex"),
        (('version = "1.0.0"', 'version = "one"'), "version", "regex"),
        (('task = "upscale"', 'task = "sing"'), "task", "Invalid enum value 'sing'"),
        (('license = "MIT"', ""), "", "missing required field `license`"),
        (('file = "model.onnx"', 'file = "../model.onnx"'), "graphs[0].file", "regex"),
        (('file = "model.onnx"', 'file = ".hidden"'), "graphs[0].file", "regex"),
        (('precision = "float32"', 'precision = "float64"'), "graphs[0].precision", "float64"),
        ((HASH, HASH[:-1]), "graphs[0].sha256", "regex"),
        (("graphs = [{", "graphs = []\nquality = [{"), "graphs", "length >= 1"),
        (("outputs = [{", "outputs = []\nquality = [{"), "outputs", "length >= 1"),
        (('role = "frame" }]\noutputs', 'role = "sound" }]\noutputs'), "inputs[0].role", "sound"),
        ((', role = "frame" }]\noutputs', " }]\noutputs"), "inputs[0]", "role"),
        (('"result", role = "frame"', '"result", role = "frame", scale = 0'),
         "outputs[0].scale", ">= 1"),
        (('"result", role = "frame"', '"result", role = "frame", channels = "CMYK"'),
         "outputs[0].channels", "CMYK"),
        (('"result", role = "frame"', '"result", role = "frame", range = [0, 1, 2]'),
         "outputs[0].range", "length <= 2"),
        (('"result", role = "frame"', '"result", role = "frame", range = [1, 0]'),
         "outputs[0]", "the lower first"),
        (('"result", role = "frame"', '"result", role = "frame", range = [0, inf]'),
         "outputs[0]", "finite"),
        (('"result", role = "frame"', '"result", role = "frame", transfer = "linear"'),
         "outputs[0].transfer", "linear"),
        (_sized("multiple_of = 0"), "inputs[0].size.multiple_of", ">= 1"),
        (_sized('padding = "wrap"'), "inputs[0].size.padding", "wrap"),
        (_sized("min = [16]"), "inputs[0].size.min", "length >= 2"),
        (_sized("min = [32, 32], max = [64, 16]"), "inputs[0].size", "larger than `max`"),
        (_sized("fixed = [32, 32], multiple_of = 8"), "inputs[0].size", "not both"),
        (_sized('fixed = [32, 32], fit = "squash"'), "inputs[0].size.fit", "squash"),
        (_knob('kind = "float", default = 1'), "inputs[1]", "needs `min` and `max`"),
        (_knob('kind = "float", default = 3, min = 0, max = 2'), "inputs[1]", "0 to 2, got 3"),
        (_knob(f'kind = "float", default = 1{"0" * 400}, min = 0, max = 2'), "inputs[1]", "finite"),
        (_knob('kind = "int", default = 1.5, min = 0, max = 2'), "inputs[1]", "finite int"),
        (_knob('kind = "bool", default = 1'), "inputs[1]", "true or false"),
        (_knob('kind = "choice", default = "a"'), "inputs[1]", "needs `choices`"),
        (_knob('kind = "choice", default = "c", choices = ["a", "b"]'), "inputs[1]", "one of"),
        (_knob('kind = "colour", default = [0, 1]'), "inputs[1]", "three numbers"),
        (_knob('kind = "colour", default = [0, 1, 2]'), "inputs[1]", "from 0 to 1"),
        (('[{ name = "frame", role = "frame" }]',
          '[{ name = "frame", role = "frame" }, { name = "frame", role = "mask" }]'),
         "", "'frame' stands twice"),
        (('[{ name = "frame", role = "frame" }]',
          '[{ name = "frame", role = "frame" }, { name = "other", role = "frame" }]'),
         "", "at most one port"),
        (('[{ name = "frame", role = "frame" }]',
          '[{ name = "frame", role = "frame" }, { name = "before", role = "state" }]'),
         "", "fed by one state output"),
        (('inputs = [{ name = "frame", role = "frame" }]',
          'inputs = [{ name = "code", role = "latent", length = 8 }]'),
         "", "needs `size`"),
        (('"result", role = "frame"', '"result", role = "frame", size = [16, 16]'),
         "", "`scale`, not `size`"),
    ],
)  # fmt: skip
def test_a_mistake_is_refused_with_the_field_it_is_in(
    change: tuple[str, str], field: str, problem: str
) -> None:
    text = MINIMAL.replace(*change, 1)
    assert text != MINIMAL
    with pytest.raises(ManifestError) as caught:
        _read(text)
    assert caught.value.place == f"model.toml {field}".rstrip()
    assert problem in caught.value.found


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (("format = 1", "format = 1\ncolour = 3"), ""),
        (('name = "frame", role = "frame"', 'name = "frame", role = "frame", chanels = "Y"'),
         "inputs[0]"),
        (_sized("multiple = 4"), "inputs[0].size"),
        (_knob('kind = "bool", default = true, step = 1'), "inputs[1]"),
        (('precision = "float32"', 'precision = "float32", sha = "a"'), "graphs[0]"),
    ],
)  # fmt: skip
def test_an_unknown_field_is_refused(change: tuple[str, str], field: str) -> None:
    text = MINIMAL.replace(*change, 1)
    assert text != MINIMAL
    with pytest.raises(ManifestError, match="unknown field") as caught:
        _read(text)
    assert caught.value.place == f"model.toml {field}".rstrip()


@pytest.mark.parametrize(
    "raw",
    [
        b"format = ",
        b"\xff\xfe",
        b"a = 1\na = 2",
        b"a = " + b"[" * 5000,
        b"a = " + b"9" * 5000,
    ],
)
def test_what_is_not_toml_is_a_typed_error(raw: bytes) -> None:
    with pytest.raises(ManifestError) as caught:
        parse_manifest(raw, "model.toml")
    assert caught.value.expected == "a TOML file in UTF-8"


@hypothesis.settings(
    derandomize=True, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
@hypothesis.given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_either_read_or_refused(raw: bytes) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(raw, "model.toml")


def _port(kind: str, **fields: Any) -> ParameterInput:
    return ParameterInput(name="knob", kind=kind, **fields)


@pytest.mark.parametrize(
    ("port", "good", "bad"),
    [
        (_port("float", default=1, min=-1, max=2), [-1, 0.5, 2], [-1.1, 3, "1", True, 10**400]),
        (_port("float", default=1, min=-1, max=2), [0], [float("nan"), float("inf"), [1]]),
        (_port("int", default=1, min=0, max=3), [0, 3, 2.0], [-1, 4, 1.5, True, "2"]),
        (_port("bool", default=True), [True, False], [0, 1, "true", None]),
        (_port("choice", default="a", choices=["a", "b"]), ["a", "b"], ["c", 0, None, ["a"]]),
        (
            _port("colour", default=[0, 0, 0]), [[0, 0.5, 1], (1, 1, 1)],
            [[0, 0], [0, 0, 1.1], [0, 0, -0.1], ["0", 0, 0], [True, 0, 0], 1, "red"],
        ),
    ],
)  # fmt: skip
def test_a_parameter_takes_its_values_and_no_others(
    port: ParameterInput, good: list[object], bad: list[object]
) -> None:
    for value in good:
        check_parameters({"knob": port}, {"knob": value})
    for value in bad:
        with pytest.raises(ParameterError) as caught:
            check_parameters({"knob": port}, {"knob": value})
        assert caught.value.place == "parameter 'knob'"
        assert caught.value.found == repr(value)


def test_an_unknown_parameter_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ParameterError, match="one of: knob"):
        check_parameters({"knob": _port("bool", default=True)}, {"nob": True})
    with pytest.raises(ParameterError, match="no parameters"):
        check_parameters({}, {"knob": 1})


def test_the_published_schema_is_the_one_of_the_code() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "bridge.inference.manifest"],
        capture_output=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    assert json.loads(printed) == schema.json_schema()
    assert SCHEMA_FILE.read_bytes() == printed, (
        f"{SCHEMA_FILE.name} is out of date: "
        "python -m bridge.inference.manifest > docs/model.schema.json"
    )
