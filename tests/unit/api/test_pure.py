from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.exceptions import MethodNotAllowedException, NotFoundException

from api.cursor import decode_cursor, encode_cursor, parse_limit
from api.errors import ApiError, from_problem, invalid, problem_body, to_api_error
from api.gateway import settle
from api.lag import LagClock
from api.language import preferred_language, text_language
from api.live.sse import event_name, frame, resume_frame
from api.planning.call import task_id_for
from api.planning.entities import asset_id_of, asset_key
from api.problems import PROBLEMS
from api.ranges import parse_range
from api.rules import RULES, BadField
from api.uploads import clean_filename
from schemas.common import FieldError, Problem
from schemas.decisions import Outcome, RequestDecided
from schemas.errors import InfrastructureError, StoreError


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.5", "en"),
        ("fr, zh;q=0.3", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=0.2,en;q=0.9", "en"),
        ("zh;q=oops", "en"),
        (";;;,,,q", "en"),
    ],
)
def test_the_client_is_answered_in_its_language(header: str, language: str) -> None:
    assert preferred_language(header) == language


@given(st.text())
def test_any_language_header_gives_a_language(header: str) -> None:
    assert preferred_language(header) in {"zh", "en"}


def test_the_language_of_a_text_shows_in_its_letters() -> None:
    assert text_language("山上 a house") == "zh"
    assert text_language("a house") == "en"


zones = st.sampled_from([UTC, timezone(timedelta(hours=8))])


@given(st.datetimes(timezones=zones).filter(lambda at: at.year > 1), st.uuids())
def test_a_cursor_gives_its_place_back(created_at: datetime, row: object) -> None:
    assert decode_cursor(encode_cursor(created_at, str(row))) == (created_at, str(row))


@given(st.text())
def test_no_other_text_is_a_cursor(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode_cursor(text)
    assert [bad.field for bad in caught.value.bad] == ["cursor"]


@pytest.mark.parametrize(
    "place",
    ["2026-01-01T00:00:00+00:00|a\0b", "0001-01-01T00:00:00+23:59|0198c0de-0000-7000-8000-000000000001"],
    ids=["nul", "before the first year"],
)
def test_a_made_up_cursor_that_no_database_could_take_is_refused(place: str) -> None:
    with pytest.raises(ApiError) as caught:
        decode_cursor(base64.urlsafe_b64encode(place.encode()).decode().rstrip("="))
    assert [bad.field for bad in caught.value.bad] == ["cursor"]


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None) is None


@pytest.mark.parametrize(("text", "limit"), [(None, 20), ("1", 1), ("100", 100)])
def test_page_sizes(text: str | None, limit: int) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize("text", ["0", "101", "-1", "x", "", "1.5", "٣", "9" * 30])
def test_bad_page_sizes_name_the_field(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_limit(text)
    assert [bad.field for bad in caught.value.bad] == ["limit"]


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=0-1000", (0, 100)),
        ("bytes=5-2", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-9", None),
        ("bytes=-", None),
    ],
)
def test_ranges_of_100_bytes(header: str | None, part: tuple[int, int] | None) -> None:
    assert parse_range(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_outside_is_told_the_size(header: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_range(header, 100)
    assert caught.value.code == "range_not_satisfiable"
    assert caught.value.headers == {"Content-Range": "bytes */100"}


@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_problem_has_both_shapes_in_both_languages(code: str) -> None:
    english, chinese = (problem_body(ApiError(code), language, "t") for language in ("en", "zh"))
    assert english["status"] == PROBLEMS[code].status
    assert english["type"].isidentifier()
    assert english["error"] == english["title"]
    assert english["code"] == code
    assert chinese["error"] != english["error"]
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese["error"])


def test_bad_fields_are_told_in_words() -> None:
    body = problem_body(invalid(BadField("a", "maximum", {"limit": 8}), BadField("b", "required")), "en", "t")
    assert body["error"] == "a: must be at most 8; b: is required"
    assert body["errors"] == [
        {"field": "a", "rule": "maximum", "message": "must be at most 8"},
        {"field": "b", "rule": "required", "message": "is required"},
    ]


def test_every_rule_has_words_in_both_languages() -> None:
    for english, chinese in RULES.values():
        assert english
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundException(), "not_found"),
        (MethodNotAllowedException(), "method_not_allowed"),
        (InfrastructureError("x"), "service_unavailable"),
        (StoreError("x"), "service_unavailable"),
        (ConnectionRefusedError(), "service_unavailable"),
        (ZeroDivisionError(), "internal"),
        (ApiError("forbidden"), "forbidden"),
    ],
)
def test_every_exception_has_one_answer(error: Exception, code: str) -> None:
    assert to_api_error(error).code == code


