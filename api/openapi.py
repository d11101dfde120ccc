"""The OpenAPI description: bodies that handlers check themselves are put in from their models; the page is served offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar import Litestar
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Parameter,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
    Tag,
)
from msgspec import Struct
from pydantic.json_schema import models_json_schema

from api.bodies.audio import AudioBody
from api.bodies.base import Body
from api.bodies.images import ImageBody
from api.bodies.scripts import StoryboardBody
from api.bodies.users import UserBody
from api.bodies.videos import VideoBody
from api.bodies.webhooks import WebhookBody
from schemas.common import FieldError

REF = "#/components/schemas/{model}"
JSON = "application/json"
MULTIPART = "multipart/form-data"
STATIC = "/docs/assets"
IDEMPOTENCY = {"Idempotency-Key": "1-255 printable characters; the same key and body give the first answer again"}
BODIES: tuple[type[Body], ...] = (ImageBody, VideoBody, AudioBody, StoryboardBody, UserBody, WebhookBody)
_FILE = {"type": "string", "format": "binary", "description": "PNG, JPEG or WebP, one frame, at most 20 MB and 25 MP"}
FORMS: dict[str, dict[str, Any]] = {
    "CharacterForm": {
        "type": "object",
        "required": ["photos", "name"],
        "properties": {
            "photos": {"type": "array", "minItems": 1, "maxItems": 10, "items": _FILE},
            "name": {"type": "string", "minLength": 1, "maxLength": 100},
            "description": {"type": "string", "maxLength": 2000},
            "metadata": {"type": "string", "description": "A JSON object"},
            "encoder": {"type": "string", "description": "A face engine", "default": "descriptor"},
        },
    },
    "RevisionForm": {
        "type": "object",
        "required": ["photos"],
        "properties": {"photos": {"type": "array", "minItems": 1, "maxItems": 10, "items": _FILE}},
    },
    "VerifyForm": {"type": "object", "required": ["photo"], "properties": {"photo": _FILE}},
    "AssetForm": {"type": "object", "required": ["file"], "properties": {"file": _FILE}},
}


class ProblemView(Struct, frozen=True, kw_only=True):
    """RFC 9457 with the owner's `error` and `type`; `errors` names every bad field."""

    error: str
    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    trace_id: str
    errors: list[FieldError]


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The problem answers of an operation, for its description."""
    return {status: ResponseSpec(ProblemView, description="A problem", generate_examples=False) for status in statuses}


def documented(body: str = "", *, media_type: str = JSON, headers: Mapping[str, str] | None = None) -> type[Operation]:
    """An operation whose body is the named schema and that reads these optional headers (name → description)."""
    content = {media_type: OpenAPIMediaType(schema=Reference(ref=REF.format(model=body)))}
    read = [
        Parameter(name=name, param_in="header", description=text, schema=Schema(type=OpenAPIType.STRING))
        for name, text in (headers or {}).items()
    ]

    @dataclass
    class Documented(Operation):
        def __post_init__(self) -> None:
            if body:
                self.request_body = RequestBody(required=True, content=content)
            self.parameters = [*(self.parameters or []), *read]

    return Documented


def openapi_config(version: str) -> OpenAPIConfig:
    """The description and its page; nothing is loaded from other hosts."""
    page = SwaggerRenderPlugin(
        js_url=f"{STATIC}/swagger-ui-bundle.js",
        css_url=f"{STATIC}/swagger-ui.css",
        standalone_preset_js_url=f"{STATIC}/swagger-ui-standalone-preset.js",
        favicon='<link rel="icon" href="data:,">',
    )
    return OpenAPIConfig(
        title="storyreel",
        version=version,
        description="Scripts, prompts and reference photos to pictures, sound and video. Work is accepted with 202 and "
        "followed by its task; errors are application/problem+json.",
        path="/schema",
        render_plugins=[page],
        tags=[
            Tag(name=name) for name in ("generate", "tasks", "characters", "assets", "webhooks", "account", "operation")
        ],
        security=[{"apiKey": []}],
        components=Components(security_schemes={"apiKey": SecurityScheme(type="http", scheme="bearer")}),
    )


def add_bodies(app: Litestar) -> None:
    """Put the schemas of hand-checked bodies into the description of a built application."""
    _, definitions = models_json_schema([(model, "validation") for model in BODIES], ref_template=REF)
    schemas: dict[str, Any] = app.openapi_schema.components.schemas
    schemas.update(definitions.get("$defs", {}))
    schemas.update(FORMS)
