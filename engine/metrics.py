"""The engine's Prometheus metrics: text-generation-inference's names, and ours for prefixes and the model's time."""

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_TOKENS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)


class Tally(Collector):
    """A counter exposed under exactly its name: TGI's counters do not end in `_total`, as the client library's must."""

    def __init__(self, name: str, documentation: str, *, registry: CollectorRegistry, label: str | None = None) -> None:
        self._name, self._documentation, self._label = name, documentation, label
        self._values: dict[str, float] = defaultdict(float)
        registry.register(self)

    def inc(self, amount: float = 1, *, value: str = "") -> None:
        """Count; `value` is that of the label, where the tally has one."""
        self._values[value] += amount

    def collect(self) -> Iterator[Metric]:
        """What Prometheus reads."""
        metric = Metric(self._name, self._documentation, "unknown")
        for value, amount in dict(self._values or {"": 0.0}).items():
            metric.add_sample(self._name, {self._label: value} if self._label else {}, amount)
        yield metric


class Metrics:
    """One set per server, in a registry of its own."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self.requests = Tally("tgi_request_count", "requests received", registry=registry)
        self.successes = Tally("tgi_request_success", "requests answered", registry=registry)
        self.failures = Tally("tgi_request_failure", "requests refused or failed", registry=registry, label="err")
        self.steps = Tally("tgi_batch_inference_count", "forward calls", registry=registry, label="method")
        self.prompt_tokens = Tally("engine_prompt_tokens", "tokens of prompts", registry=registry)
        self.reused_tokens = Tally("engine_prompt_reused_tokens", "of these, not computed again", registry=registry)
        self.duration = self._seconds("tgi_request_duration", "from the request to its answer")
        self.validation_duration = self._seconds("tgi_request_validation_duration", "until it was queued")
        self.queue_duration = self._seconds("tgi_request_queue_duration", "until its prompt was run")
        self.inference_duration = self._seconds("tgi_request_inference_duration", "from its prompt to its last token")
        self.token_duration = self._seconds("tgi_request_mean_time_per_token_duration", "inference per token")
        self.input_length = self._counts("tgi_request_input_length", "tokens of a prompt")
        self.max_new_tokens = self._counts("tgi_request_max_new_tokens", "tokens that a request may generate")
        self.generated_tokens = self._counts("tgi_request_generated_tokens", "tokens that it did generate")
        self.step_duration = self._steps("tgi_batch_inference_duration", "of a step, from waiting texts to new tokens")
        self.forward_duration = self._steps("tgi_batch_forward_duration", "of a step's forward call")
        self.busy_seconds = Tally(
            "engine_busy_seconds", "of the model thread, less waiting for work", registry=registry
        )
        self.queue_size = Gauge("tgi_queue_size", "requests waiting for the batch", registry=registry)
        self.batch_size = Gauge("tgi_batch_current_size", "rows in the batch", registry=registry)
        self.batch_tokens = Gauge("tgi_batch_current_max_tokens", "tokens the rows may come to", registry=registry)

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self._registry)

    def _seconds(self, name: str, documentation: str) -> Histogram:
        return Histogram(name, f"seconds {documentation}", buckets=_SECONDS, registry=self._registry)

    def _steps(self, name: str, documentation: str) -> Histogram:
        return Histogram(name, f"seconds {documentation}", ["method"], buckets=_SECONDS, registry=self._registry)

    def _counts(self, name: str, documentation: str) -> Histogram:
        return Histogram(name, documentation, buckets=_TOKENS, registry=self._registry)
