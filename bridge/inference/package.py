"""A model package: a folder with `model.toml`, its ONNX graphs and its card."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import tomli_w

from bridge.errors import (
    GraphMismatchError,
    GraphMissingError,
    ManifestError,
    readable,
)
from bridge.inference.external_data import check_text, external_tensors, take_in
from bridge.inference.manifest import DataFile, Graph, Manifest, Precision
from bridge.inference.outline import outline_of
from bridge.inference.plain_file import PACKAGE_MAX_BYTES, check_plain, open_plain, read_checked
from bridge.inference.ports import check_ports

if TYPE_CHECKING:
    import onnx

MANIFEST_NAME = "model.toml"
MANIFEST_MAX_BYTES = 1 << 20
OPSET = 17
IR_VERSION_MAX = 10


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A package whose manifest is valid and whose graphs are the ones that it names.

    Attributes:
        folder: absolute.
        manifest: as read.
        sha256: of `model.toml`, which holds the hash of every graph and of every file of weights:
            it names the whole package.
    """

    folder: Path
    manifest: Manifest
    sha256: str

    @classmethod
    def open(cls, folder: Path) -> ModelPackage:
        """Read the manifest and compare each file that it names with its hash; no graph is parsed.

        Raises: ManifestError, GraphMissingError, HashMismatchError, UnsafePackageError.
        """
        package = cls.peek(folder)
        for index, graph in enumerate(package.manifest.graphs):
            place = f"{package.folder / MANIFEST_NAME} graphs[{index}]"
            package._check_file(graph.file, graph.sha256, f"{place}.file")
            for number, data in enumerate(graph.data):
                where = f"{place}.data[{number}].file"
                package._check_file(data.file, data.sha256, where, sole=True)
        return package

    @classmethod
    def peek(cls, folder: Path) -> ModelPackage:
        """Read the manifest alone, in no time whatever the graphs weigh; to run the package, `open`
        it.

        Raises: ManifestError, UnsafePackageError.
        """
        folder = Path(folder).resolve()
        path = folder / MANIFEST_NAME
        raw = _read_manifest_bytes(path)
        return cls(folder, parse_manifest(raw, path), hashlib.sha256(raw).hexdigest())

    @property
    def name(self) -> str:
        return self.manifest.name

    def graph_path(self, precision: Precision | None = None) -> Path:
        """Path of the graph of that precision, by default of the reference.

        Raises: GraphMissingError: the package has no graph of that precision.
        """
        return self.folder / self._graph(precision).file

    def load_graph(self, precision: Precision | None = None) -> onnx.ModelProto:
        """The graph with its weights, checked against the manifest.

        Each file is read once, and what was read is what is compared with its hash and used.
        Raises: GraphMissingError, GraphMismatchError, HashMismatchError, UnsafePackageError.
        Guarantees: all values are in the model; whoever runs it opens no file.
        """
        graph = self._graph(precision)
        path = self.folder / graph.file
        try:
            content = read_checked(path, graph.sha256)
        except OSError as error:
            raise _missing(str(path), graph.file, error) from None
        model = _parsed(content, path)
        take_in(model, self.folder, graph.data, path, PACKAGE_MAX_BYTES - len(content))
        _check_graph(model, self.manifest, path)
        return model

    def _graph(self, precision: Precision | None) -> Graph:
        graph = self.manifest.graph(precision)
        if graph is None:
            have = ", ".join(g.precision for g in self.manifest.graphs)
            raise GraphMissingError(
                str(self.folder), f"a graph of precision {precision}", f"only {have}",
                f"Ask for one of: {have}.",
            )  # fmt: skip
        return graph

    def _check_file(self, file: str, sha256: str, place: str, *, sole: bool = False) -> None:
        try:
            check_plain(self.folder / file, sha256, sole=sole)
        except OSError as error:
            raise _missing(place, file, error) from None


def parse_manifest(raw: bytes, path: Path | str) -> Manifest:
    """A manifest from the bytes of a `model.toml`.

    Raises: ManifestError: with the field that is wrong.
    """
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # a ValueError: no UTF-8, no TOML, endless digits
        raise ManifestError(
            str(path), "a TOML file in UTF-8", str(error), "See docs/packages.md for the format."
        ) from None
    try:
        return msgspec.convert(table, Manifest)
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        problem, field = readable(str(error))
        place = f"{path} {field}".rstrip()
        raise ManifestError(
            place, "a manifest of format 1", problem, "See docs/packages.md for the format."
        ) from None


