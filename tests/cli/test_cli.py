"""The command line as its user meets it: output, errors, exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from bridge.inference.backends.onnxruntime import available_providers
from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, ParameterInput
from bridge.inference.package import save
from bridge.supervisor.library import shipped_folder

Run = Callable[..., subprocess.CompletedProcess[str]]
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment whose user has no packages, no sidecar and no settings of ours."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FRAMEBRIDGE_")}
    (tmp_path / "home").mkdir()
    (tmp_path / "run").mkdir(mode=0o700)
    return {
        **kept,
        "HOME": str(tmp_path / "home"),
        "XDG_DATA_HOME": str(tmp_path / "home" / "data"),
        "FRAMEBRIDGE_RUNTIME_DIR": str(tmp_path / "run"),
        "FRAMEBRIDGE_LOG_DIR": str(tmp_path / "home" / "logs"),
        "FRAMEBRIDGE_CACHE_DIR": str(tmp_path / "home" / "cache"),
        "COLUMNS": "100",
    }


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    def start(*words: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "bridge.cli.main", *map(str, words)],
            capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path,
        )  # fmt: skip
        assert "Traceback" not in done.stderr + done.stdout
        return done

    return start


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (18, 24, 4), np.uint8)
    path = tmp_path / "in.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def dimmer(tmp_path: Path) -> Path:
    """A package with a parameter, in a folder of packages."""
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (
            ("frame", [1, 3, "H", "W"]), ("strength", [1]), ("dimmed", [1, 3, "H", "W"]),
        )
    ]  # fmt: skip
    graph = helper.make_graph(
        [helper.make_node("Mul", ["frame", "strength"], ["dimmed"])],
        "dimmer", values[:2], values[2:],
    )  # fmt: skip
    model: onnx.ModelProto = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10
    )
    manifest = Manifest(
        format=1, name="dimmer", version="1.0.0", task="stylize", license="MIT",
        description="Makes it darker.",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[
            FrameInput(name="frame"),
            ParameterInput(name="strength", kind="float", default=1.0, min=0, max=1),
        ],
        outputs=[FrameOutput(name="dimmed")],
    )  # fmt: skip
    save(tmp_path / "packages" / "dimmer", manifest, {"model.onnx": model.SerializeToString()})
    return tmp_path / "packages"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A package whose graph was changed behind the manifest's back."""
    folder = tmp_path / "broken"
    shutil.copytree(shipped_folder() / "passthrough", folder)
    with (folder / "model.onnx").open("ab") as file:
        file.write(b"\0")
    return folder


def _only_line(text: str) -> str:
    (line,) = (line for line in text.splitlines() if line)
    return line


