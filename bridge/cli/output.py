"""What commands print: JSON for scripts, plain columns for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))


def print_columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table without lines; long cells are never cut, so that paths can be copied."""
    table = [list(heads), *(list(row) for row in rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(heads))]
    for row in table:
        print("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
