"""Packages as they lie in a folder: looked at, and changed past all checks."""

from __future__ import annotations

from pathlib import Path

import msgspec
import onnx

from bridge.inference.manifest import DataFile, Manifest
from bridge.inference.package import (
    MANIFEST_NAME,
    ModelPackage,
    file_sha256,
    manifest_toml,
    parse_manifest,
)

GRAPH = "model.onnx"
WEIGHTS = "weights.bin"


def put(folder: Path, model: onnx.ModelProto) -> ModelPackage:
    """Exchange the graph of a package, with its hash, past all of `save`'s checks."""
    (folder / GRAPH).write_bytes(model.SerializeToString())
    return rehashed(folder)


def rehashed(folder: Path) -> ModelPackage:
    """The package with the hashes of what lies in its folder now."""
    manifest = written_manifest(folder)
    weights = folder / WEIGHTS
    data = [DataFile(file=WEIGHTS, sha256=file_sha256(weights))] if weights.exists() else []
    hashed = {"sha256": file_sha256(folder / GRAPH), "data": data}
    graph = msgspec.structs.replace(manifest.graphs[0], **hashed)
    manifest = msgspec.structs.replace(manifest, graphs=[graph])
    (folder / MANIFEST_NAME).write_bytes(manifest_toml(manifest))
    return ModelPackage.open(folder)


def written_manifest(folder: Path) -> Manifest:
    """What `model.toml` says, whether it is true or not."""
    return parse_manifest((folder / MANIFEST_NAME).read_bytes(), MANIFEST_NAME)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path in it."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
