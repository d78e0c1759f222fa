"""What the stub engine says: an honest judge of answers that carry the word GOOD, in the shapes of TGI 3.3.

Pure functions of the request's text: whoever asks the same gets the same. Correct plumbing around the honest judge
agrees with GOOD in every pair, whichever slot it stands in; the other kinds of judge know nothing.
"""

import functools
import hashlib
import re
import zlib
from enum import StrEnum
from typing import Any

LABEL_IDS = {" A": 319, " B": 350}  # as in Llama-2's vocabulary
MAX_TOP_N_TOKENS = 5
CLEAR, EVEN = (
    (-0.02, -4.0),
    (-0.7, -0.7),
)  # nats: the better answer's label and the other's; both when neither is better
CONTEXT = 4096

_TOKEN = re.compile(r" ?[^\s]+|\s")
_SECOND_ANSWER = "\nResponse B:\n"  # the heading that the critique prompt puts before the answer shown second
_OTHER = [{"id": 5000 + rank, "text": f" w{rank}", "logprob": -8.0 - rank, "special": False} for rank in range(5)]
_CRITIQUE = " ".join(
    f"Point {number}: the first response states it plainly and the second says it another way."
    for number in range(1, 7)
)


class Judge(StrEnum):
    """What the label is decided by."""

    HONEST = "honest"  # the word GOOD; even where both answers or neither carry it
    FIRST = "first"  # the place: whatever is shown first is better
    RANDOM = "random"  # a coin, thrown anew for every text


INFO: dict[str, Any] = {
    "model_id": "stub/honest-judge",
    "model_sha": "0" * 40,
    "model_dtype": "float16",
    "model_pipeline_tag": "text-generation",
    "max_concurrent_requests": 512,
    "max_best_of": 2,
    "max_stop_sequences": 4,
    "max_input_tokens": CONTEXT - 1,
    "max_total_tokens": CONTEXT,
    "max_client_batch_size": 4,
    "router": "stub",
    "version": "3.3.7-stub",
}


def tokens(text: str, *, head: int = 0) -> list[dict[str, Any]]:
    """One token a word with the space before it, from `head` on; the rest of the text is their concatenation."""
    found, start = [], head
    for word in _TOKEN.findall(text, head):
        stop = start + len(word)
        found.append({"id": _token_id(word), "text": word, "start": start, "stop": stop})
        start = stop
    return found


def with_bos(text: str) -> list[dict[str, Any]]:
    """`/tokenize`: as `/generate` sees the text, with a BOS token that covers none of it."""
    return [{"id": 1, "text": "<s>", "start": 0, "stop": 0}, *tokens(text)]


def render(messages: list[dict[str, str]]) -> str:
    """The chat in Llama-2's template, its own BOS included."""
    text, system = "", ""
    for message in messages:
        content = message["content"].strip()
        if message["role"] == "system":
            system = f"<<SYS>>\n{content}\n<</SYS>>\n\n"
        elif message["role"] == "user":
            text += f"<s>[INST] {system}{content} [/INST]"
            system = ""
        else:
            text += f" {content} </s>"
    return text


def chat_tokens(text: str) -> list[dict[str, Any]]:
    """`/chat_tokenize`: the rendered chat's tokens; its BOS covers the `<s>` that the template wrote."""
    head = len("<s>")
    return [{"id": 1, "text": "<s>", "start": 0, "stop": head}, *tokens(text, head=head)]


def turn(inputs: str) -> str:
    """What the model writes when it may write a whole turn: a critique of two answers, else an answer of its own."""
    if judges(inputs):
        return _CRITIQUE
    return f"My own answer to request {zlib.crc32(inputs.encode()):08x}, in a sentence or two that could be wrong."


def generation(inputs: str, parameters: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """`/generate`: a turn, with TGI's details where they are asked for; and its number of tokens."""
    text = turn(inputs)
    words = _critique_tokens() if text is _CRITIQUE else tokens(text)
    words = words[: parameters.get("max_new_tokens") or CONTEXT]
    answer: dict[str, Any] = {"generated_text": "".join(word["text"] for word in words)}
    if parameters.get("details"):
        answer["details"] = {
            "finish_reason": "eos_token" if len(answer["generated_text"]) == len(text) else "length",
            "generated_tokens": len(words),
            "seed": parameters.get("seed"),
            "prefill": [],
            "tokens": [{"id": word["id"], "text": word["text"], "logprob": -0.1, "special": False} for word in words],
        }
    return answer, len(words)


def verdict(inputs: str, parameters: dict[str, Any], *, readable: bool, judge: Judge = Judge.HONEST) -> dict[str, Any]:
    """`/generate` of one token: the label that the judge prefers; no label at all unless `readable`."""
    labels = _labels(inputs, judge) if readable else []
    if not parameters.get("grammar"):
        labels = labels + _OTHER[: MAX_TOP_N_TOKENS - len(labels)]
    top = labels or [{"id": 29871, "text": "", "logprob": 0.0, "special": False}]
    answer: dict[str, Any] = {"generated_text": top[0]["text"]}
    if parameters.get("details"):
        answer["details"] = {
            "finish_reason": "length",
            "generated_tokens": 1,
            "seed": None,
            "prefill": [],
            "tokens": top[:1],
        }
        if parameters.get("top_n_tokens"):
            answer["details"]["top_tokens"] = [top[: parameters["top_n_tokens"]]]
    return answer


def judges(inputs: str) -> bool:
    """Does this text hold two answers to compare? A self-test's own probe does not."""
    return _SECOND_ANSWER in inputs


def _labels(inputs: str, judge: Judge) -> list[dict[str, Any]]:
    """Both labels, the more probable one first."""
    first, _, second = inputs.rpartition(_SECOND_ANSWER)
    first_is_better, second_is_better = "GOOD" in first, "GOOD" in second
    if judge is not Judge.HONEST:
        first_is_better = judge is Judge.FIRST or _coin(inputs)
        second_is_better = not first_is_better
    if first_is_better == second_is_better:
        odds = {" A": EVEN[0], " B": EVEN[1]}
    else:
        better, worse = (" A", " B") if first_is_better else (" B", " A")
        odds = {better: CLEAR[0], worse: CLEAR[1]}
    return [
        {"id": LABEL_IDS[text], "text": text.strip(), "logprob": value, "special": False}
        for text, value in odds.items()
    ]


def _coin(text: str) -> bool:
    """Not by CRC, which is linear: of two texts that differ in the order of their parts it knows one from the other."""
    return hashlib.blake2b(text.encode(), digest_size=1).digest()[0] % 2 == 0


@functools.cache
def _critique_tokens() -> list[dict[str, Any]]:
    return tokens(_CRITIQUE)


@functools.lru_cache(maxsize=50_000)
def _token_id(word: str) -> int:
    return LABEL_IDS.get(word) or 1000 + zlib.crc32(word.encode()) % 28_000
