"""Eyes over HTTP, with a tiny model of random weights: what it says means nothing, and takes the whole road."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from config import Settings
from tests.service import BASE, Program, Service, serve, until, without_files
from tests.test_lifecycle import is_now, run, status, upload
from tests.test_vision_eyes import Slow
from tests.tiny_checkpoint import TINY, make_checkpoint
from vision.eyes import Eyes

Start = Callable[..., Program]


@pytest.fixture(scope="module")
def seeing(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data_dir = tmp_path_factory.mktemp("seeing") / "data"
    yield from serve(Settings(data_dir=data_dir, vision_model=str(checkpoint), vision_dtype="float32"))


@pytest.fixture(scope="module")
def highlights(seeing: Service, clip: Path) -> dict[str, Any]:
    return seeing.results(seeing.start(clip, min_significance=1))


def network(service: Service) -> Any:
    """transformers' own model, once it is loaded."""
    model: Any = service.house.eyes.wait(lambda _: None)
    return model.network


def layer(service: Service) -> Any:
    return network(service).model.text_model.layers[0]


@contextmanager
def sure_of_itself(service: Service) -> Iterator[None]:
    """Random weights find all names about as likely; meanwhile the likeliest is so by far."""
    hook = network(service).lm_head.register_forward_hook(lambda _, __, logits: logits * 30)
    try:
        yield
    finally:
        hook.remove()


def figures(data: dict[str, Any]) -> dict[str, Any]:
    """A result without what differs between two sessions with one video."""
    return {name: value for name, value in without_files(data).items() if name != "processing_time_seconds"}


# ── What a result says ────────────────────────────────────────────────────────────────────────────


def test_highlights_say_who_looked_and_at_how_much(highlights: dict[str, Any], checkpoint: Path) -> None:
    analyzer = highlights["analyzer"]
    assert (analyzer["name"], analyzer["model"], analyzer["dtype"]) == ("smolvlm2", checkpoint.name, "float32")
    looked_at = sum(moment["duration"] for moment in highlights["highlights"])
    assert 0 < looked_at / highlights["video"]["duration_seconds"] <= highlights["eyes_coverage"] + 0.001
    assert highlights["eyes_coverage"] < 1


def test_a_model_that_is_to_look_at_everything_does(checkpoint: Path, clip: Path, tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, vision_model=str(checkpoint), vision_looks_at="everything", vision_pictures=2
    )
    for eager in serve(settings):  # it waits for the model, however early it comes
        data = eager.results(eager.start(clip, min_significance=1, segment_duration=2))
    assert data["eyes_coverage"] == 1
    assert data["analyzer"]["name"] == "smolvlm2"
    assert len(data["segments"]) == data["total_segments_analyzed"] == round(data["video"]["duration_seconds"] / 2)


def test_a_moment_is_described_by_the_model_and_keeps_what_was_measured(highlights: dict[str, Any]) -> None:
    moments = highlights["highlights"]
    assert all(moment["signals_text"] for moment in moments)
    assert any(moment["description"] != moment["signals_text"] for moment in moments)
    assert all(moment["description"].isprintable() for moment in moments)


def test_every_part_of_a_score_is_told(highlights: dict[str, Any]) -> None:
    parts = [moment["parts"] for moment in highlights["highlights"]]
    assert all(0 <= part[name] <= 1 for part in parts for name in ("signals", "eyes", "rank"))
    assert len({part["eyes"] for part in parts}) == len(parts)
    assert [part["rank"] for part in parts] == sorted((part["rank"] for part in parts), reverse=True)


def test_a_query_reaches_the_model(seeing: Service, clip: Path, highlights: dict[str, Any]) -> None:
    asked = seeing.results(seeing.start(clip, min_significance=1, query="goals"))
    said = [
        {moment["start_timestamp"]: moment["parts"] for moment in data["highlights"]} for data in (highlights, asked)
    ]
    assert said[0].keys() == said[1].keys()
    for start, plain in said[0].items():
        assert said[1][start]["signals"] == plain["signals"]
        assert said[1][start]["eyes"] != plain["eyes"]
    assert not any("Without effect" in warning and "query" in warning for warning in asked["warnings"])


def test_a_set_is_named_from_the_clients_own_list(seeing: Service, bobbing: Path) -> None:
    with sure_of_itself(seeing):
        named = seeing.results(seeing.start(bobbing, "workout", exercises=["squats", "lunges"]))
    (step,) = named["exercise_steps"]
    assert step["exercise_name"] in ("squats", "lunges")
    assert step["exercise_source"] == "model"
    assert (step["reps"], step["method"]) == (10, "periodic")
    assert step["description"].startswith("10 repetitions in 16 seconds, 1.6 seconds each. ")
    assert step["movement_phase"] in ("warming up", "exercising", "resting", "stretching and cooling down")
    assert named["eyes_coverage"] == pytest.approx(step["duration"] / 24, abs=0.01)
    assert {segment["exercise_name"] for segment in named["segment_analyses"]} == {step["exercise_name"]}


