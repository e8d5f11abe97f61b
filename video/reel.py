"""One MP4 out of chosen clips of a video: cut to the picture, in step to the sample, at one steady rate."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import pairwise
from math import ceil
from pathlib import Path

import numpy as np
from av import VideoFrame

from errors import AnalysisFailed
from schemas import Clip, Limits, Reel, Written
from video.child import never, read_video
from video.footage import Footage, examine
from video.framing import Framing, centre_at
from video.mp4 import Form, Mp4
from video.probe import check
from video.seeking import Seeker
from video.soundtrack import TRACK_RATE, Soundtrack, Stereo
from video.source import open_container
from video.upright import planes

MOST_RATE, LEAST_RATE = 30.5, 10
"""Pictures a second. A source that has more shows every second picture, or every fourth; a slower one's stand."""

USUAL_RATES = tuple(Fraction(*rate) for rate in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1)))
NEARLY = 0.005
"""A rate so near to a usual one, by share, is that one: files round times."""

ROUNDED_SECONDS = 0.0015
"""Times of clips are rounded to milliseconds: a picture that begins so soon after is meant."""

PIECE_PICTURES = 12
"""Pictures after which their sound follows, and word of them is sent."""

FADE_SECONDS = 0.01
"""Of the sound at both ends of a clip: without it, cuts click."""


def render(
    path: str | Path, reel: Reel, limits: Limits, stopped: Callable[[], bool] = never
) -> Generator[Written, None, None]:
    """The reel's file in pieces, to be written in their order.

    Without sound where the video has none. A clip's first picture is the one that is seen at its start; what cannot be
    decoded is held over. Raises what `video.scan.scan` raises.
    """
    # Silent for long where seeking does not help, and all that comes before a clip is decoded.
    return read_video(rendered, path, limits, reel, expect=Written, stopped=stopped)


def rendered(path: str, limits: Limits, reel: Reel) -> Iterator[Written]:
    """For the child: the pieces."""
    footage = examine(path, limits)
    check(footage, limits)
    with ExitStack() as opened:
        seeker = Seeker(opened.enter_context(open_container(path)), footage, limits)
        sound = None
        if footage.audio is not None:
            sound = Soundtrack(opened.enter_context(open_container(path)), footage)
        yield from _Cutter(seeker, sound, footage, reel).pieces()


def steady_rate(footage: Footage) -> Fraction:
    """Pictures a second of a reel: the source's own, where that is steady and not too fast for a screen."""
    usual, mean = 1 / footage.usual_gap, len(footage.times) / footage.duration
    rate = mean if abs(mean / usual - 1) < 0.05 else usual
    while rate > MOST_RATE:
        rate /= 2
    near = [known for known in USUAL_RATES if abs(rate / known - 1) < NEARLY]
    return min(near, key=lambda known: abs(rate - known)) if near else max(_simple(rate), Fraction(LEAST_RATE))


def _simple(rate: float) -> Fraction:
    return Fraction(rate).limit_denominator(1001)


def _change(before: VideoFrame, after: VideoFrame) -> float:
    """Between two pictures, in levels of luma a pixel; every fourth row and column tells enough."""
    first, second = (planes(picture)[0][::4, ::4].astype(np.int16) for picture in (before, after))
    return float(np.abs(second - first).mean())


class _Cutter:
    def __init__(self, seeker: Seeker, sound: Soundtrack | None, footage: Footage, reel: Reel) -> None:
        self._seeker, self._sound, self._footage = seeker, sound, footage
        self._rate = steady_rate(footage)
        self._clips = [(clip, *self._span(clip)) for clip in reel.clips]
        self._framing = Framing(footage, reel.aspect, reel.longer_side, reel.shorter_side)
        self._quality = reel.quality
        self._cut = 0
        """Pictures of the clips before this one."""
        self._count = 0
        """Pictures of this one; at most so many, until its end is seen."""
        self._held: VideoFrame | None = None
        self._held_from = -np.inf
        """Seconds at which the picture that is held was first shown."""

    def pieces(self) -> Iterator[Written]:
        mp4: Mp4 | None = None
        for clip, start, most in self._clips:
            self._held, self._count = None, most
            shown = heard = 0
            for picture in self._pictures(clip, start):
                mp4 = mp4 or self._opened()
                mp4.picture(picture, cut=shown == 0)
                shown += 1
                if shown in (heard + PIECE_PICTURES, self._count):
                    if self._sound is not None:
                        mp4.sound(self._heard(start, heard, shown))
                    heard = shown
                    yield from mp4.take()
            self._cut += shown
        assert mp4 is not None
        mp4.finish()
        yield from mp4.take()

    def _pictures(self, clip: Clip, start: float) -> Iterator[VideoFrame]:
        """A clip's. Where its shot is said to end with it, the last are held back until they and the one after them
        tell which is the last of the shot: the one before the greatest change."""
        tail = min(self._count, 1 + ceil(clip.doubtful * self._rate)) if clip.doubtful else 0
        sure = self._count - tail
        for number in range(sure):
            yield self._picture(clip, start + float(number / self._rate))
        if tail:
            numbers = range(sure, self._count + 1)
            pictures = [self._picture(clip, start + float(number / self._rate)) for number in numbers]
            kept = 1 + int(np.argmax([_change(*pair) for pair in pairwise(pictures)]))
            self._count = sure + kept
            yield from pictures[:kept]

    def _span(self, clip: Clip) -> tuple[float, int]:
        """Seconds at which a clip starts, and how many pictures it has, within what there is.

        It starts with the beginning of its first picture, or whole pictures of the reel later where that one stands
        for long: then the next one comes on time too, in step with its sound, and none is passed over."""
        duration = self._footage.duration
        start = min(max(0.0, clip.start), max(0.0, duration - float(1 / self._rate)))
        begins = self._seeker.beginning(start + ROUNDED_SECONDS)
        start = begins + float(int((start + ROUNDED_SECONDS - begins) * self._rate) / self._rate)
        return start, max(1, round((min(clip.end, duration) - start) * self._rate))

    def _picture(self, clip: Clip, time: float) -> VideoFrame:
        """What is seen at a time."""
        self._seeker.go_to(time + ROUNDED_SECONDS)
        if self._seeker.picture is None:
            raise AnalysisFailed("Not one picture of the video could be decoded.")
        come, same = self._seeker.shown <= time + ROUNDED_SECONDS, self._seeker.shown == self._held_from
        if self._held is None or (come and (clip.centres or not same)):
            self._held = self._framing.framed(self._seeker.picture, centre_at(clip.centres, time))
            self._held_from = self._seeker.shown
        return self._held

    def _heard(self, start: float, first: int, last: int) -> Stereo:
        assert self._sound is not None
        begins, begin, end, ends = (self._sample(self._cut + number) for number in (0, first, last, self._count))
        offset = round(start * TRACK_RATE) - begins
        pcm = self._sound.between(offset + begin, offset + end)
        at = np.arange(begin, end) + 0.5
        loud = np.minimum(1, np.minimum(at - begins, ends - at) / (FADE_SECONDS * TRACK_RATE))
        return np.asarray(pcm * loud, np.float32)

    def _sample(self, picture: int) -> int:
        """The number of the first sample of sound that belongs to a picture of the reel."""
        return round(picture / self._rate * TRACK_RATE)

    def _opened(self) -> Mp4:
        like = self._seeker.picture  # as it was decoded: what is cut out of it has no colours told, and another size
        assert like is not None
        pictures = sum(count for _, _, count in self._clips)
        size = self._framing.width, self._framing.height
        return Mp4(Form(*size, self._rate, self._quality, self._sound is not None, pictures), like)
