"""Private parts of commands and results, opened and closed with the account's key."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from infra.keystore import (
    DataKey,
    KeyErasedError,
    KeyMissingError,
    SqliteKeystore,
    seal,
    seal_json,
    unseal_spec,
)
from schemas.errors import ContractError, RenderError
from schemas.purposes import aad
from schemas.render import RenderCommand
from schemas.specs import Spec


class Envelopes:
    """Opens specs and closes results. A key is fetched anew each time, so that an erasure takes effect at once."""

    def __init__(self, keystore: SqliteKeystore) -> None:
        self._keystore = keystore

    def open_spec(self, command: RenderCommand) -> Spec:
        """The command's spec with the command's seed where it has one.

        Raises `RenderError` when the key is erased or missing or the ciphertext is not the account's.
        """
        account = command.envelope.account_id
        try:
            spec = unseal_spec(self._key(account), command.sealed, aad(account, "spec"))
        except ContractError as error:
            raise RenderError(f"the sealed spec cannot be opened: {error}", code="spec_unreadable") from error
        return with_seed(spec, command.seed)

    def seal_result(self, account: str, result: bytes) -> bytes:
        """Ciphertext of the JSON object {"recipe", "summary", "data"}. Raises `RenderError` like `open_spec`."""
        return seal_json(self._key(account), msgspec.json.decode(result), aad(account, "result"))

    def spec_sealer(self, account: str) -> Callable[[Spec], bytes]:
        """What seals the specs of a plan. Raises `RenderError` like `open_spec`."""
        key = self._key(account)
        return lambda spec: seal(key, spec, aad(account, "spec"))

    def _key(self, account: str) -> DataKey:
        try:
            return self._keystore.account_key(account)
        except KeyErasedError as error:
            raise RenderError("the account's key was erased", code="key_erased") from error
        except KeyMissingError as error:
            raise RenderError("the account has no key", code="key_missing") from error


def with_seed(spec: Spec, seed: int) -> Spec:
    """The spec under another seed, or as it is when its kind has none."""
    return msgspec.structs.replace(spec, seed=seed) if hasattr(spec, "seed") else spec
