"""From what a PyTorch file holds to named arrays: state dicts, checkpoints, whole modules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import UnsafeWeightsError, WeightsError
from converters.readers.pickle_names import Record
from converters.readers.pickled_torch import Tensor
from converters.readers.plain_values import LEAVES, Plainly, described, key_of, leaf_of
from converters.weights import Array

MOST_ARRAYS = 100_000
_MOST_STEPS = 5_000_000
_MOST_NAMES = 1000
"""Of one and the same value: modules are shared, but not without end."""
_DEEPEST = 100
_DEEPEST_WRAPPER = 8
_LONGEST_NAME = 500
_MOST_FACTS = 200
_MOST_KINDS = 10_000

# What a checkpoint calls the network that is used, the better one first.
_WANTED = (
    "params_ema", "ema_params", "generator_ema", "netg_ema", "g_ema", "model_ema", "ema_model",
    "ema_state_dict", "state_dict_ema", "ema", "params", "generator", "netg", "g", "net_g",
    "model", "model_state_dict", "model_state", "state_dict", "network", "net", "weights", "module",
)  # fmt: skip
# What only the training needed.
_UNWANTED = re.compile(
    r"(?i)optim|sched|scaler|rng|discrim|critic|(^|_)(net_?)?d(_state_dict)?$|^net_?d_|loss|"
    r"_metadata|hyper_?param"
)
_PREFIXES = ("module.", "_orig_mod.", "generator.", "netG.", "net_g.", "state_dict.", "params.")
_CONTAINERS = (dict, list, tuple, Record)


@dataclass(slots=True)
class Found:
    """
    Attributes:
        arrays: by name; tensors still without their numbers.
        facts, evidence: as in Weights.
        left_out: what of a checkpoint is not the network.
    """

    arrays: dict[str, Tensor | Array] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    evidence: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def named_arrays(value: Any, place: str) -> Found:
    """The arrays of the network that a file is there for.

    Args:
        value: what the pickle gave.
        place: to name in errors.
    Raises: WeightsError: there are none. UnsafeWeightsError: more than any network has.
    """
    found = Found()
    walk = _Walk(place, value)
    value = _unwrapped(value, walk, found)
    if found.left_out:
        found.facts["left_out"] = found.left_out[:_MOST_FACTS]
    kinds: dict[str, Any] = {}
    for name, leaf in walk.leaves(value, kinds):
        if name in found.arrays:
            raise WeightsError(f"{place} {name}", "arrays of different names", "two of one name")
        if len(found.arrays) >= MOST_ARRAYS:
            raise UnsafeWeightsError(place, f"at most {MOST_ARRAYS:,} arrays", "more")
        found.arrays[name or "tensor"] = leaf
    if not found.arrays:
        raise WeightsError(
            place, "named arrays", f"{described(value)} without any",
            "Of a file like this the weights alone are read.",
        )  # fmt: skip
    if isinstance(value, Record):
        found.facts["class"] = value.kind
        found.facts["attributes"] = kinds
        found.evidence.append(f"a whole module of class {value.kind}; its code was not run")
    _strip_prefixes(found)
    return found


def _unwrapped(value: Any, walk: _Walk, found: Found) -> Any:
    """What of a checkpoint is the network."""
    for _ in range(_DEEPEST_WRAPPER):
        entries = _entries(value)
        if entries is None or _is_module(value) or _is_script(value):
            return value
        holders = {key: inner for key, inner in entries.items() if walk.holds_arrays(inner)}
        nested = {
            key: inner for key, inner in holders.items() if not isinstance(leaf_of(inner), LEAVES)
        }
        if len(nested) < len(holders) and not any(
            _is_state(key, inner) for key, inner in nested.items()
        ):
            return _without_training(value, holders, found)
        _remember(entries, holders, walk, found)
        wanted = _choice(nested, found)
        if wanted is None:
            return _without_training(value, holders, found)
        value = nested[wanted]
    return value


def _is_state(key: Any, inner: Any) -> bool:
    """Whether beside loose tensors this one entry still is the network."""
    return key_of(key).lower() in _WANTED and isinstance(inner, dict)


def _choice(nested: Mapping[Any, Any], found: Found) -> Any:
    """The key of the network in a checkpoint; None where all belong together."""
    used = {key: value for key, value in nested.items() if not _unwanted(key)}
    if not used:
        return None
    lowered = {key_of(key).lower(): key for key in reversed(used)}
    wanted = next((lowered[word] for word in _WANTED if word in lowered), None)
    if wanted is None and len(used) == 1:
        wanted = next(iter(used))
    if wanted is None:
        return None
    others = [key_of(key)[:60] for key in nested if key != wanted]
    beside = f", not {', '.join(others[:8])}" if others else ""
    found.evidence.append(f"a checkpoint, of which {key_of(wanted)[:60]!r} is the network{beside}")
    found.left_out += others
    return wanted


def _without_training(value: Any, holders: Mapping[Any, Any], found: Found) -> Any:
    if not isinstance(value, dict):
        return value
    dropped = {
        key for key, inner in holders.items()
        if _unwanted(key) and not isinstance(leaf_of(inner), LEAVES)
    }  # fmt: skip
    if not dropped or len(dropped) == len(holders):
        return value
    found.left_out += [key_of(key)[:60] for key in holders if key in dropped]
    return {key: inner for key, inner in value.items() if key not in dropped}


def _unwanted(key: Any) -> bool:
    return _UNWANTED.search(key_of(key)[:_LONGEST_NAME]) is not None


def _remember(
    entries: Mapping[Any, Any], holders: Mapping[Any, Any], walk: _Walk, found: Found
) -> None:
    """The plain values that stand beside the network: its step, its options."""
    for key, inner in entries.items():
        if isinstance(key, str) and key not in holders and len(found.facts) < _MOST_FACTS:
            found.facts.setdefault(key_of(key)[:60], walk.plain(inner))


def _strip_prefixes(found: Found) -> None:
    for _ in range(_DEEPEST_WRAPPER):
        names = list(found.arrays)
        prefix = next(
            (p for p in _PREFIXES if all(n.startswith(p) and len(n) > len(p) for n in names)), None
        )
        if prefix is None:
            chosen = _generator_alone(found)
            if chosen is None:
                return
            prefix = chosen
        found.arrays = {
            name.removeprefix(prefix): array
            for name, array in found.arrays.items()
            if name.startswith(prefix)
        }
        found.evidence.append(f"names begin with {prefix!r}, which is left out")


def _generator_alone(found: Found) -> str | None:
    """The prefix of the generator, where the arrays are its and a discriminator's."""
    roots = {name.partition(".")[0] for name in found.arrays}
    for prefix in ("generator.", "netG.", "net_g.", "G."):
        if prefix[:-1] in roots and all(
            root == prefix[:-1] or _UNWANTED.search(root) for root in roots
        ):
            return prefix
    return None


