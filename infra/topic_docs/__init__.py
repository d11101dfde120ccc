"""Writes infra/docs/topics.md from the contracts: `python -m infra.topic_docs`."""

from infra.topic_docs.page import PAGE, render_page

__all__ = ["PAGE", "render_page"]
