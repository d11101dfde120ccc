"""Events about things that outlive tasks: accounts, characters, assets, storyboards, devices."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from schemas.common import Artifact, Limits, Problem, Tier
from schemas.envelope import LedgerRecord


class UserRegistered(LedgerRecord, frozen=True, kw_only=True):
    """An account exists; `key_id` names its first credential in the keystore."""

    tier: Tier = Tier.NORMAL
    role: str = "member"
    key_id: str = ""
    limits: Limits = Limits()


class AccountErased(LedgerRecord, frozen=True, kw_only=True):
    """The account is no more: its key is destroyed and its objects are deleted from now on. `operator` did it."""

    operator: str = ""
    reason: str = ""


class CharacterRegistered(LedgerRecord, frozen=True, kw_only=True):
    """A character was submitted; `task_id` computes its embedding."""

    character_id: str = ""
    task_id: str = ""
    photo_count: int = 0
    sealed: bytes = b""


class CharacterReady(LedgerRecord, frozen=True, kw_only=True):
    """Embedding and portrait of `revision` are there; `sealed` holds the vector, faces and consistency."""

    character_id: str = ""
    task_id: str = ""
    revision: int = 1
    artifacts: list[Artifact] = []
    sealed: bytes = b""


class CharacterFailed(LedgerRecord, frozen=True, kw_only=True):
    """The photos could not be used."""

    character_id: str = ""
    task_id: str = ""
    problem: Problem = Problem()


class CharacterErased(LedgerRecord, frozen=True, kw_only=True):
    """Consent was withdrawn, or the account erased: photos, portrait and vector are gone, what was made from them stays."""

    character_id: str = ""


class AssetRegistered(LedgerRecord, frozen=True, kw_only=True):
    """An upload belongs to the account; `sealed` holds its object key and file name."""

    asset_id: str = ""
    body_hash: str = ""
    sha256: str = ""
    size: int = 0
    content_type: str = ""
    width: int = 0
    height: int = 0
    sealed: bytes = b""


class WebhookRegistered(LedgerRecord, frozen=True, kw_only=True):
    """Events go to an address from now on; `sealed` holds URL and description, `secret_id` names the signing secret."""

    webhook_id: str = ""
    body_hash: str = ""
    secret_id: str = ""
    events: list[str] = []
    sealed: bytes = b""


class WebhookSecretRotated(LedgerRecord, frozen=True, kw_only=True):
    """The webhook's messages are signed with another secret, and for a day with the previous one too."""

    webhook_id: str = ""
    secret_id: str = ""
    previous_id: str = ""


class WebhookRemoved(LedgerRecord, frozen=True, kw_only=True):
    """Nothing is sent to the webhook any more."""

    webhook_id: str = ""


class StoryboardDrafted(LedgerRecord, frozen=True, kw_only=True):
    """A script engine wrote revision `revision` of the storyboard; `sealed` holds the draft."""

    storyboard_id: str = ""
    task_id: str = ""
    revision: int = 1
    shot_count: int = 0
    duration_ms: int = 0
    sealed: bytes = b""


class DeviceStatus(StrEnum):
    """Whether a device holds a live lease."""

    UNKNOWN = "unknown"
    LIVE = "live"
    LOST = "lost"
    LEFT = "left"


class EngineInfo(Struct, frozen=True, kw_only=True):
    """An engine of a device, as ENGINE or ENGINE/MODEL. `problem` says why it cannot run there, "" = it can."""

    name: str = ""
    kind: str = ""
    version: str = ""
    problem: str = ""
    package: str = ""
    needs: list[str] = []


class DeviceChanged(LedgerRecord, frozen=True, kw_only=True):
    """The whole state of a device after a change; the topic is compacted by device.

    `epoch` is the fencing token of the slot's lease and only grows; `boot_id` is the agent's start that holds it.
    """

    device_id: str = ""
    boot_id: str = ""
    slot: int = 0
    epoch: int = 0
    status: DeviceStatus = DeviceStatus.UNKNOWN
    kind: str = ""
    host: str = ""
    memory_bytes: int = 0
    engines: list[EngineInfo] = []
    reason: str = ""


AnyUserEvent = UserRegistered | AccountErased
AnyCharacterEvent = CharacterRegistered | CharacterReady | CharacterFailed | CharacterErased
AnyAssetEvent = AssetRegistered
AnyStoryboardEvent = StoryboardDrafted
AnyDeviceEvent = DeviceChanged
AnyWebhookEvent = WebhookRegistered | WebhookSecretRotated | WebhookRemoved
