"""A reel in a browser's own decoder: the same picture at every cut, and the sound in step with it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.numbered import NUMBERED, draw_numbered, heard, number_of, shown
from tests.test_video_reel import CLIPS, rendered

OPEN = """async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (mark) => mark.charCodeAt(0));
    const blob = new Blob([bytes], { type: 'video/mp4' });
    const video = Object.assign(document.createElement('video'), { muted: true, src: URL.createObjectURL(blob) });
    await new Promise((done, fail) => { video.oncanplaythrough = done; video.onerror = () => fail(video.error); });
    window.reel = { video, bytes };
    return [video.duration, video.videoWidth, video.videoHeight];
}"""

PICTURE = """async (time) => {
    const { video } = window.reel;
    const seen = new Promise((done) => video.requestVideoFrameCallback((now, { mediaTime }) => done(mediaTime)));
    video.currentTime = time;
    const shown = await seen;
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight);
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return [shown, Array.from({ length: data.length / 4 }, (_, pixel) => data[4 * pixel + 1])];
}"""

SOUND = """async () => {
    const heard = await new OfflineAudioContext(1, 1, 48000).decodeAudioData(window.reel.bytes.buffer);
    const sound = heard.getChannelData(0);
    const ticks = [];
    for (let at = 0; at < sound.length; at += 1) {
        if (Math.abs(sound[at]) > 0.25) { ticks.push(at / 48000); at += 6000; }
    }
    return ticks;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(draw_numbered(tmp_path_factory.mktemp("reel") / "video.mp4"), *CLIPS)


@pytest.fixture(scope="module")
def opened(browser: Browser, reel: Path) -> Iterator[tuple[Page, list[Any]]]:
    page = browser.new_page()
    yield page, page.evaluate(OPEN, base64.b64encode(reel.read_bytes()).decode())
    page.close()


def test_a_browser_shows_the_right_picture_at_every_cut(opened: tuple[Page, list[Any]], reel: Path) -> None:
    page, (seconds, width, height) = opened
    pictures = shown(reel)
    assert seconds == pytest.approx(len(pictures) / NUMBERED.rate, abs=0.06)
    cuts = [place for place in range(1, len(pictures)) if pictures[place][1] != pictures[place - 1][1] + 1]
    assert len(cuts) == len(CLIPS) - 2  # the second clip and the third follow each other in the source too
    places = sorted({0, len(pictures) - 1, *(near for cut in [*cuts, 68] for near in (cut - 1, cut))})
    for place in places:
        time, number = pictures[place]
        began, grey = page.evaluate(PICTURE, time + 0.5 / NUMBERED.rate)
        assert number_of(np.array(grey, np.uint8).reshape(height, width)) == number
        assert began == pytest.approx(time, abs=0.001)


def test_a_browser_hears_every_tick_when_it_is_due(opened: tuple[Page, list[Any]], reel: Path) -> None:
    ticks = opened[0].evaluate(SOUND)
    assert len(ticks) == len(heard(reel)) > 8
    assert ticks == pytest.approx(heard(reel), abs=0.02)
