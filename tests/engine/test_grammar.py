"""A grammar restricts what can be said and leaves the odds of what remains."""

import json
import re

import pytest

from engine.tokens import Vocabulary
from tests.engine.serving import Served

OPENING = "The better response is Response"


def test_the_odds_of_two_labels_under_a_grammar_are_the_raw_odds(
    engine: Served, vocabulary: Vocabulary, model: object
) -> None:
    from tests.engine.reference import greedy

    label_a, label_b = (vocabulary.encode(label, special=False).ids[0] for label in (" A", " B"))
    raw = greedy(model, vocabulary.encode(OPENING, special=True).ids, 1).distributions[0]
    grammar = {"type": "regex", "value": " (A|B)"}
    [top] = engine.generate(OPENING, max_new_tokens=1, top_n_tokens=5, grammar=grammar)["details"]["top_tokens"]
    found = {token["id"]: token["logprob"] for token in top}
    assert {label_a, label_b} <= set(found) <= {label_a, label_b, vocabulary.encode(" ", special=False).ids[0]}
    assert found[label_a] - found[label_b] == pytest.approx(float(raw[label_a] - raw[label_b]), abs=1e-4)


@pytest.mark.parametrize("pattern", ["yes|no", "[0-9]{3}-[0-9]{2}", " (A|B) is better", r"(ab)+\.", "é{2,3}"])
def test_a_finished_text_matches_its_regex(engine: Served, pattern: str) -> None:
    parameters = {"do_sample": True, "temperature": 2.0, "seed": 11, "max_new_tokens": 60}
    text = engine.generate("x", grammar={"type": "regex", "value": pattern}, **parameters)
    assert text["details"]["finish_reason"] == "eos_token"
    assert re.fullmatch(pattern, text["generated_text"])


def test_json_fits_its_schema_and_names_nothing_else(engine: Served) -> None:
    schema = {
        "type": "object",
        "properties": {"verdict": {"enum": ["A", "B"]}, "score": {"type": "integer", "minimum": 0, "maximum": 9}},
        "required": ["verdict", "score"],
    }
    for grammar in (
        {"type": "json", "value": schema},
        {"type": "json_object", "value": json.dumps(schema)},
        {"type": "json_schema", "value": {"name": "verdict", "schema": schema}},
    ):
        text = engine.generate("x", grammar=grammar, max_new_tokens=60, do_sample=True, seed=5)["generated_text"]
        answer = json.loads(text)
        assert set(answer) == {"verdict", "score"}
        assert answer["verdict"] in ("A", "B")
        assert 0 <= answer["score"] <= 9


@pytest.mark.parametrize("value", ["(", "[z-a]", "a{3,1}"])
def test_a_broken_regex_is_refused(engine: Served, value: str) -> None:
    answer = engine.post("/generate", {"inputs": "x", "parameters": {"grammar": {"type": "regex", "value": value}}})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("Input validation error: grammar is not valid: ")


def test_rows_with_and_without_grammar_share_a_batch(engine: Served) -> None:
    alone = engine.generate("Hello", max_new_tokens=16)["generated_text"]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        free = [pool.submit(engine.generate, "Hello", max_new_tokens=16) for _ in range(4)]
        bound = [
            pool.submit(engine.generate, "Hello", max_new_tokens=16, grammar={"type": "regex", "value": "[xyz]{9}"})
            for _ in range(4)
        ]
    assert {each.result()["generated_text"] for each in free} == {alone}
    assert all(re.fullmatch("[xyz]{9}", each.result()["generated_text"]) for each in bound)
