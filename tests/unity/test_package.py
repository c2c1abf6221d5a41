"""The package as Unity's package manager wants it, and as its users may expect."""

from __future__ import annotations

import json
import re

import pytest

from tests.unity.metas import PACKAGE, wanted
from tests.unity.mono import sources


def test_every_asset_has_the_meta_that_its_place_gives() -> None:
    texts = dict(wanted())
    found = {path: path.read_text() for path in PACKAGE.rglob("*.meta")}
    assert found == texts, "python -m tests.unity.metas mends it"
    guids = [re.search("guid: ([0-9a-f]{32})", text) for text in texts.values()]
    assert len({guid[1] for guid in guids if guid}) == len(texts)


def test_the_manifest_names_what_is_there() -> None:
    manifest = json.loads((PACKAGE / "package.json").read_text())
    assert manifest["name"] == "com.framebridge.unity"
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["version"])
    for sample in manifest["samples"]:
        assert list((PACKAGE / sample["path"]).glob("*.cs"))
    changes = (PACKAGE / "CHANGELOG.md").read_text()
    assert f"## [{manifest['version']}]" in changes
    for name in ("README.md", "LICENSE.md", "Documentation~/com.framebridge.unity.md"):
        assert (PACKAGE / name).is_file()


def test_the_assemblies_name_the_packages_whose_defines_the_sources_use() -> None:
    runtime = json.loads((PACKAGE / "Runtime" / "Framebridge.asmdef").read_text())
    defined = {entry["define"] for entry in runtime["versionDefines"]}
    used = {
        name
        for path in sources(PACKAGE)
        for name in re.findall(r"#(?:el)?if (FRAMEBRIDGE_\w+)", path.read_text())
    }
    assert used == defined
    editor = json.loads((PACKAGE / "Editor" / "Framebridge.Editor.asmdef").read_text())
    assert editor["includePlatforms"] == ["Editor"]
    assert editor["references"] == [runtime["name"]]


@pytest.mark.parametrize("word", ["targetFrameRate", "vSyncCount", "captureFramerate", "timeScale"])
def test_the_frame_rate_of_the_application_is_never_touched(word: str) -> None:
    for path in sources(PACKAGE):
        assert word not in path.read_text(), path


def test_files_are_small() -> None:
    for path in sources(PACKAGE):
        assert len(path.read_text().splitlines()) <= 420, path
