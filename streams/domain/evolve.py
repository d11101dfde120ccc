"""The fold: state and one event give the next state. It never refuses: an impossible event is a bug and raises."""

from __future__ import annotations

from immutables import Map
from msgspec.structs import replace

from schemas.decisions import RequestDecided
from schemas.entities import (
    AccountErased,
    AssetRegistered,
    CharacterErased,
    CharacterFailed,
    CharacterReady,
    CharacterRegistered,
    DeviceChanged,
    DeviceStatus,
    StoryboardDrafted,
    UserRegistered,
    WebhookRegistered,
    WebhookRemoved,
    WebhookSecretRotated,
)
from schemas.envelope import LedgerRecord
from schemas.quotas import QuotaCommitted, QuotaLimitChanged, QuotaReleased, QuotaReserved
from schemas.render import CancelCommand, LeaseGranted, LeaseRevoked, RenderCommand
from schemas.tasks import TaskEvent
from streams.domain import evolve_tasks, memory, quota, reuse, webhooks
from streams.domain.policy import Policy
from streams.domain.state import AccountState, CharacterState, DeviceState, Remembered, ShardState

NO_STATE = (RequestDecided, StoryboardDrafted, RenderCommand, CancelCommand, LeaseGranted, LeaseRevoked)


def evolve(state: ShardState, event: LedgerRecord, policy: Policy) -> ShardState:
    """Fold one event of the ledger."""
    match event:
        case TaskEvent():
            at = event.envelope.occurred_at
            state = memory.forget(evolve_tasks.evolve(state, event, policy), at, policy)
            return reuse.forget(state, at, policy)
        case QuotaReserved() | QuotaCommitted() | QuotaReleased() | QuotaLimitChanged():
            return quota.evolve(state, event)
        case UserRegistered():
            return _user_registered(state, event)
        case AccountErased():
            account = replace(state.accounts[event.envelope.account_id], erased=True)
            return replace(state, accounts=state.accounts.set(account.account_id, account))
        case CharacterRegistered():
            character = state.characters.get(event.character_id, CharacterState(account_id=event.envelope.account_id))
            return replace(state, characters=state.characters.set(event.character_id, character))
        case CharacterReady():
            character = replace(state.characters[event.character_id], ready=True, revision=event.revision)
            return replace(state, characters=state.characters.set(event.character_id, character))
        case CharacterFailed():
            return _character_failed(state, event)
        case CharacterErased():
            character = CharacterState(account_id=event.envelope.account_id, erased=True)
            return replace(state, characters=state.characters.set(event.character_id, character))
        case AssetRegistered():
            seen = Remembered(account_id=event.envelope.account_id, body_hash=event.body_hash, status="completed")
            return memory.remember(state, event.asset_id, seen, event.envelope.occurred_at)
        case WebhookRegistered() | WebhookSecretRotated() | WebhookRemoved():
            return webhooks.evolve(state, event)
        case DeviceChanged():
            return _device_changed(state, event)
        case _ if isinstance(event, NO_STATE):
            return state
        case _:
            raise TypeError(f"{type(event).__name__} is no event of the ledger")


def _user_registered(state: ShardState, event: UserRegistered) -> ShardState:
    account_id = event.envelope.account_id
    account = AccountState(account_id=account_id, tier=event.tier, role=event.role, limits=event.limits)
    return replace(state, accounts=state.accounts.set(account_id, account))


def _character_failed(state: ShardState, event: CharacterFailed) -> ShardState:
    """An erased character whose task ends later stays erased; one that is ready keeps its last revision."""
    character = state.characters.get(event.character_id)
    if character is None or character.erased or character.ready:
        return state
    return replace(state, characters=state.characters.delete(event.character_id))


def _device_changed(state: ShardState, event: DeviceChanged) -> ShardState:
    before = state.devices.get(event.device_id)
    orphans = state.orphans
    gone = state.engine_gone_at
    if before is not None:
        reason = event.reason or "the device started anew"
        for key in before.outstanding:
            orphans = orphans.set(key, reason)
        if event.status is not DeviceStatus.LIVE:
            for engine in before.engines:
                gone = gone.set(engine, event.envelope.occurred_at)
    ready = [engine for engine in event.engines if not engine.problem]
    engines = frozenset(engine.name for engine in ready)
    device = DeviceState(
        device_id=event.device_id,
        boot_id=event.boot_id,
        slot=event.slot,
        epoch=event.epoch,
        status=event.status,
        engines=engines,
        versions=Map({engine.name: engine.version for engine in ready}),
    )
    slots = state.slots
    if before is not None and slots.get(before.slot) == event.device_id:
        slots = slots.delete(before.slot)
    return replace(
        state,
        devices=state.devices.set(event.device_id, device),
        slots=slots.set(event.slot, event.device_id),
        epochs=state.epochs.set(event.slot, max(event.epoch, state.epochs.get(event.slot, 0))),
        orphans=orphans,
        engine_gone_at=gone,
    )
