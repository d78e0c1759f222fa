"""What Prometheus reads from a gateway; every label comes from a closed set, so no tenant or id can grow a series."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("service_requests", "HTTP requests answered", ("route", "method", "status"))
REQUEST_SECONDS = Histogram(
    "service_request_seconds",
    "Time to answer, waiting for a judgment included",
    ("route",),
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
ACCEPTED = Counter("service_accepted_pairs", "Pairs put on the queue by this process")
ACCEPTED_JOBS = Counter("service_accepted_jobs", "Uploads taken in by this process")
REFUSED = Counter("service_refused_requests", "Requests answered with a problem", ("code",))
WAITING_REQUESTS = Gauge("service_waiting_requests", "Requests held open until a judgment ends")
QUEUE_LENGTH = Gauge("service_queue_pairs", "Pairs in the work streams, of all gateways", ("lane",))
STORE_UP = Gauge("service_store_up", "1 where Redis answered this scrape")
DRAINING = Gauge("service_draining", "1 once the process has been told to stop")
