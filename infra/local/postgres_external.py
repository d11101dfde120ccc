"""A PostgreSQL server of the user's own, named by `DATABASE_URL`."""

from __future__ import annotations

from urllib.parse import urlsplit

import asyncpg

from schemas.errors import ConfigurationError, InfrastructureError

MINIMUM = 15


async def check_database(url: str) -> None:
    """Make sure the database can be used: it answers, is version 15 or later, and has the vector extension.

    Creates the extension if the server offers it. Raises `InfrastructureError` if it is away, `ConfigurationError` if
    it cannot work; neither message contains the password.
    """
    try:
        connection = await asyncpg.connect(url, timeout=10)
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise ConfigurationError(f"DATABASE_URL: {shown(url)} refuses the login: {error}") from error
    except asyncpg.InvalidCatalogNameError as error:
        raise ConfigurationError(f"DATABASE_URL: {error}; create it first") from error
    except (ValueError, asyncpg.ClientConfigurationError) as error:
        raise ConfigurationError(f"DATABASE_URL is not a PostgreSQL address: {error}") from error
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        reason = str(error) or type(error).__name__
        raise InfrastructureError(f"DATABASE_URL: {shown(url)} does not answer: {reason}") from error
    try:
        await _check(connection, shown(url))
    finally:
        await connection.close()


async def _check(connection: asyncpg.Connection, name: str) -> None:
    version = connection.get_server_version()
    if version.major < MINIMUM:
        raise ConfigurationError(f"DATABASE_URL: {name} is PostgreSQL {version.major}, at least {MINIMUM} is needed")
    if await connection.fetchval("SELECT 1 FROM pg_extension WHERE extname = 'vector'"):
        return
    if not await connection.fetchval("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        raise ConfigurationError(f"DATABASE_URL: {name} has no pgvector extension; install pgvector on the server")
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    except asyncpg.InsufficientPrivilegeError as error:
        raise ConfigurationError(
            f"DATABASE_URL: this role may not create the vector extension in {name}; run CREATE EXTENSION vector once"
        ) from error


def shown(url: str) -> str:
    """The address without user and password."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the given address"
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"
