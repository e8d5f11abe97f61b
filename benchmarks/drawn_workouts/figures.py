"""A jointed figure and the exercises it can do, as key poses it passes through."""

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

    def pose(self, way: float, other_side: bool = False) -> Pose:
        """At `way` out: 0 is the first pose, 1 the last."""
        place = np.clip(way, 0, 1) * (len(self.keys) - 1)
        first = min(int(place), len(self.keys) - 2)
        share = place - first
        pose = self.keys[first] * (1 - share) + self.keys[first + 1] * share
        return swapped(pose, mirrored=self.keys[0] is FRONT) if other_side else pose


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


SIDE = posed(
    (0.02, 0.93), (0, 0.82), (0, 0.5), (0.01, 0.64, 0.05, 0.47), (-0.02, 0.64, 0.01, 0.47), (0.02, 0.26, 0, 0),
    (0.0, 0.26, -0.03, 0),
)  # fmt: skip
FRONT = posed(
    (0, 0.94), (0, 0.82), (0, 0.5), (-0.14, 0.64, -0.16, 0.46), (0.14, 0.64, 0.16, 0.46), (-0.07, 0.26, -0.08, 0),
    (0.07, 0.26, 0.08, 0),
)  # fmt: skip
HIGH_PLANK = posed(
    (0.52, 0.40), (0.40, 0.34), (-0.08, 0.20), (0.40, 0.17, 0.40, 0), (0.38, 0.17, 0.38, 0), (-0.34, 0.11, -0.6, 0.02),
    (-0.35, 0.10, -0.62, 0.02),
)  # fmt: skip
LOW_PLANK = posed(
    (0.54, 0.20), (0.42, 0.15), (-0.08, 0.13), (0.26, 0.17, 0.40, 0), (0.24, 0.17, 0.38, 0), (-0.34, 0.08, -0.6, 0.02),
    (-0.35, 0.07, -0.62, 0.02),
)  # fmt: skip
DOWN = posed(
    (0.14, 0.68), (0.08, 0.57), (-0.11, 0.28), (0.22, 0.56, 0.38, 0.58), (0.2, 0.55, 0.36, 0.57), (0.15, 0.27, 0, 0),
    (0.13, 0.27, -0.03, 0),
)  # fmt: skip
CROUCH = posed(
    (0.26, 0.5), (0.2, 0.4), (-0.08, 0.26), (0.25, 0.2, 0.27, 0.01), (0.22, 0.2, 0.24, 0.01), (0.14, 0.24, 0, 0),
    (0.12, 0.24, -0.03, 0),
)  # fmt: skip
LYING = posed(
    (-0.5, 0.07), (-0.38, 0.06), (0, 0.06), (-0.3, 0.16, -0.42, 0.13), (-0.3, 0.15, -0.43, 0.12), (0.2, 0.27, 0.35, 0),
    (0.19, 0.26, 0.33, 0),
)  # fmt: skip
SITTING = posed(
    (0.0, 0.54), (-0.05, 0.42), (0, 0.06), (0.04, 0.28, 0.14, 0.38), (0.02, 0.27, 0.12, 0.37), (0.2, 0.27, 0.35, 0),
    (0.19, 0.26, 0.33, 0),
)  # fmt: skip
STAR = posed(
    (0, 0.94), (0, 0.82), (0, 0.5), (-0.18, 0.98, -0.1, 1.18), (0.18, 0.98, 0.1, 1.18), (-0.15, 0.26, -0.27, 0),
    (0.15, 0.26, 0.27, 0),
)  # fmt: skip
RACK = posed(
    (0, 0.94), (0, 0.82), (0, 0.5), (-0.19, 0.68, -0.18, 0.86), (0.19, 0.68, 0.18, 0.86), (-0.07, 0.26, -0.08, 0),
    (0.07, 0.26, 0.08, 0),
)  # fmt: skip
OVERHEAD = posed(
    (0, 0.94), (0, 0.82), (0, 0.5), (-0.19, 0.98, -0.18, 1.2), (0.19, 0.98, 0.18, 1.2), (-0.07, 0.26, -0.08, 0),
    (0.07, 0.26, 0.08, 0),
)  # fmt: skip
CURLED = posed(
    (0, 0.94), (0, 0.82), (0, 0.5), (-0.14, 0.64, -0.15, 0.84), (0.14, 0.64, 0.16, 0.46), (-0.07, 0.26, -0.08, 0),
    (0.07, 0.26, 0.08, 0),
)  # fmt: skip
LUNGED = posed(
    (0.08, 0.73), (0.06, 0.62), (0.05, 0.3), (0.08, 0.45, 0.1, 0.32), (0.04, 0.45, 0.06, 0.32), (0.27, 0.28, 0.27, 0),
    (-0.13, 0.07, -0.33, 0.04),
)  # fmt: skip
SEATED_AIR = posed(
    (-0.14, 0.71), (-0.14, 0.59), (-0.14, 0.28), (-0.08, 0.44, 0.05, 0.34), (-0.1, 0.44, 0.03, 0.34),
    (0.12, 0.28, 0.12, 0), (0.1, 0.28, 0.1, 0),
)  # fmt: skip
BENT = posed(
    (0.36, 0.72), (0.27, 0.66), (-0.08, 0.5), (0.28, 0.48, 0.28, 0.3), (0.26, 0.48, 0.26, 0.3), (0.05, 0.27, 0, 0),
    (0.03, 0.27, -0.03, 0),
)  # fmt: skip
ROWED = posed(
    (0.36, 0.74), (0.27, 0.68), (-0.08, 0.5), (0.06, 0.68, 0.12, 0.5), (0.04, 0.68, 0.1, 0.5), (0.05, 0.27, 0, 0),
    (0.03, 0.27, -0.03, 0),
)  # fmt: skip
KNEE_UP = posed(
    (0, 0.94), (0, 0.82), (0, 0.5), (-0.16, 0.64, -0.12, 0.5), (0.16, 0.66, 0.1, 0.78), (-0.09, 0.56, -0.09, 0.3),
    (0.07, 0.26, 0.08, 0),
)  # fmt: skip
HINGED = posed(
    (0.3, 0.74), (0.22, 0.66), (-0.12, 0.46), (0.1, 0.5, -0.04, 0.36), (0.09, 0.5, -0.05, 0.36), (0.03, 0.26, 0, 0),
    (0.01, 0.26, -0.03, 0),
)  # fmt: skip
SWUNG = posed(
    (0.0, 0.94), (0, 0.82), (0.03, 0.5), (0.16, 0.8, 0.36, 0.82), (0.15, 0.79, 0.35, 0.81), (0.02, 0.26, 0, 0),
    (0.0, 0.26, -0.03, 0),
)  # fmt: skip
TOES = posed(
    (0, 1.0), (0, 0.88), (0, 0.56), (-0.14, 0.7, -0.16, 0.52), (0.14, 0.7, 0.16, 0.52), (-0.07, 0.32, -0.08, 0.06),
    (0.07, 0.32, 0.08, 0.06),
)  # fmt: skip
LIFTING = posed(
    (0.3, 0.62), (0.22, 0.54), (-0.12, 0.38), (0.2, 0.32, 0.18, 0.16), (0.18, 0.32, 0.16, 0.16), (0.1, 0.26, 0, 0),
    (0.08, 0.26, -0.03, 0),
)  # fmt: skip
KICKED = posed(
    (-0.06, 0.92), (-0.05, 0.81), (0, 0.5), (0.04, 0.66, 0.14, 0.72), (-0.1, 0.64, -0.1, 0.5), (0.2, 0.52, 0.42, 0.54),
    (0.0, 0.26, -0.03, 0),
)  # fmt: skip
DIPPED = posed(
    (-0.2, 0.62), (-0.2, 0.5), (-0.12, 0.18), (-0.34, 0.42, -0.3, 0.26), (-0.35, 0.42, -0.31, 0.26),
    (0.1, 0.2, 0.24, 0), (0.09, 0.2, 0.22, 0),
)  # fmt: skip
PROPPED = posed(
    (-0.22, 0.8), (-0.22, 0.68), (-0.12, 0.36), (-0.28, 0.48, -0.3, 0.26), (-0.29, 0.48, -0.31, 0.26),
    (0.12, 0.26, 0.24, 0), (0.11, 0.26, 0.22, 0),
)  # fmt: skip
RAISED = posed(
    (0, 0.94), (0, 0.82), (0, 0.5), (-0.22, 0.82, -0.42, 0.82), (0.22, 0.82, 0.42, 0.82), (-0.07, 0.26, -0.08, 0),
    (0.07, 0.26, 0.08, 0),
)  # fmt: skip
HANDS_BEHIND = posed(
    (0.02, 0.93), (0, 0.82), (0, 0.5), (0.1, 0.84, -0.02, 0.9), (0.06, 0.84, -0.04, 0.9), (0.02, 0.26, 0, 0),
    (0.0, 0.26, -0.03, 0),
)  # fmt: skip
BOWED = posed(
    (0.4, 0.66), (0.29, 0.61), (-0.1, 0.5), (0.38, 0.56, 0.34, 0.68), (0.36, 0.55, 0.32, 0.67), (0.01, 0.26, 0, 0),
    (-0.01, 0.26, -0.03, 0),
)  # fmt: skip
FLAT = posed(
    (-0.5, 0.07), (-0.38, 0.06), (0, 0.06), (-0.24, 0.05, -0.1, 0.04), (-0.25, 0.05, -0.11, 0.04), (0.2, 0.27, 0.27, 0),
    (0.19, 0.26, 0.25, 0),
)  # fmt: skip
BRIDGED = posed(
    (-0.5, 0.07), (-0.38, 0.07), (-0.02, 0.24), (-0.24, 0.05, -0.1, 0.04), (-0.25, 0.05, -0.11, 0.04),
    (0.22, 0.28, 0.27, 0), (0.21, 0.27, 0.25, 0),
)  # fmt: skip
SIDE_LUNGED = posed(
    (-0.1, 0.76), (-0.14, 0.65), (-0.2, 0.34), (-0.22, 0.5, -0.12, 0.46), (0.0, 0.5, -0.04, 0.46),
    (-0.3, 0.26, -0.3, 0), (0.0, 0.18, 0.16, 0),
)  # fmt: skip
KNEE_IN = posed(
    (0.52, 0.40), (0.40, 0.34), (-0.06, 0.24), (0.40, 0.17, 0.40, 0), (0.38, 0.17, 0.38, 0), (0.14, 0.16, -0.06, 0.06),
    (-0.35, 0.10, -0.62, 0.02),
)  # fmt: skip
FOOT_ON = posed(
    (0.06, 0.92), (0.05, 0.81), (0.02, 0.49), (0.0, 0.63, 0.06, 0.48), (0.06, 0.63, 0.12, 0.5), (0.2, 0.5, 0.22, 0.25),
    (0.03, 0.25, -0.02, 0),
)  # fmt: skip
STOOD_UP = posed(
    (0.26, 1.18), (0.24, 1.07), (0.24, 0.75), (0.25, 0.89, 0.29, 0.72), (0.22, 0.89, 0.25, 0.72),
    (0.26, 0.51, 0.24, 0.25), (0.24, 0.51, 0.21, 0.25),
)  # fmt: skip
STRETCHED = posed(
    (-0.5, 0.07), (-0.38, 0.06), (0, 0.06), (-0.24, 0.05, -0.1, 0.04), (-0.25, 0.05, -0.11, 0.04),
    (0.24, 0.07, 0.47, 0.04), (0.23, 0.06, 0.46, 0.03),
)  # fmt: skip
LEGS_UP = posed(
    (-0.5, 0.07), (-0.38, 0.06), (0, 0.06), (-0.24, 0.05, -0.1, 0.04), (-0.25, 0.05, -0.11, 0.04),
    (0.05, 0.3, 0.1, 0.53), (0.04, 0.3, 0.08, 0.53),
)  # fmt: skip
HANGING = posed(
    (0, 0.97), (0, 0.85), (0, 0.53), (-0.17, 1.02, -0.22, 1.2), (0.17, 1.02, 0.22, 1.2), (-0.05, 0.29, -0.05, 0.06),
    (0.05, 0.29, 0.05, 0.06),
)  # fmt: skip
PULLED = posed(
    (0, 1.22), (0, 1.1), (0, 0.78), (-0.27, 0.98, -0.22, 1.2), (0.27, 0.98, 0.22, 1.2), (-0.05, 0.54, -0.05, 0.32),
    (0.05, 0.54, 0.05, 0.32),
)  # fmt: skip
TILTED = posed(
    (0.28, 0.86), (0.2, 0.77), (-0.03, 0.5), (0.1, 0.97, 0.3, 1.04), (0.27, 0.58, 0.24, 0.4), (-0.08, 0.26, -0.08, 0),
    (0.06, 0.26, 0.08, 0),
)  # fmt: skip
LEAPT = posed(
    (0.42, 0.84), (0.4, 0.73), (0.36, 0.42), (0.3, 0.56, 0.42, 0.44), (0.5, 0.58, 0.6, 0.46), (0.25, 0.22, 0.1, 0.08),
    (0.42, 0.22, 0.4, 0),
)  # fmt: skip

