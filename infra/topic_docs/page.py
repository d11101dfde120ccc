"""The page as a whole: prose, then tables from the contracts, then examples quoted from their files."""

from __future__ import annotations

from pathlib import Path

from infra.topic_docs import prose
from infra.topic_docs.tables import PARTS, record_section, topic_table
from schemas.topics import TOPICS

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "topics.md"
EXAMPLES = DOCS / "examples"


def render_page() -> str:
    """The text of infra/docs/topics.md."""
    sections = [
        prose.INTRODUCTION,
        "## Topics\n\n" + topic_table(TOPICS) + "\n\n" + prose.TOPIC_NOTES,
        prose.BYTES,
        prose.LEDGER,
        _quoted("verify_chain.py"),
        prose.PRIVACY,
        prose.READING,
        _quoted("read_topic.py"),
        prose.OTHER_READERS,
        "## Parts that many records share",
        *(record_section(part) for part in PARTS),
        "## Records",
        *(f"### Topic `{topic.name}`\n\n" + _records(topic.records) for topic in TOPICS if topic.records),
    ]
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _records(records: tuple[type, ...]) -> str:
    return "\n".join(record_section(record).replace("### ", "#### ", 1) for record in records)


def _quoted(name: str) -> str:
    source = (EXAMPLES / name).read_text(encoding="utf-8")
    return f"[`examples/{name}`](examples/{name}):\n\n```python\n{source}```"
