"""The application: routes, guards, error map, description. Everything it uses comes in as `Deps`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from litestar import Litestar, Router, get
from litestar.di import Provide
from litestar.response import Redirect
from litestar.static_files import create_static_files_router

from api.auth import authenticated
from api.context import MAX_JSON, PREFIX
from api.controllers import (
    account,
    assets,
    characters,
    endpoints,
    engines,
    erasing,
    generate,
    health,
    holding,
    likeness,
    retrying,
    stream,
    tasks,
    webhooks,
)
from api.deps import Deps
from api.errors import EXCEPTION_HANDLERS
from api.observe import Observe
from api.openapi import STATIC, add_bodies, openapi_config

SWAGGER = Path(__file__).parent / "static" / "swagger"


def create_app(deps: Deps) -> Litestar:
    """The whole HTTP edge over the given parts; it owns none of them and stops none of them."""

    def provide() -> Deps:
        return deps

    app = Litestar(
        route_handlers=[
            _protected(deps),
            Router(PREFIX, route_handlers=[health.live, health.ready]),
            health.live,
            health.ready,
            health.metrics,
            assets.get_object,
            Router(PREFIX, route_handlers=[stream.stream_socket]),
            docs,
            create_static_files_router(STATIC, directories=[SWAGGER], include_in_schema=False),
        ],
        dependencies={"deps": Provide(provide, sync_to_thread=False)},
        exception_handlers=EXCEPTION_HANDLERS,
        openapi_config=openapi_config(_version()),
        request_max_body_size=MAX_JSON,
        logging_config=None,
    )
    add_bodies(app)
    app.asgi_handler = Observe(app.asgi_handler, deps.metrics)
    return app


@get("/docs", include_in_schema=False)
async def docs() -> Redirect:
    """The description's page."""
    return Redirect("/schema")


def _protected(deps: Deps) -> Router:
    """Everything that needs a credential."""
    return Router(
        PREFIX,
        guards=[authenticated(deps.keystore)],
        route_handlers=[
            generate.generate_images,
            generate.generate_video,
            generate.generate_audio,
            generate.generate_storyboard,
            characters.submit_character,
            characters.list_characters,
            characters.get_character,
            erasing.erase_character,
            likeness.revise_character,
            likeness.similar_characters,
            likeness.verify_character,
            characters.get_storyboard,
            tasks.list_tasks,
            tasks.get_task,
            tasks.get_task_events,
            tasks.stream_task,
            stream.stream_account,
            tasks.cancel_task,
            holding.hold_task,
            holding.release_task,
            retrying.retry_task,
            assets.upload_asset,
            assets.get_asset,
            endpoints.create_webhook,
            endpoints.list_webhooks,
            endpoints.get_webhook,
            endpoints.rotate_secret,
            endpoints.remove_webhook,
            webhooks.get_callback_secret,
            webhooks.list_deliveries,
            webhooks.redeliver,
            webhooks.deliver_event,
            account.get_usage,
            engines.list_engines,
            account.create_user,
        ],
    )


def _version() -> str:
    try:
        return version("storyreel")
    except PackageNotFoundError:
        return "0"
