"""A run from a clip to a package that plays, stopped and gone on with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from bridge.errors import TrainerMissingError, TrainingError, UsageError  # noqa: E402
from bridge.frames import FrameFormat  # noqa: E402
from bridge.inference.chain import Chain  # noqa: E402
from bridge.inference.package import ModelPackage  # noqa: E402
from models.recipes.next_frame.footage import run  # noqa: E402
from models.recipes.next_frame.footage.folder import CHECKPOINT, DIARY, RECORD  # noqa: E402
from models.recipes.next_frame.footage.plan import Order  # noqa: E402
from models.recipes.next_frame.footage.telling import Event  # noqa: E402
from tests.recipes.next_frame.footage.scene import write_clip  # noqa: E402

SIDE = 16


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mkv", 24)


def order(clip: Path, folder: Path, **words: object) -> Order:
    given = {"steps": 30, "side": SIDE, "device": "cpu", **words}
    return Order(
        clip=clip, name="boat", output=folder / "run", package=folder / "boat", **given
    )  # fmt: skip


@pytest.fixture(scope="module")
def finished(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Order, list[Event]]:
    told: list[Event] = []
    whole = order(clip, tmp_path_factory.mktemp("whole"))
    assert run.train(whole, told.append).finished
    return whole, told


def test_it_tells_clip_plan_and_promise_before_it_begins(
    finished: tuple[Order, list[Event]],
) -> None:
    _, told = finished
    kinds = [event.kind for event in told if not event.passing]
    assert kinds[:3] == ["clip", "plan", "promise"]
    plan = told[[event.kind for event in told].index("plan")]
    assert plan.facts["left_s"] > 0
    assert plan.facts["memory_bytes"] > 10_000_000
    assert len({gpu["name"] for gpu in plan.facts["gpus"]}) > 5
    assert all(gpu["run_s"] > 0 and gpu["frames_per_s"] > 0 for gpu in plan.facts["gpus"])
    assert plan.facts["gpus"][0]["name"] in plan.text


def test_the_package_plays_for_300_ticks_and_at_every_age(
    finished: tuple[Order, list[Event]],
) -> None:
    package = ModelPackage.open(finished[0].package)
    assert set(package.manifest.parameters) == {"inject", "speed", "age"}
    chain = Chain([package], FrameFormat(width=24, height=16))
    result = np.zeros(chain.result.shape, np.uint8)
    for tick in range(300):
        chain.set_parameters({"age": (tick % 100) / 99})
        chain.run(None, result)
    assert result[..., :3].std() > 5
    chain.close()


def test_a_run_that_was_stopped_becomes_the_same_package(
    clip: Path, finished: tuple[Order, list[Event]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def kill(event: Event) -> None:
        if event.kind == "progress" and event.facts["step"] == 17:
            raise Killed

    stopped = order(clip, tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(run, "TELL_S", 0)
        with pytest.raises(Killed):
            run.train(stopped, kill)
    told: list[Event] = []
    outcome = run.train(stopped, told.append)
    plan = next(event for event in told if event.kind == "plan")
    assert 0 < plan.facts["from_step"] < 17
    assert "promise" not in [event.kind for event in told]
    assert (outcome.finished, outcome.steps) == (True, 30)
    for file in ("model.onnx", "preview.png"):
        whole = (finished[0].package / file).read_bytes()
        assert (stopped.package / file).read_bytes() == whole


def test_a_finished_run_is_finished_and_goes_on_with_more_steps(
    clip: Path, finished: tuple[Order, list[Event]], tmp_path: Path
) -> None:
    again = order(clip, tmp_path, steps=6)
    assert run.train(again, lambda event: None).steps == 6
    before = (again.package / "model.onnx").read_bytes()
    assert run.train(again, lambda event: None).finished
    assert (again.package / "model.onnx").read_bytes() == before
    longer = run.train(order(clip, tmp_path, steps=8), lambda event: None)
    assert (longer.finished, longer.steps) == (True, 8)
    assert (again.package / "model.onnx").read_bytes() != before


def test_the_diary_has_milestones_losses_and_pictures(
    finished: tuple[Order, list[Event]],
) -> None:
    page = (finished[0].output / DIARY).read_text()
    for wanted in ("Boat", "step 30", "noise", "a frame held back", "down.0", "held back, off by"):
        assert wanted in page, wanted
    assert 20_000 < len(page) < 2_000_000


def test_another_clip_does_not_go_on_with_the_run(
    finished: tuple[Order, list[Event]], tmp_path: Path
) -> None:
    other = write_clip(tmp_path / "other.mkv", 20)
    whole, _ = finished
    with pytest.raises(UsageError, match="one of another clip"):
        run.train(order(other, whole.output.parent), lambda event: None)


def test_a_damaged_checkpoint_says_what_to_do_and_a_lost_diary_is_begun_anew(
    clip: Path, tmp_path: Path
) -> None:
    young = order(clip, tmp_path, steps=3)
    run.train(young, lambda event: None)
    (young.output / RECORD).write_bytes(b"{")
    assert run.train(order(clip, tmp_path, steps=4), lambda event: None).steps == 4
    (young.output / CHECKPOINT).write_bytes(b"PK\3\4 dear diary")
    with pytest.raises(TrainingError, match=r"FB-E101 .*checkpoint.pt: .* --fresh"):
        run.train(young, lambda event: None)
    fresh = run.train(order(clip, tmp_path, steps=3, fresh=True), lambda event: None)
    assert fresh.steps == 3


def test_a_device_that_is_not_there_is_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainerMissingError, match=r"FB-E102 --device: .*'abacus'"):
        run.train(order(clip, tmp_path, device="abacus"), lambda event: None)
