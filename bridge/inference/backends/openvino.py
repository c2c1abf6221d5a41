"""OpenVINO: on many processors faster than ONNX Runtime, and on some it calculates in bf16."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata
import os
import platform
import sys
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.errors import InferenceError, ProviderError, RuntimeMissingError
from bridge.inference import cache
from bridge.inference.backends.base import Arrays, CompiledGraph, Execution, Key, memory_of
from bridge.inference.backends.openvino_nan import let_nan_through
from bridge.inference.pauses import pause

INSTALL = "pip install 'framebridge[openvino]'"
_PRECISIONS = {"float32": "f32", "bf16": "bf16"}
_OBTAINED = {"f32": "float32", "bf16": "bf16"}
_MAX_BINDINGS = 64
_MOST_BLOBS, _MOST_BLOB_BYTES = 256, 1 << 30
_OWN_SOURCE = ("Exception from ", "Check '", "FrontEnd API failed", "To facilitate ")


@functools.cache
def installed_version() -> str | None:
    """Of the package in this environment, without loading it; None where there is none."""
    try:
        return importlib.metadata.version("openvino")
    except importlib.metadata.PackageNotFoundError:
        return None


def available_computes() -> list[str]:
    """What this processor calculates in: "float32", and "bf16" where it is built in.

    Raises: RuntimeMissingError.
    """
    _core()
    return list(_available_computes(_runtime()))


def compile_graph(
    model: bytes, *, provider: str = "auto", allow_fallback: bool = False, threads: int = 0,
    compute: str = "float32", place: str = "graph",
) -> CompiledGraph:  # fmt: skip
    """Compile a serialized ONNX model for the processor.

    Args:
        provider: "auto" or "cpu"; any other is refused, or taken for "cpu" with a note.
        allow_fallback: calculate on the processor, and in float32, where what was asked for is not
            to be had.
        threads: 0 takes one for each core.
        compute: "float32" or "bf16".
        place: what to name in errors.
    Raises: RuntimeMissingError, ProviderError, InferenceError.
    """
    core = _core()
    notes = []
    if provider not in ("auto", "cpu"):
        if not allow_fallback:
            raise ProviderError(
                "provider", provider, "OpenVINO, which runs on cpu here",
                "Leave out --backend, or allow another provider with --allow-fallback.",
            )  # fmt: skip
        notes.append(f"{provider} was asked for and not obtained")
    offered = available_computes()
    if compute not in offered:
        if not allow_fallback or compute not in _PRECISIONS:
            raise ProviderError(
                "compute", compute, f"a processor that offers {', '.join(offered)}",
                "Leave out --compute, or allow another with --allow-fallback.",
            )  # fmt: skip
        notes.append(f"{compute} was asked for and not obtained")
        compute = "float32"
    try:
        read = core.read_model(let_nan_through(model))
        settings = _settings(compute, threads)
        pause()
        compiled = _compile(core, read, settings)
        precision = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        request = compiled.create_infer_request()
    except Exception as error:  # the runtime's own exceptions share no base, nor do onnx's
        raise InferenceError(place, "a graph that OpenVINO loads", _reason(error)) from None
    version = str(_runtime().__version__).partition("-")[0]
    obtained = _OBTAINED.get(precision, precision)
    return _Request(
        request, Execution(f"openvino {version}", "cpu", "; ".join(notes), obtained), place,
        settings["INFERENCE_NUM_THREADS"],
    )  # fmt: skip


def _compile(core: Any, read: Any, settings: dict[str, Any]) -> Any:
    """By way of the user's cache: what lies there compiles in a third of the time."""
    folder = cache.cache_folder() / "openvino"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        compiled = core.compile_model(read, "CPU", {**settings, "CACHE_DIR": str(folder)})
    except Exception:  # an entry that was cut short, or no place for one
        return core.compile_model(read, "CPU", settings)
    cache.forget_the_oldest(folder, most_entries=_MOST_BLOBS, most_bytes=_MOST_BLOB_BYTES)
    return compiled


def _settings(compute: str, threads: int) -> dict[str, Any]:
    return {
        # Always said, because by itself OpenVINO takes bf16 wherever the processor has it.
        "INFERENCE_PRECISION_HINT": _PRECISIONS[compute],
        # Our rounding to bytes looks to it like a network quantized to 8 bits: it would average
        # bytes, up to six steps of 255 off.
        "LP_TRANSFORMS_MODE": False,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads or (os.cpu_count() or 1),
        # The cores are the engine's too: its threads must be free to move. Those of OpenVINO sleep
        # between runs without being told to.
        "ENABLE_CPU_PINNING": False,
    }


