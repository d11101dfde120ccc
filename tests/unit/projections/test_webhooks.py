from __future__ import annotations

import pytest

from projections.folds.webhooks import apply_webhook
from schemas.entities import WebhookRegistered, WebhookRemoved, WebhookSecretRotated
from schemas.errors import ContractError
from tests.unit.projections.ledger import Ledger


def test_a_webhook_is_made_gets_another_secret_and_goes() -> None:
    ledger = Ledger()
    made = ledger.stamp(WebhookRegistered(webhook_id="w", secret_id="s1", events=["*"], sealed=b"url"), "ann", "w")
    rotated = ledger.stamp(WebhookSecretRotated(webhook_id="w", secret_id="s2", previous_id="s1"), "ann", "w")
    removed = ledger.stamp(WebhookRemoved(webhook_id="w"), "ann", "w")
    row = apply_webhook(apply_webhook(None, made), rotated)
    assert (row.account_id, row.events, row.secret_id, row.previous_id) == ("ann", ["*"], "s2", "s1")
    assert (row.created_at, row.rotated_at) == (made.envelope.occurred_at, rotated.envelope.occurred_at)
    gone = apply_webhook(row, removed)
    assert (gone.removed, gone.sealed) == (True, b"")
    assert apply_webhook(gone, rotated) is gone
    with pytest.raises(ContractError, match="never registered"):
        apply_webhook(None, removed)
