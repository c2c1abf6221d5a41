"""Where packages are found."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bridge
from bridge.errors import FramebridgeError, PackageNotFoundError, UsageError
from bridge.inference.package import MANIFEST_NAME, ModelPackage

FOLDERS_VARIABLE = "FRAMEBRIDGE_MODELS"


@dataclass(frozen=True, slots=True)
class Entry:
    """A folder that looks like a package, and either the package or what is wrong with it."""

    folder: Path
    package: ModelPackage | None
    error: FramebridgeError | None


class Library:
    """Packages by name: the first folder that has one wins.

    Attributes:
        folders: where it looks: those given, those of FRAMEBRIDGE_MODELS, the user's, the shipped.
    """

    def __init__(self, folders: list[Path] | None = None) -> None:
        """
        Raises: UsageError: one of `folders` is not there.
        """
        for folder in folders or []:
            if not folder.is_dir():
                raise UsageError("models", "an existing folder", str(folder), "Correct the path.")
        named = os.environ.get(FOLDERS_VARIABLE, "")
        self.folders = [
            *(folders or []),
            *(Path(entry) for entry in named.split(os.pathsep) if entry),
            user_folder(),
            shipped_folder(),
        ]

    def find(self, reference: str) -> ModelPackage:
        """The package of that name, or in that folder if `reference` is a path.

        Raises: PackageNotFoundError; and all that ModelPackage.open raises.
        """
        return ModelPackage.open(self._folder_of(reference))

    def peek(self, reference: str) -> ModelPackage:
        """As `find`, but no graph is looked at; whoever runs it opens it again.

        Raises: PackageNotFoundError; and all that ModelPackage.peek raises.
        """
        return ModelPackage.peek(self._folder_of(reference))

    def _folder_of(self, reference: str) -> Path:
        if names_a_folder(reference):
            if not _holds_package(Path(reference)):
                raise PackageNotFoundError(
                    reference, f"a folder with a {MANIFEST_NAME}", "none there", "Correct the path."
                )
            return Path(reference)
        for folder in self.folders:
            if _holds_package(folder / reference):
                return folder / reference
        raise self._unknown(reference)

    def entries(self) -> Iterator[Entry]:
        """Every package that `find` can find, by name."""
        for _, path in sorted(self.package_folders().items()):
            try:
                yield Entry(path, ModelPackage.open(path), None)
            except FramebridgeError as error:
                yield Entry(path, None, error)

    def package_folders(self) -> dict[str, Path]:
        """Every folder that holds a `model.toml`, by its name; none of them is opened."""
        found = dict[str, Path]()
        for folder in self.folders:
            if folder.is_dir():
                for path in folder.glob(f"*/{MANIFEST_NAME}"):
                    found.setdefault(path.parent.name, path.parent)
        return found

    def _unknown(self, name: str) -> PackageNotFoundError:
        known = sorted(self.package_folders())
        near = difflib.get_close_matches(name, known, 1)
        return PackageNotFoundError(
            f"model {name!r}",
            f"one of: {', '.join(known) or 'none is installed'}",
            "no package of that name",
            f"Did you mean {near[0]!r}?" if near else "`framebridge models list` shows them all.",
        )


def names_a_folder(reference: str) -> bool:
    """Whether a reference is a path; else it is the name of a package in the library."""
    return any(mark in reference for mark in ("/", os.sep)) or reference.startswith(".")


def _holds_package(folder: Path) -> bool:
    try:
        return (folder / MANIFEST_NAME).is_file()
    except (OSError, ValueError):
        return False  # a name that no file system takes


def shipped_folder() -> Path:
    """In the wheel the packages lie inside `bridge`; in a checkout beside it."""
    inside = Path(bridge.__file__).parent / "shipped_models"
    return inside if inside.is_dir() else Path(bridge.__file__).parent.parent / "models"


def user_folder() -> Path:
    """Where a user's own packages go."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA", Path.home())) / "framebridge" / "models"
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "framebridge" / "models"
