"""The names of everything in Redis, and which shard a pair lives in.

All keys of a shard share one hash tag, so every script touches one slot of a Redis Cluster. One judgment is a hash:

    state         waiting | judged | failed | canceled
    result        the State message as JSON: Waiting, and once it has ended Judgment, Failure or Cancellation
    work          the Work message as JSON; empty once the pair has ended, but kept by a failed one for replay
    tenant, lane, fingerprint
    attempts      judging attempts that failed        crashes    workers that took the pair and vanished
    reason        why the last attempt failed         dead       the failed pair's entry in the dead letters
    accepted_by, ended_by, replayed_by                the call that did it, so that its repetition is recognised

Streams carry only the pair's id, except labels (the Label message as JSON) and dead letters (code, message and time).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from selfref.messages import Lane

GROUP = "workers"  # the consumer group of both work streams


@dataclass(frozen=True, slots=True)
class Keys:
    """The key names of one shard."""

    shard: int

    def _key(self, name: str) -> str:
        return f"selfref:{{s{self.shard}}}:{name}"

    @property
    def epoch(self) -> str:
        """String: random, made once; a label cursor is good for one epoch only."""
        return self._key("epoch")

    @property
    def shards(self) -> str:
        """String: how many shards this Redis was set up with."""
        return self._key("shards")

    @property
    def finished(self) -> str:
        """Stream, capped: ids in the order in which they ended."""
        return self._key("finished")

    @property
    def delayed(self) -> str:
        """Sorted set: `<lane>:<id>` by the time (ms since 1970) when it may be tried again."""
        return self._key("delayed")

    @property
    def dead(self) -> str:
        """Stream, capped: pairs that failed, with the reason."""
        return self._key("dead")

    @property
    def never(self) -> str:
        """Nothing, ever: what a write that must change nothing is asked of."""
        return self._key("never")

    def work(self, lane: Lane) -> str:
        """Stream: ids that wait for a worker, or are being judged."""
        return self._key(f"work:{lane.value}")

    def judgment(self, judgment_id: str) -> str:
        """Hash: everything about one pair."""
        return self._key(f"judgment:{judgment_id}")

    def reservation(self, judgment_id: str) -> str:
        """String: an id whose first request is still open."""
        return self._key(f"reservation:{judgment_id}")

    def counts(self, tenant: str) -> str:
        """Hash: submitted, decided, tie, inconsistent, failed, canceled."""
        return self._key(f"counts:{tenant}")

    def labels(self, tenant: str) -> str:
        """Stream: the tenant's label feed."""
        return self._key(f"labels:{tenant}")

    def trimmed(self, tenant: str) -> str:
        """String: the newest stream id that was trimmed from the tenant's label feed."""
        return self._key(f"trimmed:{tenant}")

    def reference(self, name: str) -> str:
        """String: the text of a cached reference."""
        return self._key(f"reference:{name}")

    def reference_lock(self, name: str) -> str:
        """String: the call that is computing a reference now."""
        return self._key(f"reference-lock:{name}")


class Shards:
    """The shards of a deployment: a number fixed when its Redis is first used."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"shards must be at least 1, not {count}")
        self._keys = tuple(Keys(shard) for shard in range(count))

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[Keys]:
        return iter(self._keys)

    def __getitem__(self, shard: int) -> Keys:
        return self._keys[shard]

    def of(self, name: str) -> Keys:
        """The shard that a judgment id (or a reference key) belongs to, for ever."""
        return self._keys[crc32(name.encode()) % len(self._keys)]
