"""The judge that lies in the repository: small, of this recipe's prompts, and with a card that says what it is."""

import json
from typing import Any

import pytest
from transformers import PreTrainedTokenizerFast

from littleworld import JUDGE
from littleworld.card import parameters, write_card
from littleworld.recipe import Recipe
from littleworld.tokenizer import LABELS, fixed_passages
from littleworld.world.families import FAMILIES
from worker.prompts import load_prompts

MOST_BYTES, MOST_PARAMETERS = 12_000_000, 6_000_000
RECORD = json.loads((JUDGE / "training.json").read_text())
CARD = (JUDGE / "README.md").read_text()


def test_it_is_small() -> None:
    assert (JUDGE / "model.safetensors").stat().st_size <= MOST_BYTES
    assert parameters(JUDGE) <= MOST_PARAMETERS


def test_it_was_trained_on_the_prompts_that_the_worker_asks() -> None:
    """Whoever changes a prompt file has to train it again: `python -m littleworld.train`."""
    prompts = load_prompts()
    assert RECORD["prompts"] == prompts.digest
    assert prompts.digest in CARD
    tokenizer = PreTrainedTokenizerFast.from_pretrained(JUDGE)
    for text in (*fixed_passages(prompts), *LABELS):
        assert len(tokenizer.encode(text, add_special_tokens=False)) == 1


def test_it_was_trained_by_the_recipe_that_is_here() -> None:
    assert RECORD["recipe"] == {name: getattr(Recipe(), name) for name in Recipe.__dataclass_fields__}


def test_its_card_has_no_empty_field_and_a_figure_for_every_family() -> None:
    assert "{" not in CARD
    for family in FAMILIES:
        assert f"\n| {family} | " in CARD
    for word in ("self-reference", "direct", "wrong-reference", "## Limits", "loss.png"):
        assert word in CARD


def test_a_card_says_what_the_report_says(tmp_path: Any) -> None:
    for name in ("model.safetensors", "training.json"):
        (tmp_path / name).write_bytes((JUDGE / name).read_bytes())
    figures = {"accuracy_net": 0.5, "accuracy_both": 0.4, "consistency": 0.9, "first_slot_rate": 0.6, "ece": 0.1}
    figures["brier"] = 0.25
    scores = {**figures, "intervals": {name: [value - 0.1, value + 0.1] for name, value in figures.items()}}
    arm = {**scores, "families": dict.fromkeys(FAMILIES, scores)}
    write_card(tmp_path, {"settings": {"pairs": 12, "seed": 7}, "arms": {"direct": arm}})
    card = (tmp_path / "README.md").read_text()
    assert "--pairs 12 --seed 7" in card
    assert "| `direct` | 50.0% (40.0% to 60.0%) | 40.0% (30.0% to 50.0%) |" in card
    assert "0.250 (0.150 to 0.350)" in card
    assert card.count("| 50.0% (40.0% to 60.0%) |") == len(FAMILIES) + 1


def test_a_report_without_figures_is_no_card(tmp_path: Any) -> None:
    for name in ("model.safetensors", "training.json"):
        (tmp_path / name).write_bytes((JUDGE / name).read_bytes())
    with pytest.raises(KeyError):
        write_card(tmp_path, {"settings": {}, "arms": {}})
