"""`storyreel user`: accounts of the running stack."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any, Literal

import httpx
from cyclopts import App

from infra.cli.options import DATA, DataOption, JsonOption, ReasonOption
from infra.cli.target import target_settings
from infra.operators import record_act
from infra.settings import Settings
from schemas.errors import ConfigurationError, InfrastructureError, StoryreelError

app = App(name="user", help="Accounts of the running stack.")
OPERATOR_KEY = "operator.key"
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104  addresses to listen on, not to call


class RefusedError(StoryreelError):
    """The API answered that it will not do this."""

    code = "refused"


@app.command
def create(
    *,
    tier: Literal["vip", "normal", "free"] = "normal",
    reason: ReasonOption = "",
    data: DataOption = DATA,
    as_json: JsonOption = False,
) -> None:
    """Create an account and print its API key, which is shown only this once."""
    settings = target_settings(data)
    answer = create_user(settings, tier)
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        sys.stdout.write(f"user_id  {answer['user_id']}\napi_key  {answer['api_key']}\n")
    made = {"subject": answer["user_id"], "account_id": answer["user_id"], "detail": f"tier {tier}"}
    asyncio.run(record_act(settings, "user create", reason=reason, **made))


def create_user(settings: Settings, tier: str) -> dict[str, Any]:
    """Ask the API for a new account; returns `user_id` and `api_key`.

    Raises `ConfigurationError` without an operator key, `InfrastructureError` if the API is away, `RefusedError` with
    its explanation if it refuses.
    """
    key_file = settings.secrets_dir / OPERATOR_KEY
    if not key_file.exists():
        raise ConfigurationError(f"{key_file} is missing: the API writes it at its first start")
    headers = {"Authorization": f"Bearer {key_file.read_text().strip()}"}
    host = "127.0.0.1" if settings.api_host in _EVERYWHERE else settings.api_host
    url = f"http://{host}:{settings.api_port}/api/v1/users"
    try:
        response = httpx.post(url, json={"tier": tier}, headers=headers, timeout=15, trust_env=False)
    except httpx.TransportError as error:
        raise InfrastructureError(f"the API at {settings.base_url} does not answer: {error!r}") from error
    if response.status_code != httpx.codes.CREATED:
        raise RefusedError(f"the API answered {response.status_code}: {_detail(response)}")
    answer = response.json()
    return {"user_id": answer["user_id"], "api_key": answer["api_key"]}


def _detail(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return response.text[:200]
    return str(body.get("detail") or body.get("title") or body) if isinstance(body, dict) else str(body)
