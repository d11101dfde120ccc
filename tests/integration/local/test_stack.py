"""The local stack with real servers: what survives, what is cleaned up, and as whom it runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from infra.kafka_admin import describe
from infra.local import ports
from infra.local.lifecycle import StackError
from infra.local.locks import try_exclusive
from infra.local.postgres import Postgres, binaries
from infra.local.postgres_external import check_database
from infra.local.postgres_user import Identity, choose_identity
from infra.local.stack import LocalStack, StackOptions
from infra.local.state import kill_stale, read_state
from infra.local.supervisor import Supervisor
from schemas.errors import ConfigurationError, InfrastructureError
from tests.integration.local.helpers import Topic, execute, fetch_value, mentioning, pid_of, ready_again, until, write

TOPIC = Topic("kept")
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that other users may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="storyreel-test-") as made:
        Path(made).chmod(0o711)
        yield Path(made) / "data"


async def test_data_survive_a_stop_a_crash_and_taken_ports(folder: Path) -> None:
    options = StackOptions(topics=[TOPIC])
    async with LocalStack(folder, options=options) as stack:
        await write(stack.settings.kafka, TOPIC.name, b"one")
        await execute(stack.settings.database_url, "CREATE TABLE films AS SELECT 7 AS number, '[1,2]'::vector AS v")
        kafka = pid_of(stack, "kafka")
        os.kill(kafka, signal.SIGKILL)
        await until(lambda: ready_again(stack, "kafka", kafka))
        await write(stack.settings.kafka, TOPIC.name, b"two")
        before = dict(stack.state.ports)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert mentioning(str(folder)) == []
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", before["kafka"]))
        squatter.listen()
        async with LocalStack(folder, options=options) as stack:
            after = stack.state.ports
            assert after["kafka"] != before["kafka"]
            assert after["postgres"] == before["postgres"]
            [topic] = await describe(stack.settings.kafka, [TOPIC.name])
            assert topic.partitions[0].end == 2
            assert await fetch_value(stack.settings.database_url, "SELECT number FROM films") == 7
    assert mentioning(str(folder)) == []


KILLED = """
import asyncio, sys
from pathlib import Path
from infra.local.stack import LocalStack
async def main():
    async with LocalStack(Path(sys.argv[1])) as stack:
        print("ready", flush=True)
        await stack.watch()
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal exists on Linux only")
async def test_kill_9_of_the_stack_leaves_nothing_and_the_lock_is_free(folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(StackError, match=rf"in use by another stack \(process {process.pid}\)"):
            await LocalStack(folder).start()
        state = read_state(LocalStack(folder).paths)
        servers = [record.find() for record in state.processes]
        assert [record.name for record in state.processes] == ["kafka", "postgres", "registry"]
        process.kill()
    await until(lambda: not any(server and server.is_running() and _alive(server) for server in servers), 5)
    await until(lambda: not [c for c in mentioning(str(folder)) if "postgres" in c[0]], 5)
    assert kill_stale(state) == []
    taken = try_exclusive(folder / "stack.lock")
    assert taken is not None
    taken.close()


async def test_secrets_are_for_the_owner_only(stack: LocalStack) -> None:
    secrets = stack.paths.secrets
    assert secrets.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in secrets.iterdir()}
    assert {"postgres.password", "settings.json"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    password = (secrets / "postgres.password").read_text()
    assert password in stack.settings.database_url
    assert password not in stack.paths.state.read_text()


async def test_postgres_insists_on_the_password(stack: LocalStack) -> None:
    url = stack.settings.database_url
    wrong = url.replace((stack.paths.secrets / "postgres.password").read_text(), "wrong")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(wrong)
    with pytest.raises(ConfigurationError, match="refuses the login"):
        await check_database(wrong)


async def test_a_database_of_the_users_own(database: str) -> None:
    await check_database(database)
    with pytest.raises(ConfigurationError, match="does not exist"):
        await check_database(database + "x")
    with pytest.raises(InfrastructureError, match="does not answer"):
        await check_database(f"postgresql://me:secret@127.0.0.1:{ports.choose()}/x")


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs PostgreSQL as itself")
async def test_root_hands_postgres_to_nobody(folder: Path) -> None:
    folder.mkdir(mode=0o711)
    home = folder / "postgres"
    home.mkdir(mode=0o700)
    identity = choose_identity(binaries() / "postgres", home)
    assert identity.prefix == ()
    assert await _user_of_server(folder, home, identity) == "nobody"


@pytest.mark.skipif(not AS_ROOT, reason="an ordinary user runs PostgreSQL as itself")
async def test_where_nobody_cannot_go_postgres_runs_in_a_user_namespace(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    home = folder / "postgres"
    home.mkdir(mode=0o700)
    identity = choose_identity(binaries() / "postgres", home)
    assert identity.prefix[0] == "unshare"
    assert await _user_of_server(folder, home, identity) == "root"


async def _user_of_server(folder: Path, home: Path, identity: Identity) -> str:
    server = Postgres(home, folder / "password", identity, ports.choose())
    supervisor = Supervisor([server.spec()], folder)
    await supervisor.start()
    try:
        assert await fetch_value(server.url, "SELECT extname FROM pg_extension WHERE extname = 'vector'") == "vector"
        pid = supervisor.records()[0].pid
        return psutil.Process(pid).username()
    finally:
        await supervisor.stop()
        assert mentioning(str(home)) == []


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
