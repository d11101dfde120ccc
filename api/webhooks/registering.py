"""The check of a URL at the moment a client names it; the attempt to call it checks once more."""

from __future__ import annotations

import asyncio
import logging

from api.errors import invalid
from api.rules import BadField
from api.webhooks.transport import ForbiddenAddressError, Resolve, checked_addresses, resolve
from api.webhooks.urls import UrlError, parse_target
from infra.settings import Settings

log = logging.getLogger(__name__)
PATIENCE = 0.5  # seconds for the name; work is not kept waiting for a name server


async def check_webhook_url(settings: Settings, field: str, url: str | None, look_up: Resolve = resolve) -> None:
    """Raises `ApiError` 400 that names `field` for a URL that may not be called.

    A name that does not resolve now may do so when its time comes, so it is accepted.
    """
    if url is None:
        return
    try:
        target = parse_target(url, allow_private=settings.webhook_allow_private)
        async with asyncio.timeout(PATIENCE):
            await checked_addresses(target.host, target.port, look_up, allow_private=settings.webhook_allow_private)
    except (UrlError, ForbiddenAddressError) as error:
        reason = str(error) if isinstance(error, UrlError) else "stands for an address of a network of its own"
        raise invalid(BadField(field, "webhook_url", {"reason": reason})) from error
    except OSError as error:
        log.info("the host of a webhook does not resolve yet: %r", error)
