"""How a package is shown: what it is decides, unless a person has decided."""

from __future__ import annotations

import msgspec
import pytest

from bridge.demo.plan import DEFAULT_SIZE, INJECTED, LARGER_SIZE, Plan, plan
from bridge.errors import ParameterError, UsageError
from bridge.inference.manifest import (
    Cost,
    FrameInput,
    FrameOutput,
    LabelsOutput,
    LatentInput,
    Manifest,
    ParameterInput,
    Size,
    StateInput,
    StateOutput,
)
from tests.inference.small_models import generator, knobs, memory, network, recurrent

INJECT = ParameterInput(name="inject", kind="float", default=0.0, min=0, max=1)


def stating(manifest: Manifest, **fields: object) -> Manifest:
    return msgspec.structs.replace(manifest, **fields)


def predictor(*inputs: object) -> Manifest:
    return stating(
        recurrent().manifest,
        task="predict",
        inputs=[FrameInput(name="frame"), StateInput(name="before"), *inputs],
    )


def test_a_model_of_frames_runs_on_the_newest() -> None:
    assert plan(network().manifest) == Plan("latest", "scene", LARGER_SIZE, {})


def test_a_deblurring_model_is_shown_blurred_frames() -> None:
    assert plan(stating(network().manifest, task="deblur")).frames == "blurred"


def test_a_model_of_lines_is_given_a_sheet_of_its_own_size() -> None:
    port = FrameInput(name="frame", content="lines", size=Size(fixed=[256, 192]))
    chosen = plan(stating(network().manifest, inputs=[port]))
    assert (chosen.frames, chosen.size, chosen.policy) == ("lines", (256, 192), "latest")


def test_a_generator_plays_by_itself_in_its_own_size() -> None:
    assert plan(generator().manifest) == Plan("free", "none", (12, 8), {})


def test_a_model_with_a_state_plays_by_itself() -> None:
    chosen = plan(predictor())
    assert (chosen.policy, chosen.frames) == ("free", "none")
    assert plan(memory(takes_frame=False, state=(1, 3, 8, 12)).manifest).policy == "free"


@pytest.mark.parametrize("task", ["upscale", "deblur", "stylize"])
def test_a_model_that_remembers_frames_still_needs_them(task: str) -> None:
    chosen = plan(stating(predictor(), task=task))
    assert chosen.policy == "latest"
    assert chosen.frames != "none"


def test_the_policy_that_was_asked_for_is_taken() -> None:
    assert plan(network().manifest, policy="lockstep").policy == "lockstep"
    assert plan(predictor(), policy="lockstep") == Plan("lockstep", "scene", LARGER_SIZE, {})
    assert plan(network().manifest, policy="free").frames == "scene"


def test_frames_are_injected_when_asked_for() -> None:
    assert plan(predictor(), inject=True).frames == "scene"
    chosen = plan(predictor(INJECT), inject=True)
    assert (chosen.frames, chosen.parameters) == ("scene", {"inject": INJECTED})
    chosen = plan(predictor(INJECT), clip=True)
    assert (chosen.policy, chosen.frames, chosen.size) == ("free", "scene", None)


def test_the_knob_alone_injects_too() -> None:
    chosen = plan(predictor(INJECT), parameters={"inject": 0.4})
    assert (chosen.frames, chosen.parameters) == ("scene", {"inject": 0.4})
    assert plan(predictor(INJECT), parameters={"inject": 0.0}).frames == "none"


def test_sizes_suit_the_model() -> None:
    port = FrameInput(name="frame", size=Size(multiple_of=64, min=[64, 256]))
    chosen = plan(stating(predictor(), inputs=[port, StateInput(name="before")]))
    assert chosen.size == (512, 320)
    assert plan(network().manifest, size=(64, 48)).size == (64, 48)


def test_what_is_costly_or_enlarges_gets_smaller_frames() -> None:
    assert plan(network(scale=2, tail="DCR").manifest).size == DEFAULT_SIZE
    costly = Cost(macs_per_input_pixel=30_000)
    assert plan(stating(network().manifest, cost=costly)).size == LARGER_SIZE
    assert plan(stating(predictor(), cost=costly)).size == DEFAULT_SIZE
    too_costly = Cost(macs_per_input_pixel=60_000)
    assert plan(stating(network().manifest, cost=too_costly)).size == DEFAULT_SIZE


@pytest.mark.parametrize(
    ("manifest", "options", "says"),
    [
        (generator().manifest, {"policy": "lockstep"}, "--policy"),
        (generator().manifest, {"policy": "latest"}, "--policy"),
        (generator().manifest, {"inject": True}, "--inject"),
        (generator().manifest, {"clip": True}, "--source"),
        (network().manifest, {"inject": True}, "--inject"),
        (
            stating(network().manifest, outputs=[LabelsOutput(name="result")]),
            {},
            "which gives labels",
        ),
        (
            stating(
                network().manifest, inputs=[INJECT], outputs=[FrameOutput(name="x", size=[8, 8])]
            ),
            {},
            "a frame, a state or a latent code",
        ),
    ],
)  # fmt: skip
def test_what_does_not_suit_the_model_is_refused(
    manifest: Manifest, options: dict[str, object], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        plan(manifest, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [{"nothing": 1}, {"strength": 7.0}])
def test_a_knob_that_cannot_be_turned_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        plan(knobs().manifest, parameters=values)


def test_a_latent_code_beside_frames_leaves_the_frames_in_charge() -> None:
    inputs = [FrameInput(name="frame"), LatentInput(name="code", length=4)]
    assert plan(stating(network().manifest, inputs=inputs)).policy == "latest"


def test_a_state_output_of_zeros_plays_by_itself_too() -> None:
    outputs = [FrameOutput(name="result"), StateOutput(name="after", feeds="before")]
    assert plan(stating(predictor(), outputs=outputs)).policy == "free"
