"""Every figure that Prometheus is told: its name, what it means, and which values its labels have.

Names and units follow Prometheus's own rules: base units, and `_total` for what only rises. No label holds an id, a
name or anything else that a client wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from schemas import AnalysisType, Status

Label = tuple[str, tuple[str, ...]]
"""A label's name and all values that it may have; none where they are only known once the service is built."""


@dataclass(frozen=True, eq=False)
class Figure:
    name: str
    kind: Literal["counter", "gauge", "histogram"]
    words: str
    labels: tuple[Label, ...] = ()
    bounds: tuple[float, ...] = ()
    """Of a histogram: the upper ends of its buckets, but for the last, which has none."""

    @property
    def label_names(self) -> list[str]:
        return [name for name, _ in self.labels]

    def series(self) -> Iterator[tuple[str, ...]]:
        """The values of each combination of labels that is known beforehand."""
        return product(*(values for _, values in self.labels))


def _counter(name: str, words: str, *labels: Label) -> Figure:
    return Figure(name, "counter", words, labels)


def _gauge(name: str, words: str, *labels: Label) -> Figure:
    return Figure(name, "gauge", words, labels)


def _histogram(name: str, words: str, bounds: tuple[float, ...], *labels: Label) -> Figure:
    return Figure(name, "histogram", words, labels, bounds)


DELETED = "deleted"
"""The outcome of a session that was deleted before its end."""

OUTCOMES = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, DELETED)

UNMATCHED = "none"
"""The route of requests that lead to none of ours: those that were refused at the door, and the framework's own pages
(`/docs`, `/openapi.json`), among them."""

_TYPE: Label = ("analysis_type", tuple(AnalysisType))
_OUTCOME: Label = ("outcome", OUTCOMES)
_CAUSE: Label = ("cause", ("stopping", "lost"))
_FAILURE: Label = (
    "reason",
    (
        *("decoder_crashed", "decode_timeout", "out_of_memory", "insufficient_storage", "storage_unavailable"),
        *("too_many_attempts", "stalled", "vision_unreachable", "internal"),
    ),
)
_REFUSAL: Label = (
    "reason",
    (
        *("invalid_request", "unsupported_video", "video_too_large", "upload_too_large", "body_timeout"),
        *("idempotency_mismatch", "unauthorized", "rate_limited", "queue_full", "too_many_uploads", "draining"),
        *("insufficient_storage", "storage_unavailable", "store_unavailable", "decoder_unavailable", "client_left"),
    ),
)
_WAY: Label = ("way", ("form", "resumable"))
_STAGE: Label = ("stage", ("look", "weigh", "tell"))
_DIRECTION: Label = ("direction", ("read", "written"))
_STATUS: Label = ("status", tuple(Status))
_PART: Label = ("part", ("self", "children"))
_METHOD: Label = ("method", ())
_ROUTE: Label = ("route", ())

