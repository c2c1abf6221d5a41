"""docs/unity.md explains what the component has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "engine_plugin" / "unity" / "Runtime"
PAGE = (ROOT / "docs" / "unity.md").read_text()


def shown_as(field: str) -> str:
    """As the inspector writes the name of a serialized field: `_slotKnobs` is Slot Knobs."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", field.lstrip("_")).title()


def test_every_serialized_field_is_explained() -> None:
    text = (RUNTIME / "NeuralFilter_Properties.cs").read_text()
    declared = re.findall(r"(?m)^\s*\[SerializeField[^\n]*?\] ([^\n;]+);", text)
    fields = {name for line in declared for name in re.findall(r"(_\w+) = ", line)}
    assert {"_source", "_mix", "_slot7", "_command"} <= fields
    table = PAGE[PAGE.index("## Every field") : PAGE.index("### The state")]
    rows = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("|"))
    for field in sorted(fields):
        name = shown_as(field)
        if re.fullmatch(r"Slot [1-6]", name):
            continue  # Slot 0 to Slot 7
        assert name in rows, f"{name} is not explained"


@pytest.mark.parametrize("kind", ["FilterSource", "FramePolicy", "LossAction", "Presentation",
                                  "AlphaUse", "BridgeStart", "FilterConnection"])  # fmt: skip
def test_every_choice_is_named(kind: str) -> None:
    text = (RUNTIME / "Enums.cs").read_text()
    choices = re.search(rf"enum {kind} {{ ([^}}]+) }}", text)
    assert choices
    for choice in choices[1].split(", "):
        assert f"*{shown_as(choice)}*" in PAGE, choice
