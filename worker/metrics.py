"""What a worker tells Prometheus; every label comes from a closed set, or is bounded (`worker.bias`).

docs/metrics.md has the rates that can be made of it.
"""

from prometheus_client import Counter, Gauge, Histogram

_CALL_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)

JUDGMENTS = Counter(
    "worker_judgments_total",
    "Claims by how they ended: decided, tie, inconsistent, failed, superseded (another worker was first), retried, "
    "returned (handed back without a failed attempt), lost (lease), canceled",
    ["outcome"],
)
for _outcome in ("decided", "tie", "inconsistent", "failed"):
    JUDGMENTS.labels(_outcome)  # from the start, so that nothing judged is a zero and not a gap
JUDGMENT_SECONDS = Histogram(
    "worker_judgment_seconds", "From claim to stored judgment; judged pairs only", buckets=_CALL_SECONDS
)
JUDGMENTS_IN_FLIGHT = Gauge("worker_judgments_in_flight", "Claims held")
CLAIM_AGE_SECONDS = Histogram(
    "worker_claim_age_seconds",
    "From acceptance to claim",
    buckets=(0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 120.0, 600.0, 3600.0, 21_600.0),
)
RETRIES = Counter("worker_retries_total", "Pairs put off to a later attempt, by the reason", ["code"])
FAILURES = Counter("worker_failures_total", "Pairs failed for good, by the reason", ["code"])
RECLAIMED = Counter("worker_reclaimed_total", "Claims taken over from workers that went silent")

OUTCOMES = ("decided", "tie", "inconsistent", "failed", "identical")
SLOTS = ("first", "second", "neither")
WINNERS = ("longer", "shorter")
_KIND = ("model", "preset", "principle")  # of judging; a principle is `default`, a digest of its text, or `other`
PAIRS = Counter(
    "worker_pairs_total",
    "Pairs that this worker ended, by outcome: decided, tie, inconsistent, failed, identical (answers, so nobody was "
    "asked). Checks, and results that came too late, are not counted",
    [*_KIND, "outcome"],
)
FLIPS = Counter("worker_flips_total", "Judged pairs with one order leaning to A and the other to B", _KIND)
READINGS = Counter(
    "worker_readings_total",
    "Verdicts after one critique, by what they chose: the answer shown first, second, or neither",
    [*_KIND, "chose"],
)
LENGTH_WINS = Counter(
    "worker_length_wins_total",
    "Decided pairs with answers of different length, by whether the one with more characters won: longer, shorter",
    [*_KIND, "winner"],
)
POSITION_BIAS_NATS = Histogram(
    "worker_position_bias_nats",
    "|position_bias| of judged pairs, where log-probabilities tell it",
    _KIND,
    buckets=(0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0),
)
CHECKS = Counter(
    "worker_checks_total",
    "Hidden checks of jobs by kind (gold, aa) and result (right, wrong, failed); repeats only where they failed",
    ["kind", "result"],
)
for _result in ("right", "wrong", "failed"):
    for _check in ("gold", "aa"):
        CHECKS.labels(_check, _result)

ENGINE_CALLS = Counter(
    "worker_engine_calls_total",
    "Engine calls by kind (prepare, generate, verdict) and outcome (ok, overloaded, unavailable, failed, canceled)",
    ["kind", "outcome"],
)
ENGINE_CALL_SECONDS = Histogram(
    "worker_engine_call_seconds", "Answered engine calls, waiting at the gate excluded", ["kind"], buckets=_CALL_SECONDS
)
ENGINE_CALLS_IN_FLIGHT = Gauge("worker_engine_calls_in_flight", "Generating engine calls sent and not answered")
CONCURRENCY_LIMIT = Gauge("worker_concurrency_limit", "Engine calls that may be in flight now")
ENGINE_UP = Gauge("worker_engine_up", "1 while the engine answers; 0 while claims are stopped because it does not")
STORE_OUTAGES = Counter("worker_store_unavailable_total", "Store calls that found Redis away or refusing writes")
