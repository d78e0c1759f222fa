"""The real judge as gold: it prefers the policy that answers, is paid once, and remembers."""

import json
from pathlib import Path

import pytest
import typer
from transformers import AutoModelForCausalLM
from typer.testing import CliRunner, Result

import littleworld
from selfref.client import Client
from selfref.stack.datadir import Running
from tests.trainer.models import policy_network, reward_model, tokens, write_policy
from trainer.gold import JudgeAsGold, read_checks
from trainer.ppo.command import ppo
from trainer.ppo.log import read_log
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


def test_the_command_asks_a_service_and_goes_on_once_it_can_be_asked(stack: Running, tmp_path: Path) -> None:
    policy, reward, prompts = write_policy(tmp_path / "policy"), tmp_path / "reward", tmp_path / "prompts.jsonl"
    reward_model().network.save_pretrained(reward)
    tokens().tokenizer.save_pretrained(reward)
    prompts.write_text("".join(json.dumps({"prompt": each}) + "\n" for each in QUESTIONS))
    app, out = typer.Typer(), tmp_path / "out"
    app.command()(ppo)

    def run(url: str) -> Result:
        places = ["--policy", policy, "--reward-model", reward, "--prompts", prompts, "--checks", prompts, "--out", out]
        sizes = ["--updates", 2, "--batch", 4, "--answer-tokens", 8, "--checked-every", 2, "--saved-every", 1]
        return CliRunner().invoke(app, [*map(str, places + sizes), "--kept-pairs", "4", "--threads", "1", "--url", url])

    away = run("http://127.0.0.1:9")
    assert away.exit_code == 2, away.output
    assert "the judge could not be asked" in away.output
    assert not (out / "policy").exists()
    found = run(stack.service_url)
    assert found.exit_code == 0, found.output
    (check,) = read_checks(out / "judged.jsonl")
    assert (check.update, check.judged + check.equal) == (2, 4)
    assert len(read_log(out)) == 2
    assert 1 <= (out / "pairs-000002.jsonl").read_bytes().count(b"\n") <= 4
