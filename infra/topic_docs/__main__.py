"""Composition root: render the page and put it in its place."""

from infra.topic_docs import PAGE, render_page

if __name__ == "__main__":
    PAGE.write_text(render_page(), encoding="utf-8")
    print(f"wrote {PAGE}")
