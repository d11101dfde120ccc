"""What Prometheus learns of the models in a device's memory; served by the agent, since only it knows."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from gpu_agents.child.protocol import ModelTold
from schemas.errors import ConfigurationError

LOAD_SECONDS = (0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320)


class ModelFigures:
    """Loads, evictions and hits by model, bytes in memory by device. `port` 0 serves nothing; else on the loopback address.

    Raises `ConfigurationError` when the port is taken.
    """

    def __init__(self, device_id: str, port: int = 0, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._device = device_id
        names = ["device", "model"]
        self._counts = {
            "loaded": Counter("storyreel_model_loads", "Models loaded", names, registry=self.registry),
            "evicted": Counter("storyreel_model_evictions", "Models dropped for room", names, registry=self.registry),
            "hit": Counter("storyreel_model_hits", "Models found in memory", names, registry=self.registry),
        }
        self._seconds = Histogram(
            "storyreel_model_load_seconds", "Time to load a model", names, registry=self.registry, buckets=LOAD_SECONDS
        )
        self._bytes = Gauge("storyreel_model_bytes", "What models take of a device", ["device"], registry=self.registry)
        self._bytes.labels(device_id).set(0)
        if port:
            try:
                start_http_server(port, addr="127.0.0.1", registry=self.registry)
            except OSError as error:
                raise ConfigurationError(f"--metrics-port {port}: {error}") from error

    def told(self, event: ModelTold) -> None:
        """Count what the render child told."""
        if (counter := self._counts.get(event.kind)) is not None:
            counter.labels(self._device, event.model).inc()
        if event.kind == "loaded":
            self._seconds.labels(self._device, event.model).observe(event.seconds)
        self._bytes.labels(self._device).set(event.held)
