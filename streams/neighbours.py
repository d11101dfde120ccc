"""Dead members on this host: their session need not run out, because the host can see that they are gone."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from pathlib import Path
from typing import Any

import psutil
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest

log = logging.getLogger(__name__)
_LOOK_EVERY = 1.0  # seconds
_MARK = "coordinator"


def identity() -> str:
    """The Kafka client id of this process: host, process namespace and pid."""
    return f"{_MARK}@{_host()}/{os.getpid()}"


def is_dead_here(client_id: str) -> bool:
    """Whether this is the client id of a process of this very host that no longer runs."""
    name, _, pid = client_id.rpartition("/")
    if name != f"{_MARK}@{_host()}" or not pid.isdecimal():
        return False
    try:
        return bool(psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def evict_dead(bootstrap: str, group: str) -> None:
    """Take dead members of this host out of the group, again and again.

    A dead member would keep the group waiting for its session time-out. Nothing depends on it: a broker that is away
    is asked again, and other hosts' members are left to their sessions.
    """
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        while True:
            try:
                await _look(admin, group)
            except (KafkaError, OSError) as error:
                log.info("the members of the group are unknown for now: %r", error)
            await asyncio.sleep(_LOOK_EVERY)
    finally:
        await admin.close()


async def _look(admin: Any, group: str) -> None:
    node = await admin.find_coordinator(group)
    (answer,) = await admin.describe_consumer_groups([group], group_coordinator_id=node)
    for description in answer.groups:
        for member_id, client_id, *_ in description[5]:
            if is_dead_here(client_id):
                await admin._send_request(LeaveGroupRequest(group, member_id), node)  # noqa: SLF001 - no public call
                log.warning("coordinator %s is dead: it was taken out of the group", client_id)


def _host() -> str:
    boot, namespace = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    host = boot.read_text().strip() if boot.exists() else socket.gethostname()
    return f"{host}/{namespace.readlink()}" if namespace.exists() else host
