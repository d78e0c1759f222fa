"""What is sampled is what the policy would say, and neither padding nor the other rows change what it is given."""

from typing import Any

import pytest
import torch
from transformers import GenerationConfig, GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

from tests.trainer.models import PROMPTS, policy_network, reward_model, tokens
from trainer.ppo.critic import Critic, values_of
from trainer.ppo.rollout import Rollout, log_probs_of, padded_left, sample, sample_answers
from trainer.reward.scoring import RewardModel

SPOKEN = tokens()
ASKED = [SPOKEN.prompt(turns) for turns in PROMPTS]
CLOSE = 1e-5


def rollout_of(prompts: list[list[int]], answers: list[list[int]]) -> Rollout:
    """These answers as if they had been sampled; without log-probabilities."""
    longest = max(map(len, answers))
    asked, asked_mask = padded_left(prompts, padding=SPOKEN.padding)
    said = torch.tensor([each + [SPOKEN.padding] * (longest - len(each)) for each in answers])
    answer_mask = torch.arange(longest) < torch.tensor([len(each) for each in answers])[:, None]
    unknown = torch.full(said.shape, torch.nan)
    return Rollout(
        tokens=torch.cat([asked, said], dim=1),
        mask=torch.cat([asked_mask, answer_mask.long()], dim=1),
        answer_mask=answer_mask,
        log_probs=unknown,
        entropy=unknown,
        ended=torch.tensor([SPOKEN.eos in each for each in answers]),
    )


def gpt2() -> tuple[Any, RewardModel]:
    """A policy and a reward model whose positions are absolute; Llama's are relative, so a shift would not show."""
    torch.manual_seed(2)
    config = GPT2Config(
        vocab_size=len(SPOKEN.tokenizer),
        n_embd=32,
        n_layer=2,
        n_head=2,
        n_positions=64,
        initializer_range=0.2,
        num_labels=1,
        pad_token_id=SPOKEN.padding,
    )
    return GPT2LMHeadModel(config).eval(), RewardModel(GPT2ForSequenceClassification(config).eval(), SPOKEN)


def sampled(*, seed: int = 0, answer_tokens: int = 12) -> Rollout:
    """Answers to all prompts, thrice, some of which end."""
    policy = policy_network()
    torch.manual_seed(seed)
    return sample(policy, ASKED * 3, SPOKEN, answer_tokens=answer_tokens)


def test_an_answer_is_masked_up_to_its_end_of_text_and_a_cut_one_has_none() -> None:
    found = sampled()
    assert found.ended.any()
    assert not found.ended.all()
    for answer, ended in zip(found.answers(), found.ended, strict=True):
        assert answer.count(SPOKEN.eos) == int(ended)
        assert (answer[-1] == SPOKEN.eos) == bool(ended)
        assert ended or len(answer) == 12


def test_sequences_are_prompt_and_answer_without_padding() -> None:
    found = sampled()
    for prompt, answer, sequence in zip(ASKED * 3, found.answers(), found.sequences(), strict=True):
        assert sequence == [*prompt, *answer]


def test_log_probabilities_are_those_of_each_sequence_alone() -> None:
    policy, found = policy_network(), sampled()
    for row, (prompt, answer) in enumerate(zip(ASKED * 3, found.answers(), strict=True)):
        with torch.no_grad():
            logits = policy(input_ids=torch.tensor([[*prompt, *answer]])).logits[0]
        alone = logits[len(prompt) - 1 : -1].log_softmax(-1)
        expected = alone[range(len(answer)), answer]
        assert torch.allclose(found.log_probs[row, : len(answer)], expected, atol=CLOSE)
        entropy = -(alone.exp() * alone).sum(-1)
        assert torch.allclose(found.entropy[row, : len(answer)], entropy, atol=CLOSE)


@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3]])
def test_order_and_size_of_a_batch_and_more_padding_change_neither_log_probabilities_nor_values(
    order: list[int],
) -> None:
    policy, critic = policy_network(), Critic(reward_model(mean=0.5, std=2.0))
    _compare(policy, critic, order)


