"""What Prometheus reads from a keeper."""

from prometheus_client import Counter, Gauge

ACTIVE = Gauge("keeper_active", "1 where this keeper is the active one")
OPEN_JOBS = Gauge("keeper_open_jobs", "Jobs that have not ended")
READY_PAIRS = Gauge("keeper_ready_pairs", "Pairs of jobs that Redis holds ready for workers")
FED = Counter("keeper_fed_pairs", "Pairs put on ready lists by this process")
UNARCHIVED = Gauge("keeper_unarchived_entries", "Labels, results and failures that are not archived yet")
ARCHIVED = Counter("keeper_archived_entries", "Labels, results and failures moved to the archive by this process")
