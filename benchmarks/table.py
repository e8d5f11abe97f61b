"""benchmarks/README.md: all that was measured last in one table, beside its reference, its bar and what was kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks.kept import Measured, Run, Shelf, worse
from benchmarks.parts import PARTS
from benchmarks.speed.report import Line

HEAD = """\
# What was measured last

`make bench` writes this page; nothing in it is written by hand. Absolute numbers are of one machine. Read the ratios:
ours and its reference took turns in the same minutes, so that they say as much elsewhere.

```
make bench                              # all of it: long, for most videos are drawn first
make bench ONLY="upload status"         # some parts; the others stay as they were measured last
make bench KEEP=yes                     # the same, and later runs are held to this one's ratios
```

It ends with status 1 where a bar is missed, or a ratio is worse than the kept one (`kept.json`) by more than such
ratios differ by chance. Each part was measured in a process of its own. Weights of models are random, in the geometry
of the real ones: what they say means nothing, and takes as long. Drawn videos are those of the half that thresholds
were tuned on, so they show what got worse, not how well strangers' videos do: for that, [LOG.md](LOG.md) has the runs
of the other half, and what was tried and lost.
"""

VERDICTS = {True: "yes", False: "**no**", None: ""}


def write(shelf: Shelf) -> None:
    shelf.page.write_text("\n".join(page(shelf.read_last(), shelf.read_kept())) + "\n")


def page(last: Mapping[str, Measured], kept: Mapping[str, float]) -> Iterator[str]:
    yield HEAD
    yield "| what | measured, beside its reference | bar | met | kept ratio |"
    yield "|---|---|---|---|---|"
    runs: dict[Run, list[str]] = {}
    for name, part in PARTS.items():
        if name in last:
            runs.setdefault(last[name].run, []).append(name)
            yield f"| **{part.about}** (`{name}`) | | | | |"
            yield from (_row(line, kept) for line in last[name].lines)
    missing = [name for name in PARTS if name not in last]
    if missing:
        yield f"\nNot measured yet: {', '.join(f'`{name}`' for name in missing)}."
    yield "\nEach part, when and where; a commit with a plus had changes that were not committed:\n"
    yield "| part | when | commit | load before | took |"
    yield "|---|---|---|---|---|"
    for run, names in runs.items():
        yield f"| {', '.join(names)} | {run.date} | {run.commit} | {run.load} | {run.seconds:.0f} s |"
    for number, words in enumerate(dict.fromkeys(run.machine for run in runs)):
        yield f"{'' if number else chr(10)}Machine: {words}."


def _row(line: Line, kept: Mapping[str, float]) -> str:
    """Leading blanks of a line mean that it belongs to the one above."""
    what = f"… {line.what.strip()}" if line.what.startswith(" ") else line.what
    cells = (what, line.measured, line.bar, VERDICTS[line.good], held(line, kept))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def held(line: Line, kept: Mapping[str, float]) -> str:
    """How a line stands to the kept ratio, in words."""
    if line.mark is None:
        return ""
    if line.mark.name not in kept:
        return "none yet"
    return f"**worse than {allowed(line, kept)}**" if worse(line, kept) else allowed(line, kept)


def allowed(line: Line, kept: Mapping[str, float]) -> str:
    """The kept ratio, and how much worse a line's may be."""
    assert line.mark
    return f"{kept[line.mark.name]:.2f} {'+' if line.mark.less_is_better else '−'} {line.mark.slack:.0%}"
