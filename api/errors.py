"""From any exception to one `application/problem+json` answer (RFC 9457) that also has the owner's `error` and `type`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from api.language import Language
from api.problems import code_of_status, kind_of
from api.rules import BadField, field_errors, summary
from api.trace import language_of, trace_id_of
from infra.keystore import KeyErasedError
from projections.postgres import is_absent, is_transient
from schemas.common import FieldError, Problem
from schemas.errors import InfrastructureError, StoryreelError

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class ApiError(StoryreelError):
    """An answer other than success. `code` is a key of `api.problems.PROBLEMS`; `detail` "" means its title.

    `bad` are bad fields found here, `errors` those that came with a decision; `headers` go into the answer, and
    `members` are further members of the problem (such as `task_id`).
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        bad: Sequence[BadField] = (),
        errors: Sequence[FieldError] = (),
        class_name: str = "",
        headers: dict[str, str] | None = None,
        members: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(detail or code)
        self.code = code
        self.detail = detail
        self.bad = tuple(bad)
        self.errors = tuple(errors)
        self.class_name = class_name
        self.headers = headers or {}
        self.members = members or {}


def invalid(*bad: BadField) -> ApiError:
    """A 400 that names every bad field."""
    return ApiError("validation_failed", bad=bad)


def unavailable(detail: str, *, retry_after: int = 2, **members: Any) -> ApiError:
    """A 503 with Retry-After in seconds; nothing was half accepted."""
    return ApiError("service_unavailable", detail, headers={"Retry-After": str(retry_after)}, members=members)


def from_problem(problem: Problem) -> ApiError:
    """The problem of a rejected request as an answer."""
    return ApiError(problem.code, problem.detail, errors=problem.errors, class_name=problem.type)


def problem_body(error: ApiError, language: Language, trace_id: str) -> dict[str, Any]:
    """The members of the answer: the owner's `error` and `type`, those of RFC 9457, and ours."""
    kind = kind_of(error.code, error.class_name)
    errors = [*field_errors(error.bad, language), *error.errors]
    title = kind.title(language)
    detail = summary(errors, language) if error.bad else error.detail or title
    message = f"{title}：{detail}" if language == "zh" and detail != title else detail
    return {
        "error": message,
        "type": error.class_name or kind.type,
        "title": title,
        "status": kind.status,
        "detail": detail,
        "code": error.code,
        "retryable": kind.retryable,
        "trace_id": trace_id,
        "errors": [msgspec.to_builtins(e) for e in errors],
        **error.members,
    }


def to_api_error(error: Exception) -> ApiError:
    """Every exception has exactly one answer; what is unexpected is logged with its traceback and told as 500."""
    match error:
        case ApiError():
            return error
        case HTTPException(status_code=status, headers=headers) if status < 500:
            return ApiError(code_of_status(status), headers={**(headers or {})})
        case KeyErasedError():
            return ApiError("account_erased")
        case InfrastructureError():
            log.warning("infrastructure: %s", error)
            return unavailable("a part of the service is away")
        case _ if is_transient(error):
            log.warning("the database is away: %r", error)
            return unavailable("the database is away")
        case _ if is_absent(error):
            log.warning("the read models are not there: %s", error)
            return unavailable("the read model is being made again")
        case _:
            log.error("unexpected error", exc_info=error)
            return ApiError("internal")


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[dict[str, Any]]:
    """The exception handler of the application."""
    api_error = to_api_error(error)
    body = problem_body(api_error, language_of(request.scope), trace_id_of(request.scope))
    headers = {"Content-Language": language_of(request.scope), **api_error.headers}
    return Response(body, status_code=int(body["status"]), media_type=MEDIA_TYPE, headers=headers)


EXCEPTION_HANDLERS: ExceptionHandlersMap = {Exception: handle, HTTPException: handle}
