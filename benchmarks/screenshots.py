"""Takes pictures of the page in its main states, in the Chromium that is installed, with drawn videos.

python -m benchmarks.screenshots [FOLDER]    writes page-*.png, for the README and the guides

The page is set in the system's font; where Debian's package fonts-inter is installed, in Inter.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.drawn.highlights import drawings
from benchmarks.drawn_workouts.filming import film
from benchmarks.drawn_workouts.footage import STYLE
from benchmarks.drawn_workouts.plans import plan
from tests.browser import chromium
from tests.service import Program, until
from video.draw import encode

MATCH, PHONE, WORKOUT = "Sunday match.mp4", "From my phone.mp4", "Squats.mp4"
DESKTOP = {"width": 1360, "height": 1000}
MOBILE = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Shot:
    """One picture: how the page is come to, on which screen, in which colours."""

    file: str
    come: Callable[[Page, Path], None]
    viewport: dict[str, int]
    colours: str = "light"


def draw(folder: Path) -> None:
    """The videos, under names as people give them."""
    bed = {drawing.name: drawing for drawing in drawings("tuning")}
    bed["sport-100202"].clip().write(folder / MATCH)
    bed["edited-100402"].clip().write(folder / PHONE)
    workout = plan("tuning", "clean", 2)
    encode(folder / WORKOUT, film(workout.script, workout.setting, workout.seed), STYLE)


def start(page: Page, folder: Path) -> None:
    page.get_by_label("Drop a video here").set_input_files(folder / MATCH)


def analyse(page: Page, folder: Path, name: str, analysis: str) -> None:
    page.get_by_label("Drop a video here").set_input_files(folder / name)
    page.get_by_label(analysis).check()
    page.get_by_role("button", name="Analyse").click()


def working(page: Page, folder: Path) -> None:
    analyse(page, folder, MATCH, "Highlights")
    number = page.locator(".working-number")
    until(lambda: number.count() and int(number.inner_text()) > 40)


def highlights(page: Page, folder: Path) -> None:
    analyse(page, folder, MATCH, "Highlights")
    page.get_by_role("button", name="Play moment 1").click()
    video = page.locator(".screen video")
    until(lambda: video.evaluate("video => !video.paused && video.currentTime") > 0)
    page.wait_for_timeout(1500)
    video.evaluate("video => video.pause()")
    peek(page, 0.92)


def workout(page: Page, folder: Path) -> None:
    analyse(page, folder, WORKOUT, "Workout")
    page.get_by_role("button", name="Next set").click()
    peek(page, 0.7)


def phone(page: Page, folder: Path) -> None:
    analyse(page, folder, PHONE, "Highlights")
    page.get_by_role("button", name="Next moment").click()
    page.wait_for_timeout(2000)


def peek(page: Page, share: float) -> None:
    """Hover over the timeline, so far along."""
    slider = page.get_by_role("slider", name="Place in the video")
    box = slider.bounding_box()
    assert box
    slider.hover(position={"x": share * box["width"], "y": box["height"] / 4})
    page.wait_for_timeout(500)


SHOTS = (
    Shot("page-start.png", start, DESKTOP),
    Shot("page-working.png", working, DESKTOP, "dark"),
    Shot("page-highlights.png", highlights, DESKTOP),
    Shot("page-workout.png", workout, DESKTOP, "dark"),
    Shot("page-phone.png", phone, MOBILE),
)


def take(shot: Shot, browser: Browser, url: str, videos: Path, folder: Path) -> Path:
    context = browser.new_context(
        viewport={"width": shot.viewport["width"], "height": shot.viewport["height"]},
        color_scheme="dark" if shot.colours == "dark" else "light",
        device_scale_factor=1.25,
        is_mobile=shot.viewport is MOBILE,
        has_touch=shot.viewport is MOBILE,
    )
    page = context.new_page()
    page.goto(f"{url}app/")
    shot.come(page, videos)
    page.screenshot(path=folder / shot.file)
    context.close()
    return folder / shot.file


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("folder", nargs="?", type=Path, default=Path("guides"))
    folder = ask.parse_args().folder
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        draw(Path(scratch))
        program = Program(Path(scratch) / "data")
        try:
            for shot in SHOTS:
                print(take(shot, browser, program.url, Path(scratch), folder))
        finally:
            program.kill()


if __name__ == "__main__":
    main()
