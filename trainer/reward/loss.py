"""One loss for preferences; the presets differ only in what they put into it.

    Δ = r_chosen - r_rejected
    L = w · [ -s · log σ(Δ - m) - (1 - s) · log σ(-Δ) ]  +  c · (r_chosen + r_rejected)²

soft     s is the judge's probability of the chosen answer, m = 0, w = 1         (RLAIF, arXiv 2309.00267)
scaled   s = 1, m = 0, w is the strength over its mean                          (HelpSteer2-Preference, 2410.01257)
paper    s = 1, m is the margin, w = 1, β · language modelling too         (2406.11190's code; Llama 2, 2307.09288)
bt       s = 1, m = 0, w = 1                                                     (Bradley and Terry, 1952)

A margin asks for a certain difference and s < 1 for a finite one, so no preset has both.
"""

from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid


def preference_loss(
    chosen: Tensor, rejected: Tensor, *, soft: Tensor, margin: Tensor, weight: Tensor, centering: float
) -> Tensor:
    """Mean over the pairs, a scalar; everything given is (pairs,)."""
    difference = chosen - rejected
    surprise = -soft * logsigmoid(difference - margin) - (1 - soft) * logsigmoid(-difference)
    return (weight * surprise + centering * (chosen + rejected) ** 2).mean()


def language_loss(hidden: Tensor, output: Tensor, tokens: Tensor, said: Tensor) -> Tensor:
    """Mean cross-entropy, nats, of the tokens of answers.

    `hidden` is (sequences, length, width), `output` the base model's output matrix (vocabulary, width), `tokens` and
    `said` (sequences, length); `said` is true where a token belongs to an answer.
    """
    due = said[:, 1:]
    return cross_entropy(hidden[:, :-1][due] @ output.T, tokens[:, 1:][due])
