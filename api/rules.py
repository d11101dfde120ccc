"""Words for broken field rules. A rule is stable and machine readable; the words follow the reader's language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from api.language import Language
from schemas.common import FieldError


class BadField(Struct, frozen=True):
    """One bad field: its path in the body ("scenes[2].prompt"), the rule it broke, the rule's figures."""

    field: str
    rule: str
    params: Mapping[str, Any] = {}


RULES: dict[str, tuple[str, str]] = {
    "required": ("is required", "必填"),
    "unknown_field": ("is not a known field", "未知字段"),
    "min_length": ("must have at least {limit} characters", "至少需要 {limit} 个字符"),
    "max_length": ("must have at most {limit} characters", "最多 {limit} 个字符"),
    "min_items": ("must have at least {limit} entries", "至少需要 {limit} 项"),
    "max_items": ("must have at most {limit} entries", "最多 {limit} 项"),
    "minimum": ("must be at least {limit}", "不得小于 {limit}"),
    "maximum": ("must be at most {limit}", "不得大于 {limit}"),
    "multiple_of": ("must be a multiple of {limit}", "必须是 {limit} 的倍数"),
    "type": ("must be {expected}", "类型必须是{expected_zh}"),
    "one_of": ("must be one of {expected}", "必须是以下之一：{expected}"),
    "pattern": ("must match {pattern}", "必须符合 {pattern}"),
    "not_blank": ("must not be blank", "不得为空白"),
    "control_characters": ("must not hold control characters", "不得包含控制字符"),
    "resolution": (
        'must be "WIDTHxHEIGHT", each {low}-{high} and a multiple of {step}',
        '必须形如 "宽x高"，各为 {low}-{high} 且是 {step} 的倍数',
    ),
    "date_time": ("must be an RFC 3339 time with a time zone", "必须是带时区的 RFC 3339 时间"),
    "future": ("must lie in the future", "必须是将来的时间"),
    "exactly_one": ("exactly one of {fields} must be given", "必须且只能提供其中之一：{fields}"),
    "only_with": ("only makes sense together with {other}", "只能与 {other} 一起使用"),
    "unique": ("must be unique", "不得重复"),
    "engine": ("must be an installed {kind} engine: {expected}", "必须是已安装的引擎：{expected}"),
    "stills_only": (
        "enlarges the stills of a film; the engine {engine} makes clips of them first",
        "只能放大静态画面；引擎 {engine} 会先把画面变成视频片段",
    ),
    "nothing_to_gain": (
        "the account's films may not be larger than {most}, so {resolution} leaves nothing to enlarge",
        "该账户的视频最大为 {most}，{resolution} 已没有放大的余地",
    ),
    "engine_unready": (
        "the engine {engine} is ready on no device: {reason}",
        "没有设备能够运行引擎 {engine}：{reason}",
    ),
    "own_asset": ("must be an asset of yours", "必须是您自己的素材"),
    "own_character": ("must be a character of yours", "必须是您自己的角色"),
    "character_ready": ("the character is not ready yet", "角色尚未就绪"),
    "character_face": ("the character has no vector to compare with", "该角色没有可比较的面部特征"),
    "character_failed": ("the character's photos could not be used", "该角色的照片无法使用"),
    "own_storyboard": ("must be a finished storyboard of yours", "必须是您自己的已完成分镜"),
    "max_bytes": ("must have at most {limit} bytes", "最多 {limit} 字节"),
    "json_object": ("must be a JSON object", "必须是 JSON 对象"),
    "file": ("must be an uploaded file", "必须是上传的文件"),
    "picture": ("is not a usable picture: {reason}", "不是可用的图片：{reason}"),
    "webhook_url": ("must be a URL that may be called: it {reason}", "必须是允许回调的公网 https 地址（{reason}）"),
    "issued": ("must be the id of an event that this account got", "必须是此账户收到过的事件编号"),
    "id": ("must be an id", "必须是有效的标识符"),
    "cursor": ("must be a cursor that a list gave out", "必须是列表返回的游标"),
    "invalid": ("is not valid", "不合规"),
}
_TYPES_ZH = {
    "a string": "字符串",
    "an integer": "整数",
    "a number": "数字",
    "true or false": "布尔值",
    "a list": "列表",
    "an object": "对象",
}


def describe(bad: BadField, language: Language) -> str:
    """The rule in words, with its figures."""
    english, chinese = RULES.get(bad.rule, RULES["invalid"])
    params = dict(bad.params)
    if "expected" in params:
        params["expected_zh"] = _TYPES_ZH.get(str(params["expected"]), str(params["expected"]))
    return (chinese if language == "zh" else english).format_map(params)


def field_errors(bad: Sequence[BadField], language: Language) -> list[FieldError]:
    """The `errors` member of a problem."""
    return [FieldError(field=b.field, rule=b.rule, message=describe(b, language)) for b in bad]


def summary(errors: Sequence[FieldError], language: Language) -> str:
    """One sentence that names every bad field."""
    joined = "；" if language == "zh" else "; "
    return joined.join(f"{e.field or 'body'}: {e.message}" for e in errors)