def save(folder: Path, manifest: Manifest, graphs: Mapping[str, bytes | Path]) -> ModelPackage:
    """Write a package: all of it, or nothing.

    Args:
        folder: replaced if it holds a package already.
        manifest: its `graphs` get their hashes here, and their `data`.
        graphs: serialized ONNX models, and the files of their external data, by file name; or
            files to copy, of which little stands in memory.
    Returns: the package as read back.
    Raises: ManifestError, GraphMismatchError, GraphMissingError: what would be written is not a
        valid package. OSError.
    Guarantees: on an error the folder is as it was.
    """
    folder = Path(folder)
    absent = [graph.file for graph in manifest.graphs if graph.file not in graphs]
    if absent:
        raise GraphMissingError(str(folder), f"the graph {absent[0]}", "none of that name")
    digests = {file: _digest(content) for file, content in graphs.items()}
    hashed = [
        msgspec.structs.replace(
            graph, sha256=digests[graph.file], data=_data_files(graph.file, graphs, digests)
        )
        for graph in manifest.graphs
    ]
    manifest = msgspec.structs.replace(manifest, graphs=hashed)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        if folder.is_dir():
            shutil.copytree(folder, scratch, dirs_exist_ok=True)
        for file, content in graphs.items():
            if isinstance(content, Path):
                shutil.copyfile(content, scratch / file)
            else:
                (scratch / file).write_bytes(content)
        (scratch / MANIFEST_NAME).write_bytes(manifest_toml(manifest))
        written = ModelPackage.open(scratch)
        for graph in hashed:
            if isinstance(graphs[graph.file], Path) and not graph.data:
                # All values are in the file, which has just been compared with its hash.
                path = scratch / graph.file
                _check_graph(_parsed(_outline(path), path), manifest, path)
            else:
                written.load_graph(graph.precision)
        scratch.chmod(0o755)
        old = folder.with_name(f".{folder.name}-old")
        replaced = folder.is_dir()
        if replaced:
            # One may be left from a run that was killed here.
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        try:
            scratch.rename(folder)
        except BaseException:
            if replaced:
                old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return ModelPackage.open(folder)


def manifest_toml(manifest: Manifest) -> bytes:
    """The manifest as the text of a `model.toml`."""
    return tomli_w.dumps(_without_none(msgspec.to_builtins(manifest))).encode()


def file_sha256(path: Path) -> str:
    """Hex digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(content: bytes | Path) -> str:
    if isinstance(content, Path):
        return file_sha256(content)
    return hashlib.sha256(content).hexdigest()


def _data_files(
    file: str, graphs: Mapping[str, bytes | Path], digests: Mapping[str, str]
) -> list[DataFile]:
    """Of the files that will be written, those that the graph's external data lies in."""
    content = graphs[file]
    model = _parsed(_outline(content) if isinstance(content, Path) else content, Path(file))
    entries = [entry for tensor in external_tensors(model) for entry in tensor.external_data]
    names = {entry.value for entry in entries if entry.key == "location"} & set(graphs)
    return [DataFile(file=name, sha256=digests[name]) for name in sorted(names)]


def _outline(path: Path) -> bytes:
    try:
        return outline_of(path)
    except ValueError as error:
        raise _no_model(path, str(error)) from None


def _parsed(content: bytes, path: Path) -> onnx.ModelProto:
    import onnx

    try:
        model = onnx.ModelProto()
        model.ParseFromString(content)
        check_text(model)
        return model
    except Exception as error:  # protobuf raises several unrelated types
        raise _no_model(path, type(error).__name__) from None


def _no_model(path: Path, found: str) -> GraphMismatchError:
    return GraphMismatchError(str(path), "an ONNX model", found, "Convert the weights again.")


def _missing(place: str, file: str, error: OSError) -> GraphMissingError:
    found = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
    return GraphMissingError(
        place, f"the file {file}", found or "an unreadable file",
        "Copy the whole package folder again.",
    )  # fmt: skip


def _without_none(value: object) -> dict[str, object]:
    # TOML has no null; tables go last so that plain keys stay above them.
    assert isinstance(value, dict)
    kept = {key: item for key, item in value.items() if item is not None}
    return dict(sorted(kept.items(), key=lambda pair: _is_table(pair[1])))


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )


def _read_manifest_bytes(path: Path) -> bytes:
    try:
        with open_plain(path) as file:
            raw = file.read(MANIFEST_MAX_BYTES + 1)
    except OSError as error:
        raise ManifestError(
            str(path),
            "a package folder with a model.toml",
            error.strerror or "an unreadable file",
            "Give the folder of a package.",
        ) from None
    if len(raw) > MANIFEST_MAX_BYTES:
        raise ManifestError(str(path), "at most 1 MiB", "a larger file")
    return raw


def _check_graph(model: onnx.ModelProto, manifest: Manifest, path: Path) -> None:
    opsets = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if opsets.get("ai.onnx") != OPSET or model.ir_version > IR_VERSION_MAX:
        raise GraphMismatchError(
            str(path),
            f"opset {OPSET} and an IR version up to {IR_VERSION_MAX}",
            f"opset {opsets.get('ai.onnx')}, IR version {model.ir_version}",
            "Convert the graph with `framebridge convert`.",
        )
    check_ports(model, manifest, str(path.with_name(MANIFEST_NAME)))
