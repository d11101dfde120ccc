"""How long a render may take before the agent ends it."""

from __future__ import annotations

import math

from msgspec import Struct

from gpu_agents.child.protocol import Failed

MIN_RENDER_LIMIT = 600.0  # seconds; estimates are made before anything was measured, and machines are shared
ESTIMATE_FACTOR = 20.0


class RenderLimit(Struct, frozen=True):
    """The longer of `least` seconds and `factor` times the engine's estimate."""

    least: float = MIN_RENDER_LIMIT
    factor: float = ESTIMATE_FACTOR

    def seconds(self, estimated: float) -> float:
        """The limit of a render that was estimated to take so many seconds."""
        return max(self.least, self.factor * estimated)


def timed_out(job_id: str, limit: float) -> Failed:
    """What is reported of a render that was ended after `limit` seconds."""
    detail = f"the render was ended after {math.ceil(limit)} s, far longer than estimated"
    return Failed(job_id=job_id, code="render_timeout", detail=detail, retryable=True)
