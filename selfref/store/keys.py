"""The names of everything in Redis, and which shard a pair lives in.

All keys of a shard share one hash tag, so every script touches one slot of a Redis Cluster. One judgment is a hash:

    state         waiting | judged | failed | canceled
    result        the State message as JSON: Waiting, and once it has ended Judgment, Failure or Cancellation
    work          the Work message as JSON; empty once the pair has ended, but kept by a failed one for replay
    tenant, lane, fingerprint
    attempts      judging attempts that failed        crashes    workers that took the pair and vanished
    reason        why the last attempt failed         dead       the failed pair's entry in the dead letters
    accepted_by, ended_by, replayed_by                the call that did it, so that its repetition is recognised

One job is a hash too, and its pairs are not: there may be millions, so an entry of the batch stream carries the pair's
work itself, and what becomes of it goes into the job's sequences and counts.

    state         validating | running | completed | canceled | failed
    manifest      what was uploaded, opaque here         tenant, fingerprint
    created, started, ended                              milliseconds since 1970
    lines         the LineCounts message as JSON         reason    why it failed
    planned, fed  the plan's length and place: every pair once, then the failed ones of each retry
    submitted, decided, tie, inconsistent, failed, canceled, checks, checks_ended
    usage         what its judgments have cost, packed
    registered_by, retried_by, retried_through           calls, and the last failure that a retry has taken up

Work, outcomes and labels are packed (`documents`). A *sequence* is a stream of such documents (labels of a tenant;
results and failures of a job) whose older part is archived: `segments` then names the files that hold it. Other streams
carry only the pair's id, except dead letters (code, message and time).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

from selfref.messages import Lane

GROUP = "workers"  # the consumer group of both work streams


def job_of(pair_id: str) -> str:
    """The job that a pair named `<job>.<number>` belongs to."""
    return pair_id.rpartition(".")[0]


def label_sequence(tenant: str) -> str:
    """The name of a tenant's label feed."""
    return f"labels:{tenant}"


def result_sequence(job_id: str) -> str:
    """The name of the sequence of a job's judgments."""
    return f"results:{job_id}"


def failure_sequence(job_id: str) -> str:
    """The name of the sequence of a job's failures."""
    return f"failures:{job_id}"


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

    def tallies(self, tenant: str) -> str:
        """Hash: what ended pairs say of their judge, by kind of judging."""
        return self._key(f"tallies:{tenant}")

    def labels(self, tenant: str) -> str:
        """Stream: the part of the tenant's label feed that is not archived."""
        return self.sequence(label_sequence(tenant))

    def trimmed(self, tenant: str) -> str:
        """String: the newest stream id that was trimmed from the tenant's label feed."""
        return self._key(f"trimmed:{tenant}")

    @property
    def prefix(self) -> str:
        """What all of these names begin with, for scripts that make names out of others."""
        return self._key("")

    @property
    def turns(self) -> str:
        """List: tenants that have pairs on ready lists, in the order of their turns."""
        return self._key("turns")

    def turns_of(self, tenant: str) -> str:
        """List: the tenant's jobs that have pairs on ready lists."""
        return self._key(f"turns:{tenant}")

    @property
    def credits(self) -> str:
        """Hash: what each tenant in `turns` has left of its turn, or owes; 1 is what a plain pair costs."""
        return self._key("credits")

    def ready(self, job_id: str) -> str:
        """List: the job's next pairs, as `cost:number:work`."""
        return self._key(f"ready:{job_id}")

    @property
    def aside(self) -> str:
        """What the names of hashes begin with that hold the work of jobs' pairs while they wait for a later attempt."""
        return self._key("aside:")

    @property
    def open_jobs(self) -> str:
        """Set: jobs that have not ended."""
        return self._key("jobs-open")

    @property
    def ended_jobs(self) -> str:
        """Sorted set: jobs by the time (ms since 1970) at which they ended."""
        return self._key("jobs-ended")

    @property
    def deleted_jobs(self) -> str:
        """Set: jobs that are gone but for their files."""
        return self._key("jobs-deleted")

    @property
    def unarchived(self) -> str:
        """Set: sequences that may have something to archive."""
        return self._key("unarchived")

    @property
    def lease(self) -> str:
        """String: the keeper that is active, for as long as it says so."""
        return self._key("keeper")

    def jobs(self, tenant: str) -> str:
        """Sorted set: the tenant's jobs by the time (ms since 1970) of their upload."""
        return self._key(f"jobs:{tenant}")

    def job(self, job_id: str) -> str:
        """Hash: everything about one job."""
        return self._key(f"job:{job_id}")

    def tombstone(self, job_id: str) -> str:
        """String, for a while: the job was deleted, and its id is not to be used again."""
        return self._key(f"tombstone:{job_id}")

    def retries(self, job_id: str) -> str:
        """List: `after through pairs`, the stretch of the failures sequence that each retry has taken up."""
        return self._key(f"retries:{job_id}")

    def checks(self, job_id: str) -> str:
        """Hash: readings of the job's hidden checks, by `kind:number`."""
        return self._key(f"checks:{job_id}")

    def pace(self, job_id: str) -> str:
        """String, short-lived: how many pairs had ended, at two moments not long ago."""
        return self._key(f"pace:{job_id}")

    def sequence(self, name: str) -> str:
        """Stream: what of a sequence is not archived yet."""
        return self._key(name)

    def segments(self, name: str) -> str:
        """Sorted set: the archived segments of a sequence, by the milliseconds of their last position."""
        return self._key(f"segments:{name}")

    @property
    def garbage(self) -> str:
        """Set: files of the archive that belong to no sequence any more."""
        return self._key("garbage")

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
        """The shard that an id (or a reference key) belongs to, for ever; the pairs `<job>.<number>` to their job's."""
        return self._keys[crc32(name.partition(".")[0].encode()) % len(self._keys)]