def _read(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"))


# models


def test_models_list_gives_every_shipped_package_as_json(run: Run) -> None:
    done = run("models", "list", "--json")
    assert done.returncode == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert {"passthrough", "upscale-x2"} <= set(rows)
    assert rows["upscale-x2"]["task"] == "upscale"
    assert rows["upscale-x2"]["parameters"] > 0
    assert rows["upscale-x2"]["quality"].startswith("psnr_y_db")
    assert Path(rows["passthrough"]["folder"]) == shipped_folder() / "passthrough"
    assert done.stderr == ""


def test_models_list_shows_a_table(run: Run) -> None:
    done = run("models", "list")
    assert done.returncode == 0
    assert "passthrough" in done.stdout
    assert "upscale-x2" in done.stdout


def test_models_list_looks_into_the_folders_it_is_given_first(run: Run, dimmer: Path) -> None:
    rows = json.loads(run("models", "list", "--models", dimmer, "--json").stdout)
    assert "dimmer" in [row["name"] for row in rows]


def test_models_list_shows_a_broken_package_with_what_is_wrong(run: Run, broken: Path) -> None:
    done = run("models", "list", "--models", broken.parent, "--json")
    assert done.returncode == 0
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert "FB-E012" in rows["broken"]["error"]
    assert "error" not in rows["passthrough"]


def test_models_show_gives_the_manifest_as_json(run: Run) -> None:
    done = run("models", "show", "upscale-x2", "--json")
    assert done.returncode == 0
    facts = json.loads(done.stdout)
    assert (facts["name"], facts["task"], facts["format"]) == ("upscale-x2", "upscale", 1)
    assert facts["outputs"][0]["scale"] == 2
    assert len(facts["package_sha256"]) == 64
    assert Path(facts["folder"]) == shipped_folder() / "upscale-x2"


def test_models_show_prints_the_card(run: Run) -> None:
    done = run("models", "show", "passthrough")
    assert done.returncode == 0
    assert (shipped_folder() / "passthrough" / "README.md").read_text().strip() in done.stdout


def test_models_verify_passes_what_is_shipped(run: Run) -> None:
    done = run("models", "verify", "--json")
    assert done.returncode == 0
    rows = {row["package"]: row for row in json.loads(done.stdout)}
    assert {"passthrough", "upscale-x2"} <= set(rows)
    assert all(row["ok"] for row in rows.values())
    assert (rows["upscale-x2"]["source"], rows["upscale-x2"]["result"]) == ([64, 64], [128, 128])


def test_models_verify_fails_what_is_broken_and_still_checks_the_rest(
    run: Run, broken: Path
) -> None:
    done = run("models", "verify", broken, "passthrough", "--json")
    assert done.returncode == 1
    bad, good = json.loads(done.stdout)
    assert not bad["ok"]
    assert bad["error"]["code"] == "FB-E012"
    assert bad["error"]["place"].endswith("model.onnx")
    assert good["ok"]


def test_models_verify_says_in_words_what_is_broken(run: Run, broken: Path) -> None:
    done = run("models", "verify", broken)
    assert done.returncode == 1
    assert re.match(r"FAILED +FB-E012 .*model\.onnx: expected sha256 .*, got ", done.stdout)


def test_models_verify_remembers_and_says_so(
    run: Run, tmp_path: Path, environment: dict[str, str]
) -> None:
    environment["FRAMEBRIDGE_CACHE_DIR"] = str(tmp_path / "cache")
    said = []
    for words in ([], [], ["--fresh"]):
        done = run("models", "verify", "passthrough", "--json", *words)
        assert done.returncode == 0
        said.append(json.loads(done.stdout)[0]["cached"])
    assert said == [False, True, False]
    assert "known from before" in run("models", "verify", "passthrough").stdout


# apply


def test_apply_says_in_json_what_it_did(run: Run, picture: Path, tmp_path: Path) -> None:
    done = run("apply", "upscale-x2", picture, tmp_path / "out.png", "--json")
    assert done.returncode == 0
    facts = json.loads(done.stdout)
    assert (facts["package"], facts["frames"]) == ("upscale-x2", 1)
    assert Path(facts["output"]) == tmp_path / "out.png"
    assert _read(tmp_path / "out.png").shape == (36, 48, 4)


def test_apply_says_in_words_what_it_did(run: Run, picture: Path, tmp_path: Path) -> None:
    done = run("apply", "passthrough", picture, tmp_path / "out.png")
    assert done.returncode == 0
    assert done.stdout == f"1 frame through passthrough into {tmp_path / 'out.png'}\n"
    assert np.array_equal(_read(tmp_path / "out.png"), _read(picture))


def test_apply_sets_a_parameter(run: Run, dimmer: Path, picture: Path, tmp_path: Path) -> None:
    words = ("apply", "dimmer", picture, tmp_path / "out.png", "--models", dimmer)
    assert run(*words, "--set", "strength=0").returncode == 0
    assert not _read(tmp_path / "out.png")[..., :3].any()


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("strength=3", "FB-E021 parameter 'strength': expected 0 to 1, got 3."),
        ("strength=loud", "FB-E021 parameter 'strength': expected a finite float, got 'loud'."),
        ("strength=NaN", "FB-E021 parameter 'strength': expected a finite float, got nan."),
        ("size=3", "FB-E021 parameter 'size': expected one of: strength"),
        ("strength", "FB-E002 parameter: expected name=value, got 'strength'."),
        ("=1", "FB-E002 parameter: expected name=value, got '=1'."),
    ],
)
def test_apply_refuses_a_bad_parameter_in_one_line(
    word: str, said: str, run: Run, dimmer: Path, picture: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out.png"
    done = run("apply", "dimmer", picture, target, "--models", dimmer, "--set", word)
    assert done.returncode == 2
    assert _only_line(done.stderr).startswith(said)
    assert done.stdout == ""
    assert not target.exists()


def test_apply_suggests_a_near_name(run: Run, picture: Path, tmp_path: Path) -> None:
    done = run("apply", "upscale-x22", picture, tmp_path / "out.png")
    assert done.returncode == 2
    assert done.stderr.startswith("FB-E011 model 'upscale-x22': expected one of: ")
    assert done.stderr.endswith("Did you mean 'upscale-x2'?\n")
    assert len(done.stderr.splitlines()) == 1


def test_apply_refuses_a_folder_that_is_no_package(run: Run, picture: Path, tmp_path: Path) -> None:
    done = run("apply", "./nowhere", picture, tmp_path / "out.png")
    assert done.returncode == 2
    assert done.stderr.startswith("FB-E011 ./nowhere: expected a folder with a model.toml")


@pytest.mark.parametrize(
    ("name", "content"), [("in.txt", b"dear diary"), ("in.png", b"dear diary"), ("in.mp4", b"no")]
)
def test_apply_refuses_what_is_no_picture(
    name: str, content: bytes, run: Run, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    done = run("apply", "passthrough", tmp_path / name, tmp_path / "out")
    assert done.returncode == 2
    assert _only_line(done.stderr).startswith(f"FB-E001 {tmp_path / name}: expected a ")


def test_apply_names_a_missing_input(run: Run, tmp_path: Path) -> None:
    done = run("apply", "passthrough", tmp_path / "absent.png", tmp_path / "out.png")
    assert done.returncode == 2
    assert "absent.png: expected a picture, got no such file" in done.stderr


def test_apply_with_a_provider_that_is_not_here_names_both(
    run: Run, picture: Path, tmp_path: Path
) -> None:
    if "cuda" in available_providers():
        pytest.skip("this runtime offers CUDA")
    words = ("apply", "passthrough", picture, tmp_path / "out.png", "--provider", "cuda")
    done = run(*words)
    assert done.returncode == 3
    assert _only_line(done.stderr).startswith("FB-E040 provider: expected cuda, got cpu ")
    assert run(*words, "--allow-fallback").returncode == 0


def test_apply_refuses_a_provider_that_nobody_knows(
    run: Run, picture: Path, tmp_path: Path
) -> None:
    done = run("apply", "passthrough", picture, tmp_path / "out.png", "--provider", "abacus")
    assert done.returncode in (2, 3)
    assert "'abacus'" in done.stderr


def test_apply_on_a_backend_that_is_not_installed_says_how_to_install_it(
    run: Run, picture: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "openvino.py").write_text("raise ImportError('hidden')")
    environment["PYTHONPATH"] = os.pathsep.join([str(hidden), *sys.path])
    done = run("apply", "passthrough", picture, tmp_path / "out.png", "--backend", "openvino")
    assert done.returncode == 3
    assert _only_line(done.stderr).startswith("FB-E041 openvino: ")
    assert "pip install 'framebridge[openvino]'" in done.stderr


def test_apply_in_bf16_on_onnx_runtime_says_what_can_do_it(
    run: Run, picture: Path, tmp_path: Path
) -> None:
    words = ("--backend", "onnxruntime", "--compute", "bf16")
    done = run("apply", "passthrough", picture, tmp_path / "out.png", *words)
    assert done.returncode == 3
    assert "--backend openvino" in _only_line(done.stderr)


def test_apply_writes_no_progress_where_there_is_no_terminal(
    run: Run, picture: Path, tmp_path: Path
) -> None:
    assert run("apply", "passthrough", picture, tmp_path / "out.png").stderr == ""


# doctor and ctl


def test_doctor_says_what_is_here_as_json(run: Run) -> None:
    done = run("doctor", "--json")
    findings = json.loads(done.stdout)
    assert {"framebridge", "runtime", "models", "logs"} <= {f["topic"] for f in findings}
    assert all(f["level"] in ("ok", "missing", "problem") for f in findings)
    assert all(f["remedy"] for f in findings if f["level"] != "ok")
    problems = [f for f in findings if f["level"] == "problem"]
    assert done.returncode == (3 if problems else 0)


def test_doctor_ends_with_3_when_it_finds_a_problem(
    run: Run, environment: dict[str, str], broken: Path
) -> None:
    environment["FRAMEBRIDGE_MODELS"] = str(broken.parent)
    done = run("doctor", "--json")
    assert done.returncode == 3
    problems = [f for f in json.loads(done.stdout) if f["level"] == "problem"]
    assert any("FB-E012" in f["text"] for f in problems)


def test_ctl_without_a_sidecar_says_how_to_start_one(run: Run) -> None:
    done = run("ctl", "status")
    assert done.returncode == 3
    assert done.stderr.startswith("FB-E071 ")
    assert "framebridge serve" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


# words


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        ([], ["apply", "serve", "demo", "models", "ctl", "doctor"]),
        (
            ["apply"],
            ["Name of a package", "INPUT", "OUTPUT", "--set", "--provider", "--backend", "--json"],
        ),
        (["models"], ["list", "show", "verify"]),
        (["models", "verify"], ["--fresh", "--models", "--json"]),
        (["ctl"], ["status", "packages", "load", "set", "stop"]),
        (["serve"], ["--endpoint", "--private", "--backend", "--compute"]),
        (["doctor"], ["--json"]),
    ],
)
def test_help_explains_every_command(words: list[str], mentions: list[str], run: Run) -> None:
    done = run(*words, "--help")
    assert done.returncode == 0
    assert all(word in done.stdout for word in mentions)


