"""All sources of the package compile with mono's compiler, under every set of defines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unity.mono import PACKAGE, STUBS, compile_library, need_mono, sources

EVERYTHING = {
    "plain": "",
    "klak": "FRAMEBRIDGE_KLAK_SPOUT;FRAMEBRIDGE_KLAK_SYPHON",
    "urp 14": "FRAMEBRIDGE_URP",
    "urp 17": "FRAMEBRIDGE_URP;FRAMEBRIDGE_URP_GRAPH",
    "hdrp": "FRAMEBRIDGE_HDRP",
}


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the engine's stand-ins, compiled."""
    need_mono()
    folder = tmp_path_factory.mktemp("stubs")
    compile_library(folder / "UnityEngine.dll", sources(STUBS / "UnityEngine"), [])
    compile_library(folder / "UnityEditor.dll", sources(STUBS / "UnityEditor"), ["UnityEngine"])
    compile_library(folder / "Pipelines.dll", sources(STUBS / "Pipelines"), ["UnityEngine"])
    return folder


@pytest.mark.parametrize("name", EVERYTHING)
def test_the_runtime_compiles_with_defines(stubs: Path, name: str) -> None:
    references = ["UnityEngine", "Pipelines"]
    files = sources(PACKAGE / "Runtime")
    compile_library(stubs / "Framebridge.dll", files, references, EVERYTHING[name])


def test_the_editor_and_the_samples_compile(stubs: Path) -> None:
    compile_library(stubs / "Framebridge.dll", sources(PACKAGE / "Runtime"), ["UnityEngine"])
    names = ["UnityEngine", "UnityEditor", "Framebridge"]
    compile_library(stubs / "Framebridge.Editor.dll", sources(PACKAGE / "Editor"), names)
    compile_library(stubs / "Samples.dll", sources(PACKAGE / "Samples~"), names)


def test_the_sources_parse_as_c_sharp() -> None:
    parser = pytest.importorskip(
        "tree_sitter", reason="tree-sitter and tree-sitter-c-sharp are not installed"
    )
    language = pytest.importorskip("tree_sitter_c_sharp", reason="tree-sitter-c-sharp is missing")
    reader = parser.Parser(parser.Language(language.language()))
    for path in sources(PACKAGE):
        # With the condition of the whole file away, so that what is in it is read.
        text = path.read_bytes()
        assert not reader.parse(text).root_node.has_error, path
