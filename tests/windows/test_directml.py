"""DirectML's wheel where there is no such device: it falls back to the processor without a word,
and we do not."""

from __future__ import annotations

import pytest

from tests.windows.wine import Wine


@pytest.fixture(scope="module")
def found(wine: Wine) -> dict:
    directml = wine.path(wine.installation.directml)
    return wine.findings("directml", PYTHONPATH=f"{directml};F:\\;F:\\engine_plugin\\python")


def test_the_wheel_is_imported_and_lists_its_provider(found: dict) -> None:
    assert "directml" in found["listed"]


def test_it_falls_back_without_a_word(found: dict) -> None:
    assert found["what_it_took_without_a_word"] == ["CPUExecutionProvider"]


def test_asked_for_by_name_that_is_the_error_that_it_is(found: dict) -> None:
    assert found["error"]["code"] == "FB-E040"
    assert "cpu" in found["error"]["found"]
    assert "--allow-fallback" in found["error"]["remedy"]


def test_where_it_is_allowed_or_automatic_it_runs_and_is_said(found: dict) -> None:
    for name in ("allowed", "auto"):
        provider, note, doubled = found[name]
        assert provider == "cpu"
        assert note == "directml was asked for and not obtained"
        assert doubled == [0, 2, 4, 6]