def test_the_version_is_printed(run: Run) -> None:
    done = run("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"framebridge \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize("words", [["aply"], ["apply"], ["apply", "--nonsense"], ["models", "x"]])
def test_wrong_words_end_with_2(words: list[str], run: Run) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage" in done.stderr


@pytest.mark.parametrize("words", [["doctor"], ["models", "list"], ["apply", "--help"]])
def test_no_color_is_honoured_on_a_terminal(words: list[str], environment: dict[str, str]) -> None:
    if sys.platform == "win32":
        pytest.skip("no pseudo-terminals here")
    environment["TERM"] = "xterm-256color"
    environment.pop("NO_COLOR", None)
    coloured = _on_a_terminal(words, environment)
    plain = _on_a_terminal(words, {**environment, "NO_COLOR": "1"})
    assert COLOUR.search(coloured) or words == ["models", "list"]
    assert not COLOUR.search(plain)


def _on_a_terminal(words: list[str], environment: dict[str, str]) -> str:
    import pty

    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bridge.cli.main", *words],
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, env=environment,
    ) as process:  # fmt: skip
        os.close(theirs)
        written = bytearray()
        try:
            while piece := os.read(ours, 65536):
                written += piece
        except OSError:
            pass  # on Linux, the end of a pseudo-terminal is an error
        finally:
            os.close(ours)
        process.wait(timeout=60)
    return written.decode()