@pytest.mark.parametrize("order", [[4, 3, 2, 1, 0], [2, 0, 4, 1, 3]])
def test_nor_do_they_where_a_network_learns_each_position(order: list[int]) -> None:
    policy, judge = gpt2()
    _compare(policy, Critic(judge), order)


def _compare(policy: Any, critic: Critic, order: list[int]) -> None:
    answers = [[7, 9, SPOKEN.eos], [11], [300, 301, 302, 303, 304, 305], [12, SPOKEN.eos], [40, 41]]
    whole = rollout_of(ASKED, answers)
    log_probs, values = log_probs_of(policy, whole), values_of(critic, whole)
    batches = [order, *([each] for each in order)]
    batches += [[*order, 2]] * 2
    for rows in batches:
        some = rollout_of([ASKED[row] for row in rows], [answers[row] for row in rows])
        for found, expected in ((log_probs_of(policy, some), log_probs), (values_of(critic, some), values)):
            for place, row in enumerate(rows):
                length = len(answers[row])
                assert torch.allclose(found[place, :length], expected[row, :length], atol=CLOSE)


def test_scores_do_not_depend_on_the_batch() -> None:
    judge, sequences = reward_model(mean=0.5, std=2.0), sampled().sequences()
    whole = judge.score(sequences)
    assert whole.std() > 0.01
    assert torch.allclose(judge.score(sequences[::-1]), whole.flip(0), atol=CLOSE)
    assert torch.allclose(torch.cat([judge.score([each]) for each in sequences]), whole, atol=CLOSE)


def test_more_answers_than_one_pass_takes_are_those_of_smaller_batches() -> None:
    policy = policy_network()
    torch.manual_seed(0)
    found = sample(policy, ASKED * 20, SPOKEN, answer_tokens=3)
    assert found.log_probs.shape == (100, 3)
    half, stands = rollout_of(ASKED * 10, found.answers()[50:]), found.answer_mask[50:]
    assert torch.allclose(found.log_probs[50:][stands], log_probs_of(policy, half)[stands], atol=CLOSE)


def test_answers_alone_are_those_of_a_rollout() -> None:
    policy = policy_network()
    torch.manual_seed(3)
    whole = sample(policy, ASKED, SPOKEN, answer_tokens=5)
    torch.manual_seed(3)
    assert sample_answers(policy, ASKED, SPOKEN, answer_tokens=5) == whole.answers()
    assert not whole.ended.all()


def test_sampling_follows_the_probabilities_and_nothing_else() -> None:
    policy = policy_network()
    with torch.no_grad():
        likely = policy(input_ids=torch.tensor(ASKED[:1])).logits[0, -1].softmax(-1)
    best = likely.topk(40).indices
    own = GenerationConfig(do_sample=True, top_k=3, temperature=0.1, suppress_tokens=best[:20].tolist())
    policy.generation_config = own
    torch.manual_seed(0)
    drawn = torch.tensor([each[0] for each in sample(policy, ASKED[:1] * 4000, SPOKEN, answer_tokens=1).answers()])
    share = torch.bincount(drawn, minlength=len(likely)) / len(drawn)
    assert (share[best] - likely[best]).abs().max() < 5 * (likely.max() / 4000) ** 0.5
    for some in (best[:20], best):
        assert share[some].sum().item() == pytest.approx(likely[some].sum().item(), abs=0.03)
    assert policy.generation_config is own


def test_the_critic_starts_on_the_scale_of_scores_and_sees_what_stands_before_a_token() -> None:
    judge = reward_model(mean=0.5, std=2.0)
    answers = [[7, 9, 11, 13] for _ in ASKED]
    values = values_of(Critic(judge), rollout_of(ASKED, answers))
    for place in range(4):
        heard = [[*prompt, *answer[:place]] for prompt, answer in zip(ASKED, answers, strict=True)]
        assert torch.allclose(values[:, place], judge.score(heard), atol=CLOSE)


def test_learning_of_the_critic_leaves_the_reward_model_alone() -> None:
    judge = reward_model()
    critic = Critic(judge)
    with torch.no_grad():
        for weight in critic.parameters():
            weight.zero_()
    assert all(weight.any() for weight in judge.network.parameters())