EXERCISES = {
    one.name: one
    for one in (
        Exercise("squat", (SIDE, DOWN), 1.6, 4.0),
        Exercise("jumping jack", (FRONT, STAR), 0.8, 1.4, hop=0.06),
        Exercise("push-up", (HIGH_PLANK, LOW_PLANK), 1.2, 3.2),
        Exercise("curl", (FRONT, CURLED), 1.3, 3.0, alternating=True),
        Exercise("sit-up", (LYING, SITTING), 1.8, 4.0),
        Exercise("press", (RACK, OVERHEAD), 1.6, 4.0),
        Exercise("lunge", (SIDE, LUNGED), 1.7, 3.6, alternating=True),
        Exercise("burpee", (SIDE, CROUCH, HIGH_PLANK), 2.6, 5.0, hop=0.0),
        Exercise("calf raise", (FRONT, TOES), 1.0, 2.2),
        Exercise("dead lift", (SIDE, LIFTING), 1.8, 4.0),
        Exercise("kick", (SIDE, KICKED), 0.9, 2.0, alternating=True),
        Exercise("dip", (PROPPED, DIPPED), 1.4, 3.0),
        Exercise("row", (BENT, ROWED), 1.3, 3.2),
        Exercise("high knees", (FRONT, KNEE_UP), 0.5, 0.9, alternating=True),
        Exercise("swing", (HINGED, SWUNG), 1.3, 2.2),
        Exercise("side raise", (FRONT, RAISED), 1.6, 3.5),
        Exercise("good morning", (HANDS_BEHIND, BOWED), 1.8, 3.8),
        Exercise("bridge", (FLAT, BRIDGED), 1.6, 3.5),
        Exercise("side lunge", (FRONT, SIDE_LUNGED), 1.8, 3.6, alternating=True),
        Exercise("mountain climber", (HIGH_PLANK, KNEE_IN), 0.6, 1.1, alternating=True),
        Exercise("step-up", (SIDE, FOOT_ON, STOOD_UP), 2.0, 4.0, alternating=True),
        Exercise("leg raise", (STRETCHED, LEGS_UP), 1.6, 3.6),
        Exercise("pull-up", (HANGING, PULLED), 1.6, 3.8),
        Exercise("side bend", (FRONT, TILTED), 1.6, 3.4, alternating=True),
        Exercise("skater", (FRONT, LEAPT), 1.0, 1.8, alternating=True, hop=0.03),
    )
}

HELD = {"plank": HIGH_PLANK, "wall sit": SEATED_AIR}

LATER_EXERCISES = ("good morning", "bridge", "side lunge", "mountain climber")
UNSEEN_EXERCISES = ("step-up", "leg raise", "pull-up", "side bend", "skater")
"""Only in the evaluation half."""
FIRST_EXERCISES = tuple(name for name in EXERCISES if name not in (*LATER_EXERCISES, *UNSEEN_EXERCISES))

FIRST_BUILDS = (
    Build("usual"),
    Build("slim", 0.1, 0.05, 0.12, 0.9),
    Build("strong", 0.17, 0.09, 0.14, 1.1),
    Build("broad", 0.24, 0.1, 0.16, 1.3),
)
LATER_BUILDS = (Build("child", 0.15, 0.08, 0.2, 1.15),)
UNSEEN_BUILDS = (Build("lanky", 0.11, 0.055, 0.11, 0.8),)
"""Only in the evaluation half."""
