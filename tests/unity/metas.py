"""Every asset's .meta, made of its place in the package, so that identities never change.

python -m tests.unity.metas     writes those that are missing or differ, removes those of nothing
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PACKAGE = Path(__file__).parents[2] / "engine_plugin" / "unity"

_TAIL = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"
_PLAIN = "  externalObjects: {}\n" + _TAIL
_IMPORTERS = {
    ".asmdef": "AssemblyDefinitionImporter:\n" + _PLAIN,
    ".cs": (
        "MonoImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  defaultReferences: []\n"
        "  executionOrder: 0\n  icon: {instanceID: 0}\n" + _TAIL
    ),
    ".hlsl": "ShaderIncludeImporter:\n" + _PLAIN,
    ".md": "TextScriptImporter:\n" + _PLAIN,
    ".shader": (
        "ShaderImporter:\n  externalObjects: {}\n  defaultTextures: []\n"
        "  nonModifiableTextures: []\n  preprocessorOverride: 0\n" + _TAIL
    ),
}
_FOLDER = "folderAsset: yes\nDefaultImporter:\n" + _PLAIN
_MANIFEST = "PackageManifestImporter:\n" + _PLAIN


def guid_of(place: str) -> str:
    """Identity of an asset; the packing script gives libraries theirs in the same way."""
    return hashlib.sha256(f"com.framebridge.unity/{place}".encode()).hexdigest()[:32]


def meta_of(place: str, folder: bool) -> str:
    """What Unity would write for it, but for the identity."""
    if folder:
        importer = _FOLDER
    elif place == "package.json":
        importer = _MANIFEST
    else:
        importer = _IMPORTERS[PurePosixPath(place).suffix]
    return f"fileFormatVersion: 2\nguid: {guid_of(place)}\n{importer}"


def wanted(package: Path = PACKAGE) -> Iterator[tuple[Path, str]]:
    """The path and text of every .meta. Unity does not look into folders that end with a tilde;
    samples have them too, since they are copied into projects."""
    for path in sorted(package.rglob("*")):
        place = path.relative_to(package).as_posix()
        parts = PurePosixPath(place).parts
        if path.suffix == ".meta" or parts[0] == "Documentation~" or parts[-1].endswith("~"):
            continue
        yield path.with_name(f"{path.name}.meta"), meta_of(place, path.is_dir())


def main() -> None:
    texts = dict(wanted())
    for path in PACKAGE.rglob("*.meta"):
        if path not in texts:
            path.unlink()
    for path, text in texts.items():
        if not path.is_file() or path.read_text() != text:
            path.write_text(text, newline="\n")


if __name__ == "__main__":
    main()
