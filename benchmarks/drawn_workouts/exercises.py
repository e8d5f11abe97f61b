"""The exercises, postures and bodies that workouts are drawn from, and in which half each is used."""

from __future__ import annotations

from benchmarks.drawn_workouts.figures import Build, Exercise
from benchmarks.drawn_workouts.poses import (
    ALL_FOURS,
    ARCHED,
    BAR_HIGH,
    BAR_LOW,
    BEHIND_HEAD,
    BENT,
    BOWED,
    BRIDGED,
    CAUGHT,
    CHOP_HIGH,
    CHOP_LOW,
    CROSSED,
    CROUCH,
    CURLED,
    CURLED_UP,
    DIPPED,
    DOWN,
    DRAWN_DOWN,
    EXTENDED,
    FLAT,
    FOLDED,
    FOOT_ON,
    FRONT,
    GUARD,
    HANDS_AT_EARS,
    HANDS_BEHIND,
    HANDS_HIGH,
    HANDS_ON_HIPS,
    HANGING,
    HEEL_UP,
    HIGH_PLANK,
    HINGED,
    HUNG_ARMS,
    JACKKNIFED,
    JUMPED,
    KICKED,
    KICKED_BACK,
    KNEE_IN,
    KNEE_UP,
    LEANT,
    LEAPT,
    LEG_ASIDE,
    LEGS_UP,
    LIFTING,
    LOW_PLANK,
    LOWERED,
    LUNGED,
    LYING,
    LYING_LONG,
    ON_BACK,
    OPENED_ARMS,
    OVERHEAD,
    PEDALLED,
    PRONE,
    PROPPED,
    PULLED,
    PUNCHED,
    RACK,
    RACKED_LOW,
    RAISED,
    RAISED_AHEAD,
    REACHED,
    ROWED,
    SEATED_AIR,
    SEATED_BACK,
    SIDE,
    SIDE_LUNGED,
    SITTING,
    SPREAD,
    STAR,
    STOOD_AWAY,
    STOOD_UP,
    STRETCHED,
    SWUNG,
    TILTED,
    TOES,
    TOES_TOUCHED,
    TWISTED,
    WALKED_OUT,
    WIDE,
    WIDE_DOWN,
    WINDMILLED,
)

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
        Exercise("thruster", (RACKED_LOW, RACK, OVERHEAD), 1.8, 3.8),
        Exercise("superman", (PRONE, ARCHED), 1.6, 3.4),
        Exercise("bird dog", (ALL_FOURS, REACHED), 1.8, 3.6, alternating=True),
        Exercise("wood chop", (CHOP_HIGH, CHOP_LOW), 1.3, 2.8),
        Exercise("bicycle crunch", (CURLED_UP, PEDALLED), 0.9, 1.9, alternating=True),
        Exercise("v-up", (LYING_LONG, JACKKNIFED), 1.7, 3.6),
        Exercise("upright row", (BAR_LOW, BAR_HIGH), 1.4, 3.0),
        Exercise("donkey kick", (ALL_FOURS, KICKED_BACK), 1.2, 2.6, alternating=True),
        Exercise("windmill", (SPREAD, WINDMILLED), 1.8, 3.6, alternating=True),
        Exercise("squat jump", (DOWN, SIDE, JUMPED), 1.2, 2.4),
        Exercise("pull-down", (HANDS_HIGH, DRAWN_DOWN), 1.5, 3.2),
        Exercise("twist", (SEATED_BACK, TWISTED), 1.0, 2.2, alternating=True),
        Exercise("side leg raise", (HANDS_ON_HIPS, LEG_ASIDE), 1.3, 2.8, alternating=True),
        Exercise("inchworm", (STOOD_AWAY, FOLDED, WALKED_OUT), 3.2, 5.5),
        Exercise("punch", (GUARD, PUNCHED), 0.8, 1.6, alternating=True),
        Exercise("clean", (LIFTING, SIDE, CAUGHT), 1.8, 4.0),
        Exercise("dead bug", (ON_BACK, LOWERED), 1.6, 3.4, alternating=True),
        Exercise("reverse fly", (HUNG_ARMS, OPENED_ARMS), 1.4, 3.0),
        Exercise("triceps extension", (BEHIND_HEAD, EXTENDED), 1.4, 3.0),
        Exercise("butt kick", (SIDE, HEEL_UP), 0.6, 1.1, alternating=True),
        Exercise("toe touch", (FRONT, TOES_TOUCHED), 1.6, 3.4),
        Exercise("front raise", (SIDE, RAISED_AHEAD), 1.5, 3.4),
        Exercise("sumo squat", (WIDE, WIDE_DOWN), 1.6, 3.8),
        Exercise("cross crunch", (HANDS_AT_EARS, CROSSED), 1.0, 2.2, alternating=True),
        Exercise("single-leg dead lift", (SIDE, LEANT), 1.8, 3.8, alternating=True),
    )
}

HELD = {"plank": HIGH_PLANK, "wall sit": SEATED_AIR}

SECOND_EXERCISES = ("good morning", "bridge", "side lunge", "mountain climber")
THIRD_EXERCISES = ("step-up", "leg raise", "pull-up", "side bend", "skater")
FOURTH_EXERCISES = ("thruster", "superman", "bird dog", "wood chop", "bicycle crunch")
FIFTH_EXERCISES = ("v-up", "upright row", "donkey kick", "windmill", "squat jump")
SIXTH_EXERCISES = ("pull-down", "twist", "side leg raise", "inchworm", "punch")
SEVENTH_EXERCISES = ("clean", "dead bug", "reverse fly", "triceps extension", "butt kick")
UNSEEN_EXERCISES = ("toe touch", "front raise", "sumo squat", "cross crunch", "single-leg dead lift")
"""Only in the evaluation half."""
FIRST_EXERCISES = tuple(
    name
    for name in EXERCISES
    if name
    not in (
        *(*SECOND_EXERCISES, *THIRD_EXERCISES, *FOURTH_EXERCISES, *FIFTH_EXERCISES),
        *(*SIXTH_EXERCISES, *SEVENTH_EXERCISES, *UNSEEN_EXERCISES),
    )
)

FIRST_BUILDS = (
    Build("usual"),
    Build("slim", 0.1, 0.05, 0.12, 0.9),
    Build("strong", 0.17, 0.09, 0.14, 1.1),
    Build("broad", 0.24, 0.1, 0.16, 1.3),
)
SECOND_BUILDS = (Build("child", 0.15, 0.08, 0.2, 1.15),)
THIRD_BUILDS = (Build("lanky", 0.11, 0.055, 0.11, 0.8),)
FOURTH_BUILDS = (Build("stocky", 0.21, 0.085, 0.15, 0.95),)
FIFTH_BUILDS = (Build("wiry", 0.12, 0.075, 0.17, 1.05),)
SIXTH_BUILDS = (Build("round", 0.27, 0.08, 0.15, 1.1),)
SEVENTH_BUILDS = (Build("heavy-limbed", 0.18, 0.12, 0.13, 1.2),)
UNSEEN_BUILDS = (Build("big-headed", 0.14, 0.065, 0.23, 0.95),)
"""Only in the evaluation half."""
