"""A real browser for tests of the page: Debian's Chromium, driven by Playwright; and what else a machine may lack."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

PATIENCE_MS = 30_000
"""How long a page may take for something, on a machine that is busy with other tests."""

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def needed(*programs: str) -> str:
    """The path of the first of these programs that is there. Where none is, a laptop skips the test and CI fails it."""
    found = next(filter(None, map(shutil.which, programs)), None)
    if found is None:
        words = f"{' or '.join(programs)} is not installed; .ci/run installs it on Debian"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    program = needed(*CHROMIUM)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


class Visit:
    """One person's browser at the page, with nothing kept from before; it notes what should never happen."""

    def __init__(self, browser: Browser, url: str, **context: Any) -> None:
        self.url = url.rstrip("/")
        self.context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | context))
        self.trouble: list[str] = []
        self.refusals_expected = False

    def open(self, place: str = "") -> Page:
        """A new tab at the page."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.trouble.append(f"crash: {error}"))
        page.on("request", self._asked)
        page.goto(f"{self.url}/app/{place}")
        return page

    def close(self) -> None:
        self.context.close()
        assert self.trouble == []

    def _heard(self, message: ConsoleMessage) -> None:
        # Chromium reports answers from 400 on as errors, those that a test provokes too.
        refused = self.refusals_expected and message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not refused:
            self.trouble.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "blob:", "data:")):
            self.trouble.append(f"asked another host: {request.url}")


def barriers(page: Page) -> list[str]:
    """What axe-core finds in the way of people with disabilities, each with where it is."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(page, options={"runOnly": tags, "resultTypes": ["violations"]}).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
    ]
