"""The one table of everything the API can answer that is not success: code → class name, HTTP status, words."""

from __future__ import annotations

from msgspec import Struct

from api.language import Language


class ProblemKind(Struct, frozen=True):
    """`type` is the class name of the owner's error shape; `retryable`: the same call may succeed later."""

    type: str
    status: int
    en: str
    zh: str
    retryable: bool = False

    def title(self, language: Language) -> str:
        """What kind of problem this is, the same words for every occurrence."""
        return self.zh if language == "zh" else self.en


PROBLEMS: dict[str, ProblemKind] = {
    "validation_failed": ProblemKind("ValidationFailed", 400, "The request has bad fields", "请求中有不合规的字段"),
    "malformed_body": ProblemKind("MalformedBody", 400, "The body cannot be parsed", "无法解析请求体"),
    "bad_request": ProblemKind("BadRequest", 400, "The request is malformed", "请求格式不正确"),
    "quota_exceeded": ProblemKind("QuotaExceeded", 400, "The daily quota is used up", "今日配额已用完"),
    "limit_exceeded": ProblemKind("LimitExceeded", 400, "The account's limits do not allow this", "超出账户的使用上限"),
    "unauthenticated": ProblemKind("Unauthenticated", 401, "A valid API key is needed", "需要有效的 API 密钥"),
    "account_erased": ProblemKind("AccountErased", 401, "The account was erased", "该账户已被删除"),
    "forbidden": ProblemKind("Forbidden", 403, "Your role does not allow this", "当前角色无权执行此操作"),
    "bad_signature": ProblemKind("Forbidden", 403, "The link is not valid or has expired", "链接无效或已过期"),
    "not_found": ProblemKind("NotFound", 404, "Nothing is here under this name", "找不到所请求的对象"),
    "method_not_allowed": ProblemKind("MethodNotAllowed", 405, "This method is not allowed here", "此处不允许该方法"),
    "not_retryable": ProblemKind(
        "NotRetryable",
        409,
        "Only a failed, expired or cancelled task can be retried",
        "只有失败、过期或已取消的任务才能重试",
    ),
    "payload_too_large": ProblemKind("PayloadTooLarge", 413, "The body is too large", "请求体过大"),
    "unsupported_media_type": ProblemKind(
        "UnsupportedMediaType", 415, "This content type is not accepted here", "不接受该内容类型"
    ),
    "range_not_satisfiable": ProblemKind(
        "RangeNotSatisfiable", 416, "The range lies outside the object", "请求的范围超出对象大小"
    ),
    "idempotency_key_reuse": ProblemKind(
        "IdempotencyKeyReuse", 422, "The Idempotency-Key was used with another request", "该幂等键已用于另一请求"
    ),
    "rate_limited": ProblemKind("RateLimited", 429, "Too many requests", "请求过于频繁", retryable=True),
    "internal": ProblemKind("InternalError", 500, "Something went wrong on our side", "服务器内部错误"),
    "service_unavailable": ProblemKind(
        "ServiceUnavailable", 503, "A part of the service is away", "服务的一部分暂时不可用", retryable=True
    ),
    "decision_unknown": ProblemKind(
        "DecisionUnknown", 503, "The request was not decided in time", "请求未能及时得到裁定", retryable=True
    ),
    "request_expired": ProblemKind(
        "RequestExpired",
        503,
        "The request was decided too late and has no effect",
        "请求裁定过晚，未生效",
        retryable=True,
    ),
    "resource_unavailable": ProblemKind(
        "ResourceUnavailable", 503, "No device took the work in time", "没有可用的设备", retryable=True
    ),
}
_BY_TYPE = {kind.type: kind for kind in reversed(PROBLEMS.values())}
_BY_STATUS = {400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found"} | {
    kind.status: code for code, kind in PROBLEMS.items() if kind.status in (405, 413, 415, 416, 429)
}


def kind_of(code: str, class_name: str = "") -> ProblemKind:
    """The entry of a code; a code made elsewhere falls back to its class name, then to a plain bad request."""
    return PROBLEMS.get(code) or _BY_TYPE.get(class_name) or PROBLEMS["bad_request"]


def code_of_status(status: int) -> str:
    """The code that stands for a bare HTTP status raised by the framework."""
    if status >= 500:
        return "service_unavailable" if status == 503 else "internal"
    return _BY_STATUS.get(status, "bad_request")
