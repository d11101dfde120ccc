"""Failures of a command that the agent finds itself, in the words of the render child."""

from __future__ import annotations

import logging

from gpu_agents import disk
from gpu_agents.child.protocol import Failed

log = logging.getLogger(__name__)


def cancelled_failure(key: str) -> Failed:
    """The task was cancelled before there was a result."""
    return Failed(
        job_id=key, error_type="RenderCancelled", code="cancelled", detail="the task was cancelled", cancelled=True
    )


def disk_failure(key: str, error: OSError) -> Failed:
    """The device's disk does not take the working files; another attempt may find room, or another device."""
    log.error("the working files of %s cannot be written: %s", key, error)
    code, detail = disk.UNUSABLE, "the device cannot write its working files"
    if disk.is_full(error):
        code, detail = disk.FULL, "the device's disk is full"
    return Failed(job_id=key, error_type="ResourceUnavailable", code=code, detail=detail, retryable=True)
