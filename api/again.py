"""What was asked once, asked again: the body as it is sealed in the task, checked and planned as if it came in now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from pydantic import TypeAdapter

from api.bodies.audio import AudioBody
from api.bodies.check import parse_body
from api.bodies.images import ImageBody
from api.bodies.scripts import StoryboardBody
from api.bodies.users import CharacterBody
from api.bodies.videos import VideoBody
from api.deps import Deps
from api.errors import ApiError
from api.orders import audio_order, image_order, storyboard_order, verification_order, video_order
from api.planning.call import Call, seed_for
from api.planning.entities import character_request
from api.sealing import AccountSeal
from projections.folds.task_rows import TaskRow
from schemas.common import TaskKind
from schemas.requests import WorkRequest

_TIME: TypeAdapter[datetime] = TypeAdapter(datetime)


async def order_again(row: TaskRow, call: Call, seal: AccountSeal, deps: Deps) -> WorkRequest:
    """The request for the work of a task once more. Raises `ApiError` 400 for what is no longer possible."""
    match row.kind:
        case TaskKind.IMAGE:
            return await image_order(parse_body(ImageBody, _asked(row, seal, deps), deps.now()), call, seal, deps)
        case TaskKind.VIDEO:
            return await video_order(parse_body(VideoBody, _asked(row, seal, deps), deps.now()), call, seal, deps)
        case TaskKind.AUDIO:
            return await audio_order(parse_body(AudioBody, _asked(row, seal, deps), deps.now()), call, seal, deps)
        case TaskKind.STORYBOARD:
            body = parse_body(StoryboardBody, _asked(row, seal, deps), deps.now())
            return await storyboard_order(body, call, seal, deps)
        case TaskKind.CHARACTER:
            profile = seal.open(row.sealed, "profile")
            keys = profile.pop("photo_keys")
            known = await deps.reads.character(row.account_id, row.entity_id)
            revises = known is not None and known.status == "ready"
            again = CharacterBody(**profile)
            return character_request(again, call, seal, keys, character_id=row.entity_id, revises=revises)
        case TaskKind.VERIFICATION:
            asked = seal.open(row.sealed, "request")
            return await verification_order(asked["character_id"], asked["photo_key"], call, seal, deps)
        case TaskKind.UNKNOWN:
            raise ApiError("not_retryable")


def _asked(row: TaskRow, seal: AccountSeal, deps: Deps) -> bytes:
    """The JSON body, with the seed that was drawn for it then and without a deadline that has passed."""
    data: dict[str, Any] = {
        name: value for name, value in seal.open(row.sealed, "request").items() if value is not None
    }
    if row.kind in (TaskKind.IMAGE, TaskKind.VIDEO) or "mood" in data:
        data.setdefault("seed", seed_for(row.task_id))
    if "deadline" in data and _TIME.validate_python(data["deadline"]) <= deps.now():
        del data["deadline"]
    return msgspec.json.encode(data)
