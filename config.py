"""Settings: read from the environment once, when the service is built."""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from errors import CannotStart

VERSION = "1.0.0"


def _listed(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


def _origin(text: str) -> str:
    """An origin as browsers send it."""
    url = urlsplit(text)
    if text != "*" and (not url.scheme or not url.netloc or url.path or url.query or url.fragment):
        raise ValueError(f"{text!r} is no origin such as https://example.com, nor *")
    return text


Origin = Annotated[str, AfterValidator(_origin)]


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _model(text: str) -> str:
    """A model as it may be named; whether there is one is found out when it is opened."""
    url = urlsplit(text)
    if "://" in text and (url.scheme not in ("http", "https") or not url.netloc):
        raise ValueError(f"{text!r} is no address such as http://localhost:8001/v1")
    return text


def _network(text: str) -> str:
    """An address, or a network such as 10.0.0.0/8, in its canonical form: IPv4's also where it is written as IPv6's,
    as systems do that serve both at one address."""
    network = ipaddress.ip_network(text, strict=False)
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped and network.prefixlen >= 96:
        network = ipaddress.ip_network((network.network_address.ipv4_mapped, network.prefixlen - 96))
    return str(network)


def _redis(text: str) -> str:
    if text and urlsplit(text).scheme not in ("redis", "rediss", "unix"):
        raise ValueError("is no address such as redis://localhost:6379/0")
    return text


STORAGES = ("s3", "gs", "az", "file")


def _storage(text: str) -> str:
    url = urlsplit(text)
    if text and url.scheme not in STORAGES:
        raise ValueError(f"{text!r} is no address such as s3://bucket/prefix; gs, az and file are possible as well")
    if text and not (url.path.startswith("/") if url.scheme == "file" else url.netloc):
        raise ValueError(f"{text!r} names no bucket, nor a folder from the root on")
    return text


LEAST_KEY = 16
_KEY = re.compile(rf"(?P<name>[A-Za-z0-9._-]{{1,64}}):(?P<key>[!-+\--~]{{{LEAST_KEY},256}})")
"""A name, and a key of ASCII without blanks and commas."""


@dataclass(frozen=True)
class ApiKey:
    """Who may come in. The key itself is kept nowhere."""

    name: str
    digest: bytes = field(repr=False)
    """SHA-256 of the key."""


def _read_keys(value: Any) -> Any:
    """Keys from `name:key,name:key`. What is wrong is told by its place, for nothing of a key may reach a log."""
    if not isinstance(value, str):
        return value
    found = []
    for number, part in enumerate(_listed(value), 1):
        match = _KEY.fullmatch(part)
        if match is None:
            words = f"is not name:key with at least {LEAST_KEY} characters of key, ASCII without blanks"
            raise ValueError(f"number {number} {words}")
        found.append(ApiKey(match["name"], hashlib.sha256(match["key"].encode()).digest()))
    if not found:
        raise ValueError("holds no key")
    if not len(found) == len({one.name for one in found}) == len({one.digest for one in found}):
        raise ValueError("a name or a key is given twice")
    return tuple(found)


SECRET = {"api_keys", "vision_api_key", "redis_url"}
"""Settings whose values are shown to nobody, wrong ones neither."""


class Settings(BaseModel):
    """Each field is the environment variable of its name in capitals; an empty variable counts as unset. Its sentence
    is what guides/configuration.md says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    host: str = Field("127.0.0.1", min_length=1)
    """Address to listen on; 0.0.0.0 to be reachable from other machines, :: by IPv6 as well."""

    port: int = Field(8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one."""

    data_dir: Path = Path("data")
    """Where each session keeps its video and its result, a folder each. Only one process may use it, unless REDIS_URL
    is set."""

    max_concurrent_jobs: int = Field(2, ge=1, le=64)
    """Analyses that run at the same time."""

    max_queued: int = Field(100, ge=1, le=100_000)
    """Sessions that may wait for their turn; uploads beyond are refused with 429."""

    max_attempts: int = Field(3, ge=1, le=1000)
    """How often a session's work may be begun (a killed service begins it anew) before it fails."""

    stalled_minutes: float = Field(30, gt=0)
    """Minutes without any advance after which an analysis is given up as stalled, and its place freed."""

    session_ttl_hours: float = Field(24, gt=0, le=24 * 365)
    """Hours after its end at which a session expires and loses its files."""

    keep_source: bool = True
    """Whether the uploaded video stays until its session is cleaned up or expires, or goes when the work ends."""

    max_upload_mb: int = Field(2048, ge=1)
    """The largest upload, in MiB."""

    max_duration_minutes: float = Field(180, gt=0)
    """The longest video, in minutes."""

    min_free_disk_mb: int = Field(256, ge=0)
    """MiB of disk that uploads leave free; below, they are refused with 507."""

    body_idle_seconds: float = Field(20, gt=0, le=3600)
    """Seconds for which a client may send nothing of a request's body; then it is refused with 408."""

    body_min_bytes_per_second: float = Field(1000, ge=0)
    """The least rate of a body, measured over each BODY_IDLE_SECONDS of waiting for it."""

    body_total_seconds: float = Field(3600, gt=0)
    """Seconds that one body may take in all."""

    resumable_ttl_hours: float = Field(24, gt=0, le=24 * 365)
    """Hours after its last bytes at which an unfinished resumable upload is deleted."""

    max_resumable: int = Field(100, ge=1, le=100_000)
    """Unfinished resumable uploads; further ones are refused with 429."""

    vision_model: Annotated[str, AfterValidator(_model)] = "auto"
    """Who looks at the pictures: `auto` (SmolVLM2, if it can be loaded), `none`, a hub's id, a folder, or the address
    of a server that speaks OpenAI's protocol."""

    vision_revision: str = ""
    """The commit, tag or branch of the hub's model; empty for its newest."""

    vision_dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """The model's number format; `auto` is the fastest that the hardware is good at, float32 the reference."""

    vision_pictures: int = Field(0, ge=0, le=64)
    """Pictures of each moment and set that the model is shown; 0 for as many as suit the hardware: 4 where a processor
    runs it, else 8."""

    vision_looks_at: Literal["auto", "candidates", "everything"] = "auto"
    """What the model looks at in search of highlights: the moments that stand out by signals, or every segment besides,
    while the video is read; `auto` is everything on a GPU, else the candidates."""

    vision_letterbox: bool = False
    """Whether pictures keep their shape, between grey bars, before the model instead of being squashed to a square."""

    vision_api_key: SecretStr = SecretStr("")
    """Sent to a vision server that asks for a key."""

    cors_origins: Annotated[tuple[Origin, ...], BeforeValidator(_listed)] = (
        "http://localhost:3000",
        "http://localhost:5173",
    )
    """Web origins whose pages may call the service, comma-separated; `*` for all, then without credentials."""

    api_keys: Annotated[tuple[ApiKey, ...], BeforeValidator(_read_keys)] = ()
    """Who may come in, as `name:key,name:key`; a session belongs to the name. Without any, everybody may."""

    rate_uploads_per_minute: int = Field(0, ge=0, le=1_000_000)
    """Uploads a minute for each key, or address where there are none, legacy ones too; 0 for no limit."""

    rate_polls_per_minute: int = Field(0, ge=0, le=1_000_000)
    """All other calls of the session endpoints a minute, counted in the same way; 0 for no limit."""

    trusted_proxies: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], BeforeValidator(_listed)] = ()
    """Addresses and networks of proxies whose `X-Forwarded-For` is believed, comma-separated."""

    redis_url: Annotated[str, AfterValidator(_redis)] = Field("", repr=False)
    """Where the rows of all sessions are kept, such as redis://localhost:6379/0, so that several processes and machines
    may share them; empty for the memory of the one process there is."""

    task_queue: Literal["threads", "celery"] = "threads"
    """Who does the work: threads of the process that serves, or workers of Celery, which are started apart and need
    REDIS_URL."""

    storage_url: Annotated[str, AfterValidator(_storage)] = ""
    """Where sessions' files are kept: s3://bucket/prefix, gs://…, az://… or file:///folder; empty for DATA_DIR, which
    all who share REDIS_URL then have to share as well."""

    storage_links: bool = True
    """Whether clients are sent on to an object store for files, by links that hold for a while, where it can make such;
    or are served its bytes through the service."""

    lease_seconds: float = Field(30, ge=1, le=3600)
    """How long work may go without a sign of life, where REDIS_URL is set, before another worker begins it anew. The
    worker gives one every third of it."""

    worker_takes: Annotated[
        tuple[Literal["highlights", "workout"], ...], BeforeValidator(_listed), Field(min_length=1)
    ] = ("highlights", "workout")
    """What a worker of Celery works on, comma-separated: highlights, workout or both."""

    metrics_port: int = Field(0, ge=0, le=65535)
    """Port at which a worker of Celery answers Prometheus, on HOST; 0 for none. A service that takes videos answers at
    PORT."""

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = "INFO"
    """The least level that is logged."""

    @model_validator(mode="after")
    def parts_fit(self) -> Self:
        if self.task_queue == "celery" and not self.redis_url:
            raise ValueError("TASK_QUEUE=celery needs REDIS_URL: its workers find sessions there, and nowhere else")
        return self

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises CannotStart naming every variable that is wrong."""
        given = {name: environ[name.upper()] for name in cls.model_fields if environ.get(name.upper(), "").strip()}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            wrong = [_in_words(e["loc"], e["input"], e["msg"]) for e in error.errors()]
            raise CannotStart("these settings are wrong: " + "; ".join(wrong)) from error


def _in_words(place: tuple[int | str, ...], value: object, wrong: str) -> str:
    if not place:  # it is several together
        return wrong.removeprefix("Value error, ")
    name = str(place[0])
    return f"{name.upper()}: {wrong}" if name in SECRET else f"{name.upper()}={value!r}: {wrong}"