def test_a_workout_without_sets_is_not_looked_at(seeing: Service, clip: Path) -> None:
    data = seeing.results(seeing.start(clip, "workout"))
    assert (data["exercise_steps"], data["eyes_coverage"]) == ([], 0)
    assert data["analyzer"]["name"] == "smolvlm2"


def test_legacy_clients_get_what_the_model_says(seeing: Service, clip: Path) -> None:
    answer = seeing.http.post("/analyze/highlights", files={"video": ("clip.mp4", clip.read_bytes())})
    assert answer.json()["data"]["analyzer"]["name"] == "smolvlm2"


# ── Sharing and stopping ──────────────────────────────────────────────────────────────────────────


def test_two_sessions_at_once_get_what_they_get_alone(
    seeing: Service, clip: Path, bobbing: Path, highlights: dict[str, Any]
) -> None:
    alone = seeing.results(seeing.start(bobbing, "workout"))
    moving, lifting = seeing.start(clip, min_significance=1), seeing.start(bobbing, "workout")
    assert figures(seeing.results(moving)) == figures(highlights)
    assert figures(seeing.results(lifting)) == figures(alone)


def test_progress_tells_which_moment_is_looked_at(seeing: Service, clip: Path) -> None:
    """Each layer lasts a little, so that no message is missed."""
    hook = layer(seeing).register_forward_pre_hook(lambda *_: time.sleep(0.01))
    told: dict[str, int] = {}
    session_id = seeing.start(clip, min_significance=1)
    while (now := seeing.status(session_id))["status"] in ("queued", "processing"):
        told.setdefault(now["message"], now["progress"])
    hook.remove()
    looking = [message for message in told if message.startswith("Looking at moment ")]
    assert looking == sorted(looking)
    assert looking[0].startswith("Looking at moment 1/")
    assert any(message.startswith("Describing moment ") for message in told)
    assert list(told.values()) == sorted(told.values())
    assert now["progress"] == 100


@pytest.mark.parametrize("analysis_type", ["highlights", "workout"])
def test_a_cancel_stops_the_model_within_a_second(seeing: Service, bobbing: Path, analysis_type: str) -> None:
    there = threading.Event()

    def linger(*_: object) -> None:
        there.set()
        time.sleep(0.05)

    hook = layer(seeing).register_forward_pre_hook(linger)
    session_id = seeing.start(bobbing, analysis_type)
    assert there.wait(20)
    began = time.monotonic()
    assert seeing.http.post(f"{BASE}/cancel/{session_id}").json()["status"] == "cancelled"
    until(seeing.house.tasks.idle)
    assert time.monotonic() - began < 1
    hook.remove()
    assert [path.name for path in seeing.house.files.folder(session_id).iterdir()] == ["session.json"]


def test_out_of_memory_fails_one_session_in_words_and_no_other(seeing: Service, clip: Path, bobbing: Path) -> None:
    def greedy(_: object, given: tuple[Any, ...]) -> None:
        if len(given[0]) > 100:  # a list of two hundred exercises is weighed
            torch.empty(1 << 60, dtype=torch.uint8)

    hook = network(seeing).lm_head.register_forward_pre_hook(greedy)
    many = [f"exercise number {number}" for number in range(200)]
    hungry, modest = seeing.start(bobbing, "workout", exercises=many), seeing.start(clip)
    assert seeing.ended(modest)["status"] == "completed"
    failed = seeing.ended(hungry)
    hook.remove()
    assert (failed["status"], failed["reason"]) == ("failed", "out_of_memory")
    assert failed["error"] == "There was not enough memory for the model to look at the video."


# ── Loading ───────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def slow(checkpoint: Path) -> Iterator[Slow]:
    opening = Slow(checkpoint)
    yield opening
    opening.let.set()


def test_while_the_model_loads_uploads_are_taken_and_told_how_far_it_is(
    serve_with: Callable[..., Service], slow: Slow, clip: Path
) -> None:
    service = serve_with(Eyes(slow, needed=True))
    session_id = service.start(clip)
    until(lambda: service.status(session_id)["message"] == "Loading SmolVLM2 (43 %)")
    now = service.status(session_id)
    assert (now["status"], now["stage"]) == ("processing", "loading")
    assert service.http.get("/readyz").json() == {"status": "ready", "eyes": "Loading SmolVLM2 (43 %)"}
    health = service.http.get("/health").json()
    assert (health["analyzer_initialized"], health["ready"], health["eyes"]) == (False, True, "Loading SmolVLM2 (43 %)")
    slow.let.set()
    assert service.results(session_id)["analyzer"]["name"] == "smolvlm2"
    health = service.http.get("/health").json()
    assert (health["analyzer_initialized"], health["analyzer"]) == (True, "smolvlm2")


