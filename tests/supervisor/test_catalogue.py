"""The library as an answer: complete, bounded, and read while nobody waits for it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from bridge import protocol
from bridge.errors import LimitError
from bridge.inference.package import ModelPackage
from bridge.supervisor import catalogue
from bridge.supervisor.catalogue import Catalogue, packages_of
from bridge.supervisor.library import Library, shipped_folder

WATCHDOG_S = 30.0
KNOB = """
[[inputs]]
name = "amount"
role = "parameter"
kind = "float"
default = 0.5
min = 0.0
max = 1.0
label = "%s"
"""


@pytest.fixture
def library(runtime_dir: Path, tmp_path: Path) -> Library:
    """One empty folder, and nothing else."""
    library = Library([tmp_path])
    library.folders = [tmp_path]
    return library


def manifest(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "model.toml").write_text(text)


def passthrough(folder: Path, more: str = "") -> Path:
    """The shipped passthrough's manifest, without its graph, which nobody here looks at."""
    manifest(folder, (shipped_folder() / "passthrough" / "model.toml").read_text() + more)
    return folder


def test_every_shipped_package_is_told_as_its_manifest_has_it(library: Library) -> None:
    library.folders = [shipped_folder()]
    answer = packages_of(library)
    assert answer.left_out == 0
    names = [facts.name for facts in answer.packages]
    assert names == sorted(path.parent.name for path in shipped_folder().glob("*/model.toml"))
    for facts in answer.packages:
        package = ModelPackage.peek(shipped_folder() / facts.name).manifest
        assert facts.problem == ""
        assert (facts.title, facts.task, facts.version) == (
            package.title, package.task, package.version
        )  # fmt: skip
        assert facts.description == package.description
        assert [knob["name"] for knob in facts.knobs] == list(package.parameters)
    by_name = {facts.name: facts for facts in answer.packages}
    assert by_name["upscale-x3"].scale == 3
    assert by_name["next-fluid"].stateful
    assert not by_name["upscale-x3"].stateful
    assert not any(facts.generator or facts.width for facts in answer.packages)


def test_a_generator_tells_the_size_of_its_results(library: Library) -> None:
    text = (shipped_folder() / "passthrough" / "model.toml").read_text()
    head, _, _ = text.partition("[[inputs]]")
    ports = """
[[inputs]]
name = "code"
role = "latent"
length = 8

[[outputs]]
name = "picture"
role = "frame"
size = [96, 64]
"""
    manifest(library.folders[0] / "maker", head + ports)
    (facts,) = packages_of(library).packages
    assert facts.problem == ""
    assert (facts.generator, facts.width, facts.height) == (True, 96, 64)


def test_a_package_that_cannot_be_opened_is_told_with_the_reason(library: Library) -> None:
    folder = library.folders[0]
    manifest(folder / "broken", "format = 1\nnoise")
    whole = passthrough(folder / "labels")
    text = (whole / "model.toml").read_text()
    head, _, _ = text.partition("[[outputs]]")
    (whole / "model.toml").write_text(head + '[[outputs]]\nname = "what"\nrole = "labels"\n')
    broken, labels = packages_of(library).packages
    assert broken.problem.startswith(f"FB-E010 {folder / 'broken'}")
    assert labels.problem.startswith("FB-E016")
    assert "role labels" in labels.problem


def test_what_open_would_take_for_a_path_or_cannot_be_said_is_not_told(library: Library) -> None:
    passthrough(library.folders[0] / ".passthrough-old")
    passthrough(library.folders[0] / "good")
    with suppress(OSError):  # some file systems take no such name
        passthrough(library.folders[0] / "caf\udce9")
    assert [facts.name for facts in packages_of(library).packages] == ["good"]


def test_a_number_that_no_message_holds_costs_its_package_the_knobs_alone(
    library: Library,
) -> None:
    knob = (KNOB % "").replace("0.5", "1" + "0" * 30).replace("max = 1.0", "max = 1e40")
    passthrough(library.folders[0] / "beyond", knob)
    passthrough(library.folders[0] / "good")
    beyond, good = packages_of(library).packages
    assert beyond.knobs == []
    assert "too large" in beyond.problem
    assert good.problem == ""


