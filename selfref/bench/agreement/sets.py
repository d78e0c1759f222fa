"""Pairs that are measured together, and what is asked about them. Two sets are never merged: one rewards what another
punishes, and a mean over both says nothing about either."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from littleworld.world.question import Split
from selfref.bench.agreement.bootstrap import LEVEL
from selfref.bench.agreement.cases import Case
from selfref.bench.agreement.files import cases_of
from selfref.bench.agreement.report import Dump
from selfref.bench.agreement.scoring import BINS
from selfref.bench.agreement.world import WORKED_OUT, case_of, pairs_of


@dataclass(frozen=True, slots=True)
class Set:
    """The pairs, and how they are told of in the report."""

    name: str  # of its files in the folder of results
    cases: Sequence[Case]
    settings: Dump

    @property
    def ids(self) -> list[str]:
        """The names of its pairs."""
        return [case.id for case in self.cases]


def world_set(world: Split, *, pairs: int, seed: int) -> Set:
    """The first pairs of this side of the little world."""
    cases = [
        case_of(pair, id=f"{world.value}-{seed}-{number}")
        for number, pair in enumerate(pairs_of(world, count=pairs, seed=seed))
    ]
    settings = {"world": world.value, "worked_out": sorted(WORKED_OUT)}
    return Set(f"world-{world.value}", cases, _settings(cases, seed=seed, **settings))


def file_set(path: Path, *, by: Sequence[str], seed: int) -> Set:
    """The rows of a labelled file. Raises BadLines and OSError."""
    cases = cases_of(path, by=by)
    return Set(path.stem, cases, _settings(cases, seed=seed, file=path.name))


def _settings(cases: Sequence[Case], *, seed: int, **more: object) -> Dump:
    return {**more, "pairs": len(cases), "seed": seed, "level": LEVEL, "bins": BINS}
