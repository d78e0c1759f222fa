"""Tiny real models with the bundled judge's tokenizer, and a reward that is easy to learn."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

import littleworld
from selfref.exports.preferences import Turn
from trainer.reward.scoring import RewardModel
from trainer.tokens import Tokens

TOKENIZER = Path(littleworld.__file__).parent / "judge"
POSITIONS = 64
PROMPTS = [
    [Turn(role="user", content=text)]
    for text in ("What is 2 plus 3?", "Say hello.", "Which day comes after Monday, if you please?", "Why?", "Go on.")
]


def tokens() -> Tokens:
    """Of every model here."""
    return Tokens.load(TOKENIZER)


def policy_network(*, seed: int = 0) -> LlamaForCausalLM:
    """Random weights, so that tokens differ in probability; answers of a dozen tokens end about as often as not."""
    torch.manual_seed(seed)
    network = LlamaForCausalLM(_config(tie_word_embeddings=False)).eval()
    said = torch.randint(len(tokens().tokenizer), (64, 16))
    with torch.no_grad():
        usual = network.model(said).last_hidden_state.mean(dim=(0, 1))
        network.lm_head.weight[tokens().eos] = 3 * usual / usual.square().sum()
    return network


def write_policy(folder: Path, *, seed: int = 0) -> Path:
    """A policy's folder."""
    policy_network(seed=seed).save_pretrained(folder)
    tokens().tokenizer.save_pretrained(folder)
    return folder


def reward_model(*, mean: float = 0.0, std: float = 1.0) -> RewardModel:
    """A random network as reward model."""
    torch.manual_seed(1)
    network = LlamaForSequenceClassification(_config(num_labels=1, pad_token_id=tokens().padding, mean=mean, std=std))
    return RewardModel(network.eval(), tokens())


class ShareOfLiked(RewardModel):
    """Scores the share of liked tokens in an answer, from -1 to 1; its network is only what a critic starts from.

    Half of all tokens are liked: those on one side of a plane through the policy's output embeddings, since that is
    what a policy can learn without meeting each of them.
    """

    def __init__(self) -> None:
        start = reward_model()
        super().__init__(start.network, start.tokens)
        self._liked = policy_network().lm_head.weight[:, 0] > 0
        self._asked = self.tokens.tokenizer.encode("[/INST]", add_special_tokens=False)[-1]

    def raw(self, sequences: Sequence[Sequence[int]]) -> Tensor:
        """Of prompts with their answers."""
        return torch.stack([self._of(list(each)) for each in sequences])

    def _of(self, sequence: list[int]) -> Tensor:
        answer = sequence[sequence.index(self._asked) + 1 :]
        return 2 * self._liked[answer].float().mean() - 1


def _config(**options: object) -> LlamaConfig:
    return LlamaConfig(
        vocab_size=len(tokens().tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=POSITIONS,
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=2,
        **options,
    )
