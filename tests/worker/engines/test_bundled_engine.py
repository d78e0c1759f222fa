"""Both adapters against the project's own engine in its own process, with the tiny model whose verdicts are noise."""

import os
import subprocess
import sys

import pytest

from selfref.messages import Comparison, Judgment, Lane, Preset, Verdict, Work, now
from tests.tiny_model.model import write_tiny_model
from tests.worker.thinking_engine import RememberedReferences
from worker.engines import open_engine
from worker.engines.protocol import LabelLogProbs, Sampling
from worker.errors import TooLong
from worker.method import MethodSettings, judge
from worker.prompts import load_prompts

SETTINGS = MethodSettings(reference_tokens=16, critique_tokens=16)
QUIET = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture(scope="module")
def engine_url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny")
    write_tiny_model(folder)
    command = [sys.executable, "-m", "engine", "--model", str(folder), "--port", "0"]
    with subprocess.Popen(command, env=QUIET, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("listening on "), "the engine did not start"
        yield line.removeprefix("listening on ").strip()
        process.terminate()
        process.wait(timeout=30)


def work(answer_a: str = "It is four.", answer_b: str = "It is five.", *, prompt: str = "What is 2 + 2?") -> Work:
    comparison = Comparison(prompt=prompt, answer_a=answer_a, answer_b=answer_b)
    return Work(
        id="w",
        tenant="t",
        lane=Lane.INTERACTIVE,
        comparison=comparison,
        preset=Preset.SELF_REFERENCE,
        created_at=now(),
    )


@pytest.fixture
async def tgi(engine_url):
    opened = await open_engine("tgi", engine_url, verdict=SETTINGS.prompts.verdict, timeout=60.0)
    yield opened
    await opened.aclose()


async def judged(pair: Work, engine) -> Judgment:
    return await judge(pair, engine=engine, references=RememberedReferences(), settings=SETTINGS)


async def test_a_pair_is_judged_through_tgis_routes(tgi):
    judgment = await judged(work(), tgi)
    assert judgment.verdict in Verdict
    assert judgment.log_odds is not None
    assert len(judgment.orders) == 2
    assert judgment.usage.calls >= 5
    assert "low_label_mass" in judgment.flags  # noise hardly ever says A or B by itself


async def test_swapping_the_answers_of_a_real_model_swaps_the_verdict(tgi):
    pair = work()
    turned = pair.model_copy(update={"comparison": pair.comparison.swapped()})
    one, other = await judged(pair, tgi), await judged(turned, tgi)
    assert other.verdict is one.verdict.swapped
    assert one.log_odds is not None
    assert other.log_odds == pytest.approx(-one.log_odds, abs=0.01)
    assert other.strength == pytest.approx(one.strength, abs=0.01)
    assert other.position_bias == pytest.approx(one.position_bias, abs=0.01)


async def test_the_grammar_and_the_top_tokens_agree_on_the_labels_ratio(tgi):
    """Where a label is missing from the top tokens the grammar is asked, and repeating it changes nothing."""
    pair = work()
    prompt = await tgi.prepare(pair.comparison.conversation())
    critique = await tgi.generate(prompt, sampling=Sampling(), max_new_tokens=8)
    readings = [await tgi.read_verdict(prompt, critique) for _ in range(3)]
    assert all(isinstance(reading, LabelLogProbs) for reading in readings)
    assert max(abs(reading.first - readings[0].first) for reading in readings) < 1e-3
    assert critique.usage.prompt_tokens == prompt.tokens


async def test_a_pair_longer_than_the_model_is_refused_with_numbers(tgi):
    with pytest.raises(TooLong) as refused:
        await judged(work("four " * 6000), tgi)
    assert refused.value.limit == tgi.describe().max_tokens


async def test_the_prompts_leave_room_in_a_context_of_4096(tgi):
    """The fixed text of a critique, chat template included."""
    pair = Comparison(prompt="p", answer_a="a", answer_b="b")
    messages = pair.conversation()[0].model_copy(update={"content": SETTINGS.prompts.critique_turn(pair)})
    prompt = await tgi.prepare((messages,))
    assert prompt.tokens is not None
    assert prompt.tokens < 600  # of a tiny vocabulary; Llama 2's needs about 250


async def test_a_pair_is_judged_through_openais_route(engine_url):
    opened = await open_engine("openai", engine_url, verdict=load_prompts().verdict, timeout=60.0)
    found = opened.describe()
    assert (found.engine, found.counts_tokens, found.method) == ("tgi", True, "verdict-token")
    judgment = await judged(work(), opened)
    assert judgment.verdict in Verdict
    await opened.aclose()
