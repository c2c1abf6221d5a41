"""What the process that reads HDF5 files lets through, and how it says so."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.readers.h5_process import Refused, Unsafe, read
from tests.converters.readers.h5_writer import expected, keras_2

h5py = pytest.importorskip("h5py")


def test_a_message_for_each_array(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "net", "w") as file:
        keras_2(file)
    messages = BytesIO()
    facts = read(str(tmp_path / "net"), messages)
    assert facts["layout"] == "keras"
    messages.seek(0)
    for name, array in expected().items():
        message = json.loads(messages.read(int.from_bytes(messages.read(8), "little")))
        assert message == {
            "name": name, "dtype": array.dtype.str, "shape": [*array.shape], "bytes": array.nbytes
        }  # fmt: skip
        assert messages.read(array.nbytes) == array.tobytes()
    assert not messages.read()


def links(file: Any, name: str) -> None:
    keras_2(file)
    other = Path(file.filename).with_name("other")
    if name == "an external link":
        file["more"] = h5py.ExternalLink(str(other), "/secret")
    elif name == "external data":
        file.create_dataset("more", (4,), "f4", external=[(str(other), 0, 16)])
    elif name == "virtual data":
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(other), "secret", (4,))
        file.create_virtual_dataset("more", layout)
    elif name == "an absurd shape":
        file.create_dataset("more", (1 << 60,), "f4", chunks=(1 << 20,))
    elif name == "nothing behind it":
        file.create_dataset("more", (1 << 29,), "u1", chunks=(1 << 20,))
    elif name == "many groups in each other":
        file.create_group("/".join("g" * 70))
    elif name == "another filter":
        file.create_dataset("more", data=np.arange(100), chunks=(10,), scaleoffset=0)
    elif name == "a listed layer that is not there":
        file.attrs["layer_names"] = [b"conv2d_9", b"conv2d_11"]
    elif name == "a listed array that is not there":
        file["conv2d_9"].attrs["weight_names"] = [b"conv2d_9/gamma:0"]
    elif name == "an array listed twice":
        file["conv2d_9"].attrs["weight_names"] = [b"conv2d_9/bias:0"] * 2
    elif name == "numbers for names":
        file.attrs["layer_names"] = np.arange(3)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("an external link", Unsafe),
        ("external data", Unsafe),
        ("virtual data", Unsafe),
        ("an absurd shape", Unsafe),
        ("nothing behind it", Unsafe),
        ("many groups in each other", Unsafe),
        ("another filter", Refused),
        ("a listed layer that is not there", Refused),
        ("a listed array that is not there", Refused),
        ("an array listed twice", Refused),
        ("numbers for names", Refused),
    ],
)
def test_what_a_file_may_not_hold(tmp_path: Path, name: str, kind: type[Refused]) -> None:
    with h5py.File(tmp_path / "net", "w") as file:
        links(file, name)
    with pytest.raises(Refused) as refused:
        read(str(tmp_path / "net"), BytesIO())
    assert type(refused.value) is kind
    assert len(refused.value.args) == 2
