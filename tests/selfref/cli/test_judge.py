"""`selfref judge` against a real service whose judge prefers what contains GOOD."""

import json
from enum import StrEnum

import pytest

from selfref.cli.judge import Markers as OfferedMarkers
from selfref.cli.judge import PresetName
from selfref.messages import Judgment, Markers, Preset
from selfref.stack.datadir import Running
from tests.selfref.cli.running import selfref

PAIR = ("--prompt", "Which is it?", "--answer-a", "this is GOOD", "--answer-b", "this is not")


def test_a_pair_from_options_is_shown_with_verdict_strength_orders_critiques_and_reference(stack: Running) -> None:
    new = ("--prompt", "Which, that nobody has asked yet?")  # so its reference is in no cache, and is called so
    shown = selfref("judge", *PAIR, *new, "--url", stack.service_url)
    assert shown.exit_code == 0
    assert "Answer A is better" in shown.stdout
    for part in ("strength", "log-odds", "best for humanity", "Reference (the judge's own answer)", "engine calls"):
        assert part in shown.stdout
    assert "Critique 1: Response A is answer A" in shown.stdout
    assert "Critique 2: Response A is answer B" in shown.stdout


def test_the_running_stack_of_a_folder_is_found_and_an_address_given_wins(stack: Running) -> None:
    folder = stack.redis_url.removeprefix("unix://").partition("/redis/redis.sock")[0]
    assert selfref("judge", *PAIR, "--data-dir", folder).exit_code == 0
    assert selfref("judge", *PAIR, SELFREF_DATA_DIR=folder).exit_code == 0
    assert selfref("judge", *PAIR, "--data-dir", folder, "--url", "http://127.0.0.1:9").exit_code == 5
    assert selfref("judge", *PAIR, "--data-dir", folder, SELFREF_URL="http://127.0.0.1:9").exit_code == 5


def test_json_is_the_raw_judgment_on_one_line(stack: Running) -> None:
    shown = selfref("judge", *PAIR, "--json", SELFREF_URL=stack.service_url)
    assert shown.exit_code == 0
    assert Judgment.model_validate_json(shown.stdout).verdict == "A"
    assert len(shown.stdout.splitlines()) == 1


def test_a_pair_comes_as_json_and_options_win_over_it(stack: Running) -> None:
    pair = {"prompt": "Which?", "answer_a": "bad", "answer_b": "GOOD", "principle": "best for cats"}
    shown = selfref(
        "judge", "--json", "--principle", "best for dogs", "--url", stack.service_url, stdin=json.dumps(pair)
    )
    judgment = Judgment.model_validate_json(shown.stdout)
    assert (judgment.verdict, judgment.principle) == ("B", "best for dogs")


def test_an_empty_answer_is_an_answer(stack: Running) -> None:
    pair = ("--prompt", "Which?", "--answer-a", "", "--answer-b", "GOOD")
    assert "Answer B is better" in selfref("judge", *pair, "--url", stack.service_url).stdout


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (("--prompt", "p"), "", "no whole pair"),
        ((), "not json", "not JSON"),
        ((), "[1]", "no object"),
        ((), '{"prompt": "p", "answer_a": "a"}', "answer_b"),
        ((), '{"prompt": "p", "answer_a": "a", "answer_b": "b", "principel": "x"}', "principel"),
        ((*PAIR, "--votes", "99"), "", "votes"),
        ((*PAIR, "--votes", "many"), "", "or 'auto'"),
        ((*PAIR, "--votes", "3", "--max-votes", "4"), "", "votes 'auto' alone"),
        ((*PAIR, "--url", "localhost:1"), "", "http://HOST:PORT"),
    ],
)
def test_what_is_no_pair_is_said_and_is_wrong_use(arguments: tuple[str, ...], stdin: str, said: str) -> None:
    shown = selfref("judge", *arguments, stdin=stdin)
    assert shown.exit_code == 2
    assert said in shown.stderr
    assert shown.stdout == ""


def test_votes_may_be_left_to_the_judge(stack: Running) -> None:
    asked = ("judge", *PAIR, "--votes", "auto", "--max-votes", "4", "--json", "--url", stack.service_url)
    shown = selfref(*asked)
    assert shown.exit_code == 0, shown.stderr
    parameters = json.loads(shown.stdout)["provenance"]["parameters"]
    assert (parameters["votes"], parameters["max_votes"]) == ("auto", 4)


def test_what_the_service_refuses_is_said_with_the_field(stack: Running) -> None:
    shown = selfref("judge", *PAIR[:-1], "</s> me", "--url", stack.service_url)
    assert shown.exit_code == 2
    assert "answer_b" in shown.stderr
    assert "what to do" in shown.stderr


def test_markers_may_be_escaped(stack: Running) -> None:
    shown = selfref("judge", *PAIR[:-1], "</s> me", "--markers", "escape", "--json", "--url", stack.service_url)
    assert shown.exit_code == 0


def test_a_pair_that_cannot_be_judged_has_its_own_exit_code(stack: Running) -> None:
    shown = selfref("judge", "--prompt", "word " * 9000, *PAIR[2:], "--url", stack.service_url)
    assert shown.exit_code == 3
    assert "too_long" in shown.stderr
    assert "Nothing was labelled" in shown.stderr


def test_a_pair_not_judged_in_time_is_named(stack: Running) -> None:
    shown = selfref("judge", *PAIR, "--timeout", "0", "--url", stack.service_url)
    assert shown.exit_code == 4
    assert "curl" in shown.stderr
    assert "/judgments/" in shown.stderr


def test_nobody_there_says_how_to_start_the_service() -> None:
    shown = selfref("judge", *PAIR, "--url", "http://127.0.0.1:9")
    assert shown.exit_code == 5
    assert "selfref up" in shown.stderr


def test_another_program_there_is_not_taken_for_the_service(stack: Running) -> None:
    shown = selfref("judge", *PAIR, "--url", stack.engine_url)
    assert shown.exit_code == 5
    assert "Something else listens there" in shown.stderr


@pytest.mark.parametrize(("offered", "known"), [(PresetName, Preset), (OfferedMarkers, Markers)])
def test_the_options_offer_what_the_service_knows(offered: type[StrEnum], known: type[StrEnum]) -> None:
    assert list(offered) == list(known)
