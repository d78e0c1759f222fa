"""What goes wrong and when: a pure function of the seed, so that a seed is all it takes to see a failure again."""

import random
from dataclasses import dataclass
from enum import StrEnum

LEASE = 1.5  # seconds, of the workers under test; some freezes are shorter and some longer
GATEWAYS, KEEPERS, WORKERS = ("gateway-1", "gateway-2"), ("keeper-1", "keeper-2"), ("worker-1", "worker-2")
CLIENTS = (*GATEWAYS, *KEEPERS, *WORKERS)  # of Redis, each behind a proxy of its own
EVERY = 1.0  # seconds from one event to the next, on average
QUIET = 0.5  # seconds at the start without faults, so that there is something to lose


class Kind(StrEnum):
    """What can go wrong."""

    KILL = "kill"  # kill -9, started again `seconds` later
    FREEZE = "freeze"  # SIGSTOP, SIGCONT `seconds` later
    RESTART = "restart"  # SIGTERM, and started again once it has ended
    CUT_TAIL = "cut-tail"  # Redis: kill -9, and its log loses `amount` of what was written in the last second
    DISK_FULL = "disk-full"  # of Redis, or of the spool
    OUT_OF_MEMORY = "out-of-memory"  # Redis reaches its maxmemory
    ENGINE = "engine"  # the engine behaves as `detail` says
    NETWORK = "network"  # between `target` and Redis, as `detail` says


class EngineFault(StrEnum):
    """How the engine can misbehave; `Event.amount` is the share of its calls."""

    SLOW = "slow"
    OVERLOADED = "overloaded"  # 429
    ERRORS = "errors"  # 500
    CUT = "cut"  # the answer breaks off
    GARBAGE = "garbage"  # 200, and no JSON of ours
    SILENT = "silent"  # no answer at all


class NetworkFault(StrEnum):
    """What can happen between a process and Redis; `Event.amount` is the share of replies that are lost."""

    LOST_REPLIES = "lost-replies"  # Redis did it, its answer never arrives
    STALL = "stall"  # nothing moves, nothing closes
    RESET = "reset"  # connections are reset, new ones too


@dataclass(frozen=True, slots=True)
class Event:
    """One fault: begins `at` seconds after the start and lasts `seconds`."""

    at: float
    kind: Kind
    target: str
    seconds: float
    amount: float = 0.0
    detail: str = ""

    def __str__(self) -> str:
        share = f" {self.amount:.0%}" if self.amount else ""
        return f"{self.at:5.2f} s  {self.kind} {self.target} {self.detail}{share} for {self.seconds:.2f} s"


# How often each kind comes, relative to the others.
_WEIGHTS = {
    Kind.KILL: 5,
    Kind.FREEZE: 4,
    Kind.RESTART: 2,
    Kind.CUT_TAIL: 2,
    Kind.DISK_FULL: 2,
    Kind.OUT_OF_MEMORY: 1,
    Kind.ENGINE: 4,
    Kind.NETWORK: 5,
}
_LONGEST = {
    Kind.KILL: 1.5,
    Kind.FREEZE: 2.5 * LEASE,
    Kind.RESTART: 0.5,
    Kind.CUT_TAIL: 1.0,
    Kind.DISK_FULL: 2.5,
    Kind.OUT_OF_MEMORY: 2.0,
    Kind.ENGINE: 3.0,
    Kind.NETWORK: 2.5,
}


def schedule(seed: int, seconds: float) -> tuple[Event, ...]:
    """The events of a seed, in order of time; all of them are over after `seconds`."""
    chance = random.Random(seed)
    kinds, weights = list(_WEIGHTS), list(_WEIGHTS.values())
    count = max(1, round((seconds - QUIET) / EVERY))
    events = []
    for kind in chance.choices(kinds, weights, k=count):
        at = chance.uniform(QUIET, max(QUIET, seconds - 1.0))
        lasts = min(chance.uniform(0.1, _LONGEST[kind]), seconds - at)
        events.append(_event(chance, kind, at=round(at, 3), seconds=round(max(0.0, lasts), 3)))
    return tuple(sorted(events, key=lambda event: event.at))


def _event(chance: random.Random, kind: Kind, *, at: float, seconds: float) -> Event:
    match kind:
        case Kind.KILL:
            target = chance.choice((*CLIENTS, "redis", "engine"))
            return Event(at, kind, target, seconds)
        case Kind.FREEZE:
            return Event(at, kind, chance.choice((*CLIENTS, "redis")), seconds)
        case Kind.RESTART:
            return Event(at, kind, chance.choice(CLIENTS), seconds)
        case Kind.CUT_TAIL:
            return Event(at, kind, "redis", seconds, amount=round(chance.random(), 3))
        case Kind.DISK_FULL:
            return Event(at, kind, chance.choice(("redis", "spool")), seconds)
        case Kind.OUT_OF_MEMORY:
            return Event(at, kind, "redis", seconds)
        case Kind.ENGINE:
            fault = chance.choice(list(EngineFault))
            return Event(at, kind, "engine", seconds, amount=round(chance.uniform(0.1, 0.6), 2), detail=fault)
        case Kind.NETWORK:
            trouble = chance.choice(list(NetworkFault))
            share = round(chance.uniform(0.02, 0.3), 2) if trouble is NetworkFault.LOST_REPLIES else 0.0
            return Event(at, kind, chance.choice((*CLIENTS, "all")), seconds, amount=share, detail=trouble)
