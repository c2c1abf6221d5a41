"""A contact sheet as a file: small enough to lie beside a package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bridge.errors import MediaError
from converters.contact_sheet import MOST_BYTES, write_contact_sheet

NOISE = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)


def test_a_sheet_is_a_small_png(tmp_path: Path) -> None:
    path = tmp_path / "preview.png"
    write_contact_sheet(
        path, [[("before", NOISE), ("after", NOISE)]] * 2, "noise", most_bytes=MOST_BYTES
    )
    assert path.stat().st_size <= MOST_BYTES
    with Image.open(path) as image:
        assert image.format == "PNG"


def test_a_place_that_cannot_be_written_to_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="FB-E001"):
        write_contact_sheet(tmp_path / "nowhere" / "preview.png", [[("a", NOISE)]])
