"""The registry and our own check agree about what breaks a reader, and the registry takes the whole history."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx

from infra.registry import load_codec
from infra.settings import Settings
from schemas.evolution import full_transitive_breaks
from schemas.history import HISTORY_DIR, versions

BASE: dict[str, Any] = {
    "type": "record",
    "name": "Thing",
    "namespace": "storyreel",
    "fields": [
        {"name": "count", "type": "long", "default": 0},
        {
            "name": "colour",
            "type": {"type": "enum", "name": "Colour", "symbols": ["unknown", "red"], "default": "unknown"},
        },
        {"name": "maybe", "type": ["null", "string"], "default": None},
        {"name": "parts", "type": {"type": "array", "items": "string"}, "default": []},
    ],
}


def changed(name: str, **fields: Any) -> dict[str, Any]:
    """The base with one field changed, added, or taken away when nothing is given for it."""
    kept: list[dict[str, Any]] = [dict(f) for f in BASE["fields"] if fields or f["name"] != name]
    if fields and all(f["name"] != name for f in kept):
        kept.append({"name": name})
    return {**BASE, "fields": [f | fields if f["name"] == name else f for f in kept]}


CHANGES = {
    "added with a default": changed("more", type="string", default=""),
    "added without": changed("more", type="string"),
    "taken away": changed("count"),
    "narrower": changed("count", type="int"),
    "wider": changed("count", type="double", default=0.0),
    "another type": changed("count", type="string", default=""),
    "optional": changed("count", type=["null", "long"], default=None),
    "no longer optional": changed("maybe", type="string", default=""),
    "another symbol": changed(
        "colour", type={"type": "enum", "name": "Colour", "symbols": ["unknown", "red", "blue"], "default": "unknown"}
    ),
    "a symbol less and no default": changed("colour", type={"type": "enum", "name": "Colour", "symbols": ["unknown"]}),
    "other items": changed("parts", type={"type": "array", "items": "long"}),
}


async def test_the_registry_says_the_same(kafka_settings: Settings) -> None:
    await load_codec(kafka_settings)
    subject = f"changes-{uuid.uuid4()}"
    async with httpx.AsyncClient(base_url=kafka_settings.registry_url, trust_env=False, timeout=20) as client:

        async def post(path: str, schema: Any) -> Any:
            text = schema if isinstance(schema, str) else json.dumps(schema)
            answer = await client.post(path, json={"schema": text, "schemaType": "AVRO"})
            assert answer.status_code == 200, answer.text
            return answer.json()

        await post(f"/subjects/{subject}/versions", BASE)
        check = f"/compatibility/subjects/{subject}/versions/latest"
        theirs = {name: (await post(check, schema))["is_compatible"] for name, schema in CHANGES.items()}
        ours = {name: not full_transitive_breaks({"old": BASE, "new": schema}) for name, schema in CHANGES.items()}
        assert ours == theirs
        assert 0 < sum(ours.values()) < len(ours)

        for path in sorted(HISTORY_DIR.iterdir()):
            released = versions(path.name)
            for version in released if len(released) > 1 else []:
                await post(f"/subjects/{subject}-{path.name}/versions", version.text)
