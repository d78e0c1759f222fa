"""The sets that can be asked for by name, each at one commit of its publisher's repository."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from selfref.bench.agreement.public import converting
from selfref.bench.agreement.public.converting import Row

PUBLISHER = "https://raw.githubusercontent.com"


class PublicSet(StrEnum):
    """A set's name; the names of its file and of its rows begin with it."""

    LLMBAR = "llmbar"
    PANDALM = "pandalm"
    HHH = "hhh"


@dataclass(frozen=True, slots=True)
class Published:
    """Where a set is, and what it has to come to; `digest` is of the rows that this project's figures were made on."""

    repository: str
    commit: str
    paths: tuple[str, ...]
    licence: str
    convert: Callable[[Mapping[str, bytes]], list[Row]]
    rows: int
    digest: str

    def address(self, path: str, *, base: str) -> str:
        """Of one of its files."""
        return f"{base.rstrip('/')}/{self.repository}/{self.commit}/{path}"


SETS = {
    PublicSet.LLMBAR: Published(
        repository="princeton-nlp/LLMBar",
        commit="caa7bee794bfed74baed038b99229fa3f0c4c511",
        paths=tuple(
            f"Dataset/LLMBar/{subset}/dataset.json"
            for subset in (
                "Natural",
                "Adversarial/Neighbor",
                "Adversarial/GPTInst",
                "Adversarial/GPTOut",
                "Adversarial/Manual",
            )
        ),
        licence="MIT",
        convert=converting.llmbar,
        rows=419,
        digest="35d293aa935525a95a5cac19c35ca557b8075d37be59220ce4a7371bf79f163a",
    ),
    PublicSet.PANDALM: Published(
        repository="WeOpenML/PandaLM",
        commit="65d7cff541edaa2d1be0f4b206c31fae42bc334b",
        paths=("data/testset-v1.json",),
        licence="Apache-2.0",
        convert=converting.pandalm,
        rows=999,
        digest="3b7afa9690aeb8997964be674bc2a07a07173a271978c25f21ab3a31d96eefc2",
    ),
    PublicSet.HHH: Published(
        repository="prometheus-eval/prometheus-eval",
        commit="8536c6d6f69f492fb364a2173e522d4dad034488",
        paths=("eval/benchmark/data/hhh_alignment_eval.json",),
        licence="Apache-2.0",
        convert=converting.hhh,
        rows=221,
        digest="f2c1332f257464e670fd2b129196a137244b48fd65f8e9b548b9404afbe52ef3",
    ),
}
