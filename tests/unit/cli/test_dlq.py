"""Dead letters as people see them, and which of them may be sent again."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from infra.cli import main
from infra.cli.dlq import letter_table
from infra.dead_letter_box import LetterRefusedError, chosen, letter_of, marked_offset, original_of, refusal
from infra.dead_letters import MOST_BYTES, MOST_KEY, dead_letter_headers, dead_letter_key, dead_letter_value
from schemas.errors import ContractError
from schemas.topics import TOPICS


@dataclass
class Consumed:
    """A record as a consumer hands it over."""

    value: bytes | None = b"\x07bad"
    key: bytes | None = b"account"
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    topic: str = "requests"
    partition: int = 2
    offset: int = 7
    timestamp: int = 1_767_225_600_500


def buried(record: Consumed, offset: int = 40, placed: bool = False) -> Consumed:
    """The letter a reader makes of a record: keyed like it, as the coordinator does, or by its place."""
    place = f"{record.topic}-{record.partition}-{record.offset}".encode()
    return Consumed(
        value=dead_letter_value(record),
        key=place if placed else dead_letter_key(record),
        headers=dead_letter_headers(record, ContractError("magic byte 7 is not 0"), "the reader"),
        topic="dead.letters",
        partition=0,
        offset=offset,
    )


@given(
    st.binary(max_size=99),
    st.binary(max_size=MOST_KEY - 1),
    st.lists(st.tuples(st.sampled_from(["ce_id", "ce_type", "x", "dlq.redriven", "dlq.topic"]), st.binary(max_size=9))),
    st.sampled_from(["requests", "reports"]),
    st.booleans(),
)
def test_a_letter_gives_back_bytes_key_and_place_of_its_record(
    value: bytes, key: bytes, headers: list[tuple[str, bytes]], topic: str, placed: bool
) -> None:
    again = original_of(buried(Consumed(value, key, headers, topic=topic), placed=placed))
    assert (again.topic, again.partition, again.key, again.value) == (topic, 2, key, value)
    own = [(name, text) for name, text in headers if not name.startswith("dlq.")]
    assert again.headers == [*own, ("dlq.redriven", b"40")]


def test_a_record_without_a_key_keeps_none() -> None:
    assert original_of(buried(Consumed(key=None))).key is None


@pytest.mark.parametrize("topic", [spec.name for spec in TOPICS])
def test_only_requests_and_reports_are_sent_again(topic: str) -> None:
    letter = buried(Consumed(topic=topic))
    rule = refusal(letter)
    if topic in ("requests", "reports"):
        assert rule is None
        return
    assert rule is not None
    if topic in [spec.name for spec in TOPICS if spec.writer == "coordinator"]:
        assert f"only the coordinator may write to {topic}" in rule
    else:
        assert "only records of requests and reports are sent again" in rule
    with pytest.raises(LetterRefusedError, match=f"dead letter 40 .*{topic}"):
        original_of(letter)


def test_what_is_not_whole_or_has_no_place_is_refused_with_the_rule() -> None:
    cut = buried(Consumed(value=b"x" * (MOST_BYTES + 1)))
    assert letter_of(cut).size == MOST_BYTES + 1
    with pytest.raises(LetterRefusedError, match=rf"it was cut: the record had {MOST_BYTES + 1} bytes \(dlq.size\)"):
        original_of(cut)
    long_key = Consumed(key=b"k" * (MOST_KEY + 1))
    with pytest.raises(LetterRefusedError, match="its key may have been cut"):
        original_of(buried(long_key, placed=True))
    assert original_of(buried(long_key)).key == long_key.key
    assert "no topic of the catalogue" in (refusal(buried(Consumed(topic="elsewhere"))) or "")
    for headers in ([], [("dlq.topic", b"requests"), ("dlq.partition", b"-1"), ("dlq.offset", b"3")]):
        assert "do not say where it came from" in (refusal(Consumed(headers=headers)) or "")


def test_a_record_cannot_pass_itself_off_as_a_marker() -> None:
    hostile = buried(Consumed(headers=[("dlq.redriven_offset", b"3")]))
    assert marked_offset(hostile) is None
    assert marked_offset(Consumed(value=b"", headers=[("dlq.redriven_offset", b"3")])) == 3


def test_choosing_leaves_out_what_was_sent_and_takes_all_or_none() -> None:
    letters = [
        letter_of(buried(Consumed(), offset=3), redriven=True),
        letter_of(buried(Consumed(), offset=5)),
        letter_of(buried(Consumed(topic="tasks"), offset=9)),
    ]
    assert [letter.offset for letter in chosen(letters, [5, 3, 5])] == [5]
    with pytest.raises(LetterRefusedError, match="dead letter 9 is not sent again: only the coordinator"):
        chosen(letters, [5, 9])
    with pytest.raises(ContractError, match="no dead letter at offset 4, 6"):
        chosen(letters, [5, 4, 6])


def test_the_table_tells_place_state_and_reason_and_obeys_no_terminal_codes() -> None:
    hostile = buried(Consumed(topic="\x1b[2Jevil[bold]"), offset=11)
    letters = [
        letter_of(buried(Consumed(), offset=3), redriven=True),
        letter_of(buried(Consumed(topic="tasks"), offset=5)),
        letter_of(buried(Consumed(topic="reports", value=b"12345"), offset=8)),
        letter_of(hostile),
    ]
    out = io.StringIO()
    Console(file=out, width=400).print(letter_table(letters))
    _, sent, refused, waiting, evil = [line.rstrip() for line in out.getvalue().splitlines()]
    assert sent.split()[:3] == ["3", "2026-01-01", "00:00:00Z"]
    assert "requests[2]@7" in sent
    assert "redriven" in sent
    assert "ContractError" in sent
    assert "magic byte 7 is not 0" in sent
    assert "refused" in refused
    assert "only the coordinator may write to tasks" in refused
    assert waiting.split()[3:9] == ["reports[2]@7", "the", "reader", "ContractError", "5", "waiting"]
    assert "\x1b" not in evil
    assert "·[2Jevil[bold][2]@7" in evil


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (["redrive"], "name offsets or --all"),
        (["redrive", "3", "--all"], "name offsets or --all"),
        (["list", "--limit", "-1"], "--limit is -1, it must be 0 or more"),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: list[str], rule: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["dlq", *arguments, "--data", str(tmp_path)])
    assert capsys.readouterr().err.startswith(f"error: {rule}")
