"""The render child as a real process: outcomes, crashes, cancellation and what dies with whom."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from gpu_agents.child.protocol import Done, Failed, Progressed, Render
from gpu_agents.worker.render_child import RenderChild
from schemas.specs import ShotSpec

HERE = "tests.unit.gpu_agents.engines"
ENGINES = [f"puppet={HERE}:PuppetEngine", f"heavy={HERE}:HeavyEngine", f"fatal={HERE}:FatalEngine"]


@pytest.fixture
async def child() -> AsyncIterator[RenderChild]:
    child = RenderChild(ENGINES, os.environ)
    yield child
    await child.kill()


def job(tmp_path: Path, prompt: str, job_id: str = "job", **more: object) -> Render:
    folder = tmp_path / job_id
    folder.mkdir(exist_ok=True)
    spec = ShotSpec(prompt=prompt, seed=5)
    return Render(job_id=job_id, engine="puppet", spec=spec, workdir=str(folder), **more)  # type: ignore[arg-type]


def nothing(progress: Progressed) -> None:
    return None


class Began:
    """Sets an event at the first progress of a job."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def __call__(self, _: Progressed) -> None:
        self.event.set()


async def gone(pids: list[int], within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def test_a_job_yields_files_with_hashes_progress_and_what_it_took(child: RenderChild, tmp_path: Path) -> None:
    seen: list[Progressed] = []
    (tmp_path / "still").write_text("a still")
    done = await child.render(job(tmp_path, "paint", inputs={"shot-01": str(tmp_path / "still")}), seen.append)
    assert isinstance(done, Done)
    [file] = done.files
    assert (file.role, file.size, file.width, file.height, file.duration_ms) == ("main", 6, 3, 0, 1500)
    assert Path(file.path).read_text() == "seed 5"
    assert file.sha256 == hashlib.sha256(b"seed 5").hexdigest()
    assert json.loads(done.result)["summary"] == {"inputs": {"shot-01": "a still"}}
    assert seen[-1].fraction == 1.0
    assert seen[0].step == 1
    assert done.usage.peak_memory_bytes > 5_000_000


async def test_engines_stay_set_up_between_jobs(child: RenderChild, tmp_path: Path) -> None:
    recipes = []
    for number in range(2):
        done = await child.render(job(tmp_path, "paint", f"job-{number}"), nothing)
        assert isinstance(done, Done)
        recipes.append(json.loads(done.result)["recipe"])
    assert recipes[0] == recipes[1]
    assert recipes[1]["setups"] == 1


async def test_memory_is_measured_a_job_each(child: RenderChild, tmp_path: Path) -> None:
    big = await child.render(job(tmp_path, f"memory {100 << 20}"), nothing)
    small = await child.render(job(tmp_path, "paint", "small"), nothing)
    assert isinstance(big, Done)
    assert isinstance(small, Done)
    assert big.usage.peak_memory_bytes - small.usage.peak_memory_bytes > 80 << 20


async def test_text_on_stdout_does_not_disturb_the_protocol(child: RenderChild, tmp_path: Path) -> None:
    assert isinstance(await child.render(job(tmp_path, "print hello"), nothing), Done)


@pytest.mark.parametrize(
    ("prompt", "code", "retryable"),
    [("refuse", "too_blue", False), ("bug secret", "engine_error", True), ("escape /tmp", "engine_output", False)],
)
async def test_failures_of_engines_are_told_and_leave_the_child_alive(
    child: RenderChild, tmp_path: Path, prompt: str, code: str, retryable: bool
) -> None:
    failed = await child.render(job(tmp_path, prompt), nothing)
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable, failed.cancelled) == (code, retryable, False)
    assert "secret" not in failed.detail
    pid = child.pid
    assert isinstance(await child.render(job(tmp_path, "paint", "next"), nothing), Done)
    assert child.pid == pid


@pytest.mark.parametrize(("prompt", "words"), [("exit 3", "exit code 3"), ("segfault", "SIGSEGV")])
async def test_a_crash_is_reported_and_the_child_replaced(
    child: RenderChild, tmp_path: Path, prompt: str, words: str
) -> None:
    failed = await child.render(job(tmp_path, prompt), nothing)
    assert isinstance(failed, Failed)
    assert (failed.code, failed.retryable) == ("child_crashed", True)
    assert words in failed.detail
    assert isinstance(await child.render(job(tmp_path, "paint", "next"), nothing), Done)


