"""`python -m littleworld.card DIR --agreement FILE`: write the model card of a trained judge beside its weights.

What it says of the run is read from the run's own record, what it says of the judge from a report of
`selfref bench agreement --json`: no figure is typed by hand.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from safetensors import safe_open

from littleworld.train import RECORD
from littleworld.world.families import FAMILIES
from worker.prompts import fill

SHOWN = (  # a column each: what the report calls it, what the card does
    ("accuracy_net", "accuracy"),
    ("accuracy_both", "right in both orders"),
    ("consistency", "consistency"),
    ("first_slot_rate", "first slot"),
    ("ece", "ECE"),
    ("brier", "Brier"),
)


def write_card(folder: Path, report: Mapping[str, Any]) -> None:
    """Write `README.md` into the judge's folder."""
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    text = files("littleworld").joinpath("card.md").read_text(encoding="utf-8")
    fields = {
        "parameters": f"{parameters(folder) / 1e6:.2f}",
        "families": ", ".join(FAMILIES),
        "prompts": record["prompts"],
        "tokens": f"{record['tokens'] / 1e6:.1f}",
        "minutes": f"{record['cpu_seconds'] / 60:.0f}",
        "recipe": "\n".join(f"| `{name}` | {value} |" for name, value in record["recipe"].items()),
        "pairs": str(report["settings"]["pairs"]),
        "seed": str(report["settings"]["seed"]),
        "arms": "\n".join(_arms(report)),
        "breakdown": "\n".join(_families(report)),
    }
    (folder / "README.md").write_text(fill(text, **fields), encoding="utf-8")


def parameters(folder: Path) -> int:
    """How many numbers the weights are; a matrix that is used twice counts once."""
    with safe_open(folder / "model.safetensors", framework="pt") as weights:
        return sum(weights.get_tensor(name).numel() for name in weights.keys())  # noqa: SIM118 - not a mapping


def _arms(report: Mapping[str, Any]) -> Iterator[str]:
    yield "| arm | " + " | ".join(heading for _, heading in SHOWN) + " |"
    yield "| --- " * (len(SHOWN) + 1) + "|"
    for arm, scores in report["arms"].items():
        yield f"| `{arm}` | " + " | ".join(_with_interval(scores, name) for name, _ in SHOWN) + " |"


def _families(report: Mapping[str, Any]) -> Iterator[str]:
    yield "| family | " + " | ".join(f"`{arm}`" for arm in report["arms"]) + " |"
    yield "| --- " * (len(report["arms"]) + 1) + "|"
    for family in FAMILIES:
        cells = (scores["families"][family] for scores in report["arms"].values() if family in scores["families"])
        yield f"| {family} | " + " | ".join(_with_interval(each, "accuracy_net") for each in cells) + " |"


def _with_interval(scores: Mapping[str, Any], name: str) -> str:
    low, high = scores["intervals"][name]
    if name == "brier":
        return f"{scores[name]:.3f} ({low:.3f} to {high:.3f})"
    return f"{scores[name]:.1%} ({low:.1%} to {high:.1%})"


def main() -> None:
    """Parse the command line and write the card."""
    parser = argparse.ArgumentParser(prog="python -m littleworld.card", description=__doc__)
    parser.add_argument("folder", type=Path, help="the judge's folder, as `python -m littleworld.train` wrote it")
    parser.add_argument("--agreement", type=Path, required=True, help="a report of `selfref bench agreement --json`")
    given = parser.parse_args()
    write_card(given.folder, json.loads(given.agreement.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
