"""Training examples as tokens: the chain's own turns, exactly as the worker asks them and the engine renders them.

What the model should say next is given apart from the tokens that follow, because the two differ where a turn ends:
the model says end-of-text after its last word, while the chat goes on with a space, or with the verdict's opening.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import jinja2
from tokenizers import Tokenizer

from littleworld.chat_template import LLAMA_2_CHAT_TEMPLATE
from littleworld.critique import direct_critique, reference_critique
from littleworld.tokenizer import BOS, EOS, EOS_ID
from littleworld.world.answer import own_answer
from littleworld.world.pairs import Pair
from littleworld.world.question import Question
from selfref.messages import Comparison
from worker.prompts import Prompts

NOTHING = -1  # no token is to be learnt here
VERDICT = -2  # the verdict is to be learnt here, as a probability
TIED, CERTAIN = 0.5, 0.97  # probability of the preferred label; the rest is what critiques get wrong


@dataclass(slots=True)
class Example:
    """`targets[i]` is the token to say after `tokens[: i + 1]`, NOTHING, or VERDICT."""

    tokens: list[int] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    probability_a: float = TIED  # where the target is VERDICT: of the label of the answer shown first

    def hear(self, tokens: list[int]) -> None:
        """What others say: nothing to learn."""
        self.tokens += tokens
        self.targets += [NOTHING] * len(tokens)

    def say(self, tokens: list[int]) -> None:
        """What the model itself should say, up to end-of-text, which is not part of the chat."""
        self.targets[-1:] = [*tokens, EOS_ID]
        self.tokens += tokens

    def decide(self, probability_a: float) -> None:
        """The verdict is due."""
        self.targets[-1] = VERDICT
        self.probability_a = probability_a


class Turns:
    """Makes examples with one tokenizer and one set of prompts."""

    def __init__(self, tokenizer: Tokenizer, prompts: Prompts) -> None:
        self._tokenizer = tokenizer
        self._prompts = prompts
        self._template = jinja2.Environment(autoescape=False).from_string(LLAMA_2_CHAT_TEMPLATE)  # noqa: S701 - no HTML

    def answering(self, questions: Sequence[Question]) -> Example:
        """One chat in which the judge answers several questions that have nothing to do with one another."""
        contents: list[str] = []
        example, head = Example(), ""
        for question in questions:
            contents.append(question.text)
            rendered = self._rendered(contents)
            example.hear(self._encode(rendered[len(head) :]))
            contents.append(own_answer(question))
            example.say(self._encode(f" {contents[-1]}"))
            head = f"{rendered} {contents[-1]}"
        return example

    def judging(self, pair: Pair, *, reference: str) -> Example:
        """Answer, critique, verdict. A reference other than the right one is heard, not learnt."""
        right = reference == pair.right_reference
        example = self._asked([pair.question.text])
        if right:
            example.say(self._encode(f" {reference}"))
        else:
            example.hear(self._encode(f" {reference}"))
        asked = self._rendered([pair.question.text, reference, self._prompts.critique_turn(comparison(pair))])
        head = self._rendered([pair.question.text, reference])
        example.hear(self._encode(asked[len(head) - len(f" {EOS}") :]))
        self._judge(example, reference_critique(pair, wrong_reference=not right), pair)
        return example

    def judging_directly(self, pair: Pair) -> Example:
        """Critique and verdict without a reference."""
        example = self._asked([self._prompts.direct_turn(comparison(pair))])
        self._judge(example, direct_critique(pair), pair)
        return example

    def _judge(self, example: Example, critique: str, pair: Pair) -> None:
        example.say(self._encode(f" {critique}"))
        example.hear(self._encode(f"\n\n{self._prompts.verdict.opening}"))
        sure = {"A": CERTAIN, "B": 1 - CERTAIN, "tie": TIED}
        example.decide(sure[pair.decision.preference])

    def _asked(self, contents: list[str]) -> Example:
        example = Example()
        example.hear(self._encode(self._rendered(contents)))
        return example

    def _rendered(self, contents: list[str]) -> str:
        roles = ("user", "assistant")
        messages = [{"role": roles[index % 2], "content": content} for index, content in enumerate(contents)]
        return self._template.render(messages=messages, bos_token=BOS, eos_token=EOS)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def comparison(pair: Pair) -> Comparison:
    """The pair as the service is asked about it."""
    return Comparison(prompt=pair.question.text, answer_a=pair.a.text, answer_b=pair.b.text, principle=pair.principle)
