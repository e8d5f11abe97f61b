"""Whatever happens in a child process is one error for one caller, and leaves nothing behind."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvicorn

from errors import AnalysisStopped, DecoderCrashed, DecodeTimeout, OutOfMemory, UnsupportedVideo
from schemas import Limits, Sound
from tests import misbehaving
from tests.service import until
from video import child
from video.cell import FRAME, NICENESS, Kind

ROOT = Path(__file__).parent.parent


def run(
    function: Callable[..., Iterable[Any]],
    *arguments: object,
    expect: type[Any] = int,
    seconds: float = 30.0,
    stopped: Callable[[], bool] = child.never,
    limits: Limits | None = None,
    reads: str | None = None,
) -> Generator[Any, None, None]:
    return child.run(
        function,
        *arguments,
        expect=expect,
        limits=limits or Limits(),
        reads=reads,
        silence_seconds=seconds,
        wall_seconds=seconds,
        stopped=stopped,
    )


def test_messages_arrive_in_order_and_then_end() -> None:
    assert list(run(misbehaving.counts, 1000)) == list(range(1000))


def test_arrays_arrive_whole_though_larger_than_the_pipe() -> None:
    sounds = list(run(misbehaving.hums, 60, expect=Sound))
    assert [sound.start for sound in sounds] == list(range(60))
    assert all(sound.pcm.shape == (16_000,) and (sound.pcm == 0.5).all() for sound in sounds)


def test_a_refusal_in_the_child_is_the_same_refusal_here() -> None:
    with pytest.raises(UnsupportedVideo, match=r"It is a cake\."):
        list(run(misbehaving.refuses))


def test_an_unforeseen_error_brings_its_traceback_along() -> None:
    with pytest.raises(DecoderCrashed) as caught:
        list(run(misbehaving.stumbles))
    assert "deep inside" in str(caught.value.__cause__)
    assert "deep inside" not in str(caught.value)


def test_a_crash_is_an_error_that_names_its_signal() -> None:
    with pytest.raises(DecoderCrashed, match="SIGSEGV"):
        list(run(misbehaving.crashes))


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGABRT, DecoderCrashed), (signal.SIGXCPU, DecodeTimeout), (signal.SIGKILL, OutOfMemory)],
)
def test_how_a_child_was_killed_says_why(number: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        list(run(misbehaving.kills_itself, int(number)))


def test_a_child_that_leaves_without_a_word_has_crashed() -> None:
    with pytest.raises(DecoderCrashed):
        list(run(misbehaving.leaves_quietly))


def test_memory_without_end_is_refused() -> None:
    with pytest.raises(OutOfMemory):
        list(run(misbehaving.swells, limits=Limits(memory_bytes=256 << 20)))


def test_silence_ends_in_a_timeout() -> None:
    with pytest.raises(DecodeTimeout):
        list(run(misbehaving.says_who_it_is_and_hangs, seconds=0.2))


def test_a_stop_kills_a_child_that_is_stuck_in_native_code() -> None:
    stop = threading.Event()
    messages = run(misbehaving.loops_in_native_code, stopped=stop.is_set)
    pid = next(messages)
    stop.set()
    with pytest.raises(AnalysisStopped):
        next(messages)
    assert not psutil.pid_exists(pid)


@pytest.mark.parametrize("leave", ["close", "forget"])
def test_a_consumer_that_leaves_early_leaves_no_child(leave: str) -> None:
    messages = run(misbehaving.says_who_it_is_and_hangs)
    pid = next(messages)
    if leave == "close":
        messages.close()
    del messages
    gc.collect()
    assert not psutil.pid_exists(pid)


def line(body: bytes) -> bytes:
    return FRAME.pack(b"l", len(body)) + body


def test_what_a_child_says_is_logged_by_who_waits_for_it(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DecoderCrashed):  # which comes of its silence afterwards
        list(run(misbehaving.sends, line(b'[50, "odd\\n", {"file": "a\\u001b", "size": 3}]'), False))
    said = [one for one in caplog.records if one.name == "video.child"]
    assert [(one.levelname, one.getMessage()) for one in said] == [("WARNING", "odd\n")]  # it may not cry wolf
    assert vars(said[0])["facts"] == {"file": "a\x1b", "size": 3}


@pytest.mark.parametrize(
    "raw",
    [
        FRAME.pack(b"m", 4) + b"nope",
        FRAME.pack(b"m", 0xFFFFFFFF),
        FRAME.pack(b"?", 0),
        FRAME.pack(b"r", 20) + json.dumps(["SystemExit", "out!"]).encode(),
        FRAME.pack(b"m", 100) + b"half",
        line(b"nope"),
        line(b'[20, "said", 7]'),
        line(json.dumps([20, "said" * 2000, {}]).encode()),
        line(b'[20, "said", {}]') * 33,
        b"",
    ],
)
def test_nonsense_from_a_child_is_a_crash(raw: bytes) -> None:
    with pytest.raises(DecoderCrashed):
        list(run(misbehaving.sends, raw, False))


def test_half_a_message_holds_nobody_up() -> None:
    with pytest.raises(DecodeTimeout):
        list(run(misbehaving.sends, FRAME.pack(Kind.MESSAGE.encode(), 1000) + b"half", True, seconds=0.2))


def test_a_message_of_another_kind_than_expected_is_a_crash() -> None:
    with pytest.raises(DecoderCrashed):
        list(run(misbehaving.counts, 3, expect=Sound))


def test_a_child_holds_no_web_server() -> None:
    assert uvicorn.__name__ in sys.modules
    (modules,) = run(misbehaving.names_its_modules, expect=tuple)
    assert "av" in modules
    assert not {"fastapi", "starlette", "uvicorn", "pytest", "app"} & set(modules)


def test_a_child_has_little_it_could_use() -> None:
    (limits,) = run(misbehaving.names_its_limits, expect=tuple)
    file_size, files, core, cpu_seconds = limits
    assert (file_size, core) == (0, 0)
    assert files <= 64
    assert cpu_seconds == 120
    assert list(run(misbehaving.counts_its_files)) == [4]  # stdin, stdout, stderr and the pipe


def test_a_child_lets_the_server_go_first() -> None:
    assert list(run(misbehaving.names_its_niceness)) == [os.nice(0) + NICENESS]


def test_a_child_cannot_write_files(tmp_path: Path) -> None:
    with pytest.raises(DecoderCrashed):
        list(run(misbehaving.writes_a_file, str(tmp_path / "file")))
    assert not (tmp_path / "file").exists()


WHERE_IT_CAN = pytest.mark.skipif(not child.sealed().fully, reason="this machine's kernel knows no seccomp or Landlock")


@WHERE_IT_CAN
@pytest.mark.parametrize(
    "deed",
    [
        *("read", "list", "connect", "run", "fork", "kill", "remove", "rename", "truncate", "append", "link"),
        "raise its limits",
    ],
)
def test_a_child_is_let_do_nothing_but_its_work(tmp_path: Path, deed: str) -> None:
    video, other = tmp_path / "video", tmp_path / "other"
    video.write_bytes(b"video")
    other.write_bytes(b"other")
    path = {"read": other, "list": tmp_path}.get(deed, video)
    assert [*run(misbehaving.tries, deed, str(path), expect=str, reads=str(video))] != [""]
    assert (video.read_bytes(), other.read_bytes(), len([*tmp_path.iterdir()])) == (b"video", b"other", 2)


def test_a_child_reads_the_one_file_it_is_for(tmp_path: Path) -> None:
    (tmp_path / "video").write_bytes(b"video")
    path = str(tmp_path / "video")
    assert [*run(misbehaving.tries, "read", path, expect=str, reads=path)] == [""]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process was started with")
def test_a_child_and_what_it_comes_from_know_no_secret() -> None:
    here = "import os, psutil; from video import child, forking; child.sealed(); "
    told = "print([p.environ() for p in psutil.Process().children(recursive=True)])"
    dead = "(p.kill(), os.waitid(os.P_PID, p.pid, os.WEXITED | os.WNOWAIT))"
    kill = f"[{dead} for p in psutil.Process().children() if 'forkserver' in ' '.join(p.cmdline())]"
    again = f"child.sealed.cache_clear(); child.sealed(); {told}"
    # One that dies just after it was looked at: multiprocessing finds it dead, and the next attempt starts another.
    look = f"lambda: (alive(), next(looked, 0) and {kill})[0]"
    late = f"looked = iter([1, 0]); alive = forking._alive; forking._alive = {look}"
    for script in (here + told, f"{here} {kill}; {again}", f"{here} {late}; {again}"):
        secret = {"API_KEYS": "me:hunter2", "PYTHONPATH": str(ROOT)}
        shown = subprocess.run([sys.executable, "-c", script], env=secret, capture_output=True, text=True, check=True)
        assert "OPENBLAS_NUM_THREADS" in shown.stdout
        assert "hunter2" not in shown.stdout
    assert list(run(misbehaving.tells_its_environment, expect=tuple)) == [()]


def test_many_threads_may_run_children_at_once() -> None:
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: list(run(misbehaving.counts, 10)), range(36)))
    assert answers == [list(range(10))] * 36


def test_nothing_is_left_behind() -> None:
    here = psutil.Process()

    def held() -> tuple[int, int, int]:
        return here.num_fds(), here.num_threads(), len(here.children(recursive=True))

    list(run(misbehaving.counts, 1))
    before = held()
    for function in (misbehaving.says_who_it_is_and_hangs, misbehaving.counts, misbehaving.crashes) * 10:
        messages = run(function, 1) if function is misbehaving.counts else run(function)
        next(messages)
        messages.close()
    # Other tests' servers in this process may let go of theirs meanwhile.
    until(lambda: all(now <= then for now, then in zip(held(), before, strict=True)))


def test_a_fork_server_that_died_is_started_again() -> None:
    list(run(misbehaving.counts, 1))
    (fork_server,) = [kid for kid in psutil.Process().children() if "forkserver" in " ".join(kid.cmdline())]
    fork_server.kill()
    assert list(run(misbehaving.counts, 3)) == [0, 1, 2]


REAPED = """
import multiprocessing.forkserver, os
from tests.test_video_child import run
from tests import misbehaving
from video import forking

