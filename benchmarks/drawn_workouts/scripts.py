"""What a figure does over a video, moment by moment, and what is therefore true of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.drawn_workouts.exercises import HELD
from benchmarks.drawn_workouts.figures import ELBOW1, ELBOW2, HAND1, HAND2, HEAD, HIP, Exercise, Pose
from benchmarks.drawn_workouts.poses import FRONT, PRONE, SIDE

RATE = 20
"""Pictures a second."""

ON_THE_FLOOR = 0.1
"""Body heights below which the hip lies on the floor."""


@dataclass(frozen=True)
class TrueSet:
    """A set as it was drawn. `turns` are the times at which repetitions turn back; a hold has none."""

    exercise: str
    start: float
    end: float
    turns: tuple[float, ...]
    alternating: bool
    held: bool = False

    @property
    def reps(self) -> int:
        return len(self.turns)


@dataclass
class Script:
    """Poses picture by picture, and the truth about them, written down while they are made."""

    random: np.random.Generator
    poses: list[Pose] = field(default_factory=list)
    sets: list[TrueSet] = field(default_factory=list)
    talking: list[tuple[float, float]] = field(default_factory=list)
    """Stretches in which the picture shows a talking head instead."""

    @property
    def now(self) -> float:
        return len(self.poses) / RATE

    def hold_still(self, pose: Pose, seconds: float, sway: float = 0.004) -> None:
        """Stand or lie there, never quite still: each joint wanders slowly around its place."""
        off = np.zeros_like(pose)
        for _ in range(round(seconds * RATE)):
            off = 0.96 * off + self.random.normal(size=pose.shape) * sway
            self.poses.append(pose + off * (pose[:, 1:] > 0.05))

    def change_to(self, pose: Pose, seconds: float | None = None) -> None:
        """Get from the present pose into another, unless it is that already."""
        if not self.poses or np.abs(self.poses[-1] - pose).max() < 0.08:
            return
        before, steps = self.poses[-1], round((seconds or self.random.uniform(0.9, 1.8)) * RATE)
        for step in range(steps):
            self.poses.append(before + (pose - before) * _eased((step + 1) / steps))

    def work(
        self,
        exercise: Exercise,
        reps: int,
        *,
        pace: float = 1.0,
        uneven: float = 0.1,
        pauses: float = 0.0,
        held: float = 0.15,
    ) -> None:
        """A set. `uneven` spreads the repetitions' lengths, `held` is the largest share of one spent in its first
        pose, `pauses` seconds are waited there now and then."""
        self.change_to(exercise.keys[0])
        begin, usual, drift = self.now, self._usual(exercise) * pace, self.random.uniform(-0.15, 0.3)
        turns = []
        for number in range(reps):
            length = usual * (1 + drift * number / max(1, reps - 1)) * np.exp(self.random.normal() * uneven)
            turns.append(self._repeat(exercise, number, max(length, 0.45), held))
            if pauses and number < reps - 1 and self.random.random() < 0.5:
                self.hold_still(self.poses[-1], pauses * self.random.uniform(0.6, 1.2), sway=0.001)
        self.sets.append(TrueSet(exercise.name, begin, self.now, tuple(turns), exercise.alternating))

    def stay(self, name: str, seconds: float) -> None:
        """Hold a posture, trembling a little."""
        self.change_to(HELD[name])
        begin = self.now
        self.hold_still(HELD[name], seconds, sway=0.0015)
        self.sets.append(TrueSet(name, begin, self.now, (), False, held=True))

    def rest(self, seconds: float, kind: str | None = None) -> None:
        kind = kind or str(self.random.choice(["still", "fidget", "walk", "drink"]))
        lying = bool(self.poses) and self.poses[-1][HEAD, 1] < 0.6 and self.random.random() < 0.3
        if lying:
            # Who stays in a plank goes on holding it.
            stance = self.poses[-1] if self.poses[-1][HIP, 1] < ON_THE_FLOOR else PRONE
        else:
            stance = SIDE if self.random.random() < 0.5 else FRONT
        began = len(self.poses)
        self.change_to(stance)
        left = seconds - (len(self.poses) - began) / RATE
        if lying or kind == "still":
            self.hold_still(stance, left)
        else:
            {"fidget": self._fidget, "walk": self._walk, "drink": self._drink}[kind](stance, left)

    def talk(self, seconds: float) -> None:
        """A talking head fills the picture: its poses are gestures, told apart by `talking`."""
        begin = self.now
        self._fidget(FRONT, seconds, reach=0.03)
        self.talking.append((begin, self.now))

    def dance(self, seconds: float) -> None:
        """From one pose that comes to mind to the next, to a beat, and never the same again."""
        beat = self.random.uniform(0.35, 0.6)
        end = self.now + seconds
        while self.now < end:
            target = FRONT + self.random.normal(size=FRONT.shape) * np.where(FRONT[:, 1:] > 0.05, 0.1, 0.05)
            for joint in (ELBOW1, ELBOW2, HAND1, HAND2):
                target[joint] += self.random.normal(size=2) * 0.14
            target[:, 0] += self.random.normal() * 0.15
            target[:, 1] = np.maximum(target[:, 1], 0)
            if self.poses:
                self.change_to(target, beat * float(self.random.choice([1, 1, 2])))
            else:
                self.poses.append(target)

    def _usual(self, exercise: Exercise) -> float:
        return float(self.random.uniform(exercise.shortest, exercise.longest))

    def _repeat(self, exercise: Exercise, number: int, length: float, held: float) -> float:
        """One repetition; gives the time of its turn."""
        begin, steps = self.now, max(4, round(length * RATE))
        moving = 1 - self.random.uniform(0, held)
        reach, turn = 1 - abs(self.random.normal()) * 0.06, self.random.uniform(0.42, 0.58) * moving
        for step in range(steps):
            share = step / steps
            way = reach * _there_and_back(share, turn, moving)
            pose = exercise.pose(way, exercise.alternating and number % 2 == 1).copy()
            pose[:, 1] += exercise.hop * abs(np.sin(2 * np.pi * min(share / moving, 1)))
            self.poses.append(pose)
        return begin + turn * steps / RATE

    def _fidget(self, stance: Pose, seconds: float, reach: float = 0.07) -> None:
        """Hands, head and weight move about without a plan."""
        off, speed = np.zeros_like(stance), np.zeros_like(stance)
        loose = np.full((len(stance), 1), 0.15)
        loose[[ELBOW1, ELBOW2, HEAD]], loose[[HAND1, HAND2]] = 0.4, 1.0
        for _ in range(round(seconds * RATE)):
            speed = 0.85 * speed - 0.02 * off + self.random.normal(size=stance.shape) * reach * 0.12
            off = off + speed
            self.poses.append(stance + off * loose * (stance[:, 1:] > 0.05))

    def _walk(self, stance: Pose, seconds: float) -> None:
        """Away and back once or twice, at a walker's pace."""
        steps, far = round(seconds * RATE), self.random.uniform(0.3, 0.9) * self.random.choice([-1, 1])
        trips = max(1, round(seconds / self.random.uniform(6, 14)))
        pace = self.random.uniform(1.6, 2.1) * 2 * np.pi
        for step in range(steps):
            pose = stance.copy()
            place = np.sin(np.pi * trips * step / steps) ** 2 * far
            moving = min(1.0, abs(np.sin(2 * np.pi * trips * step / steps)) * 1.5)
            swing = 0.1 * moving * np.sin(pace * step / RATE / 2)
            pose[[7, 8, 5, 6], 0] += np.array([0.5, 1, -0.4, -0.7]) * swing
            pose[[9, 10, 3, 4], 0] -= np.array([0.5, 1, -0.4, -0.7]) * swing
            pose[:, 0] += place
            self.poses.append(pose)

    def _drink(self, stance: Pose, seconds: float) -> None:
        """Bend for a bottle, drink, put it back; stand before and after."""

        def part(pose: Pose, share: float) -> None:
            end = self.now + share * seconds
            self.change_to(pose, min(1.2, share * seconds))
            self.hold_still(pose, max(0.0, end - self.now))

        up, down = stance.copy(), stance.copy()
        up[ELBOW1], up[HAND1] = stance[ELBOW1] + (0.06, 0.08), stance[HEAD] + (0.06, -0.02)
        down[HEAD], down[1] = stance[HEAD] + (0.35, -0.4), stance[1] + (0.28, -0.32)
        down[[ELBOW1, HAND1]] = stance[[ELBOW1, HAND1]] + np.array([[0.3, -0.3], [0.35, -0.35]])
        for pose, share in ((stance, 0.2), (down, 0.12), (stance, 0.13), (up, 0.25), (stance, 0.3)):
            part(pose, share)


def _there_and_back(share: float, turn: float, moving: float) -> float:
    """0 at the start, 1 at `turn`, 0 again from `moving` on; smooth."""
    if share >= moving:
        return 0.0
    return _eased(share / turn) if share < turn else _eased((moving - share) / (moving - turn))


def _eased(share: float) -> float:
    return float(0.5 - 0.5 * np.cos(np.pi * np.clip(share, 0, 1)))