def test_what_is_unavailable_says_when_to_come_back() -> None:
    assert "Retry-After" in to_api_error(InfrastructureError("x")).headers


def test_an_internal_error_does_not_leak_its_text() -> None:
    body = problem_body(to_api_error(ZeroDivisionError("secret")), "en", "t")
    assert "secret" not in str(body)


def test_a_rejection_keeps_class_code_and_fields() -> None:
    field = FieldError(field="resolution", rule="max_resolution", message="too large")
    problem = Problem(type="LimitExceeded", code="limit_exceeded", detail="no", errors=[field])
    body = problem_body(from_problem(problem), "en", "t")
    assert (body["status"], body["type"], body["error"]) == (400, "LimitExceeded", "no")
    assert body["errors"] == [{"field": "resolution", "rule": "max_resolution", "message": "too large"}]


def test_a_code_of_the_coordinator_alone_is_answered_by_its_class() -> None:
    body = problem_body(from_problem(Problem(type="NotFound", code="task_not_found", detail="no such task")), "en", "t")
    assert (body["status"], body["code"], body["type"]) == (404, "task_not_found", "NotFound")


OUTCOMES = [
    (Outcome.CONFLICT, None, "idempotency_key_reuse", 422),
    (Outcome.EXPIRED, None, "request_expired", 503),
    (Outcome.UNKNOWN, None, "decision_unknown", 503),
    (Outcome.REJECTED, Problem(type="QuotaExceeded", code="quota_exceeded"), "quota_exceeded", 400),
    (Outcome.DUPLICATE, Problem(type="QuotaExceeded", code="quota_exceeded"), "quota_exceeded", 400),
]


@pytest.mark.parametrize(("outcome", "problem", "code", "status"), OUTCOMES)
def test_outcomes_that_are_no_acceptance(outcome: Outcome, problem: Problem | None, code: str, status: int) -> None:
    with pytest.raises(ApiError) as caught:
        settle(RequestDecided(task_id="t", outcome=outcome, problem=problem))
    assert caught.value.code == code
    assert PROBLEMS[code].status == status


@pytest.mark.parametrize("outcome", [Outcome.ACCEPTED, Outcome.DUPLICATE])
def test_accepted_work_and_its_replay_go_on(outcome: Outcome) -> None:
    decision = RequestDecided(task_id="t", outcome=outcome)
    assert settle(decision) is decision


def test_one_key_of_one_account_is_one_task() -> None:
    assert task_id_for("a", "k", "r1") == task_id_for("a", "k", "r2")
    assert len({task_id_for("a", "k", "r"), task_id_for("b", "k", "r"), task_id_for("a", "j", "r")}) == 3
    assert task_id_for("a", None, "r1") != task_id_for("a", None, "r2")


def test_an_asset_is_named_by_id_or_key() -> None:
    account, asset = "acc", "018f0000-0000-7000-8000-000000000001"
    assert asset_id_of(asset, account) == asset
    assert asset_id_of(asset_key(account, asset, "ab" * 32), account) == asset
    assert asset_id_of(asset_key("other", asset, "ab" * 32), account) != asset
    assert asset_id_of("/etc/passwd", account) == "/etc/passwd"


@pytest.mark.parametrize(
    ("name", "clean"), [("a.png", "a.png"), ("../../a.png", "a.png"), ("C:\\x\\猫.png", "猫.png"), ("a\r\nb", "ab")]
)
def test_file_names_lose_their_folders(name: str, clean: str) -> None:
    assert clean_filename(name) == clean


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("TaskQueued", "task.queued"),
        ("StagesPlanned", "stages.planned"),
        ("StageRetryScheduled", "stage.retry_scheduled"),
    ],
)
def test_event_names(name: str, event: str) -> None:
    assert event_name(name) == event


@given(st.text(), st.integers(0))
def test_a_frame_is_one_event_whatever_it_says(text: str, number: int) -> None:
    lines = frame("x", {"text": text}, number).decode("utf-8", "surrogatepass").split("\n")
    assert lines[:2] == [f"id: {number}", "event: x"]
    assert lines[2].startswith("data: ")
    assert lines[3:] == ["", ""]


def test_a_resume_frame_has_no_id_of_its_own() -> None:
    assert resume_frame(7) == b'event: resume\ndata: {"last_event_id":7}\n\n'


def test_lag_counts_from_when_it_began() -> None:
    clock = LagClock()
    assert [
        clock.seconds(0, 0),
        clock.seconds(3, 10),
        clock.seconds(9, 25),
        clock.seconds(0, 26),
        clock.seconds(1, 30),
    ] == [
        0.0,
        0.0,
        15.0,
        0.0,
        0.0,
    ]