def test_many_and_large_packages_are_left_out_by_count_and_by_size(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "MAX_PACKAGES", 20)
    monkeypatch.setattr(catalogue, "MAX_FACTS_BYTES", 30_000)
    # Of 30 packages 5 are large; those that come after them in the order have room again.
    for number in range(30):
        knobs = [(KNOB % ("x" * 2000)).replace("amount", f"k{i}") for i in range(8)]
        passthrough(
            library.folders[0] / f"{number:02}", "".join(knobs) if number in range(5, 10) else ""
        )
    answer = packages_of(library)
    told = [int(facts.name) for facts in answer.packages]
    assert len(told) == 20
    assert answer.left_out == 10
    assert set(range(5)) < set(told)
    assert 5 in told
    assert 6 not in told
    assert len(protocol.encode(answer)) < 31_000


def test_the_largest_answer_is_below_what_every_client_reads() -> None:
    # Beside the packages themselves there are a few bytes of the message.
    assert catalogue.MAX_FACTS_BYTES + 1024 < protocol.MAX_ANSWER_BYTES
    many = protocol.Packages(packages=[], left_out=2**31)
    assert len(protocol.encode(many)) < 1024


class Gate(Library):
    """A library on a disk that takes its time: until `open` is set."""

    def __init__(self, folder: Path) -> None:
        super().__init__([folder])
        self.folders = [folder]
        self.open = threading.Event()
        self.listed = threading.Event()
        self.readings = 0

    def package_folders(self) -> dict[str, Path]:
        self.readings += 1
        found = super().package_folders()
        self.listed.set()
        assert self.open.wait(WATCHDOG_S)
        return found


class Desk:
    """A catalogue, its loop, and what each client was answered."""

    def __init__(self, library: Library) -> None:
        self._woken = threading.Semaphore(0)
        self.catalogue = Catalogue(library, self._woken.release)
        self.answers = dict[bytes, list[protocol.Message]]()

    def ask(self, client: bytes) -> None:
        self.catalogue.ask(client, self.answers.setdefault(client, []).append)

    def go_round(self) -> None:
        assert self._woken.acquire(timeout=WATCHDOG_S)
        self.catalogue.tend()

    def names(self, client: bytes) -> list[list[str]]:
        return [
            [facts.name for facts in answer.packages]
            for answer in self.answers[client]
            if isinstance(answer, protocol.Packages)
        ]


@pytest.fixture
def gate(runtime_dir: Path, tmp_path: Path) -> Iterator[Gate]:
    gate = Gate(tmp_path)
    yield gate
    gate.open.set()


def test_a_slow_disk_holds_up_nobody_and_one_reading_serves_all_who_came_before_it(
    gate: Gate,
) -> None:
    desk = Desk(gate)
    desk.ask(b"first")
    assert gate.listed.wait(WATCHDOG_S)
    # Put there while the disk is read: those who ask now must find it.
    passthrough(gate.folders[0] / "new")
    desk.ask(b"second")
    desk.ask(b"third")
    desk.catalogue.tend()
    assert not any(desk.answers.values())
    gate.open.set()
    desk.go_round()
    assert desk.names(b"first") == [[]]
    desk.go_round()
    assert desk.names(b"second") == desk.names(b"third") == [["new"]]
    assert gate.readings == 2


def test_a_client_asks_once_at_a_time(gate: Gate) -> None:
    desk = Desk(gate)
    desk.ask(b"one")
    with pytest.raises(LimitError):
        desk.ask(b"one")
    desk.ask(b"two")
    with pytest.raises(LimitError):
        desk.ask(b"two")
    gate.open.set()
    desk.go_round()
    desk.ask(b"one")
    desk.go_round()
    desk.go_round()
    assert len(desk.answers[b"one"]) == 2


def test_one_that_has_gone_is_not_answered(gate: Gate) -> None:
    desk = Desk(gate)
    for client in (b"gone", b"goes", b"stays"):
        desk.ask(client)
    desk.catalogue.forget(b"gone")
    desk.catalogue.forget(b"goes")
    desk.catalogue.forget(b"a stranger")
    gate.open.set()
    desk.go_round()
    desk.go_round()
    assert desk.names(b"stays") == [[]]
    assert desk.answers[b"gone"] == desk.answers[b"goes"] == []


def test_a_library_that_cannot_be_read_is_an_error_for_who_asked(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> dict[str, Path]:
        raise PermissionError("not yours")

    monkeypatch.setattr(gate, "package_folders", fails)
    desk = Desk(gate)
    desk.ask(b"one")
    desk.go_round()
    (answer,) = desk.answers[b"one"]
    assert isinstance(answer, protocol.Error)
    assert "not yours" in answer.error.found
    monkeypatch.undo()
    shutil.rmtree(gate.folders[0])
    gate.open.set()
    desk.ask(b"one")
    desk.go_round()
    assert msgspec.to_builtins(desk.answers[b"one"][1])["packages"] == []
