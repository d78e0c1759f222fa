"""What two policies say to one prompt, in lines that the service takes."""

import json
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner, Result

from tests.trainer.models import PROMPTS, policy_network, tokens, write_policy
from trainer.on_policy.command import EPILOG, pairs
from trainer.on_policy.pairs import PairsOfEachCheck, answers, lines
from trainer.ppo.observer import Action, State
from trainer.ppo.order import prompts_of_update

app = typer.Typer()
app.command(epilog=EPILOG)(pairs)
MANY = PROMPTS * 8


def read(content: bytes) -> list[dict]:
    return [json.loads(line) for line in content.splitlines()]


def test_a_seed_says_the_same_and_another_something_else() -> None:
    network = policy_network()
    first, again, other = (answers(network, MANY, tokens(), answer_tokens=8, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len(first) == len(MANY)


def test_sampling_leaves_torchs_generator_as_it_was() -> None:
    network = policy_network()
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    answers(network, PROMPTS, tokens(), answer_tokens=4, seed=1)
    assert torch.equal(torch.rand(1), expected)


def test_more_answers_than_are_sampled_at_a_time_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.on_policy.pairs.TOGETHER", 3)
    network = policy_network()
    with torch.no_grad():
        network.lm_head.weight.mul_(1e4)  # says the likeliest token, whatever is drawn
    said = answers(network, PROMPTS, tokens(), answer_tokens=6, seed=1)
    alone = [answers(network, [turns], tokens(), answer_tokens=6, seed=1)[0] for turns in PROMPTS]
    assert said == alone
    assert len(set(said)) > 1


def test_equal_and_empty_answers_are_no_pairs() -> None:
    found = b"".join(lines(PROMPTS[:4], ["a", "same", "", "b"], ["c", "same", "d", ""]))
    assert read(found) == [{"prompt": PROMPTS[0], "answer_a": "a", "answer_b": "c"}]


def test_each_check_keeps_pairs_of_prompts_of_its_own(tmp_path: Path) -> None:
    kept = PairsOfEachCheck(MANY, tmp_path, each=6, answer_tokens=8)
    state = State(policy_network(seed=0), policy_network(seed=1), tokens(), {})
    for update in (20, 10, 10):  # a run that was killed may come to a check again
        assert kept(update, state) is Action.CONTINUE
    found = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    expected = {}
    for update in (10, 20):
        drawn = [MANY[index] for index in prompts_of_update(update, batch=6, prompts=len(MANY), seed=0)]
        ours, theirs = (
            answers(network, drawn, tokens(), answer_tokens=8, seed=seed)
            for network, seed in ((state.policy, 2 * update), (state.reference_policy, 2 * update + 1))
        )
        expected[f"pairs-{update:06d}.jsonl"] = b"".join(lines(drawn, ours, theirs))
    assert found == expected
    assert 8 <= b"".join(found.values()).count(b"\n") <= 12


def run(policy: Path, prompts: Path, out: Path, *options: str) -> Result:
    places = ["--policy", str(policy), "--prompts", str(prompts), "--out", str(out), "--answer-tokens", "8"]
    return CliRunner().invoke(app, [*places, *options])


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.jsonl"
    file.write_text("".join(json.dumps({"prompt": turns}) + "\n" for turns in PROMPTS))
    return file


def test_the_command_writes_pairs_of_one_policy_or_of_two(tmp_path: Path, prompts: Path) -> None:
    policy, other = (write_policy(tmp_path / str(seed), seed=seed) for seed in (0, 1))
    assert run(policy, prompts, tmp_path / "one").exit_code == 0
    found = run(policy, prompts, tmp_path / "two", "--against", str(other))
    assert found.exit_code == 0, found.output
    one, two = (read((tmp_path / name).read_bytes()) for name in ("one", "two"))
    assert f"{len(two)} pairs" in found.stdout
    first = {pair["prompt"][0]["content"]: pair for pair in one}
    both = [(first[pair["prompt"][0]["content"]], pair) for pair in two if pair["prompt"][0]["content"] in first]
    assert both
    assert all(a["answer_a"] == b["answer_a"] for a, b in both)
    assert any(a["answer_b"] != b["answer_b"] for a, b in both)


def test_what_cannot_be_used_ends_it_with_2_and_writes_nothing(tmp_path: Path, prompts: Path) -> None:
    policy = write_policy(tmp_path / "policy")
    (tmp_path / "empty").mkdir()
    for found, why in (
        (run(tmp_path / "empty", prompts, tmp_path / "out"), "holds no causal language model"),
        (run(policy, tmp_path / "nothing", tmp_path / "out"), "could not be read"),
        (run(policy, prompts, tmp_path / "absent" / "out"), "could not be written"),
    ):
        assert found.exit_code == 2
        assert why in found.output.replace("\n", " ")
    assert not (tmp_path / "out").exists()
