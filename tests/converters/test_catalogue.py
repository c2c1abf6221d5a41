"""The catalogue is in order, and the documentation shows it as it is."""

from __future__ import annotations

import re
from pathlib import Path

from converters.catalogue import ARCHITECTURES, READERS, tables

PAGE = Path(__file__).parents[2] / "docs" / "converting.md"


def test_names_are_unique_and_short() -> None:
    for entries in (READERS, ARCHITECTURES):
        names = [entry.name for entry in entries]
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]*", name) for name in names)


def test_the_page_shows_the_tables_of_the_code() -> None:
    begin, end = "<!-- tables: python -m converters.catalogue -->\n", "<!-- /tables -->"
    shown = PAGE.read_text().partition(begin)[2].partition(end)[0]
    assert shown == tables(), "put what `python -m converters.catalogue` prints between the marks"
