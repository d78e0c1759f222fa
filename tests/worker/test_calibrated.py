"""A worker reads a preset's odds on the scale that was fitted for exactly its judge, and says when it does not."""

import json
from pathlib import Path
from typing import Any

import pytest

from selfref.deciding import Calibrations, Scale, decided_again
from selfref.deciding.strength import probability
from selfref.messages import Judgment, Preset, Work
from selfref.store import Store
from tests.selfref.deciding.calibrations import calibration, calibrations, judge
from tests.worker import minds
from tests.worker.judging import ended, labels, submit, until_ended
from tests.worker.processes import START, StartEngine, StartWorker
from tests.worker.test_method import SETTINGS, RememberedReferences, work
from tests.worker.thinking_engine import ThinkingEngine
from worker import method
from worker.calibrated import calibrated_presets
from worker.method_settings import MethodSettings
from worker.prompts import load_prompts

ENGINE = ThinkingEngine(minds.longer).describe()
DIGEST = SETTINGS.prompts.digest


def measured(preset: Preset = Preset.SELF_REFERENCE, **different: Any):
    """The judge that the thinking engine is, as a calibration names it."""
    own = {
        "engine": ENGINE.engine,
        "model": ENGINE.model,
        "revision": ENGINE.revision,
        "template": DIGEST,
        "chat_template": ENGINE.chat_template,
    }
    return judge(preset=preset, **{**own, **different})


def found(*each):
    return calibrated_presets(calibrations(*each), engine=ENGINE, template=DIGEST, tie_width=0.3)


def test_presets_of_the_file_have_its_scale_and_others_have_none():
    made = calibration(measured(Preset.DIRECT), temperature=4)
    scales, unmatched = found(made)
    assert scales == {Preset.DIRECT: Scale(tie_width=0.3, temperature=4, calibration=made.digest)}
    assert set(unmatched) == set(Preset) - {Preset.DIRECT}
    assert not any(each.preset_known for each in unmatched.values())


@pytest.mark.parametrize("what", ["model", "revision", "template"])
def test_another_judges_scale_is_not_taken_and_what_differs_is_told(what):
    scales, unmatched = found(calibration(measured(**{what: "another"})))
    assert scales == {}
    assert unmatched[Preset.SELF_REFERENCE].preset_known
    assert f"{what} " in unmatched[Preset.SELF_REFERENCE].reason


async def judged(pair: Work, settings: MethodSettings, mind: minds.Mind = minds.longer) -> Judgment:
    engine = ThinkingEngine(mind)
    return await method.judge(pair, engine=engine, references=RememberedReferences(), settings=settings)


async def test_a_judgment_names_its_calibration_and_one_without_says_so():
    made = calibration(measured(Preset.DIRECT), temperature=4, tie_width=0.7)
    settings = MethodSettings(calibrated=found(made)[0])
    direct = await judged(work(preset=Preset.DIRECT), settings)
    assert direct.provenance.calibration == made.digest
    assert direct.provenance.parameters["odds_temperature"] == 4
    assert direct.provenance.parameters["tie_width"] == 0.7
    assert direct.probability_a == probability(direct.log_odds or 0, temperature=4)
    own = await judged(work(), settings)
    assert own.provenance.calibration is None
    assert own.provenance.parameters["odds_temperature"] == 1
    assert decided_again(direct, scale=Scale()).provenance.calibration is None


async def test_votes_auto_stop_by_the_fitted_tie_width():
    """Odds of two nats are clear beside a width of a tenth, and not beside one of one and a half."""
    made = calibration(measured(), tie_width=1.5)
    heard = [
        len((await judged(work(votes="auto", max_votes=3), settings, minds.knows("four"))).orders)
        for settings in (MethodSettings(), MethodSettings(calibrated=found(made)[0]))
    ]
    assert heard[0] == 2 < heard[1]


async def test_a_worker_process_judges_on_the_scale_of_its_file(
    store: Store,
    redis_url: str,
    tmp_path: Path,
    start_engine: StartEngine,
    start_worker: StartWorker,
) -> None:
    engine, file = start_engine(), tmp_path / "calibration.json"
    stub = judge(
        engine="tgi",
        model="stub/honest-judge",
        revision=None,
        chat_template=None,
        template=load_prompts().digest,
    )
    made = calibration(stub, temperature=2.5)
    other = calibration(stub.model_copy(update={"preset": Preset.DIRECT, "revision": "older"}))
    file.write_text(calibrations(made, other).model_dump_json())
    worker = start_worker(redis_url, engine.url, calibration=file)
    await worker.ready()
    (pair,) = await submit(store, 1, preset=Preset.SELF_REFERENCE)
    assert (await until_ended(store, 1)).decided == 1
    judgment = await ended(store, pair)
    assert isinstance(judgment, Judgment)
    assert judgment.provenance.calibration == made.digest
    assert judgment.probability_a == probability(judgment.log_odds, temperature=2.5)
    (label,) = await labels(store)
    assert label.probability_a == judgment.probability_a
    (told,) = [each for each in worker.events() if each["event"] == "calibration_unmatched"]
    assert told["preset"] == "direct"
    assert "revision" in told["why"]


@pytest.mark.parametrize("content", [None, "{}", json.dumps({"kind": "selfref-calibrations", "version": 2})])
async def test_a_worker_with_a_file_that_holds_no_calibrations_ends_and_says_what_to_do(
    redis_url: str,
    tmp_path: Path,
    start_worker: StartWorker,
    content: str | None,
) -> None:
    file = tmp_path / "calibration.json"
    if content is not None:
        file.write_text(content)
    worker = start_worker(redis_url, "http://127.0.0.1:9", calibration=file)
    assert await worker.ends(within=START) == 2
    (told,) = [each for each in worker.events() if each["event"] == "wrong_setting"]
    assert told["setting"] == "SELFREF_WORKER_CALIBRATION"
    assert "selfref calibrate" in told["error"]


def test_a_file_survives_being_written() -> None:
    made = calibrations(calibration(), calibration(judge(preset=Preset.DIRECT), tie_width=0.4))
    assert Calibrations.model_validate_json(made.model_dump_json()) == made