def test_who_waits_for_the_model_can_be_cancelled(serve_with: Callable[..., Service], slow: Slow, clip: Path) -> None:
    service = serve_with(Eyes(slow))
    session_id = service.start(clip)
    until(lambda: service.status(session_id)["message"].startswith("Loading SmolVLM2"))
    began = time.monotonic()
    service.http.post(f"{BASE}/cancel/{session_id}")
    until(service.house.tasks.idle)
    assert time.monotonic() - began < 1


def test_a_service_that_loads_its_model_drains_at_once(
    serve_with: Callable[..., Service], slow: Slow, clip: Path
) -> None:
    service = serve_with(Eyes(slow))
    session_id = service.start(clip)
    until(lambda: service.status(session_id)["message"].startswith("Loading SmolVLM2"))
    service.house.tasks.drain()
    until(service.house.tasks.idle, timeout=1)
    row = service.house.sessions.get_session(session_id)
    assert row is not None
    assert (row["status"], row["attempt"]) == ("queued", 0)


# ── The program ───────────────────────────────────────────────────────────────────────────────────


def test_without_network_and_weights_signals_look_alone_and_say_so(program: Start, clip: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    service = program(VISION_MODEL="auto", HF_ENDPOINT="http://127.0.0.1:9", HF_HOME=str(tmp_path / "home"))
    session_id = upload(service, clip)
    until(lambda: service.http.get("/health").json()["analyzer_initialized"])
    assert time.monotonic() - began < 10
    health = service.http.get("/health").json()
    assert (health["analyzer"], health["ready"]) == ("signals", True)
    assert health["eyes"].startswith("No model looks: HuggingFaceTB/SmolVLM2-500M-Video-Instruct is not here")
    until(partial(is_now, service, session_id, "completed"))
    data = service.http.get(f"{BASE}/results/{session_id}").json()["data"]
    assert (data["analyzer"]["name"], data["eyes_coverage"]) == ("signals", None)
    assert any(warning.startswith("No model looked at this video, signals alone did") for warning in data["warnings"])
    assert [line["level"] for line in service.logged() if line["event"] == "eyes shut"] == ["warning"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("/nowhere/eyes", "there is no folder /nowhere/eyes to load a model from"),
        (".", "holds no model: its config.json is missing or cannot be read"),
        ("people/nobody", "the model people/nobody is not here, and its hub cannot be reached or does not have it"),
    ],
)
def test_a_model_that_is_not_there_stops_the_start_in_words(tmp_path: Path, model: str, words: str) -> None:
    home = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "home")}
    done = run({"DATA_DIR": str(tmp_path / "data"), "PORT": "0", "VISION_MODEL": model} | home, "app.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Cannot start: ")
    assert words in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_model_that_turns_out_not_to_be_whole_ends_the_service_in_words_and_loses_no_session(
    program: Start, clip: Path, checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    weights.popitem()
    save_file(weights, folder / "model.safetensors")
    service = program(VISION_MODEL=str(folder), OMP_NUM_THREADS="1")
    session_id = upload(service, clip)
    assert service.process.wait(30) == 1
    last = service.log.read_text().splitlines()[-1]
    assert last.startswith("Cannot start: ")
    assert "lack 1 of the model's" in last
    row = json.loads((service.data_dir / session_id / "session.json").read_text())
    assert (row["status"], row["attempt"]) == ("queued", 0)


DEEP = replace(TINY, vision=TINY.vision | {"num_hidden_layers": 60})
"""So many layers that a look takes a while."""


def test_a_service_killed_while_its_model_looks_goes_on_after_a_restart(
    program: Start, clip: Path, checkpoint: Path, tmp_path: Path
) -> None:
    model = make_checkpoint(tmp_path / "model", DEEP)
    service = program(VISION_MODEL=str(model), VISION_DTYPE="float32", OMP_NUM_THREADS="1")
    session_id = upload(service, clip)
    until(lambda: status(service, session_id)["message"].startswith("Looking at moment "), pause=0.001)
    service.kill()
    shutil.copytree(checkpoint, model, dirs_exist_ok=True)  # which is quicker to look
    service.start()
    until(partial(is_now, service, session_id, "completed"))
    assert status(service, session_id)["attempt"] == 2
    data = service.http.get(f"{BASE}/results/{session_id}").json()["data"]
    assert data["analyzer"]["name"] == "smolvlm2"
