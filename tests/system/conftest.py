"""Real sidecars and real clients, each test in a runtime folder of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from framebridge_client import Bridge, connect

from tests.system.live_sidecars import *  # noqa: F403  its fixtures
from tests.system.processes import Sidecar

FOLDER = Path(__file__).parent
ALONE = {"test_neighbour", "test_slow_model"}
"""What looks at how the machine's time is divided has it for itself; all else runs beside other
tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == FOLDER and item.path.stem in ALONE:
            item.add_marker("alone")


@pytest.fixture
def bridge(sidecar: Sidecar) -> Iterator[Bridge]:
    with connect() as bridge:
        yield bridge
