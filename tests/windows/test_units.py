"""The tests of the parts that differ from system to system, run on a Windows CPython."""

from __future__ import annotations

import re

import pytest

from tests.windows.wine import Wine

PARTS = {
    "children, slots, client": ["tests/test_children.py", "tests/transport", "tests/client"],
    "runtime folder, memory guard, health": [
        "tests/supervisor/test_runtime_folder.py",
        "tests/supervisor/test_memory_guard.py",
        "tests/supervisor/test_health.py",
        "tests/supervisor/test_keys.py",
    ],
    "control messages": ["tests/supervisor/test_server.py"],
}


@pytest.mark.parametrize("part", PARTS)
def test_they_pass_on_windows(wine: Wine, part: str) -> None:
    words = ["-m", "pytest", "-p", "no:cacheprovider", "--rootdir", "F:\\", "-o", "timeout=250"]
    paths = ["F:\\" + path.replace("/", "\\") for path in PARTS[part]]
    status, out, err = wine.python(*words, *paths)
    assert status == 0, out + err
    counted = re.search(r"(\d+) passed", out)
    assert counted
    print(f"{part}: {counted[0]}")