def test_measures_are_listed_with_their_tasks(run: Run) -> None:
    found = {row["name"]: row for row in json.loads(run("models", "measures", "--json").stdout)}
    assert found["psnr-y"]["tasks"] == ["upscale"]
    assert found["pairs"]["about"] in run("models", "measures").stdout


def test_figures_without_end_are_null_in_json(run: Run, tmp_path: Path) -> None:
    for name in ("blur", "sharp"):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.new("RGB", (20, 20), "grey").save(tmp_path / "set" / name / "a.png")
    words = ("models", "score", "passthrough", "--dataset", tmp_path / "set", "--measure", "pairs")
    found = json.loads(run(*words, "--json").stdout, parse_constant=pytest.fail)
    assert [figure["value"] for figure in found] == [None, None, 0.0]
    assert re.search(r"^mean +inf +inf", run(*words).stdout, re.MULTILINE)


def test_the_cost_of_a_package_is_told_with_what_was_assumed(run: Run) -> None:
    done = run("models", "cost", "upscale-x2", "--size", "320x180", "--json")
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert found["size"] == [320, 180]
    assert found["macs_per_frame"] == found["macs_per_pixel"] * 320 * 180
    assert found["predictions"][0]["frames_per_s"] > 1
    shown = run("models", "cost", "upscale-x2").stdout
    assert "at 960x540" in shown
    assert re.search(r"^GeForce RTX 3060 +\d+ +\d+ +(arithmetic|memory)", shown, re.MULTILINE)
    assert found["assumptions"][0] in shown
    assert run("models", "cost", "upscale-x2", "--size", "320").returncode == 2
    small = run("models", "cost", "upscale-x2", "--size", "3x2")
    assert small.returncode == 2
    assert "at least 16x16" in small.stderr


def test_an_upscaler_is_scored_on_a_folder_of_pictures(run: Run, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    random = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        soft = Image.fromarray(random.integers(0, 256, (9, 8, 3), np.uint8))
        soft.resize((40, 45), Image.Resampling.BICUBIC).save(pictures / name)
    done = run("models", "score", "upscale-x2", "--dataset", pictures, "--json")
    assert done.returncode == 0
    found = {figure["metric"]: figure for figure in json.loads(done.stdout)}
    assert list(found) == ["psnr_y_db", "psnr_y_rgb8_db"]
    first = found["psnr_y_db"]
    assert [name for name, _, _ in first["rows"]] == ["a.png", "b.png"]
    assert first["value"] > 20
    assert first["baseline"]["bicubic"] > 20
    assert "2 of 2: b.png" in done.stderr
    shown = run("models", "score", "upscale-x2", "--dataset", pictures, "--measure", "psnr-y")
    for figure in found.values():
        assert re.search(rf"^mean +{figure['value']:.3f}", shown.stdout, re.MULTILINE)
    assert "bicubic" in shown.stdout
    none = run("models", "score", "passthrough", "--dataset", pictures)
    assert none.returncode == 2
    assert "--measure" in none.stderr
    refused = run("models", "score", "passthrough", "--dataset", pictures, "--measure", "psnr-y")
    assert refused.returncode == 1
    assert "enlarges frames" in refused.stderr
    assert run("models", "score", "upscale-x2", "--dataset", tmp_path / "none").returncode == 2
