"""Real sidecars for the native client, and a program that plays an engine. The library itself comes
from the fixtures of `tests/native_builds.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.native.player import Player
from tests.native.sanitizers import environment as of_sanitizers
from tests.native.sanitizers import reports
from tests.native_builds import Native
from tests.system.live_sidecars import *  # noqa: F403  its fixtures
from tests.system.live_sidecars import own_folder
from tests.system.processes import Sidecar


@pytest.fixture(scope="module")
def standing_sidecar() -> Iterator[Sidecar]:
    """One in a runtime folder of its own, for all tests of a file that do not end it."""
    with pytest.MonkeyPatch.context() as patch, own_folder(patch) as folder:
        sidecar = Sidecar(folder, [])
        sidecar.start()
        yield sidecar
        sidecar.end()


@pytest.fixture
def start_player(native: Native, tmp_path: Path) -> Iterator[Callable[..., Player]]:
    """Start an engine, with more environment; it ends with the test."""
    started: list[Player] = []

    def start(**environment: str) -> Player:
        words = {**of_sanitizers(), **environment}
        started.append(Player(native.program("player"), tmp_path, **words))
        return started[-1]

    yield start
    for player in started:
        player.kill()
    if started:
        assert not reports(started[0].complaints)


@pytest.fixture
def player(start_player: Callable[..., Player]) -> Player:
    """To be asked for after the sidecar, whose runtime folder it looks into."""
    return start_player()
