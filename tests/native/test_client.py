"""The native client against a live sidecar: frames and results, knobs, models, sizes, policies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framebridge_client import Bridge, connect

from tests.inference.small_models import recurrent
from tests.native.player import Player
from tests.native_builds import Native
from tests.system.processes import Sidecar, until
from tests.system.test_frame_path import applied
from tests.system.test_withheld import overflowing

pytestmark = pytest.mark.timeout(300)

PASS_THROUGH, HOLD, CLEAR = 0, 1, 2
LOCKSTEP, FREE = 1, 2


def settled(player: Player, ticks_itself: bool = False) -> dict[str, Any]:
    """The counts once nothing is under way. No tick is the answer to a frame."""
    counts: dict[str, Any] = {}

    def all_answered() -> bool:
        player.play("polls", 1)  # where every result is wanted, the stream waits for that
        counts.update(player.statistics())
        answered = counts["dropped"] + counts["taken"] + counts["lost"]
        return bool(counts["sent"] == answered + (0 if ticks_itself else counts["returned"]))

    until(all_answered, "every frame that was sent is answered or lost")
    return counts


def labels(bridge: Bridge) -> list[str]:
    return [stream["label"] for stream in bridge.status()["streams"]]


def test_every_frame_is_returned_dropped_or_skipped_and_each_result_is_of_its_own_frame(
    standing_sidecar: Sidecar, player: Player
) -> None:
    player.create(width=64, height=48)
    player.say("state live")
    counted = player.play("results", 50)
    counts = settled(player)
    assert counts["sent"] == counted["ok"]
    assert counts["skipped"] == counted["not_sent"]
    assert counts["lost"] == counts["restarts"] == 0
    assert counts["returned"] >= counted["results"] >= 50
    assert counts["source"] == counts["result"] == [64, 48]
    assert (counts["connections"], player.say("error")) == (1, "")


def test_ids_that_the_engine_gives_and_rows_with_padding_come_through(
    standing_sidecar: Sidecar, player: Player
) -> None:
    player.create(id_step=1000, padding=44)
    player.play("results", 20)


def test_lockstep_answers_each_frame_in_order(standing_sidecar: Sidecar, player: Player) -> None:
    player.create(policy=1, every=1)
    player.say("state live")
    player.play("results", 30)
    counts = settled(player)
    assert counts["dropped"] == counts["late"] == 0
    assert counts["returned"] == counts["sent"]


def test_a_film_in_lockstep_equals_framebridge_apply(
    standing_sidecar: Sidecar, player: Player, tmp_path: Path
) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (6, 48, 64, 4), np.uint8)
    frames[..., 3] = 255
    frames.tofile(tmp_path / "film.raw")
    (tmp_path / "apply").mkdir()
    expected = applied(list(frames), tmp_path / "apply")
    player.create(model="upscale-x2", width=64, height=48, policy=LOCKSTEP, every=1)
    player.say("state live")
    assert player.say(f"film 64 48 {tmp_path / 'film.raw'} {tmp_path / 'results.raw'}") == "6"
    results = np.fromfile(tmp_path / "results.raw", np.uint8).reshape(-1, 96, 128, 4)
    assert np.array_equal(results, np.stack(expected))


def test_another_model_takes_over_in_mid_flight_and_its_results_have_its_own_size(
    standing_sidecar: Sidecar, player: Player
) -> None:
    player.create(width=64, height=48, check=0)
    before = player.play("results", 5)
    assert before["shown"] == [64, 48]
    status, answer = player.command(type="load", chain=["upscale-x2"])
    assert (status, answer["type"]) == ("ok", "ok")
    # One result of the model before may be on its way still.
    after = player.play("results", 5)
    assert after["shown"] == [128, 96]
    assert after["chain"] != before["chain"]
    counts = settled(player)
    assert counts["result"] == [128, 96]
    assert (counts["restarts"], after["passed"]) == (1, before["passed"])
    status, answer = player.command(type="load", chain=["no-such-model"])
    assert (status, answer["error"]["code"]) == ("bridge", "FB-E011")
    player.play("results", 5)
    status, answer = player.command(type="stream")
    assert (status, answer["packages"]) == ("ok", ["upscale-x2"])


def test_knobs_are_turned_kept_and_refused_with_words(
    sidecar: Sidecar, player: Player, tmp_path: Path
) -> None:
    package = overflowing(tmp_path / "overflowing")
    player.create(model=package, check=0)
    player.play("results", 3)
    player.say("set gain float 0.5")

    def gain() -> Any:
        return player.command(type="stream")[1]["parameters"]["gain"]

    until(lambda: gain() == 0.5, "the knob is turned")
    # Both at once go in one message, which the bridge refuses as a whole; then each for itself.
    player.say("set no-such-knob float 1")
    player.say("set gain float 0.25")
    until(lambda: gain() == 0.25, "the good one is turned all the same")
    until(lambda: "FB-E021" in player.say("error"), "the other one is refused")
    player.say("set gain float 1e30")
    until(lambda: player.play("ticks", 5) and player.statistics()["withheld"], "it overflows")
    until(lambda: "FB-E043" in player.say("error"), "and that is said")
    player.say("set gain float 0.75")
    player.play("results", 3)
    until(lambda: player.say("error") == "", "nothing is wrong any more")
    sidecar.kill()
    player.play("passed", 3)
    player.say("set gain float 0.125")
    sidecar.start()
    player.play("results", 3)
    assert gain() == 0.125


def test_a_wrong_knob_among_the_first_ones_is_told_and_the_others_count(
    standing_sidecar: Sidecar, player: Player, tmp_path: Path
) -> None:
    package = overflowing(tmp_path / "overflowing")
    player.create(model=package, parameters='{"gain":0.5,"no-such-knob":1}', check=0)
    player.play("results", 3)
    until(lambda: player.command(type="stream")[1]["parameters"] == {"gain": 0.5}, "gain is turned")
    until(lambda: "no-such-knob" in player.say("error"), "the other one is told")


def test_status_and_stream_are_answered_and_what_is_no_command_is_refused(
    standing_sidecar: Sidecar, player: Player
) -> None:
    player.create(label="stage")
    status, state = player.command(type="status")
    assert (status, state["run"]) == ("ok", standing_sidecar.runs[-1])
    player.play("results", 1)
    _, state = player.command(type="status")
    assert "stage" in [stream["label"] for stream in state["streams"]]
    status, stream = player.command(type="stream")
    assert (status, stream["packages"]) == ("ok", ["passthrough"])
    assert player.command(type="dance")[0] == "refused"
    assert player.command(type="load", chain=[])[0] == "refused"


def test_a_question_to_a_bridge_that_is_absent_is_answered_by_that(
    short_folder: Path, player: Player
) -> None:
    player.create()
    player.say("state absent")
    status, answer = player.command(type="status")
    assert (status, answer["error"]["code"]) == ("bridge", "FB-E071")


def test_a_frame_of_another_size_opens_the_stream_anew(
    standing_sidecar: Sidecar, player: Player
) -> None:
    player.create(width=64, height=48, label="sizes")
    player.play("results", 5)
    player.say("size 32 80")
    player.play("reopened", 1)
    assert player.play("results", 5)["shown"] == [32, 80]
    # A window that is drawn larger: sizes follow each other faster than models load.
    for side in range(20, 60):
        player.say(f"size {side} {side}")
        player.play("ticks", 1)
    player.play("results", 5)
    assert settled(player)["source"] == [59, 59]
    with connect() as bridge:
        until(lambda: labels(bridge) == ["sizes"], "the streams before are closed")


@pytest.mark.parametrize(("when_gone", "shown"), [(PASS_THROUGH, "passed"), (CLEAR, "cleared")])
def test_what_is_shown_while_the_bridge_is_absent_late_killed_and_back(
    start_sidecar: Callable[..., Sidecar], player: Player, when_gone: int, shown: str
) -> None:
    player.create(when_gone=when_gone)
    player.say("state absent")
    player.play(shown, 3)
    assert "FB-E071" in player.say("error")
    sidecar = start_sidecar()
    player.play("results", 5)
    sidecar.kill()
    player.play(shown, 3)
    assert "FB-E071" in player.say("error")
    sidecar.start()
    player.play("results", 5)
    counts = settled(player)
    assert (counts["connections"], counts["restarts"]) == (2, 1)


def test_nothing_is_shown_while_the_bridge_is_gone_if_the_last_result_is_to_be_held(
    start_sidecar: Callable[..., Sidecar], player: Player
) -> None:
    player.create(when_gone=HOLD)
    assert player.play("ticks", 20)["results"] == 0
    sidecar = start_sidecar()
    player.play("results", 5)
    sidecar.kill()
    player.say("state absent")
    before = player.play("ticks", 1)
    after = player.play("ticks", 20)
    assert (after["passed"], after["cleared"]) == (0, 0)
    assert after["results"] == before["results"]


def test_a_frame_that_was_under_way_when_the_bridge_went_is_passed_through(
    sidecar: Sidecar, player: Player
) -> None:
    player.create()
    player.play("results", 3)
    with connect() as bridge:
        worker = bridge.status()["streams"][0]["worker_pid"]
    os.kill(worker, signal.SIGSTOP)
    # It takes no more; what is in its slots is not sent again after the loss.
    before = player.play("ticks", 5)
    last_sent = player.statistics()["last_sent_id"]
    sidecar.kill()
    player.say("wait absent")
    after = player.play("polls", 3)
    # The frame after it, which found no slot, is passed through if there was one.
    assert after["passed"] > before["passed"]
    assert after["last_shown"] >= last_sent


def test_a_stream_that_ticks_by_itself_takes_frames_up_and_is_reset(
    standing_sidecar: Sidecar, player: Player, tmp_path: Path
) -> None:
    package = recurrent().write(tmp_path / "recurrent").folder
    player.create(model=package, policy=FREE, rate=200, seed=7, width=24, height=24, check=0)
    player.play("results", 20)
    counts = settled(player, ticks_itself=True)
    assert counts["taken"] > 0
    assert counts["sent"] == counts["taken"] + counts["dropped"] + counts["lost"]
    before = counts["last_result_id"]
    assert player.command(type="reset", seed=8)[0] == "ok"
    assert player.command(type="stream")[1]["seed"] == 8
    player.play("results", 3)
    assert before > 0


def test_a_model_that_is_not_there_is_told_until_another_is_loaded(
    standing_sidecar: Sidecar, player: Player
) -> None:
    player.create(model="no-such-model")
    player.say("state failed")
    assert "FB-E011" in player.say("error")
    player.play("passed", 2)
    assert player.command(type="load", chain=["passthrough"])[0] == "ok"
    player.play("results", 2)
    assert player.say("error") == ""


def test_32_clients_live_at_a_time_and_a_handle_that_is_gone_names_none(
    short_folder: Path, player: Player
) -> None:
    for _ in range(32):
        player.create()
    with pytest.raises(AssertionError, match="at most 32"):
        player.create()
    for number in range(32):
        player.say(f"use {number}")
        assert player.say("destroy") == "destroyed"
    player.create()
    assert player.say("destroy") == "destroyed"


def test_threads_of_the_engine_may_do_all_at_once_and_destroy_in_the_middle_of_it(
    standing_sidecar: Sidecar, player: Player
) -> None:
    player.create(check=0)
    player.play("results", 1)
    player.say("churn 1")
    settled(player)
    assert player.say("farewell") == "destroyed"
    assert player.end() == 0


def test_nothing_is_left_when_the_engine_ends_without_a_goodbye(
    standing_sidecar: Sidecar, start_player: Callable[..., Player]
) -> None:
    player = start_player()
    player.create(label="gone")
    player.play("results", 2)
    assert player.end() == 0
    with connect() as bridge:
        until(lambda: "gone" not in labels(bridge), "its stream is ended")


@pytest.mark.skipif(sys.platform != "linux", reason="counts file descriptors and threads in /proc")
def test_clients_that_come_and_go_leave_no_thread_and_no_handle(
    standing_sidecar: Sidecar, player: Player
) -> None:
    def counted() -> tuple[int, int]:
        folder = Path(f"/proc/{player.pid}")
        return len(list((folder / "fd").iterdir())), len(list((folder / "task").iterdir()))

    player.create()
    player.play("results", 1)
    player.say("destroy")
    first = counted()
    for _ in range(5):
        player.create()
        player.play("results", 1)
        player.say("destroy")
    assert counted() == first
    maps = Path(f"/proc/{player.pid}/maps").read_text()
    assert "/dev/shm/fb-" not in maps


@pytest.mark.parametrize("with_bridge", [True, False])
def test_after_its_first_frame_the_engine_s_thread_allocates_nothing(
    start_sidecar: Callable[..., Sidecar], short_folder: Path, native: Native, with_bridge: bool
) -> None:
    if with_bridge:
        start_sidecar()
    done = subprocess.run(
        [str(native.program("allocations")), "10000", "32", "32", "0"], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=250,
    )  # fmt: skip
    if done.returncode == 3:
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0 allocations in 10000 frames"), done.stdout
    results = int(done.stdout.split()[-2])
    assert (results > 0) == with_bridge