forking.start()
pid = multiprocessing.forkserver._forkserver._forkserver_pid
if os.fork() == 0:
    forking.begin_anew()
    print(list(run(misbehaving.counts, 2)), flush=True)
    os._exit(0)
os.wait()
os.kill(pid, 9)
os.waitpid(pid, 0)
print([list(run(misbehaving.counts, 3)) for _ in range(2)])
"""


def test_children_start_where_another_has_reaped_the_fork_server_and_in_a_forked_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REAPED], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.splitlines(), done.stderr) == (["[0, 1]", "[[0, 1, 2], [0, 1, 2]]"], "")


SCRIPT = """
import sys
from schemas import Limits
from tests import misbehaving
from tests.service import until
from video import child

print("started", flush=True)
for pid in child.run(misbehaving.says_who_it_is_and_hangs, expect=int, limits=Limits(),
                     silence_seconds=60, wall_seconds=60):
    print(pid, flush=True)
"""


def test_a_killed_server_leaves_no_child_and_no_child_runs_its_script_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with subprocess.Popen(
        [sys.executable, str(script)],
        env={"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "started\n"
        decoder = psutil.Process(int(server.stdout.readline()))
        server.kill()
        assert server.stdout.read() == ""
    decoder.wait(timeout=10)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Not below the tests' own folder: the path of a socket has to be short."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_what_a_killed_server_leaves_in_the_temporary_folder_the_next_removes(temporary: Path) -> None:
    """And nothing of one that lives."""
    start = "import os; from video import child; child.sealed(); "
    environment = {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    script = [sys.executable, "-c", f"{start} print(flush=True); input()"]
    with subprocess.Popen(script, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        assert living.stdout
        living.stdout.readline()
        (its_folder,) = temporary.iterdir()
        subprocess.run([sys.executable, "-c", f"{start} os.kill(os.getpid(), 9)"], env=environment, check=False)
        assert len([*temporary.iterdir()]) == 2
        subprocess.run([sys.executable, "-c", start], env=environment, check=True)
        assert [*temporary.iterdir()] == [its_folder]
        living.kill()


def test_where_temporary_files_have_a_long_path_children_start_all_the_same(temporary: Path) -> None:
    place = temporary / ("long" * 20)
    place.mkdir()
    start = "from video import child, lair; child.sealed(); print(lair.folder())"
    environment = {"TMPDIR": str(place), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", start], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("/tmp/vdec-")
    assert [*place.iterdir()] == []
