"""Composition root of an agent: `python -m gpu_agents --device cpu-0`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import uvloop
from msgspec.structs import replace

from gpu_agents.child.targets import parse_targets
from gpu_agents.engines import registry
from gpu_agents.models.offers import with_models
from gpu_agents.models.registry import VARIABLE, load_registry
from gpu_agents.worker.agent import Agent, Profile
from gpu_agents.worker.decoding import Decoder
from gpu_agents.worker.delivery import Delivery
from gpu_agents.worker.device import Device, child_environment, memory_of, parse_device
from gpu_agents.worker.execution import Tools
from gpu_agents.worker.figures import ModelFigures
from gpu_agents.worker.publisher import Publisher
from gpu_agents.worker.render_child import RenderChild
from gpu_agents.worker.sealing import Envelopes
from infra.keystore import open_keystore
from infra.lives import LifeFile
from infra.object_store import WatchedObjectStore, create_object_store
from infra.ready import mark_ready
from infra.registry import load_codec
from infra.settings import Settings
from infra.telemetry import configure_logging
from infra.troubles import TroubleFile
from schemas.entities import EngineInfo
from schemas.errors import ConfigurationError, StoryreelError

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_PROBLEM = 500  # characters
MAX_NEEDS = 10  # texts of an engine about what it needs
PROBE_TIMEOUT = 300.0  # seconds; the first setup of an engine may read gigabytes of weights


def main() -> None:
    """Read the command line and the environment, then serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m gpu_agents", description="Serve one device.")
    parser.add_argument("--device", required=True, help="cpu-N, cuda-N, or HOST-cpu-N where hosts share a cluster")
    parser.add_argument("--offer", action="append", default=[], metavar="NAME", help="offer only this engine")
    parser.add_argument("--engine", action="append", default=[], metavar="NAME=MODULE:CLASS", help="one not installed")
    parser.add_argument("--metrics-port", type=int, default=0, metavar="N", help="serve Prometheus metrics; 0 = do not")
    options = parser.parse_args()
    settings = Settings.from_env(os.environ)
    configure_logging(settings.log_level)
    os.nice(settings.device_nice)
    try:
        device = parse_device(options.device)
        uvloop.run(serve(device, settings, os.environ, options.offer, options.engine, options.metrics_port))
    except StoryreelError as error:
        log.critical("%s: %s", error.code, error)
        raise SystemExit(1) from error


async def serve(
    device: Device,
    settings: Settings,
    environ: Mapping[str, str],
    offered: Sequence[str],
    engines: Sequence[str],
    metrics_port: int = 0,
) -> None:
    """Put the agent together and run it. Raises `ConfigurationError` when the device can render nothing."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    keystore = open_keystore(settings, environ)
    try:
        # agents sign no URLs, so they hold no signing key
        troubles = TroubleFile(environ)
        store = WatchedObjectStore(
            create_object_store(settings, secrets.token_bytes(32)), lambda why: troubles.tell("store", why)
        )
        codec = await load_codec(settings)
        envelopes = Envelopes(keystore)
        figures = ModelFigures(device.device_id, metrics_port)
        child = RenderChild(engines, child_environment(device, environ), on_model=figures.told)
        models = load_registry({VARIABLE: settings.models})
        names = offered or with_models({**registry.installed(), **parse_targets(engines)}, models)
        usable = await until(stop, usable_engines(child, names))
        if usable is None:
            await child.kill()
            return
        profile = Profile(device=device, memory_bytes=await memory_of(device), engines=usable)
        tools = Tools(
            child=child,
            publisher=Publisher(settings.kafka, codec, device.device_id),
            store=store,
            envelopes=envelopes,
            delivery=Delivery(store, envelopes),
            scratch=settings.data_dir / "scratch" / device.device_id,
            troubles=troubles,
        )
        decoder, life_file = Decoder(codec, settings), LifeFile(environ)
        await Agent(settings, profile, decoder, tools, lambda: mark_ready(environ), life_file).run(stop)
    finally:
        keystore.close()


async def until(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of `work`, or None as soon as `stop` is set."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        return None
    return working.result()


async def usable_engines(child: RenderChild, names: Sequence[str]) -> list[EngineInfo]:
    """The engines with why they cannot be set up on this device, if so. Raises `ConfigurationError` when none can be."""
    found = []
    for name in names:
        probed = await child.probe(name, PROBE_TIMEOUT)
        if probed.problem:
            log.warning("engine %s is not offered: %s", name, probed.problem)
        problem = probed.problem[:MAX_PROBLEM]
        told = EngineInfo(name=name, kind=probed.kind, version=probed.version, problem=problem)
        found.append(replace(told, package=probed.package, needs=probed.needs[:MAX_NEEDS]))
    if all(engine.problem for engine in found):
        raise ConfigurationError(f"none of the engines {', '.join(names) or '(none installed)'} can be used here")
    return found


if __name__ == "__main__":
    main()