class _Request:
    def __init__(self, request: Any, execution: Execution, place: str, threads: int) -> None:
        self.execution = execution
        self._request = request
        # In the calling thread, with its priority: one that was made while a package was loaded at
        # a low priority would keep that. What the request inherits, because its own `infer` returns
        # copies of all outputs. On one thread such a run could not be cancelled.
        inherited: Any = super(_runtime().InferRequest, request)
        self._here = inherited.infer if threads > 1 else None
        self._place = place
        self._tensors: dict[Key, dict[str, Any]] = {}
        self._bound: Key = ()

    def run(self, inputs: Arrays, outputs: Arrays) -> None:
        try:
            self._bind(inputs, outputs)
            if self._here is not None:
                self._here({}, True, False)
            else:
                self._request.start_async()
                self._request.wait()
        except Exception as error:  # the runtime's own exceptions share no base
            raise InferenceError(self._place, "a finished run", _reason(error)) from None

    def terminate(self) -> None:
        # Without a run in progress this changes nothing.
        request = self._request
        if request is not None:
            request.cancel()

    def close(self) -> None:
        self._tensors.clear()
        self._request = self._here = None

    def _bind(self, inputs: Arrays, outputs: Arrays) -> None:
        arrays = {**inputs, **outputs}
        key = memory_of(*arrays.values())
        if key == self._bound:
            return
        tensors = self._tensors.get(key)
        if tensors is None:
            missing = {port.any_name for port in self._request.model_inputs} - inputs.keys()
            if missing:
                raise ValueError(f"no value for {', '.join(sorted(missing))}")
            # Slots are few and stay in place, so each set of addresses is wrapped once.
            tensors = {name: _tensor(array) for name, array in arrays.items()}
            if len(self._tensors) >= _MAX_BINDINGS:
                self._tensors.clear()
        self._bound = ()
        for name, tensor in tensors.items():
            self._request.set_tensor(name, tensor)
        self._tensors[key] = tensors
        self._bound = key


def _tensor(array: npt.NDArray[Any]) -> Any:
    # By the address alone, as ONNX Runtime's bindings do: a tensor that held on to the array would
    # keep its slot from being unmapped.
    memory = (ctypes.c_uint8 * array.nbytes).from_address(array.ctypes.data)
    seen = np.frombuffer(memoryview(memory), array.dtype).reshape(array.shape)
    return _runtime().Tensor(seen, shared_memory=True)


def _runtime() -> ModuleType:
    # Its import tells its maker's server that it is used, unasked, unless this part is missing.
    reporter: dict[str, Any] = sys.modules
    silenced = reporter.setdefault("openvino_telemetry", None) is None
    try:
        import openvino
    except ImportError as error:
        raise RuntimeMissingError(
            "openvino", "OpenVINO", str(error), f"Install it: {INSTALL}, or leave out --backend."
        ) from None
    finally:
        if silenced:
            reporter.pop("openvino_telemetry", None)
    if not hasattr(openvino, "Core"):
        raise RuntimeMissingError(
            "openvino", "a working OpenVINO", "an empty package",
            f"Install it again: pip uninstall -y openvino && {INSTALL}",
        )  # fmt: skip
    return openvino  # type: ignore[no-any-return]


@functools.cache
def _shared_core(runtime: ModuleType) -> Any:
    return runtime.Core()


@functools.cache
def _has_processor(runtime: ModuleType) -> bool:
    return "CPU" in _shared_core(runtime).available_devices


@functools.cache
def _available_computes(runtime: ModuleType) -> tuple[str, ...]:
    able = _shared_core(runtime).get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ("float32", "bf16") if "BF16" in able else ("float32",)


def _core() -> Any:
    # One for the process: each would load the plugin's tables and threads again.
    runtime = _runtime()
    core = _shared_core(runtime)
    if not _has_processor(runtime):
        raise RuntimeMissingError(
            "openvino", "its plugin for the processor", f"none for {platform.machine()}",
            "Leave out --backend.",
        )  # fmt: skip
    return core


def _reason(error: Exception) -> str:
    """What is said of the graph, without the lines that are about OpenVINO's own source."""
    text = str(error).rpartition("Summary:")[2]
    said = [line.strip().removeprefix("Caught exception: ") for line in text.splitlines()]
    said = [line for line in said if line and not line.startswith(_OWN_SOURCE)]
    return " ".join(said)[:300] or type(error).__name__
