"""Which backend runs a graph: the one that was named, or the fastest exact one, found by trying.

A trial runs each candidate on a seeded picture, in turn, and holds its bytes against those of the
reference: ONNX Runtime on the processor, in float32. What it found is remembered for as long as
machine, graph and runtimes stay the same, so every process of this user chooses alike, and a
chain's pixels do not depend on which of two runtimes had the better moment.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from bridge.errors import FramebridgeError, ProviderError
from bridge.inference import cache
from bridge.inference.backends import onnxruntime, openvino
from bridge.inference.backends.base import Arrays, CompiledGraph
from bridge.inference.pixels import FRAME_IN, SUM_OUT

BACKENDS = ("auto", "onnxruntime", "openvino")
COMPUTES = ("float32", "bf16", "auto")

Pair = tuple[str, str]
"""A backend and what it calculates in."""
REFERENCE: Pair = ("onnxruntime", "float32")

_KIND, _BEGUN = "backend", "backend-trials"
_BUDGET_S, _LONGEST_S = 1.5, 4.0
"""Of running, for all candidates together. On a busy machine a few runs say little, so the first
may be exceeded, up to the second, until each has had some; each has one, however slow it is."""
_FEW_RUNS = 4
_MOST_RUNS = 8
_WORTHWHILE_S = 0.002
"""A graph that runs faster than this is left to the reference: another runtime's own memory costs
more than it could win."""
_LEAST_GAIN = 1.05
_MOST_STEPS = 1
_MOST_BEGUN = 3


def compile_graph(
    model: bytes, values: Arrays, *, backend: str = "auto", compute: str = "float32",
    provider: str = "auto", allow_fallback: bool = False, threads: int = 0, place: str = "graph",
    subject: str = "",
) -> CompiledGraph:  # fmt: skip
    """Compile a composed graph on the backend asked for, or on the one that serves it best here.

    Args:
        values: of the inputs beside the frame, for a trial; 0 for those left out.
        backend: one of BACKENDS. "auto" is OpenVINO where it is installed, the graph runs on the
            processor, and a trial shows that it is faster and within a step of 255 of the
            reference; else ONNX Runtime.
        compute: one of COMPUTES. "bf16" is OpenVINO's alone; "auto" is bf16 where a trial shows
            the same of it.
        provider, allow_fallback, threads, place: as the backends take them.
        subject: names what is run at which size, whatever the order of its bytes: what was found
            for one graph of a subject holds for all of them, or a frame in another order would make
            another picture. By default the graph itself.
    Raises: RuntimeMissingError, ProviderError, InferenceError.
    """
    _check("backend", backend, BACKENDS)
    _check("compute", compute, COMPUTES)
    common = {"allow_fallback": allow_fallback, "threads": threads, "place": place}
    pairs = _candidates(backend, compute, provider)
    if len(pairs) == 1:
        return _compile(pairs[0], model, provider, common)
    key = _key(subject or hashlib.sha256(model).hexdigest(), pairs, threads)
    verdict = cache.remembered(_KIND, key)
    if _pair(verdict, pairs) is None:
        verdict = _found_out(model, values, pairs, key, common)
    compiled = _compile(_pair(verdict, pairs) or pairs[0], model, provider, common)
    notes = compiled.execution.note, str(verdict.get("note", "")) if verdict else ""
    compiled.execution = replace(compiled.execution, note="; ".join(filter(None, notes)))
    return compiled


def _found_out(
    model: bytes,
    values: Arrays,
    pairs: list[Pair],
    key: str,
    common: dict[str, Any],
) -> dict[str, Any]:
    """The verdict of a trial, or for the first of `pairs` where none can be made."""
    # Apart from the verdict, or who begins could undo what another has just found.
    begun = (cache.remembered(_BEGUN, key) or {}).get("begun", 0)
    begun = begun if isinstance(begun, int) else 0
    # One that has no verdict may have been ended; after some, it may be the trial that kills.
    if begun >= _MOST_BEGUN:
        return _verdict(pairs[0], "no trial: those before did not end")
    cache.remember(_BEGUN, key, {"begun": begun + 1})
    if cache.remembered(_BEGUN, key) is None:
        # Each process would choose anew, and maybe otherwise.
        return _verdict(pairs[0], f"no trial: {cache.cache_folder()} cannot be written to")
    verdict = _trial(model, values, pairs, common)
    # Others may be making the same trial: all take what the first one found.
    kept = cache.remember_first(_KIND, key, verdict)
    if _pair(kept, pairs) is None:
        cache.remember(_KIND, key, verdict)
        return verdict
    return kept


def _check(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ProviderError(name, f"one of {', '.join(known)}", repr(value), "Correct the name.")


def _candidates(backend: str, compute: str, provider: str) -> list[Pair]:
    """What may run the graph, as backend and compute; the first is taken where no trial is made."""
    if backend == "onnxruntime":
        if compute == "bf16":
            raise ProviderError(
                "compute", "float32, which is all that ONNX Runtime calculates in here", "'bf16'",
                "Add --backend openvino, or leave out --compute.",
            )  # fmt: skip
        return [REFERENCE]
    if compute == "bf16":
        return [("openvino", "bf16")]
    if backend == "openvino":
        if compute == "float32" or "bf16" not in openvino.available_computes():
            return [("openvino", "float32")]
        return [("openvino", "float32"), ("openvino", "bf16")]
    # Whether it is there is asked without loading it, which a remembered answer may spare.
    if not _on_processor(provider) or openvino.installed_version() is None:
        return [REFERENCE]
    others = [("openvino", "float32"), ("openvino", "bf16")]
    return [REFERENCE, *others[: 2 if compute == "auto" else 1]]


def _on_processor(provider: str) -> bool:
    return provider == "cpu" or (
        provider == "auto" and onnxruntime.available_providers()[:1] == ["cpu"]
    )


def _key(subject: str, candidates: list[Pair], threads: int) -> str:
    """Everything that the choice depends on; the subject tells weights and frame size."""
    runtimes = {**onnxruntime.installed_distributions(), "openvino": openvino.installed_version()}
    words = [
        cache.machine_key(), subject, str(runtimes), str(candidates),
        f"{threads} threads",
    ]  # fmt: skip
    return "\n".join(words)


def _verdict(pair: Pair, note: str = "") -> dict[str, Any]:
    return {"backend": pair[0], "compute": pair[1], "note": note}


def _pair(verdict: Mapping[str, Any] | None, pairs: list[Pair]) -> Pair | None:
    """What a verdict names, if it is among those that may be chosen."""
    named = (verdict or {}).get("backend"), (verdict or {}).get("compute")
    return next((pair for pair in pairs if pair == named), None)


def _compile(pair: Pair, model: bytes, provider: str, common: dict[str, Any]) -> CompiledGraph:
    if pair[0] == "openvino":
        return openvino.compile_graph(model, provider=provider, compute=pair[1], **common)
    return onnxruntime.compile_graph(model, provider=provider, **common)


# The trial.


class _Racer:
    """A candidate with arrays of its own to write to."""

    def __init__(
        self, pair: Pair, model: bytes, inputs: Arrays, outputs: Arrays, common: dict[str, Any]
    ) -> None:
        self.pair = pair
        self.outputs = {name: np.zeros_like(array) for name, array in outputs.items()}
        self.taken_s: list[float] = []
        self.inputs = inputs
        self._compiled = _compile(pair, model, "cpu", common)

    def run(self) -> None:
        start = time.perf_counter()
        self._compiled.run(self.inputs, self.outputs)
        self.taken_s.append(time.perf_counter() - start)

    def close(self) -> None:
        self._compiled.close()

    @property
    def best_s(self) -> float:
        return min(self.taken_s)


def _trial(
    model: bytes, values: Arrays, pairs: list[Pair], common: dict[str, Any]
) -> dict[str, Any]:
    """Try the candidates; the first is taken unless another is exact and clearly faster.

    Raises: InferenceError: the reference cannot run the graph.
    """
    inputs, outputs = _arrays(model, values)
    racers: list[_Racer] = []
    faults: list[str] = []
    try:
        reference = _Racer(REFERENCE, model, inputs, outputs, common)
        racers.append(reference)
        reference.run()
        if reference.best_s < _BUDGET_S / 5:
            reference.run()  # a first run costs more than those after it
        if REFERENCE in pairs and reference.best_s < _WORTHWHILE_S:
            return _verdict(REFERENCE)
        for pair in pairs:
            if pair != REFERENCE:
                fault = _admit(pair, racers, model, common)
                if fault:
                    faults.append(f"{_name(pair)} {fault}")
        running = [racer for racer in racers if racer.pair in pairs]
        _race(running)
        return _judge(running, pairs, faults)
    finally:
        for racer in racers:
            racer.close()


def _admit(pair: Pair, racers: list[_Racer], model: bytes, common: dict[str, Any]) -> str:
    """Let one in that gives what the first of `racers` gave; else what is wrong with it."""
    reference = racers[0]
    try:
        if pair[1] not in openvino.available_computes():
            return ""  # no fault of the graph's
        racer = _Racer(pair, model, reference.inputs, reference.outputs, common)
    except FramebridgeError:
        return "cannot load it"
    try:
        racer.run()
    except FramebridgeError:
        racer.close()
        return "cannot run it"
    fault = _difference(reference.outputs, racer.outputs)
    if fault:
        racer.close()
    else:
        racers.append(racer)
    return fault


def _race(racers: list[_Racer]) -> None:
    """In turn, so that whatever else the machine does, it does to all."""
    for turn in range(_MOST_RUNS if len(racers) > 1 else 0):
        spent = sum(sum(racer.taken_s) for racer in racers)
        few = min(len(racer.taken_s) for racer in racers) < _FEW_RUNS
        if spent > (_LONGEST_S if few else _BUDGET_S):
            return
        for shift in range(len(racers)):
            racers[(turn + shift) % len(racers)].run()


def _judge(racers: list[_Racer], pairs: list[Pair], faults: list[str]) -> dict[str, Any]:
    first = next((racer for racer in racers if racer.pair == pairs[0]), None)
    if first is None:  # asked for by name, so that it stays, whatever it gives
        return _verdict(pairs[0], "; ".join(faults))
    best = min(racers, key=lambda racer: racer.best_s)
    gain = first.best_s / best.best_s
    if gain < _LEAST_GAIN:
        return _verdict(first.pair, "; ".join(faults))
    note = f"{_name(best.pair)} {gain:.1f}x faster than {_name(first.pair)} here"
    return _verdict(best.pair, "; ".join([note, *faults]))


def _difference(expected: Arrays, found: Arrays) -> str:
    """What is wrong with `found`, in a few words, or nothing: bytes may be a step of 255 off, and
    floats as much of their own span."""
    for name, wanted in expected.items():
        made = found[name]
        if wanted.dtype == np.uint8:
            steps = int(np.abs(wanted.astype(np.int16) - made.astype(np.int16)).max(initial=0))
            if steps > _MOST_STEPS:
                return f"is {steps} steps of 255 off"
        elif not np.array_equal(np.isfinite(wanted), np.isfinite(made)):
            return "gives other numbers that are not finite"
        elif name != SUM_OUT and np.isfinite(wanted).all():
            span = float(np.abs(wanted).max(initial=0))
            if np.abs(wanted - made).max(initial=0) > max(span, 1e-6) * _MOST_STEPS / 255:
                return f"gives another {name}"
    return ""


def _arrays(
    model: bytes, values: Arrays
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]:
    """Inputs to try the graph on, and outputs of the shapes that it gives."""
    graph = onnx.load_model_from_string(model).graph
    inputs = {value.name: _zeros(value) for value in graph.input}
    inputs |= {name: np.array(value) for name, value in values.items()}
    if FRAME_IN in inputs:
        inputs[FRAME_IN][...] = _picture(inputs[FRAME_IN].shape)
    return inputs, {value.name: _zeros(value) for value in graph.output}


def _zeros(value: onnx.ValueInfoProto) -> npt.NDArray[Any]:
    type_ = value.type.tensor_type
    dtype = helper.tensor_dtype_to_np_dtype(type_.elem_type)
    return np.zeros([dim.dim_value for dim in type_.shape.dim], dtype)


def _picture(shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Slopes from end to end of the scale, with some noise, so that every value stands in it and
    most pixels resemble their neighbours, as in a picture."""
    height, width, channels = shape
    y, x, channel = np.ogrid[:height, :width, :channels]
    slopes = 127.5 - 160 * np.cos(2 * np.pi * (y / height + (channel + 1) * x / width))
    noise = np.random.default_rng(0).normal(0, 8, shape)
    return np.clip(slopes + noise, 0, 255).astype(np.uint8)


def _name(pair: Pair) -> str:
    return pair[0] if pair[1] == "float32" else " ".join(pair)
