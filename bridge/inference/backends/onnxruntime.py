"""ONNX Runtime: graphs bound straight to the memory of the slots."""

from __future__ import annotations

import importlib.metadata
import os
from types import ModuleType
from typing import Any

from bridge.errors import InferenceError, ProviderError, RuntimeMissingError
from bridge.inference.backends.base import Arrays, CompiledGraph, Execution, Key, memory_of

# Ours, and ONNX Runtime's; in the order in which `auto` prefers them.
PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
DISTRIBUTIONS = ("onnxruntime", "onnxruntime-directml", "onnxruntime-gpu")
_MAX_BINDINGS = 64


def available_providers() -> list[str]:
    """Short names of the providers that the installed runtime offers.

    Raises: RuntimeMissingError.
    """
    offered = _runtime().get_available_providers()
    return [short for short, full in PROVIDERS.items() if full in offered]


def installed_distributions() -> dict[str, str]:
    """Versions of the variants of ONNX Runtime in this environment; more than one is a fault."""
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def compile_graph(
    model: bytes, *, provider: str = "auto", allow_fallback: bool = False, threads: int = 0,
    place: str = "graph",
) -> CompiledGraph:  # fmt: skip
    """Compile a serialized model.

    Args:
        provider: a key of PROVIDERS, or "auto".
        allow_fallback: run on another provider when the one asked for is not to be had.
        threads: of one operator; 0 takes one for each core.
        place: what to name in errors.
    Raises: RuntimeMissingError, ProviderError, InferenceError.
    """
    runtime = _runtime()
    if provider != "auto" and provider not in PROVIDERS:
        raise ProviderError(
            "provider",
            f"auto or one of {', '.join(PROVIDERS)}",
            repr(provider),
            "Correct the name.",
        )
    offered = available_providers()
    chosen = offered[0] if provider == "auto" else provider
    if chosen not in offered:
        if not allow_fallback:
            raise _not_obtained(provider, offered[0] if offered else "none")
        chosen = "cpu"

    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or (os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Between a dequantized input and a quantized output, ONNX Runtime would round the weights of a
    # convolution to 8 bits: up to three steps of 255 off.
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    # Threads that spin between runs take the engine's own time, and gain nothing measurable here.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = runtime.InferenceSession(model, options, providers=_with_cpu(chosen))
    except Exception as error:  # the runtime's own exceptions share no base
        raise InferenceError(place, "a graph that ONNX Runtime loads", _first_line(error)) from None
    obtained = _short_name(session.get_providers()[0])
    if provider not in ("auto", obtained) and not allow_fallback:
        raise _not_obtained(provider, obtained)
    wanted = offered[0] if provider == "auto" else provider
    note = "" if obtained == wanted else f"{wanted} was asked for and not obtained"
    execution = Execution(f"onnxruntime {runtime.__version__}", obtained, note)
    return _Session(runtime, session, execution, place)


class _Session:
    def __init__(self, runtime: ModuleType, session: Any, execution: Execution, place: str) -> None:
        self.execution = execution
        self._session = session
        self._place = place
        self._runtime = runtime
        self._running: Any = None
        """The options of the run in progress."""
        self._bindings: dict[Key, Any] = {}

    def run(self, inputs: Arrays, outputs: Arrays) -> None:
        # Options of its own for each run, because `terminate` stays set in them.
        options = self._runtime.RunOptions()
        try:
            binding = self._binding(inputs, outputs)
            self._running = options
            self._session.run_with_iobinding(binding, options)
        except Exception as error:  # the runtime's own exceptions share no base
            raise InferenceError(self._place, "a finished run", _first_line(error)) from None
        finally:
            self._running = None

    def terminate(self) -> None:
        running = self._running
        if running is not None:
            running.terminate = True

    def close(self) -> None:
        self._bindings.clear()
        self._session = None

    def _binding(self, inputs: Arrays, outputs: Arrays) -> Any:
        # Slots are few and stay in place, so each pair of addresses is bound once.
        key = memory_of(*inputs.values(), *outputs.values())
        binding = self._bindings.get(key)
        if binding is None:
            if len(self._bindings) >= _MAX_BINDINGS:
                self._bindings.clear()
            binding = self._session.io_binding()
            for name, array in inputs.items():
                binding.bind_input(name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data)
            for name, array in outputs.items():
                binding.bind_output(
                    name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
                )
            self._bindings[key] = binding
        return binding


def _runtime() -> ModuleType:
    # From 1.31 on it would otherwise keep a record of each run and send it to its maker.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    try:
        import onnxruntime
    except ImportError as error:
        raise RuntimeMissingError(
            "onnxruntime", "one variant of ONNX Runtime", str(error),
            "Install one: pip install 'framebridge[cpu]' (or directml, or cuda).",
        ) from None  # fmt: skip
    if not hasattr(onnxruntime, "InferenceSession"):
        raise RuntimeMissingError(
            "onnxruntime", "a working ONNX Runtime", "an empty package",
            "Run `framebridge doctor`: two variants have overwritten each other.",
        )  # fmt: skip
    return onnxruntime  # type: ignore[no-any-return]


def _with_cpu(chosen: str) -> list[str]:
    return list(dict.fromkeys([PROVIDERS[chosen], PROVIDERS["cpu"]]))


def _short_name(full: str) -> str:
    return next((short for short, name in PROVIDERS.items() if name == full), full)


def _not_obtained(wanted: str, obtained: str) -> ProviderError:
    return ProviderError(
        "provider", wanted, f"{obtained} as the only one to be had",
        f"Install the runtime for {wanted} (`framebridge doctor` says how), or allow another with"
        " --allow-fallback.",
    )  # fmt: skip


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
