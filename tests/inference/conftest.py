"""Builders and the reference, for every test of this folder."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def small_models() -> ModuleType:
    return _beside("small_models")


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    return _beside("reference")


@pytest.fixture
def folder(tmp_path: Path, small_models: ModuleType) -> Path:
    """Of a small package."""
    return Path(small_models.network().write(tmp_path / "small").folder)


def _beside(name: str) -> ModuleType:
    # Tests are no package, so a module beside them is loaded by its path.
    spec = importlib.util.spec_from_file_location(
        f"framebridge_test_{name}", Path(__file__).with_name(f"{name}.py")
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