_WORK_SECONDS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
_WAIT_SECONDS = (0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
_STOP_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
_PASS_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_RATIOS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
_HTTP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# ── What happened, counted by the process in which it did ─────────────────────────────────────────

JOBS_STARTED = _counter("video_jobs_started_total", "Attempts at an analysis that were begun", _TYPE)
JOBS_FINISHED = _counter("video_jobs_finished_total", "Sessions that came to an end, by how", _TYPE, _OUTCOME)
JOB_FAILURES = _counter("video_job_failures_total", "Sessions that failed, by the reason that they tell", _FAILURE)
JOBS_RETURNED = _counter(
    "video_jobs_returned_total",
    "Attempts that went back to the queue: whoever worked on them was told to stop, or was lost",
    _TYPE,
    _CAUSE,
)
JOB_DURATION = _histogram(
    "video_job_duration_seconds", "How long a session was worked on until its end", _WORK_SECONDS, _TYPE, _OUTCOME
)
QUEUE_WAIT = _histogram(
    "video_queue_wait_seconds", "How long a session waited until it was begun, each time", _WAIT_SECONDS, _TYPE
)
CANCEL_LATENCY = _histogram(
    "video_cancel_latency_seconds", "From the cancel of a running session until its work had left", _STOP_SECONDS
)
PROCESSING_RATIO = _histogram(
    "video_processing_ratio", "Seconds of work for a second of video, of each completed session", _RATIOS, _TYPE
)
VIDEO_SECONDS = _counter("video_analyzed_video_seconds_total", "Seconds of video in completed sessions", _TYPE)
SEGMENTS = _counter("video_segments_analyzed_total", "Segments whose pictures were measured", _TYPE)
MODEL_DURATION = _histogram(
    "video_model_duration_seconds",
    "What the model was busy with: looking at pictures, weighing answers (to rate, to name) and telling (to describe)",
    _PASS_SECONDS,
    _STAGE,
)
MODEL_TOKENS = _counter("video_model_tokens_total", "Tokens that the model read and wrote", _DIRECTION)
UPLOADS = _counter("video_uploads_total", "Videos that were taken in, by forms or by resumable uploads", _WAY)
UPLOAD_BYTES = _counter("video_upload_bytes_total", "Bytes of uploads that arrived, refused ones too", _WAY)
UPLOAD_REFUSALS = _counter("video_upload_refusals_total", "Uploads that became no session, by why", _REFUSAL)
HTTP_REQUESTS = _counter("video_http_requests_total", "Requests that were answered", _METHOD, _ROUTE, ("code", ()))
HTTP_DURATION = _histogram(
    "video_http_request_duration_seconds",
    "From a request's head to the head of its answer; polls that wait have a route of their own, with `?wait`",
    _HTTP_SECONDS,
    _METHOD,
    _ROUTE,
)
PROCESS_CPU = _counter("video_process_cpu_seconds_total", "Processor time of the process, and of its children", _PART)

# ── How things stand: of the process that tells it ────────────────────────────────────────────────

WORKER_SLOTS = _gauge("video_worker_slots", "Sessions that may be worked on at a time")
WORKERS_BUSY = _gauge("video_workers_busy", "Sessions that are worked on")
WORKERS_STOPPING = _gauge("video_workers_stopping", "Of these, those that have ended and whose work has yet to leave")
FOLLOWERS = _gauge("video_followers", "Streams of events, and polls that wait")
UPLOADS_IN_PROGRESS = _gauge("video_uploads_in_progress", "Uploads that are arriving or being probed")
STORAGE_FREE = _gauge("video_storage_free_bytes", "Free on the disk of DATA_DIR")
STORAGE_FLOOR = _gauge("video_storage_floor_bytes", "What uploads leave free of it (MIN_FREE_DISK_MB)")
STORE_UP = _gauge("video_store_up", "1 while the rows can be reached, 0 while they are away")
MODEL_LOADED = _gauge("video_model_loaded", "1 once a model looks, 0 where none does or none does yet")
PROCESS_MEMORY = _gauge(
    "video_process_resident_memory_bytes",
    "Memory of the process, and of its children; shared pages count in each",
    _PART,
)
PROCESS_START = _gauge("video_process_start_time_seconds", "When the process began, in seconds since 1970")
BUILD = _gauge("video_build_info", "1; the label has the version", ("version", ()))

# ── How things stand: of all processes together, told by one of them ──────────────────────────────

SESSIONS = _gauge(
    "video_sessions", "Sessions that are known, by status; expired ones once they were cleaned up", _STATUS
)
QUEUE_DEPTH = _gauge("video_queue_depth", "Sessions that wait for their turn")
QUEUE_CAPACITY = _gauge("video_queue_capacity", "Sessions that may wait (MAX_QUEUED); more are refused")
STORAGE_USED = _gauge("video_storage_used_bytes", "What the files of all sessions and uploads take")

TOGETHER = (SESSIONS, QUEUE_DEPTH, QUEUE_CAPACITY, STORAGE_USED)

FIGURES: dict[str, Figure] = {one.name: one for one in list(globals().values()) if isinstance(one, Figure)}
"""All of them, by name."""
