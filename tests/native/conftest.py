"""Real sidecars for the native client, and a program that plays an engine. The library itself comes
from the fixtures of `tests/native_builds.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.native.player import Player
from tests.native_builds import Native
from tests.system.live_sidecars import *  # noqa: F403  its fixtures


@pytest.fixture
def start_player(
    native: Native, short_folder: Path, tmp_path: Path
) -> Iterator[Callable[..., Player]]:
    """Start an engine, with more environment; it ends with the test."""
    started: list[Player] = []

    def start(**environment: str) -> Player:
        started.append(Player(native.program("player"), tmp_path, **environment))
        return started[-1]

    yield start
    for player in started:
        player.kill()


@pytest.fixture
def player(start_player: Callable[..., Player]) -> Player:
    return start_player()
