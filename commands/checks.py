"""What a service needs of a machine, looked at thing by thing."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import blas  # noqa: F401  # before numpy
from api.server import listening
from client import VideoClient
from commands.sessions import address_by
from commands.showing import sized
from config import Settings
from errors import CannotStart, ServiceError
from stores import open_session_files, open_session_store
from video import child, trial
from vision.opening import AUTO, NONE, eyes_of
from wiring import limits_of

State = Literal["ok", "warning", "bad"]

LEAST_PYTHON = (3, 11)

LEAST_MEMORY, MODEL_MEMORY = 512 << 20, 4 << 30
"""Bytes: a service that works on three quarters of an hour of video, and its decoder, hold 250 MB (benchmarks/LOG.md);
SmolVLM2-500M in float32 has 2 GB of weights, and works beside them."""

SERVER_SECONDS = 5.0
"""For a vision server to answer."""

LIMITS = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where a container's memory is told."""


@dataclass(frozen=True)
class Found:
    """Bad is what keeps a service from working, a warning what makes it do less than it could."""

    name: str
    state: State
    words: str


def python(settings: Settings) -> Found:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < LEAST_PYTHON:
        return Found("Python", "bad", f"{version}: 3.11 or newer is needed")
    return Found("Python", "ok", version)


def memory(settings: Settings) -> Found:
    size, wanted = _memory_bytes(), LEAST_MEMORY if _no_model_here(settings) else MODEL_MEMORY
    if size < LEAST_MEMORY:
        return Found("memory", "bad", f"{sized(size)}: {sized(LEAST_MEMORY)} are needed")
    if size < wanted:
        return Found("memory", "warning", f"{sized(size)}: a model wants {sized(wanted)}; VISION_MODEL=none needs none")
    return Found("memory", "ok", sized(size))


def _memory_bytes() -> int:
    """What the machine has, or the container that this is."""
    sizes = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for limit in LIMITS:
        with suppress(OSError, ValueError):  # there is none, or it says "max"
            sizes.append(int(limit.read_text()))
    return min(sizes)


def _no_model_here(settings: Settings) -> bool:
    return settings.vision_model == NONE or "://" in settings.vision_model


def disk(settings: Settings) -> Found:
    """Leaves no folder behind that was not there."""
    folder, place = settings.data_dir, settings.data_dir.absolute()
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK | os.X_OK):
        return Found("disk", "bad", f"DATA_DIR={folder} cannot be written")
    free, floor = shutil.disk_usage(place).free, settings.min_free_disk_mb << 20
    if free < floor:
        words = f"{sized(free)} free for DATA_DIR={folder}: uploads are refused below {sized(floor)}"
        return Found("disk", "bad", words)
    if free < floor + (settings.max_upload_mb << 20):
        words = f"{sized(free)} free for DATA_DIR={folder}: not enough for an upload of MAX_UPLOAD_MB"
        return Found("disk", "warning", words)
    return Found("disk", "ok", f"{sized(free)} free for DATA_DIR={folder}")


def address(settings: Settings) -> Found:
    where = f"HOST={settings.host} PORT={settings.port}"
    try:
        listening(settings.host, settings.port).close()
    except (OSError, UnicodeError) as error:
        if _answers(settings):
            return Found("address", "ok", f"{where}: a service runs there")
        return Found("address", "bad", f"{where} cannot be listened on: {getattr(error, 'strerror', error)}")
    return Found("address", "ok", f"{where} can be listened on")


def _answers(settings: Settings) -> bool:
    with suppress(ServiceError), VideoClient(address_by(settings)) as client:
        return client.alive()
    return False


def codecs(settings: Settings) -> Found:
    with tempfile.TemporaryDirectory(prefix="video-check-") as folder:
        trial.tried(Path(folder), limits_of(settings))
    if missing := trial.missing():
        return Found("codecs", "warning", f"H.264 and AAC are read and written; none reads {', '.join(missing)}")
    return Found("codecs", "ok", "H.264 and AAC are read and written; all others that a video may have are read")


def decoders(settings: Settings) -> Found:
    sealed = child.sealed()
    if sealed.fully:
        return Found("decoders", "ok", "shut in: no network, no files but their video")
    missing = [words for holds, words in ((sealed.calls, "system calls"), (sealed.files, "files")) if not holds]
    words = f"not shut in fully: this kernel does not keep them from {' and '.join(missing)}"
    return Found("decoders", "warning", words)


def model(settings: Settings) -> Found:
    if settings.vision_model == NONE:
        return Found("model", "ok", "VISION_MODEL=none: signals alone look")
    if "://" in settings.vision_model:
        return _server(settings)
    eyes_of(settings)  # one that is asked for by name has to be there
    from vision import hub  # noqa: PLC0415  heavy

    name = hub.DEFAULT_MODEL if settings.vision_model == AUTO else settings.vision_model
    revision = settings.vision_revision or None
    if Path(name).is_dir() or hub.cached(name, revision):
        return Found("model", "ok", f"{name} is here")
    if hub.available(name, revision):
        return Found("model", "ok", f"{name} can be fetched: a gigabyte, at the first start")
    return Found("model", "warning", f"{name} is not here, and its hub cannot be reached: signals alone look")


def _server(settings: Settings) -> Found:
    from vision.remote import open_remote  # noqa: PLC0415  only for who has one

    key = settings.vision_api_key.get_secret_value() or None
    remote = open_remote(settings.vision_model, api_key=key, wait=SERVER_SECONDS)
    remote.close()
    return Found("model", "ok", f"{remote.facts.title} answers at VISION_MODEL")


def gpu(settings: Settings) -> Found:
    if _no_model_here(settings):
        return Found("GPU", "ok", "none is needed without a model in this process")
    from vision.machine import choose_device, choose_dtype  # noqa: PLC0415  heavy

    device = choose_device()
    dtype = str(choose_dtype(device)).removeprefix("torch.")
    if device.type == "cpu":
        words = f"none: a model runs on the processor, in {dtype}, and takes seconds a look"
        return Found("GPU", "warning", words)
    return Found("GPU", "ok", f"{device.type}, in {dtype}")


def rows(settings: Settings) -> Found | None:
    if not settings.redis_url:
        return None
    store = open_session_store(settings)
    store.close()
    return Found("Redis", "ok", "REDIS_URL can be used")


def files(settings: Settings) -> Found | None:
    if not settings.storage_url:
        return None
    open_session_files(settings)
    return Found("store", "ok", "STORAGE_URL can be written, read and deleted from")


CHECKS = {
    "Python": python,
    "memory": memory,
    "disk": disk,
    "address": address,
    "decoders": decoders,
    "codecs": codecs,
    "model": model,
    "GPU": gpu,
    "Redis": rows,
    "store": files,
}


def looked_at(name: str, settings: Settings) -> Found | None:
    """None for what these settings have no use for."""
    try:
        return CHECKS[name](settings)
    except (CannotStart, ServiceError, OSError) as error:
        return Found(name, "bad", str(error))
