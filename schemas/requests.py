"""Requests: what clients asked for, written by the API alone. Named for what they ask; nothing here was decided."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.common import FilmPlan, StagePlan, Tier
from schemas.envelope import EPOCH, Record

OPERATORS = frozenset({"operator", "admin"})  # roles that may see and steer the tasks of others


class RequestInfo(Struct, frozen=True, kw_only=True):
    """Common part of every request. `request_id` is new per HTTP call; `task_id` is what it creates or concerns.

    `body_hash` (hex HMAC) tells a replay from another body under one Idempotency-Key; decided after `valid_until` it
    counts as expired and charges nothing. `key_id` is the credential that signed the call. `asked_by` is the account that
    asks where that is not the one concerned, `asked_as` the role its credential has. `retry_of` is the task that this work
    repeats by hand. `reuse_hash` (hex HMAC under the account's key) tells work whose result is the same: prompt, parameters,
    seed, engine, revisions of the characters; "" where no seed was given.
    """

    request_id: str = ""
    task_id: str = ""
    body_hash: str = ""
    valid_until: datetime = EPOCH
    key_id: str = ""
    asked_by: str = ""
    asked_as: str = ""
    retry_of: str = ""
    reuse_hash: str = ""


class Request(Record, frozen=True, kw_only=True):
    """Base of all requests."""

    request: RequestInfo = RequestInfo()


class UserRegistrationRequested(Request, frozen=True, kw_only=True):
    """Create the account `envelope.account_id`; its credential lives in the keystore under `new_key_id`."""

    tier: Tier = Tier.NORMAL
    role: str = "member"
    new_key_id: str = ""


class QuotaLimitRequested(Request, frozen=True, kw_only=True):
    """An administrator sets one daily limit of the account: resource "images" or "videos"."""

    resource: str = ""
    limit: int = 0


class ImageRequested(Request, frozen=True, kw_only=True):
    """`count` pictures; one stage each. Sizes in pixels."""

    stages: list[StagePlan] = []
    width: int = 0
    height: int = 0
    character_ids: list[str] = []
    project: str = ""
    deadline: datetime | None = None
    sealed: bytes = b""  # parameters as asked, for showing them again


class VideoRequested(Request, frozen=True, kw_only=True):
    """A film: either `plan` is complete, or `script` is the stage that will make the plan."""

    plan: FilmPlan | None = None
    script: StagePlan | None = None
    width: int = 0
    height: int = 0
    fps: int = 24
    character_ids: list[str] = []
    storyboard_id: str = ""
    project: str = ""
    deadline: datetime | None = None
    sealed: bytes = b""


class AudioRequested(Request, frozen=True, kw_only=True):
    """Speech, a music bed or ambience; one stage."""

    stages: list[StagePlan] = []
    project: str = ""
    deadline: datetime | None = None
    sealed: bytes = b""


class StoryboardRequested(Request, frozen=True, kw_only=True):
    """Turn a script into the storyboard `storyboard_id`; one stage."""

    stages: list[StagePlan] = []
    storyboard_id: str = ""
    character_ids: list[str] = []
    project: str = ""
    deadline: datetime | None = None
    sealed: bytes = b""


class CharacterSubmitted(Request, frozen=True, kw_only=True):
    """Make the character `character_id` from its photos; `sealed` holds name, description, metadata and photo keys.

    `revises`: the character is there and ready, and these photos make its next revision.
    """

    stages: list[StagePlan] = []
    character_id: str = ""
    photo_count: int = 0
    sealed: bytes = b""
    revises: bool = False


class VerificationRequested(Request, frozen=True, kw_only=True):
    """Tell whether a photo shows a character, the only one of `character_ids`; `sealed` holds the photo's key."""

    stages: list[StagePlan] = []
    character_ids: list[str] = []
    sealed: bytes = b""


class AssetSubmitted(Request, frozen=True, kw_only=True):
    """A file the account uploaded; already decoded safely and stored. `sealed` holds its key and file name."""

    asset_id: str = ""
    sha256: str = ""
    size: int = 0
    content_type: str = ""
    width: int = 0
    height: int = 0
    sealed: bytes = b""


class WebhookSubmitted(Request, frozen=True, kw_only=True):
    """Send events to an address: those named in `events`, or the ends of tasks. `sealed` holds URL and description; the
    signing secret is derived from the account's key and `secret_id`.
    """

    webhook_id: str = ""
    secret_id: str = ""
    events: list[str] = []
    sealed: bytes = b""


class WebhookRotationRequested(Request, frozen=True, kw_only=True):
    """Sign with the secret `secret_id` from now on; idempotent."""

    webhook_id: str = ""
    secret_id: str = ""


class WebhookRemovalRequested(Request, frozen=True, kw_only=True):
    """Send nothing more to the webhook; idempotent."""

    webhook_id: str = ""


class AccountErasureRequested(Request, frozen=True, kw_only=True):
    """Erase the account `envelope.account_id` for good; `operator` is the person who asks. Idempotent."""

    operator: str = ""
    reason: str = ""


class CharacterErasureRequested(Request, frozen=True, kw_only=True):
    """Consent to the character was withdrawn: nothing more is made from it, photos and vectors go; idempotent."""

    character_id: str = ""


class CancellationRequested(Request, frozen=True, kw_only=True):
    """Stop the task `request.task_id`; idempotent."""


class HoldRequested(Request, frozen=True, kw_only=True):
    """Give no further stage of the task `request.task_id` to a device; idempotent."""


class ReleaseRequested(Request, frozen=True, kw_only=True):
    """Let the held task `request.task_id` go on; idempotent."""


AnyRequest = (
    UserRegistrationRequested
    | QuotaLimitRequested
    | ImageRequested
    | VideoRequested
    | AudioRequested
    | StoryboardRequested
    | CharacterSubmitted
    | VerificationRequested
    | AssetSubmitted
    | WebhookSubmitted
    | WebhookRotationRequested
    | WebhookRemovalRequested
    | AccountErasureRequested
    | CharacterErasureRequested
    | CancellationRequested
    | HoldRequested
    | ReleaseRequested
)

WorkRequest = (
    ImageRequested | VideoRequested | AudioRequested | StoryboardRequested | CharacterSubmitted | VerificationRequested
)
