"""A hub of models over HTTP: the files of one commit. What goes wrong there becomes an error that says what to do."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from schemas.errors import ConfigurationError, InfrastructureError


class Hub:
    """A hub at the address `endpoint`, as huggingface.co or a mirror of it. Raises `ConfigurationError` without its client."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint.rstrip("/")
        self._client = _client()

    def files(self, repository: str, revision: str) -> list[str]:
        """Paths of all files of a commit. Raises `InfrastructureError` when the hub does not tell them."""
        with self._explained(repository, revision):
            names: list[str] = self._client.HfApi(endpoint=self.endpoint).list_repo_files(repository, revision=revision)
            return names

    def fetch(self, repository: str, revision: str, names: Sequence[str], folder: Path) -> None:
        """Files of a commit into `folder`, with bars of progress on a terminal; goes on where an earlier call was cut.

        Raises `InfrastructureError` unless all of them are there in the end.
        """
        patterns = [glob.escape(name) for name in names]
        with self._explained(repository, revision):
            self._client.snapshot_download(
                repository, revision=revision, local_dir=str(folder), allow_patterns=patterns, endpoint=self.endpoint
            )
        lacking = [name for name in names if not (folder / name).is_file()]
        if lacking:  # the client takes a hub that fails between two questions for one that is away, and keeps quiet
            raise InfrastructureError(
                f"{self.endpoint} gave {len(names) - len(lacking)} of {len(names)} files of {repository}; run it again"
            )

    @contextmanager
    def _explained(self, repository: str, revision: str) -> Iterator[None]:
        errors = self._client.errors
        try:
            yield
        except errors.GatedRepoError as error:
            raise InfrastructureError(
                f"{self.endpoint} gives {repository} only to accounts that accepted its licence there: accept it at"
                f" {self.endpoint}/{repository} and set HF_TOKEN to a token of that account"
            ) from error
        except errors.RepositoryNotFoundError as error:
            raise InfrastructureError(
                f"{self.endpoint} has no repository {repository}, or shows it to certain accounts only (HF_TOKEN)"
            ) from error
        except errors.RevisionNotFoundError as error:
            raise InfrastructureError(f"{self.endpoint} has no commit {revision} of {repository}") from error
        except errors.HFValidationError as error:
            raise ConfigurationError(f"hub: {_first_line(error)}") from error
        except (OSError, httpx.HTTPError) as error:
            raise InfrastructureError(
                f"{repository} was not fetched from {self.endpoint}: {_first_line(error)}; what is here already is kept:"
                " run it again"
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


def _client() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError as error:
        raise ConfigurationError(
            "huggingface_hub is not installed; install storyreel[gpu] (make install-gpu)"
        ) from error
    return huggingface_hub
