"""The page where a service asks for a key, and where it gives tokens, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from config import Settings
from tests.browser import Visit, barriers, chromium
from tests.service import BASE, Service, serve, until

KEY = "alice-0123456789-secret"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    settings = {"data_dir": tmp_path_factory.mktemp("keyed") / "data", "vision_model": "none"}
    yield from serve(Settings.model_validate(settings | {"api_keys": f"alice:{KEY}"}))


def plays(page: Page) -> bool:
    ready: int = page.locator(".screen video").evaluate("video => video.readyState")
    return ready >= 2


def enter(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Use this key").click()


def test_with_a_key_the_page_does_all_it_does_and_forgets_it_when_told(
    browser: Browser, keyed: Service, clip: Path
) -> None:
    one = Visit(browser, str(keyed.http.base_url), permissions=["clipboard-read", "clipboard-write"])
    page = one.open()
    expect(page.get_by_text("This service asks for a key")).to_be_visible()
    assert barriers(page) == []
    page.locator("#file").set_input_files(clip)
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    enter(page, KEY)
    expect(page.get_by_text("This service asks for a key")).to_be_hidden()
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("heading", name="best first")).to_be_visible()
    until(lambda: plays(page))
    expect(page.locator("article img").first).to_have_js_property("complete", True)
    assert page.locator("article img").first.evaluate("image => image.naturalWidth") > 0
    page.get_by_role("button", name="Copy curl").click()
    page.wait_for_function("navigator.clipboard.readText().then((text) => text.includes('$API_KEY'))")
    assert KEY not in page.content() + page.evaluate("navigator.clipboard.readText()")
    page.reload()
    until(lambda: plays(page))
    page.get_by_role("button", name="Forget the key").click()
    expect(page.get_by_text("This service asks for a key")).to_be_visible()
    assert page.evaluate("Object.values(localStorage).join()").count("alice") == 0
    expect(page.get_by_role("navigation", name="Your videos")).to_have_count(0)
    one.close()


def test_the_sessions_of_a_key_are_listed_in_every_browser_that_has_it(
    browser: Browser, keyed: Service, clip: Path
) -> None:
    keyed.http.headers["X-API-Key"] = KEY
    session_id = keyed.start(clip)
    keyed.ended(session_id)
    one = Visit(browser, str(keyed.http.base_url))
    page = one.open(f"#/{session_id}")
    expect(page.get_by_text("This service asks for a key")).to_be_visible()
    enter(page, KEY)
    expect(page.get_by_role("heading", name="best first")).to_be_visible()
    expect(page.get_by_role("navigation", name="Your videos")).to_contain_text("clip.mp4")
    until(lambda: plays(page))
    one.close()


def test_a_wrong_key_is_told_and_not_kept(browser: Browser, keyed: Service) -> None:
    one = Visit(browser, str(keyed.http.base_url))
    one.refusals_expected = True
    page = one.open()
    for wrong in ("kéy", "wrong-0123456789-secret"):
        enter(page, wrong)
        expect(page.get_by_role("alert")).to_have_text("This is not a key that the service accepts.")
    assert barriers(page) == []
    assert page.evaluate("localStorage.getItem('video-key')") is None
    page.evaluate("localStorage.setItem('video-key', 'was-right-once-0123456789')")
    page.reload()
    expect(page.get_by_role("alert")).to_have_text("The key that was used until now is not accepted.")
    one.close()


def test_without_keys_a_video_is_for_the_browser_that_sent_it(
    browser: Browser, shared_service: Service, clip: Path
) -> None:
    one, other = (Visit(browser, str(shared_service.http.base_url)) for _ in range(2))
    page = one.open()
    expect(page.get_by_text("are measured over every second")).to_be_visible()
    expect(page.get_by_text("This service asks for a key")).to_be_hidden()
    page.locator("#file").set_input_files(clip)
    page.get_by_role("button", name="Analyse").click()
    expect(page.get_by_role("heading", name="best first")).to_be_visible()
    until(lambda: plays(page))
    session_id = page.url.rpartition("/")[2]
    assert re.search(r"token=[\w-]{43}", page.locator(".screen video").evaluate("video => video.src"))
    assert shared_service.http.get(f"{BASE}/status/{session_id}").status_code == 404
    other.refusals_expected = True
    expect(other.open(f"#/{session_id}").get_by_role("heading", name="This video is not there")).to_be_visible()
    page.get_by_role("button", name="Delete…").first.click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="What happens in your video?")).to_be_visible()
    one.close()
    other.close()
