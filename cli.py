"""The command line: analyse a video, or a drawn one, through a running service or one of its own."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from client import VideoClient
from config import Settings
from errors import CannotStart, ServiceError
from video.draw import draw_demo

START_SECONDS = 30.0
BAR_WIDTH = 30


def main(arguments: list[str] | None = None) -> int:
    wanted = _parser().parse_args(arguments)
    try:
        if wanted.command == "draw":
            draw_demo(wanted.video)
            return 0
        with tempfile.TemporaryDirectory() as scratch, _service(wanted.url, Path(scratch)) as url:
            video = wanted.video if wanted.command == "analyze" else _drawn(Path(scratch))
            with VideoClient(url, api_key=wanted.key) as client:
                return _analyse(client, video, wanted.type, json.loads(wanted.params))
    except (ServiceError, CannotStart, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python cli.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("draw", help="draw a short video")
    draw.add_argument("video", type=Path, help="the file to draw")
    demo = commands.add_parser("demo", help="analyse a drawn video")
    analyze = commands.add_parser("analyze", help="analyse a video")
    analyze.add_argument("video", type=Path, help="the video to analyse")
    for command in (demo, analyze):
        command.add_argument("--type", choices=["highlights", "workout"], default="highlights")
        command.add_argument("--params", default="{}", help="a JSON object of settings, e.g. '{\"max_highlights\": 3}'")
        command.add_argument("--url", help="a running service; default: the one at HOST and PORT, else one of its own")
        command.add_argument(
            "--key", default=os.environ.get("API_KEY"), help="where the service asks for one; default: API_KEY's"
        )
    return parser


def _drawn(folder: Path) -> Path:
    video = folder / "demo.mp4"
    print("Drawing a short video …")
    draw_demo(video)
    return video


@contextmanager
def _service(url: str | None, scratch: Path) -> Iterator[str]:
    """Yields the address of a service that answers; one that was started here ends with this."""
    settings = Settings.from_env()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    running = url or f"http://{host}:{settings.port}"
    with VideoClient(running) as client:
        if client.alive():
            print(f"Using the service at {running}")
            yield running
            return
    if url:
        raise ServiceError(f"no service answers at {url}")
    with _own_service(scratch) as own:
        yield own


@contextmanager
def _own_service(scratch: Path) -> Iterator[str]:
    port = _free_port()
    environment = os.environ | {"HOST": "127.0.0.1", "PORT": str(port), "DATA_DIR": str(scratch / "data")}
    environment["API_KEYS"] = ""  # nobody else comes, and nobody need prove anything
    url = f"http://127.0.0.1:{port}"
    print("Starting a service …")
    program = Path(__file__).with_name("app.py")
    with (
        (scratch / "service.log").open("w+b") as log,
        subprocess.Popen([sys.executable, program], env=environment, stdout=log, stderr=log) as process,
    ):
        try:
            _wait_until_alive(url, process, scratch / "service.log")
            yield url
        finally:
            process.terminate()


def _wait_until_alive(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with VideoClient(url) as client:
        while not client.alive():
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServiceError(f"the service did not start:\n{log.read_text()}")
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _analyse(client: VideoClient, video: Path, analysis_type: str, params: dict[str, Any]) -> int:
    session_id = client.upload(video, analysis_type, params)["sessionId"]
    try:
        ended = client.follow(session_id, _show_progress)
        print()
        if ended["status"] != "completed":
            raise ServiceError(ended["error"] or f"the session ended as {ended['status']}")
        _show_result(client.results(session_id))
    finally:
        client.cleanup(session_id)
    return 0


def _show_progress(status: dict[str, Any]) -> None:
    filled = BAR_WIDTH * status["progress"] // 100
    bar = "█" * filled + "░" * (BAR_WIDTH - filled)
    print(f"\r{bar} {status['progress']:3} %  {status['message']:<40}", end="", flush=True)


def _show_result(data: dict[str, Any]) -> None:
    video, analyzer = data["video"], data["analyzer"]
    took = f"{video['duration_seconds']:.1f} s of video in {data['processing_time_seconds']:.1f} s"
    print(f"{took}, looked at by {analyzer['model'] or analyzer['name']}")
    for moment in data.get("highlights", []):
        print(
            f"{moment['rank']:3}.  {moment['start_timestamp']:6.1f} – {moment['end_timestamp']:5.1f} s"
            f"   {moment['significance_score']:4.1f}   {moment['description']}"
        )
    for step in data.get("exercise_steps", []):
        print(f"  {step['timestamp_formatted']}  {step['exercise_name']}: {step['description']}")
    if "summary" in data:
        print(data["summary"]["text"])
    for warning in data["warnings"]:
        print(f"note: {warning}")


if __name__ == "__main__":
    sys.exit(main())
