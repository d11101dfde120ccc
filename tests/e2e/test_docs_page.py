"""The documentation page in a real headless browser: it works without the internet."""

from __future__ import annotations

import shutil

import pytest
from playwright.async_api import async_playwright

from infra.local.stack import LocalStack

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here and no right to install one: apt-get install chromium")
async def test_the_page_shows_every_operation_and_asks_nobody_else(stack: LocalStack) -> None:
    base = stack.settings.base_url
    foreign: list[str] = []
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        page = await browser.new_page()
        page.on("request", lambda r: None if r.url.startswith((base, "data:")) else foreign.append(r.url))
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        await page.goto(f"{base}/docs")
        await page.wait_for_selector(".opblock")
        shown = await page.locator(".opblock-summary-path").all_inner_texts()
        await browser.close()
    assert any("/images/generate" in text.replace("\u200b", "") for text in shown)
    assert len(shown) >= 18
    assert (foreign, errors) == ([], [])
