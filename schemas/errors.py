"""The one error tree of storyreel: every expected failure is a `StoryreelError` with a stable code."""

from __future__ import annotations


class StoryreelError(Exception):
    """Root of every error the product raises on purpose.

    `code` is stable and machine readable, `retryable` tells whether the same call may succeed later.
    """

    code = "internal"
    retryable = False


class ContractError(StoryreelError):
    """Bytes or records that break the contract of a topic (framing, schema, size)."""

    code = "contract"


class ConfigurationError(StoryreelError):
    """A setting, file or environment that cannot work; the message names it and the rule."""

    code = "configuration"


class InfrastructureError(StoryreelError):
    """A broker, database, registry or store that is away; the same call may work later."""

    code = "infrastructure"
    retryable = True


class StoreError(InfrastructureError):
    """The object store failed or holds something else than what was recorded."""

    code = "store"


class ObjectMissingError(StoreError):
    """No object under the key."""

    code = "object_missing"
    retryable = False


class RenderError(StoryreelError):
    """A stage could not be rendered. `retryable` decides whether another attempt is worth it."""

    code = "render_failed"

    def __init__(self, message: str, *, code: str = "render_failed", retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.retryable = retryable


class RenderCancelledError(StoryreelError):
    """The render was told to stop; raised by engines from `RenderContext.check_cancelled`."""

    code = "cancelled"
