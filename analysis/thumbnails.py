"""Which still stands for a stretch of video, and stills as JPEG, one by one or on a sheet."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

CUT_SECONDS = 0.15
"""A picture so near a cut may show both shots, or neither."""

EDGE_SHARE = 0.1
"""Of a stretch at either end, in which a still says less of it than one further in."""

LONGER_SIDE, QUALITY = 480, 80
"""Of a JPEG: pixels, and 0-100."""

COLUMNS, CELL_WIDTH, GAP, CAPTION = 4, 320, 8, 28
"""Of a contact sheet; pixels."""

Rgb = NDArray[np.uint8]


def best_still(
    times: Sequence[float], details: Sequence[float], start: float, end: float, cuts: Sequence[float]
) -> int | None:
    """The place of the still that stands for a stretch: the sharpest in it, away from cuts and from its ends if there
    are such; None where there is none at all."""
    inside = [place for place, time in enumerate(times) if start <= time < end]
    clear = [place for place in inside if all(abs(times[place] - cut) >= CUT_SECONDS for cut in cuts)] or inside
    margin = EDGE_SHARE * (end - start)
    well_in = [place for place in clear if start + margin <= times[place] <= end - margin] or clear
    return max(well_in, key=lambda place: details[place], default=None)


def nearest_still(times: Sequence[float], start: float, cuts: Sequence[float]) -> int | None:
    """The place of the still for a stretch that has none inside, because a picture stands or stills lie further apart:
    the last before its start or else the next, of its shot if that has any; None where there is none. `cuts` rise."""
    shots = [bisect(cuts, time) for time in times]
    of_shot = [place for place, shot in enumerate(shots) if shot == bisect(cuts, start)] or range(len(times))
    return min(of_shot, key=lambda place: (times[place] > start, abs(times[place] - start)), default=None)


def jpeg(picture: Rgb) -> bytes:
    """An (h, w, 3) RGB picture as a file, no larger than a card on a page needs."""
    height, width = picture.shape[:2]
    if (scale := LONGER_SIDE / max(height, width)) < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    _, file = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(file)


def contact_sheet(jpegs: Sequence[bytes], captions: Sequence[str]) -> bytes:
    """Small copies of pictures of one size, row by row, each over its caption (ASCII); at least one."""
    pictures = [np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.uint8) for data in jpegs]
    height = max(1, round(pictures[0].shape[0] * CELL_WIDTH / pictures[0].shape[1]))
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    down, across = height + CAPTION + GAP, CELL_WIDTH + GAP
    sheet = np.full((rows * down + GAP, columns * across + GAP, 3), 24, np.uint8)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        top, left = GAP + number // columns * down, GAP + number % columns * across
        small = cv2.resize(picture, (CELL_WIDTH, height), interpolation=cv2.INTER_AREA)
        sheet[top : top + height, left : left + CELL_WIDTH] = small
        place = (left + 2, top + height + CAPTION - 9)
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (230, 230, 230), 1, cv2.LINE_AA)
    _, file = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return bytes(file)
