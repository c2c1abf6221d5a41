"""Nothing in a file is ever run, and nothing takes more memory or time than the file is worth."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import UnsafeWeightsError, WeightsError
from converters import detect
from tests.converters.readers import malicious

SENTINEL = Path("sentinel")
HARMFUL = malicious.harmful(SENTINEL)
GREEDY = malicious.greedy()
CONTAINERS = {"zip": malicious.in_zip, "legacy": malicious.in_legacy}
_MOST_MEMORY = 64 << 20


@pytest.fixture(params=CONTAINERS)
def container(request: pytest.FixtureRequest) -> Callable[[Path, bytes], Path]:
    return CONTAINERS[request.param]


def refused(path: Path) -> WeightsError | UnsafeWeightsError:
    """The one error of a file, after which nothing is left behind."""
    modules = set(sys.modules)
    tracemalloc.start()
    try:
        with pytest.raises((WeightsError, UnsafeWeightsError)) as caught:
            detect.read(path)
        assert tracemalloc.get_traced_memory()[1] < _MOST_MEMORY
    finally:
        tracemalloc.stop()
    assert set(sys.modules) == modules
    assert not SENTINEL.exists()
    error = caught.value
    assert str(path) in error.place
    assert "\n" not in str(error)
    assert len(str(error)) < 1500
    return error  # type: ignore[no-any-return]


def test_there_are_enough_of_them() -> None:
    assert len(HARMFUL) >= 30
    assert len(GREEDY) >= 30


@pytest.mark.parametrize("name", HARMFUL)
def test_harm_is_refused_by_name(name: str, container: Callable, workplace: Path) -> None:
    error = refused(container(workplace / "weights", b"\x80\x02" + HARMFUL[name] + b"."))
    assert isinstance(error, UnsafeWeightsError)
    assert "asks for" in error.found
    assert "run" in error.remedy


@pytest.mark.parametrize("name", HARMFUL)
def test_harm_beside_whole_weights_is_refused(
    name: str, container: Callable, workplace: Path
) -> None:
    pickle = b"\x80\x02" + malicious.state_dict(HARMFUL[name]) + b"."
    assert isinstance(refused(container(workplace / "weights", pickle)), UnsafeWeightsError)


@pytest.mark.parametrize("name", GREEDY)
def test_greed_is_refused(name: str, container: Callable, workplace: Path) -> None:
    refused(container(workplace / "weights", b"\x80\x02" + GREEDY[name] + b"."))


@pytest.mark.parametrize("part", ["magic", "protocol", "machine", "keys"])
def test_harm_in_the_other_pickles_of_a_legacy_file_is_refused(part: str, workplace: Path) -> None:
    harm = b"\x80\x02" + HARMFUL["os.system"] + b"."
    good = malicious.in_legacy(workplace / "good", b"\x80\x02" + malicious.state_dict() + b".")
    data = good.read_bytes()
    old = {
        "magic": b"\x80\x02M\xe9\x03.", "protocol": b"\x80\x02M\xe9\x03.",
        "machine": b"\x80\x02}(" + malicious.text("little_endian") + b"\x88u.",
        "keys": b"\x80\x02](" + malicious.text("0") + b"e.",
    }[part]  # fmt: skip
    assert data.count(old) == 1
    bad = workplace / "bad"
    bad.write_bytes(data.replace(old, harm))
    assert "os.system" in refused(bad).found


def test_more_steps_than_any_weights_need_are_refused(workplace: Path) -> None:
    pickle = b"\x80\x02" + b"N0" * 2_100_000 + b"N."
    path = malicious.in_zip(workplace / "weights", pickle)
    with pytest.raises(UnsafeWeightsError, match="steps"):
        detect.read(path)


def test_whatever_becomes_of_a_pickle_it_is_read_or_refused(workplace: Path) -> None:
    # Bytes changed, left out, put in twice; pieces of other pickles put in between.
    random = np.random.default_rng(7)
    whole = [b"\x80\x02" + malicious.state_dict(harm) + b"." for harm in [b"", *HARMFUL.values()]]
    pieces = [
        b"R",
        b"b",
        b"\x81",
        b"h\x00",
        b"q\x00",
        b")",
        b"]",
        b"}",
        b"(",
        b"t",
        b"e",
        b"Q",
        b"0",
    ]
    for turn in range(400):
        data = bytearray(whole[turn % 2 * int(random.integers(len(whole)))])
        for place in random.integers(0, len(data), 1 + turn % 3):
            way = random.integers(4)
            if way == 0:
                data[place] = random.integers(256)
            elif way == 1:
                del data[place : place + 4]
            elif way == 2:
                data[place:place] = data[:20]
            else:
                data[place:place] = pieces[random.integers(len(pieces))]
        path = list(CONTAINERS.values())[turn % 2](workplace / "weights", bytes(data))
        with contextlib.suppress(WeightsError, UnsafeWeightsError):
            assert detect.read(path).arrays
    assert not SENTINEL.exists()


def test_without_harm_the_same_containers_are_read(container: Callable, workplace: Path) -> None:
    path = container(workplace / "weights", b"\x80\x02" + malicious.state_dict() + b".")
    assert np.array_equal(detect.read(path).arrays["weight"], [1, 2, 3, 4])


def test_python_itself_would_have_run_them(workplace: Path) -> None:
    # Otherwise the tests above would prove nothing. In a process of its own, as it should be.
    program = """
import contextlib, pathlib, pickle, sys, time
sys.path.insert(0, sys.argv[1])
from tests.converters.readers import malicious
sentinel = pathlib.Path("sentinel")
for name, value in malicious.harmful(sentinel).items():
    sentinel.unlink(missing_ok=True)
    with contextlib.suppress(Exception):
        result = pickle.loads(b"\\x80\\x02" + value + b".", fix_imports=True)
    deadline = time.monotonic() + 0.3
    while not sentinel.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    print(name if sentinel.exists() else "")
"""
    root = str(Path(__file__).parents[3])
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, root],
        cwd=workplace, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    done = {line for line in ran.stdout.splitlines() if line}
    assert len(done) >= 25, f"did not run: {sorted(set(HARMFUL) - done)}"


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder where the sentinel would appear."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