@pytest.mark.parametrize("prompt", ["until_cancelled", "until_told"])
async def test_cancel_stops_a_job_and_keeps_the_child(child: RenderChild, tmp_path: Path, prompt: str) -> None:
    began = Began()
    running = asyncio.create_task(child.render(job(tmp_path, prompt), began))
    await began.event.wait()
    pid = child.pid
    await child.cancel("another job")
    await child.cancel("job")
    failed = await asyncio.wait_for(running, 1.5)
    assert isinstance(failed, Failed)
    assert failed.cancelled
    assert isinstance(await child.render(job(tmp_path, "paint", "next"), nothing), Done)
    assert child.pid == pid


async def hanging(child: RenderChild, tmp_path: Path) -> tuple[asyncio.Task[Done | Failed], list[int]]:
    began, notes = Began(), tmp_path / "pids"
    running = asyncio.create_task(child.render(job(tmp_path, f"hang {notes}"), began))
    await began.event.wait()
    return running, [child.pid, *map(int, notes.read_text().split())]


async def test_a_job_that_does_not_stop_is_killed_with_all_it_started(child: RenderChild, tmp_path: Path) -> None:
    running, pids = await hanging(child, tmp_path)
    started = time.monotonic()
    await child.cancel("job")
    failed = await running
    assert isinstance(failed, Failed)
    assert failed.cancelled
    assert 1.9 <= time.monotonic() - started < 4
    assert await gone(pids)
    assert isinstance(await child.render(job(tmp_path, "paint", "next"), nothing), Done)


@pytest.mark.parametrize("victim", ["renderer", "awaiting task"])
async def test_grandchildren_die_with_the_child(child: RenderChild, tmp_path: Path, victim: str) -> None:
    running, pids = await hanging(child, tmp_path)
    if victim == "renderer":
        os.kill(child.pid, signal.SIGKILL)
        failed = await running
        assert isinstance(failed, Failed)
        assert "SIGKILL" in failed.detail
    else:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert await gone(pids)


AGENT = """
import asyncio, os, sys
from pathlib import Path
from gpu_agents.child.protocol import Render
from gpu_agents.worker.render_child import RenderChild
from schemas.specs import ShotSpec

async def main():
    child = RenderChild([sys.argv[1]], os.environ)
    spec = ShotSpec(prompt=f"hang {sys.argv[2]}/pids")
    job = Render(job_id="job", engine="puppet", spec=spec, workdir=sys.argv[2])
    await child.render(job, lambda progress: print(child.pid, flush=True))

asyncio.run(main())
"""


async def test_kill_9_of_the_agent_kills_the_child_and_all_it_started(tmp_path: Path) -> None:
    command = [sys.executable, "-c", AGENT, ENGINES[0], str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as agent:
        assert agent.stdout is not None
        pids = [int(await asyncio.to_thread(agent.stdout.readline)), *map(int, (tmp_path / "pids").read_text().split())]
        guard = psutil.Process(pids[0]).ppid()
        agent.kill()
    assert await gone([guard, *pids])


async def test_probe_tells_which_engines_work_here(child: RenderChild) -> None:
    good = await child.probe("puppet", 20)
    assert (good.kind, good.version, good.problem) == ("image", "7", "")
    assert "heavy.safetensors" in (await child.probe("heavy", 20)).problem
    assert "exit code 9" in (await child.probe("fatal", 20)).problem
    assert "not installed" in (await child.probe("nowhere", 20)).problem


async def test_an_engine_that_cannot_be_set_up_is_unavailable_not_broken(child: RenderChild, tmp_path: Path) -> None:
    wanted = Render(job_id="j", engine="heavy", spec=ShotSpec(prompt="x"), workdir=str(tmp_path))
    failed = await child.render(wanted, nothing)
    assert isinstance(failed, Failed)
    assert (failed.error_type, failed.code, failed.retryable) == ("ResourceUnavailable", "engine_unavailable", True)
