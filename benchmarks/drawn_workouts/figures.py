"""A jointed figure, how it is built, and what an exercise of it is: key poses it passes through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pose = NDArray[np.float64]
"""(11, 2) joints, x to the right and y up from the floor between the feet, in body heights."""

JOINTS = ("head", "neck", "hip", "elbow1", "hand1", "elbow2", "hand2", "knee1", "foot1", "knee2", "foot2")
HEAD, NECK, HIP, ELBOW1, HAND1, ELBOW2, HAND2, KNEE1, FOOT1, KNEE2, FOOT2 = range(len(JOINTS))

BONES = (
    (HIP, KNEE2, "leg"),
    (KNEE2, FOOT2, "shin"),
    (NECK, ELBOW2, "arm"),
    (ELBOW2, HAND2, "arm"),
    (NECK, HIP, "trunk"),
    (HIP, KNEE1, "leg"),
    (KNEE1, FOOT1, "shin"),
    (NECK, ELBOW1, "arm"),
    (ELBOW1, HAND1, "arm"),
    (HEAD, HEAD, "head"),
)
"""What is drawn, from the back to the front."""


@dataclass(frozen=True)
class Build:
    """A body: thickness of its parts in body heights, and how wide it is for its height."""

    name: str
    trunk: float = 0.13
    limb: float = 0.07
    head: float = 0.14
    width: float = 1.0


@dataclass(frozen=True)
class Exercise:
    """A movement: it leaves the first pose, passes the others and comes back to the first. `shares` say at which part
    of the way out each pose is reached; the way back is the same way unless `back` says otherwise."""

    name: str
    keys: tuple[Pose, ...]
    shortest: float
    longest: float
    """Seconds of a repetition."""
    alternating: bool = False
    """Every second repetition is done with the other side."""
    hop: float = 0.0
    """Body heights that the whole figure hops on the way out and again on the way back."""

    @property
    def from_front(self) -> bool:
        """Whether the figure looks into the camera in the first pose, so that its other side is the mirrored one."""
        first = self.keys[0]
        return bool(np.allclose(first[HAND1] * (-1, 1), first[HAND2]))

    def pose(self, way: float, other_side: bool = False) -> Pose:
        """At `way` out: 0 is the first pose, 1 the last."""
        place = np.clip(way, 0, 1) * (len(self.keys) - 1)
        first = min(int(place), len(self.keys) - 2)
        share = place - first
        pose = self.keys[first] * (1 - share) + self.keys[first + 1] * share
        return swapped(pose, mirrored=self.from_front) if other_side else pose


def posed(
    head: tuple[float, float],
    neck: tuple[float, float],
    hip: tuple[float, float],
    arm1: tuple[float, float, float, float],
    arm2: tuple[float, float, float, float],
    leg1: tuple[float, float, float, float],
    leg2: tuple[float, float, float, float],
) -> Pose:
    """Arms are elbow and hand, legs knee and foot: x, y, x, y."""
    pairs = [head, neck, hip, arm1[:2], arm1[2:], arm2[:2], arm2[2:], leg1[:2], leg1[2:], leg2[:2], leg2[2:]]
    return np.array(pairs, np.float64)


def swapped(pose: Pose, mirrored: bool) -> Pose:
    """The same pose with the sides exchanged; `mirrored` where it is seen from the front."""
    other = pose[[HEAD, NECK, HIP, ELBOW2, HAND2, ELBOW1, HAND1, KNEE2, FOOT2, KNEE1, FOOT1]].copy()
    if mirrored:
        other[:, 0] *= -1
    return other
