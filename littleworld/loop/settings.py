"""How large each stage of the loop is."""

from dataclasses import dataclass, field, replace

from littleworld.loop.weak_policy import WeakPolicySettings
from trainer.ppo.settings import PPOSettings
from trainer.reward.settings import RewardSettings

ANSWER_TOKENS = 32  # the longest answer of the world has fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSettings:
    """The full loop; `short` is that of the demo."""

    questions: int = 3000  # that the weak policy answers twice, for the first labels
    measured: int = 600  # held-out questions on which a policy's gold is measured
    checked: int = 200  # training questions whose answers are judged again and again while PPO runs
    second_questions: int = 1500  # that the held and the loose policy answer against one another, for the second labels
    weak: WeakPolicySettings = field(default_factory=WeakPolicySettings)
    reward: RewardSettings = field(
        default_factory=lambda: RewardSettings(
            learning_rate=1e-3, epochs=3, batch=32, micro_batch=32, warm_up=0.1, weight_decay=0.1
        )
    )
    ppo: PPOSettings = field(
        default_factory=lambda: PPOSettings(
            updates=30, epochs=1, answer_tokens=ANSWER_TOKENS, kl_coef=0.1, checked_every=10
        )
    )
    loose: PPOSettings = field(
        default_factory=lambda: PPOSettings(
            updates=30, epochs=2, answer_tokens=ANSWER_TOKENS, kl_coef=0.0, learning_rate=3e-4, checked_every=10
        )
    )
    second_round: bool = True  # let PPO loose on the reward model, and repair that by labels of what it does then
    seed: int = 1


def short() -> LoopSettings:
    """The loop of the demo."""
    full = LoopSettings()
    return replace(
        full,
        questions=700,
        measured=300,
        checked=60,
        second_round=False,
        ppo=replace(full.ppo, updates=15, checked_every=15),
    )
