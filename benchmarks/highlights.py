"""How well highlights find what happens in drawn videos, beside choices made without understanding.

python -m benchmarks.highlights [--half tuning|evaluation] [--kind KIND] [--keep FOLDER] [--json FILE] [--verbose]

Real files are drawn, scanned and analysed as the service does it. Thresholds are tuned on the tuning half only: run the
evaluation half seldom, to learn how well the rest of the world would be seen, write down each time that it was run, and
change nothing for its sake. The exit status is 1 when a goal is missed. Nothing is kept but in the folders named.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from analysis.highlights import find_highlights
from analysis.signals import SignalCollector
from benchmarks.drawn.highlights import Drawing, drawings, drawn
from benchmarks.drawn.sketch import HALVES
from benchmarks.drawn.truth import KINDS, Truth
from benchmarks.grading import (
    MOST_PICKS,
    CutGrade,
    PickGrade,
    Plain,
    baselines,
    grade_cuts,
    grade_picks,
    hits,
    total_cuts,
    within_budget,
)
from benchmarks.speed.report import Line, Mark, Room
from schemas import Highlights, HighlightsParams, Limits
from video.scan import scan

PARAMS = HighlightsParams(max_highlights=MOST_PICKS, min_significance=1)

DRAWING_AT_ONCE = 2

GOALS = {"events": 0.8, "top pick": 0.8, "cuts recall": 0.95, "cuts precision": 0.95}
"""At least. Recall is of hard cuts and fades: a dissolve has no one moment, and its recall is shown beside."""

SLACK = 0.03
"""Of shares: nothing is left to chance in them but the last bits of a decoder's arithmetic."""

FLAT_GOAL = 4.0
"""At most, for any moment or window of a video in which nothing happens."""


@dataclass(frozen=True)
class Row:
    """One video: what is known of it, what was found, and how well they agree; no `picks` where nothing happens."""

    name: str
    truth: Truth
    found: Highlights
    found_cuts: tuple[float, ...]
    picks: PickGrade | None
    plain: dict[str, PickGrade]
    cuts: CutGrade

    @property
    def highest(self) -> float:
        moments, windows = self.found.moments, self.found.windows
        return max([moment.score for moment in moments] + [window.score for window in windows])


def look(drawing: Drawing, path: Path) -> Row:
    truth, collector, plain = drawing.clip().truth, SignalCollector(), Plain()
    for piece in scan(path, Limits()):
        collector.add(piece.samples, piece.sounds)
        plain.add(piece.samples, piece.sounds)
    signals = collector.finish(piece.position)
    found = find_highlights(signals, PARAMS)
    spans = [(moment.start, moment.end) for moment in found.moments]
    return Row(
        name=drawing.name,
        truth=truth,
        found=found,
        found_cuts=signals.cuts,
        picks=grade_picks(truth, spans) if truth.events else None,
        plain=baselines(truth, plain, drawing.seed) if truth.events else {},
        cuts=grade_cuts(truth.cuts, signals.cuts),
    )


def rows(wanted: list[Drawing], folder: Path) -> Iterator[Row]:
    """In order; further videos are drawn while one is looked at."""
    ways = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(DRAWING_AT_ONCE, mp_context=ways) as pool:
        for drawing, path in zip(wanted, pool.map(partial(drawn, folder=folder), wanted), strict=True):
            yield look(drawing, path)


def figures(done: list[Row]) -> dict[str, float]:
    """Those of the goals' figures, and `flat`, that these videos tell of."""
    told: dict[str, float] = {}
    graded = [row.picks for row in done if row.picks]
    if graded:
        told["events"], told["top pick"] = shares(graded)
    cuts = total_cuts(row.cuts for row in done)
    clear = cuts.true.total() - cuts.true["dissolve"]
    if clear:
        told["cuts recall"] = (cuts.right - cuts.matched["dissolve"]) / clear
    if cuts.true["dissolve"]:
        told["dissolves recall"] = cuts.matched["dissolve"] / cuts.true["dissolve"]
    if cuts.found:
        told["cuts precision"] = cuts.right / cuts.found
    flat = [row.highest for row in done if row.truth.flat]
    if flat:
        told["flat"] = max(flat)
    return told


def shares(graded: list[PickGrade]) -> tuple[float, float]:
    """Events hit of all of them, and first picks right of all videos."""
    return sum(grade.hit for grade in graded) / sum(grade.events for grade in graded), sum(
        grade.top for grade in graded
    ) / len(graded)


def missed(told: dict[str, float]) -> list[str]:
    below = [f"{name} {told[name]:.2f} < {goal}" for name, goal in GOALS.items() if told.get(name, goal) < goal]
    return below + [f"flat {told['flat']:.1f} > {FLAT_GOAL:g}" for _ in [0] if told.get("flat", 0) > FLAT_GOAL]


def bench_highlights(room: Room) -> list[Line]:
    """For `make bench`: the tuning half, which may be run as often as is wanted, beside the best of the plain ways."""
    wanted = drawings("tuning")[: 4 if room.quick else None]
    folder = room.footage / "highlights"
    folder.mkdir(exist_ok=True)
    done = list(rows(wanted, folder))
    told, grades = figures(done), [row.plain for row in done if row.plain]
    plain = {name: shares([grade[name] for grade in grades]) for name in grades[0]} if grades else {}
    lines = []
    for number, name in enumerate(("events", "top pick")):
        best = max(plain, key=lambda way: plain[way][number], default=None)
        if name in told and best:
            lines.append(_share(f"{name} found", name, told[name], f"{plain[best][number]:.2f} by {best}"))
    lines += [_share(name, name, told[name]) for name in ("cuts recall", "cuts precision") if name in told]
    if "flat" in told:
        words = f"{told['flat']:.1f} at most"
        lines.append(
            Line("score of anything where nothing happens", words, f"≤ {FLAT_GOAL:g}", told["flat"] <= FLAT_GOAL)
        )
    return lines


