"""The C++ codec against engine_plugin/vectors, and against what nobody should send."""

from __future__ import annotations

import subprocess

import pytest

from tests.conftest import VECTORS
from tests.native_builds import Native


@pytest.fixture(params=("as shipped", "address"))
def built(request: pytest.FixtureRequest, native: Native, native_address: Native) -> Native:
    """Once as it is shipped, once where each fault of memory is seen."""
    return native if request.param == "as shipped" else native_address


def passes(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_codec_reads_and_writes_every_vector(built: Native) -> None:
    passes(str(built.program("vectors")), str(VECTORS))


def test_hostile_messages_and_commands_are_refused_in_words(built: Native) -> None:
    passes(str(built.program("hostile_messages")), "20000")
