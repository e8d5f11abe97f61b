"""Measures how much fine detail a picture shows: what is blurred, covered or blank shows little."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

GRAIN_SPREAD = 0.7
"""Pixels of smoothing before detail is looked for: grain is no detail."""

LEAST_DETAIL = 1.0
"""Mean squared Laplacian, in grey levels, of a blank picture: decibels need a floor."""


def sharpness(grey: NDArray[np.uint8]) -> float:
    """Decibels of detail in a (h, w) picture: 0 where it is blank, some 25 where all is in focus. The energy of the
    Laplacian is a measure of focus (Subbarao 1993; Pech-Pacheco 2000)."""
    smooth = cv2.GaussianBlur(grey, (3, 3), GRAIN_SPREAD)
    return float(10 * np.log10(LEAST_DETAIL + np.mean(np.square(cv2.Laplacian(smooth, cv2.CV_32F)))))