# -------------------------------------------------------------------------------------------------


def _is_module(value: Any) -> bool:
    state = _state_of(value)
    return state is not None and isinstance(state.get("_modules", state.get("_parameters")), dict)


def _is_script(value: Any) -> bool:
    """Whether it is a module of TorchScript, whose parts are its attributes."""
    return isinstance(value, Record) and value.kind.startswith("__torch__.")


def _state_of(value: Any) -> dict[Any, Any] | None:
    """Attributes of a record."""
    if not isinstance(value, Record):
        return None
    state = value.state
    if isinstance(state, tuple) and state and isinstance(state[0], dict):
        state = state[0]
    return state if isinstance(state, dict) else None


def _entries(value: Any) -> Mapping[Any, Any] | None:
    """What a value holds, by key; None for what holds nothing."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list | tuple):
        return dict(enumerate(value))
    if isinstance(value, Record):
        if value.entries is not None or value.items is not None:
            return {**dict(enumerate(value.items or ())), **(value.entries or {})}
        return _state_of(value)
    return None


def _holders_of_arrays(root: Any) -> set[int]:
    """The ids of all values that have an array anywhere inside. Each value is looked at once."""
    parents: dict[int, list[int]] = {}
    holders: list[int] = []
    waiting = [root]
    while waiting:
        current = waiting.pop()
        for child in (_entries(current) or {}).values():
            child = leaf_of(child)
            if isinstance(child, LEAVES):
                holders.append(id(current))
            elif isinstance(child, _CONTAINERS):
                if id(child) not in parents:
                    waiting.append(child)
                parents.setdefault(id(child), []).append(id(current))
    found: set[int] = set()
    while holders:
        holder = holders.pop()
        if holder not in found:
            found.add(holder)
            holders.extend(parents.get(holder, ()))
    return found


class _Walk:
    """Goes through values that may refer to themselves, in bounded steps."""

    def __init__(self, place: str, root: Any) -> None:
        self._place = place
        self._holders = _holders_of_arrays(root)
        self.plain = Plainly().of

    def holds_arrays(self, value: Any) -> bool:
        """Whether an array is anywhere inside."""
        value = leaf_of(value)
        return isinstance(value, LEAVES) or id(value) in self._holders

    def leaves(self, root: Any, kinds: dict[str, Any]) -> Iterator[tuple[str, Tensor | Array]]:
        """Arrays by their dotted names; of the modules on the way, what is plain, into `kinds`."""
        waiting: list[tuple[str, Any, tuple[int, ...]]] = [("", root, ())]
        visits: dict[int, int] = {}
        steps = 0
        while waiting:
            name, value, above = waiting.pop()
            value = leaf_of(value)
            if isinstance(value, LEAVES):
                yield name, value
                continue
            if id(value) in above:
                continue
            if len(above) >= _DEEPEST or len(name) > _LONGEST_NAME:
                raise UnsafeWeightsError(
                    f"{self._place} {name[:120]}",
                    f"at most {_DEEPEST} levels and {_LONGEST_NAME} letters", "more of them",
                )  # fmt: skip
            children = list(self._children(value, kinds, name))
            steps += 1 + len(children)
            visits[id(value)] = visits.get(id(value), 0) + 1
            if visits[id(value)] > _MOST_NAMES or steps > _MOST_STEPS:
                raise UnsafeWeightsError(
                    f"{self._place} {name[:120]}", f"at most {_MOST_NAMES:,} names for one value",
                    "more", "Values that hold each other many times over are not followed.",
                )  # fmt: skip
            path = (*above, id(value))
            inside = [
                (f"{name}.{key}" if name else key, child, path)
                for key, child in children
                if self.holds_arrays(child)
            ]
            waiting.extend(reversed(inside))

    def _children(self, value: Any, kinds: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
        if not _is_module(value):
            entries = _entries(value)
            for key, child in (entries or {}).items():
                yield key_of(key), child
            return
        state = _state_of(value) or {}
        if len(kinds) < _MOST_KINDS:
            kinds[name] = {
                "class": value.kind,
                **{
                    key_of(key): self.plain(inner)
                    for key, inner in list(state.items())[:_MOST_FACTS]
                    if isinstance(key, str) and not key.startswith("_")
                    and isinstance(inner, bool | int | float | str | tuple | None)
                },
            }  # fmt: skip
        for part in ("_parameters", "_buffers", "_modules"):
            inside = state.get(part)
            if isinstance(inside, dict):
                for key, child in inside.items():
                    yield key_of(key), child
