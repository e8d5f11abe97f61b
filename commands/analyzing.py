"""`analyze` and `demo`: a video, or a drawn one, to a result on the screen and files in a folder."""

from __future__ import annotations

from argparse import Namespace
from contextlib import closing
from pathlib import Path

from commands import there
from commands.ending import DONE, Stopping, scratch
from commands.job import RESULT, Done, Job, delivering, keep_result
from commands.showing import Bar, as_json, result_lines
from errors import InvalidRequest


def analyze(wanted: Namespace, stopping: Stopping) -> int:
    return _analyse(wanted, wanted.video, stopping)


def demo(wanted: Namespace, stopping: Stopping) -> int:
    from video.draw import draw_demo  # noqa: PLC0415  numpy and PyAV, which most commands do without

    with scratch(stopping, "video-demo") as folder:
        draw_demo(video := folder / "demo.mp4")
        return _analyse(wanted, video, stopping)


def draw(wanted: Namespace, stopping: Stopping) -> int:
    from video.draw import draw_demo  # noqa: PLC0415  as above

    draw_demo(wanted.video)
    return DONE


def _analyse(wanted: Namespace, video: Path, stopping: Stopping) -> int:
    if video.is_fifo():
        raise InvalidRequest(f"{video} is a pipe: a video is read more than once, and so has to be a file")
    with video.open("rb"):  # what cannot be read is told before anything is begun
        pass
    with delivering(wanted.out, stopping) as place:
        with closing(Bar(stopping, quiet=wanted.quiet)) as bar:
            job = Job(video, wanted.type, wanted.params, bar.show, stopping)
            done = _done(wanted, job, place)
        if place:
            keep_result(done, place)
    _show(wanted, done)
    return DONE


def _done(wanted: Namespace, job: Job, place: Path | None) -> Done:
    if wanted.server:
        return there.analyse(job, place, wanted.server, wanted.key)
    from commands import here  # noqa: PLC0415  all of the service, which takes a second to load

    return here.analyse(job, place)


def _show(wanted: Namespace, done: Done) -> None:
    if wanted.json:
        print(as_json(done.here()))
    elif not wanted.quiet:
        for line in result_lines(done.data):
            print(line)
        if wanted.out:
            print(f"{wanted.out}: {', '.join([RESULT, *sorted(done.names)])}")
