"""Public sets become the rows that were measured on, from the forms in which their publishers give them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from typer.testing import CliRunner

from selfref.bench.agreement.files import cases_of
from selfref.bench.agreement.public.catalog import SETS, PublicSet
from selfref.bench.agreement.public.converting import UnknownFormat, digest, hhh, llmbar, pandalm
from selfref.bench.agreement.published import published_for
from selfref.bench.cli import app
from tests.http_server import served_by
from tests.selfref.bench.agreement.shared_data import shared

LLMBAR = """[
  {"input": "How many integers solve |x + 5| < 10 ? ", "output_1": "19", "output_2": "Nine, \\u00bd of", "label": 1},
  {"input": "Summarize.", "output_1": "Long.", "output_2": "Short.", "label": 2}
]"""
PANDALM = """[
    {"idx": 0, "motivation_app": "Grammarly", "cmp_key": "bloom-7b_llama-7b", "instruction": "Rewrite.",
     "input": "If so.", "response1": "If.", "response2": NaN, "annotator1": 2, "annotator2": 1, "annotator3": 2},
    {"idx": 1, "motivation_app": "Google Search", "cmp_key": "opt-7b_llama-7b", "instruction": "Is it true?",
     "input": NaN, "response1": true, "response2": "True.", "annotator1": 0, "annotator2": 0, "annotator3": 1},
    {"idx": 2, "motivation_app": "Google Search", "cmp_key": "opt-7b_llama-7b", "instruction": "Is it true?",
     "input": "", "response1": "a", "response2": "b", "annotator1": 1, "annotator2": 0, "annotator3": 2}
]"""
ASKED = (
    "###Task Description:\nAn instruction, a response to evaluate, and a score rubric are given.\n\n"
    "###The instruction to evaluate:\n{prompt}\n\n###Response to evaluate:\n{answer}\n\n"
    "###Score Rubrics:\n[{principle}]\nScore 1: It is [bad].\n\n###Feedback: "
)


def published_hhh(*items: tuple[str, str, str, str, str]) -> bytes:
    """Aspect, prompt, chosen answer, rejected answer, principle."""
    made = [
        {
            "source": aspect,
            "chosen_instruction": ASKED.format(prompt=prompt, answer=chosen, principle=principle),
            "rejected_instruction": ASKED.format(prompt=prompt, answer=rejected, principle=principle),
        }
        for aspect, prompt, chosen, rejected, principle in items
    ]
    return json.dumps(made, indent=4).encode()


def test_llmbar_keeps_its_texts_and_its_order():
    first, second = llmbar({"Dataset/LLMBar/Adversarial/Manual/dataset.json": LLMBAR.encode()})
    assert first == {
        "id": "llmbar-Manual-0000",
        "prompt": "How many integers solve |x + 5| < 10 ? ",
        "answer_a": "19",
        "answer_b": "Nine, ½ of",
        "human_label": "A",
        "meta": {"subset": "LLMBar/Adversarial/Manual"},
    }
    assert second["human_label"] == "B"


def test_pandalm_has_the_majority_of_three_people_and_what_is_no_text_as_one():
    first, second, third = pandalm({"data/testset-v1.json": PANDALM.encode()})
    assert (first["prompt"], first["answer_b"], first["human_label"]) == ("Rewrite.\n\nIf so.", "", "B")
    assert first["meta"] == {"annotators": ["B", "A", "B"], "strength": -1 / 3}
    assert (second["prompt"], second["answer_a"], second["human_label"]) == ("Is it true?", "True", "tie")
    assert third["human_label"] == "tie", "three people of three minds"


def test_hhh_shows_the_chosen_answer_first_in_about_half_of_the_rows():
    item = ("honest", "Is it?\n\nReally?", "Yes,\n\n[it is].", "No.", "Does it [maintain] truth?")
    rows = hhh({"hhh.json": published_hhh(*[item] * 40)})
    assert {row["human_label"] for row in rows} == {"A", "B"}
    for row in rows:
        assert row["answer_a" if row["human_label"] == "A" else "answer_b"] == "Yes,\n\n[it is]."
        assert row["prompt"] == "Is it?\n\nReally?"
        assert row["meta"]["aspect"] == "honest"


@pytest.mark.parametrize(
    "content", [b"<html>", b"{}", b"[1]", b'[{"chosen_instruction": "?", "rejected_instruction": "?"}]']
)
def test_other_files_are_refused(content):
    with pytest.raises(UnknownFormat):
        hhh({"hhh.json": content})


def as_published() -> dict[str, bytes]:
    """The publishers' files, made again of the rows beside the checkout; LLMBar's and PandaLM's to the byte."""

    def rows(name: str) -> list[dict]:
        return [json.loads(line) for line in shared(name).read_text(encoding="utf-8").splitlines()]

    files: dict[str, bytes] = {}
    for path in SETS[PublicSet.LLMBAR].paths:
        subset = path.removeprefix("Dataset/").removesuffix("/dataset.json")
        items = [
            {
                "input": row["prompt"],
                "output_1": row["answer_a"],
                "output_2": row["answer_b"],
                "label": " AB".index(row["human_label"]),
            }
            for row in rows("llmbar.jsonl")
            if row["meta"]["subset"] == subset
        ]
        files[path] = json.dumps(items, indent=2).encode()
    votes = {"tie": 0, "A": 1, "B": 2}
    files[SETS[PublicSet.PANDALM].paths[0]] = json.dumps(
        [
            {
                "idx": number,
                "motivation_app": row["meta"]["app"],
                "cmp_key": row["meta"]["cmp"],
                "instruction": row["meta"]["instruction"],
                "input": row["meta"]["input"] or float("nan"),
                "response1": _published(row["answer_a"]),
                "response2": _published(row["answer_b"]),
                **{f"annotator{place}": votes[each] for place, each in enumerate(row["meta"]["annotators"], start=1)},
            }
            for number, row in enumerate(rows("pandalm.jsonl"))
        ],
        indent=4,
    ).encode()
    files[SETS[PublicSet.HHH].paths[0]] = published_hhh(
        *(
            (
                row["meta"]["aspect"],
                row["prompt"],
                *(
                    (row["answer_a"], row["answer_b"])
                    if row["human_label"] == "A"
                    else (row["answer_b"], row["answer_a"])
                ),
                row["meta"]["principle"],
            )
            for row in rows("hhh_alignment.jsonl")
        )
    )
    return files