def _share(what: str, name: str, share: float, beside: str = "") -> Line:
    measured = f"{share:.2f}" + (f" beside {beside}" if beside else "")
    return Line(what, measured, f"≥ {GOALS[name]:g}", share >= GOALS[name], Mark(name, share, SLACK))


def table(done: list[Row]) -> Iterator[str]:
    yield f"{'kind':16}{'n':>3}{'events':>14}{'top pick':>11}{'cuts':>10}{'false':>7}{'highest':>9}"
    for kind in KINDS:
        some = [row for row in done if row.truth.kind == kind]
        if some:
            yield _line(kind, some)
    yield _line("all", done)
    graded = [row for row in done if row.plain]
    if graded:
        yield f"\n{'beside':16}{'events':>10}{'top pick':>11}"
        for name in ("highlights", *graded[0].plain):
            grades = [row.picks if name == "highlights" else row.plain[name] for row in graded]
            events, top = shares([grade for grade in grades if grade])
            yield f"{name:16}{events:>10.2f}{top:>11.2f}"
    cuts = total_cuts(row.cuts for row in done)
    by_kind = ", ".join(f"{how} {cuts.matched[how]}/{cuts.true[how]}" for how in ("hard", "fade", "dissolve"))
    yield f"\ncuts: {by_kind}; found {cuts.found}, right {cuts.right}"


def _line(name: str, some: list[Row]) -> str:
    graded = [row.picks for row in some if row.picks]
    events, top = "", ""
    if graded:
        hit, of = sum(grade.hit for grade in graded), sum(grade.events for grade in graded)
        events, top = f"{hit:.0f}/{of}  {hit / of:.2f}", f"{sum(g.top for g in graded):.0f}/{len(graded)}"
    cuts = total_cuts(row.cuts for row in some)
    true = f"{cuts.right}/{cuts.true.total()}" if cuts.true else ""
    highest = max(row.highest for row in some)
    return f"{name:16}{len(some):>3}{events:>14}{top:>11}{true:>10}{cuts.found - cuts.right:>7}{highest:>9.1f}"


def detail(row: Row) -> Iterator[str]:
    """One video: its events, then its picks, best first. `*` marks the best events, `+` what was hit, `-` what not."""
    yield f"\n{row.name}  {row.truth.seconds:.1f} s"
    spans = [(moment.start, moment.end) for moment in row.found.moments]
    kept = within_budget(spans, row.truth.seconds / 2)
    for event in row.truth.events:
        mark = "+" if any(hits(pick, event) for pick in kept) else "-"
        best = "*" if event in row.truth.best else " "
        yield f"  {mark}{best} event {event.start:6.1f} to {event.end:6.1f}  {event.what}"
    for moment, span in zip(row.found.moments, spans, strict=True):
        mark = "+" if any(hits(span, event) for event in row.truth.events) else " "
        over = "" if span in kept else "  (over the budget)"
        yield f"  {mark}  pick  {span[0]:6.1f} to {span[1]:6.1f}  {moment.score:4.1f}  {moment.words}{over}"
    if row.truth.cuts or row.found_cuts:
        yield "   cuts   " + ", ".join(f"{cut.time:.2f} {cut.how}" for cut in row.truth.cuts)
        yield "   found  " + ", ".join(f"{time:.2f}" for time in row.found_cuts)
    if row.truth.flat:
        yield f"   highest {row.highest:.1f}"


def as_json(done: list[Row]) -> str:
    videos = [
        {
            "name": row.name,
            "truth": asdict(row.truth),
            "picks": [[m.start, m.end, m.score, m.words] for m in row.found.moments],
            "cuts": row.found_cuts,
            "highest": row.highest,
            "grade": asdict(row.picks) if row.picks else None,
            "baselines": {name: asdict(grade) for name, grade in row.plain.items()},
        }
        for row in done
    ]
    return json.dumps({"figures": figures(done), "videos": videos}, indent=1)


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--half", choices=HALVES, default="evaluation")
    ask.add_argument("--kind", choices=KINDS)
    ask.add_argument("--keep", type=Path, metavar="FOLDER", help="where drawn videos are kept, and looked for")
    ask.add_argument("--json", type=Path, metavar="FILE")
    ask.add_argument("--verbose", action="store_true")
    asked = ask.parse_args()
    wanted = [drawing for drawing in drawings(asked.half) if asked.kind in (None, drawing.kind)]
    done = []
    with ExitStack() as stack:
        folder = asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        for row in rows(wanted, folder):
            done.append(row)
            for line in detail(row) if asked.verbose else ():
                print(line, flush=True)
    print(f"\n{asked.half} half\n\n" + "\n".join(table(done)))
    if asked.json:
        asked.json.write_text(as_json(done))
    failed = missed(figures(done))
    print("missed: " + ", ".join(failed) if failed else "every goal met")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
