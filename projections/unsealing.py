"""Results opened with the keys of the keystore, for the search vectors."""

from __future__ import annotations

import logging
from typing import Any

from infra.keystore import KeyErasedError, KeyMissingError, SqliteKeystore, unseal_json
from projections.writers import Unseal
from schemas.errors import ContractError
from schemas.purposes import aad

log = logging.getLogger(__name__)


def keystore_unseal(keystore: SqliteKeystore) -> Unseal:
    """Opens results with the account's key; None when the key is erased, missing here, or does not fit."""

    def unseal(account_id: str, sealed: bytes) -> dict[str, Any] | None:
        try:
            return unseal_json(keystore.account_key(account_id), sealed, aad(account_id, "result"))
        except KeyErasedError:
            return None
        except (KeyMissingError, ContractError) as error:
            log.warning("a result of account %s stays sealed: %s", account_id, error)
            return None

    return unseal
