"""What came of a loop: figures as JSON, and a page with pictures that a person wants to look at."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from littleworld.loop.agreement import Agreement
from littleworld.loop.loop import Stage
from littleworld.loop.policies import Measured
from littleworld.loop.watching import read_gold
from selfref.durable import whole_file
from trainer.gold import read_checks

COLOURS = {"ppo": "tab:green", "loose": "tab:red", "again": "tab:blue"}
NAMES = {"ppo": "held by its KL", "loose": "let loose", "again": "let loose again, second reward model"}
QUALITIES = ("right", "kind", "brief")
Dump = dict[str, Any]


def write_report(
    folder: Path,
    before: Measured,
    stages: Sequence[Stage],
    *,
    agreements: Sequence[Agreement],
    pairs: Sequence[int],
    seconds: float,
) -> Dump:
    """Write report.json, loop.png and report.md to the loop's folder."""
    held = stages[0].gold
    report = {
        "gold_before": before.gold,
        "gold_after": held.gold,
        "gold_ci": held.gold_ci,
        "exact_before": before.exact,
        "exact_after": held.exact,
        "kl": _kl(folder, stages[0]),
        "reward_model_gold_accuracy": agreements[0].gold,
        "reward_models": [asdict(each) for each in agreements],
        "round2_gold": stages[2].gold.gold if len(stages) > 2 else None,
        "pairs": list(pairs),
        "seconds": seconds,
        "weak": asdict(before),
        "stages": {stage.name: _stage(folder, stage) for stage in stages},
    }
    with whole_file(folder / "report.json") as file:
        file.write(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    draw(folder, stages, before, folder / "loop.png")
    with whole_file(folder / "report.md") as file:
        file.write(page(folder, report).encode())
    return report


def _stage(folder: Path, stage: Stage) -> Dump:
    run = folder / stage.name
    return {
        **asdict(stage.gold),
        "update": stage.outcome.update,
        "ending": stage.outcome.ending,
        "kl": _kl(folder, stage),
        "checks": [asdict(each) for each in read_checks(run / "judged.jsonl")],
    }


def _kl(folder: Path, stage: Stage) -> float:
    """Nats an answer, of the policy that the run ended with; sampled in the update that made it, or else the first."""
    return metrics(folder / stage.name)[max(stage.outcome.update, 1) - 1]["kl"]


def metrics(run: Path) -> list[dict[str, float]]:
    """A run of PPO, update by update."""
    return [orjson.loads(line) for line in (run / "log.jsonl").read_bytes().splitlines()]


def draw(folder: Path, stages: Sequence[Stage], before: Measured, file: Path) -> None:
    """What the reward model says, what is true, what the judge says, and how far each policy went."""
    figure = Figure(figsize=(12, 7), layout="constrained")
    proxy, gold, win_rate, kl = figure.subplots(2, 2).flatten()
    for stage in stages:
        run, look = folder / stage.name, {"color": COLOURS[stage.name], "label": NAMES[stage.name]}
        log, watched = metrics(run), read_gold(run / "gold.jsonl")
        checks = read_checks(run / "judged.jsonl")
        proxy.plot([each["update"] for each in log], [each["score"] for each in log], **look)
        kl.plot([each["update"] for each in log], [each["kl"] for each in log], **look)
        _with_intervals(gold, watched, before, **look)
        win_rate.plot([0, *(each.update for each in checks)], [0.5, *(each.win_rate for each in checks)], "o-", **look)
    for axes, title in (
        (proxy, "proxy: the reward model's score"),
        (gold, "gold: share of exact answers, held-out questions"),
        (win_rate, "the judge: win rate over the first policy"),
        (kl, "KL from the first policy, nats an answer"),
    ):
        axes.set(title=title, xlabel="update")
        axes.grid(visible=True, alpha=0.3)
    figure.legend(*proxy.get_legend_handles_labels(), loc="outside upper center", ncols=len(stages))
    figure.savefig(file, dpi=110)


def page(folder: Path, report: Dump) -> str:
    """The report in Markdown."""
    first = _row("the weak policy", report["weak"], "0", "", "")
    rows = "\n".join(
        _row(NAMES[name], stage, f"{stage['kl']:.1f}", _win_rate(stage), f"{stage['ending']} at {stage['update']}")
        for name, stage in report["stages"].items()
    )
    examples = "\n".join(
        f"- {NAMES[name]}: “{read_gold(folder / name / 'gold.jsonl')[-1]['example']}”" for name in report["stages"]
    )
    return f"""# The closed loop in the little world

A weak policy answers questions; the service's judge says which of two answers is better; a reward model learns from
these labels; PPO makes the policy better by the reward model. Gold is exact and was used by none of them.

| policy | exact answers (95 %) | {" | ".join(QUALITIES)} | gold | KL | judge's win rate | ended |
| --- | --- |{" --- |" * len(QUALITIES)} --- | --- | --- | --- |
{first}
{rows}

![Proxy, gold, win rate and KL](loop.png)

{_models(report)}

The first held-out question, answered at the end of each run:

{examples}

All of it took {report["seconds"] / 60:.1f} minutes.
"""


def _models(report: Dump) -> str:
    """The reward models, each having learnt from one snapshot more."""
    lines = [
        "| reward model of | agrees with held-out labels | with gold on them | with gold on new contents "
        "| right above wrong |",
        "| --- | --- | --- | --- | --- |",
    ]
    learnt = 0
    for model, pairs in zip(report["reward_models"], report["pairs"], strict=False):
        learnt += pairs
        shares = (model[name] for name in ("labels", "gold", "gold_of_new_contents", "right_from_wrong"))
        lines.append(
            f"| {learnt:,} labels | " + " | ".join("" if each is None else f"{each:.1%}" for each in shares) + " |"
        )
    return "\n".join(lines)


def _with_intervals(axes: Axes, watched: Sequence[Dump], before: Measured, **look: Any) -> None:
    updates = [0, *(each["update"] for each in watched)]
    axes.plot(updates, [before.exact, *(each["exact"] for each in watched)], "o-", **look)
    low = [before.exact_ci[0], *(each["exact_ci"][0] for each in watched)]
    high = [before.exact_ci[1], *(each["exact_ci"][1] for each in watched)]
    axes.fill_between(updates, low, high, color=look["color"], alpha=0.12)


def _row(name: str, found: Dump, *others: str) -> str:
    """What is measured of a policy, and what else is known of it."""
    low, high = found["exact_ci"]
    qualities = (f"{found['qualities'][each]:.1%}" for each in QUALITIES)
    cells = (name, f"{found['exact']:.1%} ({low:.1%} to {high:.1%})", *qualities, f"{found['gold']:.3f}", *others)
    return f"| {' | '.join(cells)} |"


def _win_rate(stage: Dump) -> str:
    found = [each["win_rate"] for each in stage["checks"] if each["update"] == stage["update"]]
    return f"{found[0]:.1%}" if found else ""
