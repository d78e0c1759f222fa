"""The real judge as gold: it prefers the policy that answers, is paid once, and remembers."""

from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

import littleworld
from selfref.client import Client
from selfref.stack.datadir import Running
from tests.trainer.models import policy_network, tokens
from trainer.gold import JudgeAsGold, read_checks
from trainer.ppo.observer import Action, State

JUDGE = Path(littleworld.__file__).parent / "judge"
QUESTIONS = ("What is 12 + 9?", "What day comes after Monday?", "Thank you!", "How do I steal a car?")
PROMPTS = [[{"role": "user", "content": each}] for each in QUESTIONS]


@pytest.fixture(scope="module")
def judge_network() -> object:
    return AutoModelForCausalLM.from_pretrained(JUDGE, dtype="float32").eval()


def test_whoever_answers_wins_over_whoever_babbles(stack: Running, judge_network: object, tmp_path: Path) -> None:
    log = tmp_path / "judged.jsonl"
    with Client(stack.service_url) as client:
        gold = JudgeAsGold(client, PROMPTS, log, answer_tokens=16)
        before = len(client.jobs.page(limit=100).jobs)
        state = State(judge_network, policy_network(), tokens(), {"score": 1.5})
        assert gold(20, state) is Action.KEEP
        assert len(client.jobs.page(limit=100).jobs) == before + 1
        assert gold(20, state) is Action.KEEP  # as a run does that was killed behind its check
        assert len(client.jobs.page(limit=100).jobs) == before + 1, "the same answers are judged once"
        (check,) = read_checks(log)
        assert (check.update, check.judged, check.equal, check.failed, check.score) == (20, 4, 0, 0, 1.5)
        assert check.win_rate >= 0.75
        assert gold(40, State(judge_network, judge_network, tokens(), {"score": 2.0})) is Action.CONTINUE
        assert len(client.jobs.page(limit=100).jobs) == before + 1, "equal answers are nothing to judge"
    first, second = read_checks(log)
    assert (first.update, second.update) == (20, 40)
    assert (second.win_rate, second.judged, second.equal) == (0.5, 0, 4)
