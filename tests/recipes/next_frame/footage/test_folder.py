"""What a run writes is whole, or the old file is still there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import StorageError
from models.recipes.next_frame.footage.folder import CHECKPOINT, RunFolder

if sys.platform != "win32":
    import resource

CHILD = """
import sys
from pathlib import Path
from bridge.errors import StorageError
from models.recipes.next_frame.footage.folder import CHECKPOINT, RunFolder
try:
    RunFolder(Path(sys.argv[1])).write(CHECKPOINT, b"new" * 100_000)
except StorageError as error:
    print(error)
"""


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "a" / "run")
    for content in (b"one", b"two"):
        assert folder.write(CHECKPOINT, content).read_bytes() == content
    assert [path.name for path in folder.path.iterdir()] == [CHECKPOINT]


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on files there")
def test_without_room_the_old_file_stays_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write(CHECKPOINT, b"old")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        # The kernel itself ends the write in the middle, as on a full disk.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith(f"FB-E103 {tmp_path / CHECKPOINT}: expected room for 1 MB, got ")
    assert "Make room and give the same command again" in done.stdout, done.stderr
    assert (tmp_path / CHECKPOINT).read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StorageError, match=r"FB-E103 .*Name another place"):
        RunFolder(tmp_path / "file" / "run")
