"""Prometheus metrics of one API process; task figures count what its tail saw since it started."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LATENCY = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_PROCESSING = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800)


class Metrics:
    """Names begin with `storyreel_`. A registry of its own, so that two applications in one process never mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.requests = Counter("storyreel_http_requests", "HTTP requests", ["method", "route", "status"], registry=r)
        self.latency = Histogram(
            "storyreel_http_request_seconds", "Time to the answer", ["route"], buckets=_LATENCY, registry=r
        )
        self.decisions = Counter("storyreel_decisions", "Decisions by outcome", ["outcome"], registry=r)
        self.tasks = Counter("storyreel_tasks", "Accepted tasks", ["kind"], registry=r)
        self.completed = Counter("storyreel_tasks_completed", "Tasks that completed", ["kind"], registry=r)
        self.failed = Counter("storyreel_tasks_failed", "Tasks that failed or expired", ["kind"], registry=r)
        self.cancelled = Counter("storyreel_tasks_cancelled", "Tasks stopped on request", ["kind"], registry=r)
        self.processing = Histogram(
            "storyreel_task_processing_seconds",
            "From the first stage's start to the end",
            ["kind"],
            buckets=_PROCESSING,
            registry=r,
        )
        self.streams = Gauge("storyreel_sse_clients", "Open event streams", registry=r)
        self.tail_lag = Gauge("storyreel_tail_lag_records", "Offsets the tail has not taken yet", registry=r)
        self.tail_poison = Gauge("storyreel_tail_poison_records", "Records the tail could not read", registry=r)
        self.read_model_lag = Gauge(
            "storyreel_read_model_lag_records", "Task events the read model has not stored yet", registry=r
        )
        self.drift = Gauge(
            "storyreel_projection_drift_rows",
            "Rows that a check by sample found not to be what the log says",
            registry=r,
        )

    def render(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)
