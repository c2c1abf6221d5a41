"""Where packages are found, and what is said when they are not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bridge.errors import ManifestError, PackageNotFoundError
from bridge.supervisor.library import FOLDERS_VARIABLE, Library, shipped_folder


@pytest.fixture
def library(runtime_dir: Path, tmp_path: Path) -> Library:
    """Looks in a folder of this test and in the shipped packages; the user's own is empty."""
    folder = tmp_path / "mine"
    folder.mkdir()
    return Library([folder])


def copy_package(to: Path, title: str = "") -> Path:
    """A package like the shipped passthrough, with a title to know it by."""
    shutil.copytree(shipped_folder() / "passthrough", to)
    manifest = to / "model.toml"
    text = manifest.read_text().replace('title = "Passthrough"', f'title = "{title}"')
    manifest.write_text(text)
    return to


def test_a_shipped_package_is_found_by_name(library: Library) -> None:
    assert library.find("passthrough").name == "passthrough"


def test_folders_are_looked_through_in_the_stated_order(
    runtime_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = runtime_dir / "data" / "framebridge" / "models"
    if os.name == "nt":
        monkeypatch.setenv("APPDATA", str(runtime_dir / "data"))
    first, second, third = (tmp_path / n for n in ("given", "named", "named too"))
    monkeypatch.setenv(FOLDERS_VARIABLE, os.pathsep.join(["", str(second), str(third)]))
    first.mkdir()
    library = Library([first])
    assert library.folders == [first, second, third, user, shipped_folder()]
    assert library.find("passthrough").folder.parent == shipped_folder().resolve()
    for folder in (user, third, second, first):
        copy_package(folder / "passthrough", title=folder.name)
        assert library.find("passthrough").manifest.title == folder.name


def test_a_folder_of_another_name_is_found_by_the_folders_name(library: Library) -> None:
    copy_package(library.folders[0] / "renamed")
    assert library.find("renamed").name == "passthrough"


@pytest.mark.parametrize("typed", ["pasthrough", "passthru", "passthrough2"])
def test_a_near_name_is_suggested(library: Library, typed: str) -> None:
    with pytest.raises(PackageNotFoundError) as caught:
        library.find(typed)
    assert caught.value.remedy == "Did you mean 'passthrough'?"
    assert "passthrough" in caught.value.expected


def test_for_a_name_like_no_other_the_list_is_named(library: Library) -> None:
    with pytest.raises(PackageNotFoundError, match="framebridge models list"):
        library.find("zzzzzz")


def test_with_no_package_at_all_that_is_said(library: Library) -> None:
    library.folders = library.folders[:1]
    with pytest.raises(PackageNotFoundError, match="none is installed"):
        library.find("passthrough")


def test_a_path_is_taken_as_it_is(library: Library, tmp_path: Path) -> None:
    folder = copy_package(tmp_path / "elsewhere" / "anything", title="by path")
    assert library.find(str(folder)).manifest.title == "by path"


@pytest.mark.parametrize("reference", ["./passthrough", ".", "..", "/nowhere/passthrough", "/"])
def test_a_path_is_never_looked_up_in_the_folders(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PackageNotFoundError, match=r"a folder with a model\.toml"):
        library.find(reference)


def test_a_nul_in_a_name_is_no_package(library: Library) -> None:
    for reference in ("a\0b", "./a\0b"):
        with pytest.raises(PackageNotFoundError):
            library.find(reference)


def test_every_package_is_listed_once_in_order_of_name(library: Library) -> None:
    copy_package(library.folders[0] / "passthrough", title="mine")
    copy_package(library.folders[0] / "another")
    entries = list(library.entries())
    names = [entry.folder.name for entry in entries]
    assert names == sorted(set(names))
    assert {"another", "passthrough", "upscale-x2"} <= set(names)
    mine = entries[names.index("passthrough")]
    assert mine.package is not None
    assert mine.package.manifest.title == "mine"


def test_a_broken_package_is_listed_with_its_error(library: Library) -> None:
    broken = library.folders[0] / "broken"
    broken.mkdir()
    (broken / "model.toml").write_text("format = 1\nnoise")
    (entry,) = [e for e in library.entries() if e.folder == broken]
    assert entry.package is None
    assert isinstance(entry.error, ManifestError)
    with pytest.raises(ManifestError):
        library.find("broken")


def test_a_broken_package_hides_a_good_one_of_the_same_name(library: Library) -> None:
    folder = copy_package(library.folders[0] / "passthrough")
    (folder / "model.onnx").write_bytes(b"something else")
    (entry,) = [e for e in library.entries() if e.folder.name == "passthrough"]
    assert entry.error is not None
    assert entry.error.code == "FB-E012"


def test_what_is_no_package_is_not_listed(library: Library) -> None:
    (library.folders[0] / "empty").mkdir()
    (library.folders[0] / "model.toml").write_text("")
    names = {entry.folder.name for entry in library.entries()}
    assert "empty" not in names
    assert library.folders[0].name not in names


def test_a_name_longer_than_any_file_name_is_no_package(library: Library) -> None:
    for reference in ("x" * 1024, "./" + "x" * 1022):
        with pytest.raises(PackageNotFoundError):
            library.find(reference)