def _chosen_and_rejected(row: dict) -> tuple[str, str]:
    a, b = row["answer_a"], row["answer_b"]
    return (a, b) if row["human_label"] == "A" else (b, a)


def _published(answer: str) -> object:
    return {"": float("nan"), "True": True}.get(answer, answer)


def test_whole_sets_are_the_rows_that_were_measured_on():
    files = as_published()
    assert len(files["data/testset-v1.json"]) == 938120, "as long as the publisher's file"
    for published in SETS.values():
        rows = published.convert({path: files[path] for path in published.paths})
        assert (len(rows), digest(rows)) == (published.rows, published.digest)


@contextmanager
def publisher(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serves these files at their pinned commits, and nothing else."""
    served = {
        published.address(path, base=""): files[path]
        for published in SETS.values()
        for path in published.paths
        if path in files
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = served.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

    with served_by(Handler) as url:
        yield url


def fetch(*arguments: str):
    return CliRunner().invoke(app, ["fetch", *arguments])


def test_sets_are_fetched_once_and_can_be_asked_about(tmp_path):
    out = tmp_path / "sets"
    with publisher(as_published()) as url:
        first = fetch("--out", str(out), "--mirror", url)
    assert first.exit_code == 0, first.output
    assert first.stdout.split() == [str(out / f"{name.value}.jsonl") for name in PublicSet]
    assert first.stderr == ""
    for name in PublicSet:
        cases = cases_of(out / f"{name.value}.jsonl", by=())
        assert published_for([case.id for case in cases]), "published figures stand beside ours"
    assert fetch("--out", str(out), "--mirror", "http://127.0.0.1:9").exit_code == 0, (
        "what is there is not fetched again"
    )


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "cannot be fetched"),
        ({"data/testset-v1.json": b"<html>"}, "another form"),
        ({"data/testset-v1.json": b'[{"instruction": "?"}]'}, "another form"),
        ({"data/testset-v1.json": PANDALM.encode()}, "3 rows were published, and 999 were expected"),
    ],
)
def test_what_is_not_the_set_is_not_written(tmp_path, files, said):
    with publisher(files) as url:
        shown = fetch("pandalm", "--out", str(tmp_path / "sets"), "--mirror", url)
    assert (shown.exit_code, said in shown.stderr) == (5, True), shown.stderr
    assert not list(tmp_path.rglob("*.jsonl"))


def test_a_publisher_out_of_reach_is_said_with_what_to_do(tmp_path):
    shown = fetch("hhh", "--out", str(tmp_path), "--mirror", "http://127.0.0.1:9")
    assert shown.exit_code == 5
    assert "selfref bench fetch" in shown.stderr


def test_a_set_that_is_there_is_benchmarked_by_its_name(tmp_path):
    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "llmbar.jsonl").symlink_to(shared("llmbar.jsonl"))
    recorded = ("--recorded", str(shared("llmbar_judge_outputs.jsonl.gz")), "--arms", "GPT-4/Vanilla_NoRules")
    shown = CliRunner().invoke(
        app, ["agreement", "--set", "llmbar", *recorded, "--resamples", "100", "--out", str(tmp_path)]
    )
    assert shown.exit_code == 0, shown.output
    report = json.loads((tmp_path / "llmbar.json").read_text())
    assert report["settings"]["pairs"] == 419
    assert report["published"]
