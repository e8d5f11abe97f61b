"""Real recordings, where they stand beside the checkout; their licences keep them out of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import UnsupportedVideo
from schemas import Limits
from video.probe import probe
from video.scan import scan

MEDIA = Path(__file__).parent.parent.parent / "shared" / "media"
LIMITS = Limits()

pytestmark = pytest.mark.skipif(not MEDIA.is_dir(), reason="the real clips do not stand beside this checkout")


def clips() -> list[dict[str, Any]]:
    truths = MEDIA / "truth.json"
    return json.loads(truths.read_text()) if truths.is_file() else []


def readable() -> list[dict[str, Any]]:
    return [clip for clip in clips() if not clip["truth"].get("refuse")]


def name(clip: dict[str, Any]) -> str:
    return Path(clip["file"]).name


@pytest.mark.parametrize("clip", readable(), ids=name)
def test_duration_and_size_are_those_that_were_measured(clip: dict[str, Any]) -> None:
    info = probe(MEDIA / clip["file"], LIMITS)
    truth = clip["truth"]
    # Containers of highlights and workouts end with their sound, up to 0.05 s after the last picture.
    seconds = truth.get("seconds", clip["duration"])
    assert info.duration_seconds == pytest.approx(seconds, abs=0.06)
    assert info.codec == clip["codec"].split()[0]
    if "picture" in truth:
        assert [info.width, info.height] == truth["picture"]


@pytest.mark.parametrize("clip", [clip for clip in clips() if clip["truth"].get("refuse")], ids=name)
def test_what_is_no_video_is_refused(clip: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedVideo, match="no moving pictures"):
        probe(MEDIA / clip["file"], LIMITS)


@pytest.mark.parametrize("clip", [clip for clip in readable() if clip["cat"] == "awkward"], ids=name)
def test_samples_cover_the_whole_recording(clip: dict[str, Any]) -> None:
    info = probe(MEDIA / clip["file"], LIMITS)
    pieces = list(scan(MEDIA / clip["file"], LIMITS))
    times = np.concatenate([piece.samples.times for piece in pieces if piece.samples is not None])
    assert times[0] == 0
    assert (np.diff(times) > 0).all()
    assert np.diff([*times, info.duration_seconds]).max() < 0.25
    assert pieces[-1].position == pytest.approx(info.duration_seconds, abs=0.01)
    assert len(times) >= min(info.pictures, 16, 7 * info.duration_seconds)
