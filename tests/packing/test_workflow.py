"""The workflow that builds on systems which are not here, as far as it can be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / ".github" / "workflows" / "native.yml"
FULL_VERSION = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<version>\S+)")


@pytest.fixture(scope="module")
def text() -> str:
    return WORKFLOW.read_text()


def test_every_action_is_githubs_own_and_pinned_to_a_full_version(text: str) -> None:
    used = list(FULL_VERSION.finditer(text))
    assert used
    for match in used:
        assert match["action"].startswith("actions/"), match["action"]
        assert re.fullmatch(r"v\d+\.\d+\.\d+", match["version"]), match[0]


def test_it_may_read_the_source_and_nothing_else(text: str) -> None:
    assert re.search(r"(?m)^permissions:\n  contents: read\n\n", text)
    assert text.count("permissions:") == 1
    assert "secrets." not in text
    assert "pull_request_target" not in text


def test_every_file_and_target_that_it_names_is_there(text: str) -> None:
    for path in re.findall(r"python3? (engine_plugin[\\/]\S+\.py)", text):
        assert (ROOT / path.replace("\\", "/")).is_file(), path
    targets = set(re.findall(r"(?m)^([\w-]+):", (ROOT / "Makefile").read_text()))
    assert set(re.findall(r"run: make ([\w-]+)", text)) <= targets
    for tests in re.findall(r"pytest (tests/[^\n]+)", text):
        for path in tests.split():
            assert (ROOT / path).exists(), path
    assert (ROOT / ".ci" / "run").is_file()


def test_each_library_is_packed_from_where_it_was_put(text: str) -> None:
    kept = dict(re.findall(r"name: native-(\w+)\n\s+path: (out/native/\S+\.\w+)\n", text))
    assert set(kept) == {"linux", "windows", "macos"}
    for system, path in kept.items():
        assert path.startswith(f"out/native/{system}/")
        assert f"name: native-{system}\n          path: out/native/{system}\n" in text
    assert "--require linux windows macos" in text
