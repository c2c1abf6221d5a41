"""`framebridge train` where there is nothing to train with, or nothing to begin with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w

from bridge.supervisor.library import shipped_folder
from models.recipes.next_frame.footage.plan import COMMAND

Train = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def train(tmp_path: Path, home: Path) -> Train:
    """The command, where PyTorch cannot be imported and the user's folder is `home`."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "torch.py").write_text("raise ImportError('no torch here')")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FRAMEBRIDGE_")}
    kept |= {"XDG_DATA_HOME": str(home), "PYTHONPATH": os.pathsep.join([str(hidden), *sys.path])}

    def start(*words: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "bridge.cli.main", "train", *map(str, words)],
            capture_output=True, text=True, timeout=60, env=kept, cwd=tmp_path,
        )  # fmt: skip
        assert "Traceback" not in done.stderr + done.stdout
        return done

    return start


def take(home: Path, name: str, recipe: str = "") -> None:
    """A package of that name in the user's folder, said to be made by `recipe`."""
    folder = home / "framebridge" / "models" / name
    shutil.copytree(shipped_folder() / "passthrough", folder)
    if recipe:
        manifest = tomllib.loads((folder / "model.toml").read_text())
        manifest["source"] = {"recipe": recipe}
        (folder / "model.toml").write_text(tomli_w.dumps(manifest))


def test_without_pytorch_it_names_the_command_that_installs_it(train: Train) -> None:
    done = train("next-frame", "clip.mp4", "--name", "sea")
    assert done.returncode == 3
    assert done.stderr == (
        "FB-E102 PyTorch: expected PyTorch, which training needs, got no torch here. "
        "Install it: pip install 'framebridge[train]'\n"
    )
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["passthrough", "upscale-x2"])
def test_a_shipped_name_is_taken(name: str, train: Train) -> None:
    done = train("next-frame", "clip.mp4", "--name", name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"FB-E002 --name: expected a name that is free, got '{name}'")


def test_a_package_of_another_command_is_not_replaced_even_afresh(train: Train, home: Path) -> None:
    take(home, "sea", "framebridge convert sea.pth")
    for more in ([], ["--fresh"]):
        done = train("next-frame", "clip.mp4", "--name", "sea", *more)
        assert done.returncode == 2
        assert "a package that this command did not make" in done.stderr


def test_a_broken_package_is_not_replaced(train: Train, home: Path) -> None:
    take(home, "sea")
    (home / "framebridge" / "models" / "sea" / "model.toml").write_text("[")
    assert train("next-frame", "clip.mp4", "--name", "sea", "--fresh").returncode == 2


def test_a_package_of_a_run_that_is_elsewhere_is_replaced_only_afresh(
    train: Train, home: Path, tmp_path: Path
) -> None:
    take(home, "sea", f"{COMMAND} sea.mp4 --name sea")
    done = train("next-frame", "clip.mp4", "--name", "sea")
    assert done.returncode == 2
    assert f"made by a run that is not in {Path('out/train/sea')}" in done.stderr
    assert "--output" in done.stderr
    assert train("next-frame", "clip.mp4", "--name", "sea", "--fresh").returncode == 3
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"")
    assert train("next-frame", "clip.mp4", "--name", "sea", "--output", "run").returncode == 3


@pytest.mark.parametrize("name", ["Sea", "../sea", "", "a" * 65, "sea shore"])
def test_what_is_no_name_is_refused(name: str, train: Train) -> None:
    done = train("next-frame", "clip.mp4", "--name", name)
    assert done.returncode == 2
    assert done.stderr.startswith("FB-E002 --name: ")


@pytest.mark.parametrize("words", [["--minutes", "nan"], ["--steps", "0"], ["--size", "8"]])
def test_numbers_out_of_bounds_are_refused(words: list[str], train: Train) -> None:
    assert train("next-frame", "clip.mp4", "--name", "sea", *words).returncode == 2


def test_help_explains_the_options(train: Train) -> None:
    said = train("next-frame", "--help").stdout
    for option in ("CLIP", "--name", "--minutes", "--size", "--output", "--fresh", "--json"):
        assert option in said


def test_what_needs_no_training_needs_no_pytorch() -> None:
    """A run's rooms but those that calculate can be imported without it."""
    rooms = ("age", "clip", "command", "diary", "folder", "gpus", "package", "page", "pictures",
             "plan", "plot", "start", "telling")  # fmt: skip
    lines = [f"import models.recipes.next_frame.footage.{room}" for room in rooms]
    script = "\n".join(["import sys, json", *lines, "print(json.dumps('torch' in sys.modules))"])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert json.loads(done.stdout) is False
