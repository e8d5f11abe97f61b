"""Every noun of the house on one page.

First the plain values that pass from room to room, then the session's row, then the records that
leave the house over HTTP. Times in a video are float seconds from its first picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,  # pydantic reads typing's own only from Python 3.12 on
    Self,
)

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

# ── Inside the house ──────────────────────────────────────────────────────────────────────────────


class AnalysisType(StrEnum):
    HIGHLIGHTS = "highlights"
    WORKOUT = "workout"


class Status(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Stage(StrEnum):
    QUEUED = "queued"
    LOADING = "loading"
    SCANNING = "scanning"
    RATING = "rating"
    DESCRIBING = "describing"
    RENDERING = "rendering"
    DONE = "done"


@dataclass(frozen=True)
class Step:
    """One report of progress: percent 0-100, and windows done of windows in all while they are analysed."""

    percent: int
    message: str
    stage: Stage
    segments_done: int | None
    segments_total: int | None


@dataclass(frozen=True)
class VideoInfo:
    """What a video is, read before it is analysed. Width and height as displayed: rotation and pixel
    aspect applied. `pictures` counts the pictures the container holds, decodable or not."""

    duration_seconds: float
    fps: float
    width: int
    height: int
    codec: str
    container: str
    """The file extension that suits the container: mp4, mov, webm, mkv, avi, …"""
    has_audio: bool
    size_bytes: int
    pictures: int
    plays: bool = True
    """Whether every browser plays it as it is."""


@dataclass(frozen=True)
class Limits:
    """What a video may ask of the machine. Pictures are counted while decoding; no header is believed."""

    max_duration_seconds: float = 180 * 60
    max_pixels: int = 8192 * 4608
    max_fps: float = 240.0
    memory_bytes: int = 3 << 30
    """Address space of a decoder child."""


@dataclass(frozen=True)
class Samples:
    """Small pictures in time order, upright. n pictures of h × w; the grid holds mean colours."""

    times: NDArray[np.float64]
    """(n,) seconds from the first picture."""
    grey: NDArray[np.uint8]
    """(n, h, w) luma, its longer side 128 px."""
    grid: NDArray[np.uint8]
    """(n, 12, 12, 3) mean RGB of a 12 × 12 division of the picture."""


@dataclass(frozen=True)
class Sound:
    """A stretch of sound: mono, 16,000 samples a second, -1 to 1, beginning at `start` seconds."""

    start: float
    pcm: NDArray[np.float32]


SOUND_RATE = 16_000
"""Samples a second in `Sound`: speech and impacts lie below its 8 kHz."""


@dataclass(frozen=True)
class Scanned:
    """A piece of a scan: what was decoded since the piece before, and how far the scan is."""

    position: float
    """Seconds of video decoded so far."""
    pictures: int
    """Pictures decoded so far, those that became no sample included."""
    samples: Samples | None
    sounds: tuple[Sound, ...]
    stills: tuple[Still, ...] = ()


@dataclass(frozen=True)
class Still:
    """One picture of a video."""

    time: float
    """Seconds at which it is shown."""
    picture: NDArray[np.uint8]
    """(h, w, 3) RGB, upright and undistorted."""
    detail: float = 0.0
    """How much of it is sharp, to be compared within one video; 0 where that was not measured."""


@dataclass(frozen=True)
class Centre:
    """Where in the picture something happens at a time: shares of its width and height, from the upper left."""

    time: float
    x: float
    y: float


@dataclass(frozen=True)
class Clip:
    """A stretch of a video that a reel shows, with what to keep in the picture where not all of it is shown."""

    start: float
    end: float
    centres: tuple[Centre, ...] = ()
    doubtful: float = 0.0
    """Seconds before its end within which its shot ends already, where it ends with one: nobody looked more closely."""


@dataclass(frozen=True)
class Reel:
    """What an MP4 is to show: clips in time order. No picture is enlarged, and none exceeds the two sides, in pixels,
    whichever lies across; `aspect` is width by height, None for all of the picture."""

    clips: tuple[Clip, ...]
    aspect: float | None = None
    longer_side: int = 1280
    shorter_side: int = 720
    quality: int = 23
    """x264's constant rate factor: less is better."""

    @property
    def seconds(self) -> float:
        return sum(clip.end - clip.start for clip in self.clips)


@dataclass(frozen=True)
class Written:
    """A piece of a file that a child makes: its bytes belong at an offset. `seconds` of the reel are encoded."""

    offset: int
    data: bytes
    seconds: float


@dataclass(frozen=True)
class Signals:
    """What was measured over a video, once every `step_seconds`: curves of one length, n.

    Raw and in physical units, so that significance can stand on an absolute footing.
    """

    duration_seconds: float
    step_seconds: float
    motion: NDArray[np.float64]
    """(n,) motion left after the camera's was removed, in picture widths a second."""
    camera: NDArray[np.float64]
    """(n,) motion of the camera itself, in picture widths a second."""
    novelty: NDArray[np.float64]
    """(n,) distance in colour and layout to the rest of the video, 0 (the same) to 1."""
    presence: NDArray[np.float64] | None
    """(n,) share of the picture, 0-1, that does not belong to the background; None where no camera stood still."""
    sharpness: NDArray[np.float64]
    """(n,) fine detail in dB over a blank picture."""
    loudness: NDArray[np.float64] | None
    """(n,) sound level in dB below full scale (-90 to 0); None without sound, or with digital silence."""
    onsets: NDArray[np.float64] | None
    """(n,) how suddenly sound begins, 0 to 1; None where loudness is."""
    cuts: tuple[float, ...]
    """Times at which one shot ends and the next begins."""
    coverage: float
    """Share of the video's time for which pictures were decoded, 0-1."""
    apart: float
    """Seconds from one picture that was measured to the next, in the middle; of a single one, to the end."""


@dataclass(frozen=True)
class SignalLevels:
    """How strong each signal is in a stretch of video, 0-1; None where it was not measured."""

    motion: float
    loudness: float | None
    novelty: float
    presence: float | None = None


@dataclass(frozen=True)
class Window:
    """A stretch of video that is rated. `score` is its significance, 1 to 10."""

    number: int
    start: float
    end: float
    score: float
    levels: SignalLevels
    words: str


@dataclass(frozen=True)
class Moment:
    """A stretch worth showing. `absolute` and `rank` are 0-1: how strong it is on its own, and among this
    video's moments; `confidence` 0-1."""

    start: float
    end: float
    score: float
    confidence: float
    levels: SignalLevels
    absolute: float
    rank: float
    words: str
    eyes: float | None = None
    """How significant a model finds it, 0-1; None where none looked."""
    told: str = ""
    """What the model says of it; empty if it has nothing to say."""


@dataclass(frozen=True)
class Glance:
    """What a model says when asked how significant a moment is."""

    rating: float
    """0-1, where 0.5 is what it would say before blank pictures too."""
    mass: float
    """How sure it was to answer the question at all, 0-1."""


@dataclass(frozen=True)
class SetGlance:
    """What a model says of a set: `exercise` is one of a list's names, or None if none of them fits; `share` 0-1 how
    likely that is among the list; `words` may be empty."""

    exercise: str | None
    share: float
    phase: str
    words: str


@dataclass(frozen=True)
class Sight:
    """Who looked at a video beside the signals, and at what share of its time, 0-1."""

    name: Literal["signals", "smolvlm2", "remote"] = "signals"
    model: str | None = None
    device: str | None = None
    dtype: str | None = None
    coverage: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pass:
    """Something that a model did: `look` at pictures, `weigh` answers, or `tell` in words. A server is shown the
    pictures with each question, so that there is no `look` of their own. 0 tokens where they are not known."""

    stage: Literal["look", "weigh", "tell"]
    seconds: float
    tokens_read: int = 0
    tokens_written: int = 0


@dataclass(frozen=True)
class Curves:
    """The measured curves as shown to a person, each value 0-1 but for significance (1-10)."""

    step_seconds: float
    significance: list[float]
    motion: list[float]
    loudness: list[float] | None


@dataclass(frozen=True)
class Highlights:
    """Moments best first; windows in time order, without gaps."""

    moments: list[Moment]
    windows: list[Window]
    curves: Curves
    warnings: list[str] = field(default_factory=list)


Method = Literal["periodic", "excursion", "hold", "none"]
"""How a set was found: by its rhythm, as single repetitions, as a posture held; `none` where nothing was counted."""


@dataclass(frozen=True)
class Repetition:
    """One repetition of a set, in seconds. `range_rel` is how far it went against the set's usual one; `partial` where
    that is markedly less, `seen` False where it was hidden and counted by the beat alone."""

    start: float
    turn: float
    end: float
    range_rel: float
    partial: bool
    seen: bool = True


@dataclass(frozen=True)
class WorkoutSet:
    """A stretch of work. `count` is None where it cannot be trusted, and for a hold; `low` to `high` is where it may
    lie. `exercise` numbers movements that look alike, from 0; `confidence` 0-1 that the count is right, or that it is a
    hold."""

    start: float
    end: float
    method: Method
    count: int | None
    low: int | None
    high: int | None
    unit: str | None
    reps: tuple[Repetition, ...]
    confidence: float
    exercise: int
    set_index: int
    """The how manieth set of its exercise, from 1."""
    name: str | None = None
    """Of its exercise, where a model tells it."""
    phase: str | None = None
    """What part of a workout it is to a model, such as warming up."""
    told: str = ""
    """What the model says of it; empty if it has nothing to say."""


@dataclass(frozen=True)
class Pause:
    """A stretch between sets, and what happens in it, in words."""

    start: float
    end: float
    activity: str


@dataclass(frozen=True)
class Workout:
    """Sets and pauses in time order, together covering the video; windows in time order, without gaps."""

    sets: list[WorkoutSet]
    pauses: list[Pause]
    windows: list[Window]
    curves: Curves
    warnings: list[str] = field(default_factory=list)
    readable: bool = True
    """Whether its pictures follow each other closely enough for repetitions to be seen."""


@dataclass(frozen=True)
class Outlet:
    """Where the files of a result go, and below which address they are fetched once it is completed."""

    folder: Path
    address: str
    keeps_source: bool = True

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


@dataclass(frozen=True)
class Shown:
    """The addresses of what a person sees of a result; None, or left out, where it was not made."""

    source: str | None = None
    preview: str | None = None
    reel: str | None = None
    contact_sheet: str | None = None
    vtt: str | None = None
    csv: str | None = None
    edl: str | None = None
    thumbnails: Mapping[tuple[float, float], str] = field(default_factory=dict)
    """By start and end of the moment, set or segment."""
    warnings: tuple[str, ...] = ()


# ── What a client may ask for ─────────────────────────────────────────────────────────────────────


def _encodable(text: str) -> str:
    """A lone surrogate is legal in JSON text and in no UTF-8 file: refuse it at the door."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds a character that is not valid Unicode text") from error
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


Text = Annotated[str, AfterValidator(_encodable)]
Prompt = Annotated[Text, Field(max_length=2000)]


def _asked(query: str | None) -> str | None:
    return query if query and query.strip() else None


Query = Annotated[Annotated[Text, Field(max_length=500)] | None, AfterValidator(_asked)]
"""What a client wants to see; blanks ask for nothing."""


class _Params(BaseModel):
    """Each field's sentence is its description in OpenAPI."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, use_attribute_docstrings=True)


class HighlightsParams(_Params):
    min_significance: float = Field(6, ge=1, le=10)
    """The least score of a moment, 1 to 10. Where none reaches it, the best come back all the same, marked
    `below_threshold`."""
    max_highlights: int = Field(10, ge=1, le=50)
    """Moments at most."""
    segment_duration: float = Field(10, ge=2, le=60)
    """Seconds of each stretch in `segments`."""
    query: Query = None
    """What to look for, in words. It takes a model; without one, a warning says that it had no effect."""
    min_clip_seconds: float = Field(1.5, ge=0.5, le=60)
    """Seconds that a moment lasts at least."""
    max_clip_seconds: float = Field(8, ge=0.5, le=120)
    """Seconds that a moment lasts at most, and never more than half the video."""
    target_duration_seconds: float | None = Field(None, ge=1, le=3600)
    """Seconds that the reel should last; null for all moments."""
    reel: bool = True
    """Whether a reel is made."""
    aspect: Literal["source", "16:9", "9:16", "1:1"] = "source"
    """What part of the picture the reel shows: all of it, or a cut that follows what moves."""

    @model_validator(mode="after")
    def clip_lengths_agree(self) -> Self:
        if self.min_clip_seconds > self.max_clip_seconds:
            raise ValueError("min_clip_seconds is larger than max_clip_seconds")
        return self


class WorkoutParams(_Params):
    segment_duration: float = Field(15, ge=2, le=60)
    """Seconds of each stretch in `segment_analyses`."""
    system_prompt: Prompt | None = None
    """What the model is told before it is asked; it never changes a count."""
    user_prompt: Prompt | None = None
    """What the model is asked besides; it never changes a count."""
    exercises: list[Annotated[Text, Field(min_length=1, max_length=100)]] | None = Field(
        None, min_length=1, max_length=200
    )
    """The only names that exercises may get; null for a list of fifty."""


Params = HighlightsParams | WorkoutParams

PARAMS: dict[AnalysisType, type[HighlightsParams] | type[WorkoutParams]] = {
    AnalysisType.HIGHLIGHTS: HighlightsParams,
    AnalysisType.WORKOUT: WorkoutParams,
}


# ── The session's row ─────────────────────────────────────────────────────────────────────────────


class Idempotency(TypedDict):
    """The key that an upload was sent with, hashed with its owner; and a digest of what was sent."""

    key: str
    content: str


class Metadata(TypedDict):
    """What is known of a session's video and of who waits for it."""

    filename: str
    """Display name only; it never touches the file system."""
    sha256: str
    video: dict[str, Any]
    request_id: str | None
    """Of the upload: the log lines of the work bear it too."""
    legacy: bool
    """A legacy client waits on the line for it; it means nothing to anybody after a restart."""
    owner: Annotated[str | None, Field(default=None)]
    """The name of the key it was uploaded with."""
    token_hash: Annotated[str | None, Field(default=None)]
    """SHA-256, in hex, of the token that its client asked for."""
    idempotency: NotRequired[Idempotency]


@dataclass(frozen=True)
class Found:
    """A finding as it is kept beside a session's row: its revision, of the same count as the row's, and the JSON text
    that followers are sent."""

    revision: int
    text: bytes


MAX_FINDINGS = 500
"""Kept for one session, the newest: no more than a few megabytes."""


def unknown_metadata() -> Metadata:
    """Of a session about which nothing is known but its id."""
    return Metadata(filename="", sha256="", video={}, request_id=None, legacy=False, owner=None, token_hash=None)


class Session(TypedDict):
    """One row of the ledger. Instants are UTC."""

    session_id: str
    status: Status
    progress: int
    message: str
    stage: Stage
    segments_done: int | None
    segments_total: int | None
    video_path: str
    analysis_type: AnalysisType
    params: dict[str, Any]
    result: str | None
    """Name of the file beside the row that holds the result, once there is one."""
    error: str | None
    reason: str | None
    revision: Annotated[int, Field(default=0)]
    """Of its newest change, counted by the store; never one that stood for something else before a restart."""
    attempt: int
    """How many times work was begun."""
    worker: str | None
    """Who may write progress and the end: a late writer's name no longer matches."""
    created_at: datetime
    started_at: datetime | None
    updated_at: datetime
    ended_at: datetime | None
    expires_at: datetime | None
    metadata: Metadata


def new_session(
    session_id: str,
    video_path: str,
    analysis_type: AnalysisType,
    params: dict[str, Any],
    now: datetime,
    metadata: Metadata | None = None,
) -> Session:
    """A row as it begins: queued, nothing done yet."""
    return Session(
        session_id=session_id,
        status=Status.QUEUED,
        progress=0,
        message="Waiting for its turn",
        stage=Stage.QUEUED,
        segments_done=None,
        segments_total=None,
        video_path=video_path,
        analysis_type=analysis_type,
        params=params,
        result=None,
        error=None,
        reason=None,
        revision=1,
        attempt=0,
        worker=None,
        created_at=now,
        started_at=None,
        updated_at=now,
        ended_at=None,
        expires_at=None,
        metadata=metadata or unknown_metadata(),
    )


# ── Records that leave the house: outside `data` camelCase ────────────────────────────────────────


class Told(BaseModel):
    """Each field's sentence is its description in OpenAPI."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class Body(Told):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class VideoResult(Told):
    filename: str
    """A display name; it names no file of the service."""
    duration_seconds: float
    """As it was counted, not as the file says."""
    fps: float
    """Pictures a second, on average."""
    width: int
    """In pixels, as displayed: upright, with square pixels."""
    height: int
    """The same."""
    codec: str
    """Of the pictures."""
    has_audio: bool
    """Whether there is sound."""
    size_bytes: int
    """Of the file."""


class VideoBody(VideoResult, Body):
    """The same, outside of a result."""


class Links(Body):
    status: str
    """Address of the status."""
    results: str
    """Address of the result."""
    cancel: str
    """Address to POST to, to stop it."""
    cleanup: str
    """Address to DELETE, to forget it."""
    events: str
    """Address of the stream of events."""


class UploadBody(Body):
    session_id: str
    """Names the session in every other call."""
    status: Status
    """`queued`; of an upload sent again under its key, what it is by then."""
    message: str
    """The same, for a person."""
    queue_position: int | None
    """1 for the next to start; null once started."""
    video: VideoBody
    """What was uploaded, as it was measured."""
    sha256: str
    """Of the file as it came, in hex."""
    links: Links
    """Where to go on."""
    session_token: str | None = None
    """Only where it was asked for, and never told again."""


class StatusBody(Body):
    session_id: str
    """The session."""
    status: Status
    """Completed, failed and cancelled are final, until they expire."""
    progress: int
    """0 to 100; it never falls within an attempt, and is 100 only once the result can be read."""
    message: str
    """What is being done, for a person."""
    analysis_type: AnalysisType
    """What was asked for."""
    stage: Stage
    """What is being done, for a program."""
    segments_done: int | None
    """Segments that were analysed; null where they are not counted yet."""
    segments_total: int | None
    """Segments there are; null where they are not counted yet."""
    queue_position: int | None
    """1 for the next to start; null once started."""
    eta_seconds: float | None
    """Seconds it may still take; null where nobody can tell."""
    created_at: datetime
    """When it was uploaded, RFC 3339 in UTC."""
    updated_at: datetime
    """When this last changed."""
    expires_at: datetime | None
    """When it loses its files; null until it ends."""
    error: str | None
    """Why it failed, for a person; else null."""
    reason: str | None
    """Why it failed, for a program; else null."""
    attempt: int
    """How often its work was begun."""


class CancelBody(Body):
    session_id: str
    """The session."""
    status: Status
    """`cancelled`."""
    message: str
    """The same, for a person."""


class CleanupBody(Body):
    session_id: str
    """The session that was."""
    message: str
    """That it is gone, for a person."""


class PreviewBody(Body):
    """A preview that is being made."""

    session_id: str
    """The session."""
    status: Literal["rendering"]
    """It is being made."""
    progress: int
    """0 to 100."""


class ErrorBody(Body):
    """Every refusal and failure of the session endpoints; some carry more keys beside these."""

    model_config = ConfigDict(extra="allow")

    error: str
    """What is wrong, for a person."""
    code: int
    """The HTTP status."""
    reason: str
    """What is wrong, for a program: a slug that stays."""
    request_id: str
    """Also in `X-Request-ID`, and in every line of the log about this request."""
    session_id: str | None = None
    """The session that was named."""
    status: Status | None = None
    """Where that session stands, if that is why."""
    progress: int | None = None
    """How far it is, if that is why."""
    message: str | None = None
    """Why an analysis failed, for a person."""
    details: list[dict[str, Any]] | None = None
    """One entry for each wrong field: `loc` names it, `msg` says what is wrong."""
    max_bytes: int | None = None
    """The largest upload, if it was larger."""


# ── Records that leave the house: the result, inside `data` snake_case ────────────────────────────


class AnalyzerResult(Told):
    """Who looked: `signals` alone has no model, device or dtype."""

    name: Literal["signals", "smolvlm2", "remote"]
    """`signals` where no model looked."""
    model: str | None
    """Which one; null without."""
    device: str | None
    """Where it ran."""
    dtype: str | None
    """Its number format."""
    version: str
    """Of the service."""


class LevelsResult(Told):
    """How strong each signal is, 0 to 1; null where it was not measured."""

    motion: float
    """What is left of motion after the camera's own."""
    loudness: float | None
    """Null without sound."""
    novelty: float
    """How unlike the rest of the video it looks."""
    presence: float | None
    """How much is there that is not background; null where the camera moves."""


class CurvesResult(Told):
    step_seconds: float
    """Seconds from one value to the next."""
    significance: list[float]
    """1 to 10."""
    motion: list[float]
    """0 to 1."""
    loudness: list[float] | None
    """0 to 1; null without sound."""


class SegmentResult(Told):
    segment: int
    """Its number, from 1."""
    start_timestamp: float
    """Seconds."""
    end_timestamp: float
    """Seconds."""
    significance_score: float
    """1 to 10."""
    signals: LevelsResult
    """What was measured."""
    description: str | None
    """Of it, in words; null where there are none."""
    thumbnail_url: str | None
    """A still of it; null where none could be made."""


class WorkoutSegmentResult(SegmentResult):
    exercise_name: str | None
    """Of the set that fills it; null in a rest."""
    movement_phase: str | None
    """What is done; null in a rest."""
    analysis_success: bool
    """Whether it could be analysed."""


class Parts(Told):
    """What the significance is made of, each 0-1."""

    signals: float
    """What was measured."""
    eyes: float | None
    """What a model says, 0.5 being no opinion; null where none looked."""
    rank: float
    """Its place among the moments of this video."""


class HighlightResult(Told):
    rank: int
    """1 for the best."""
    start_timestamp: float
    """Seconds."""
    end_timestamp: float
    """Seconds."""
    duration: float
    """Seconds."""
    timestamp_formatted: str
    """Such as `00:12 - 00:18`."""
    significance_score: float
    """1 to 10, one decimal; it can be compared between videos."""
    confidence: float
    """0 to 1: how far it rises over the rest, and how many signals agree."""
    description: str
    """A model's words; the measured ones where none looked."""
    signals_text: str
    """The measured words."""
    signals: LevelsResult
    """What was measured."""
    parts: Parts
    """What the score is made of."""
    below_threshold: bool
    """Whether it is below `min_significance`, and shown for want of others."""
    segment: int
    """Number of the segment it lies in."""
    analysis_success: bool
    """Whether it could be analysed."""
    thumbnail_url: str | None = None
    """None while the analysis still runs."""


class Result(Told):
    """What both kinds of analysis answer."""

    video: VideoResult
    """What was analysed."""
    video_path: str
    """Its display name, where legacy clients read it."""
    processing_time_seconds: float
    """How long the work took."""
    coverage: float
    """Share of the video that was decoded, 0 to 1."""
    eyes_coverage: float | None
    """Share of it that a model looked at; null where none did."""
    shots: list[tuple[float, float]]
    """Start and end of each shot, in seconds."""
    curves: CurvesResult
    """What was measured, over time."""
    analyzer: AnalyzerResult
    """Who looked."""
    settings: dict[str, Any]
    """The params in force."""
    warnings: list[str]
    """What was not done as asked, or failed on the side, for a person."""
    total_segments_analyzed: int
    """How many segments there are."""
    source_url: str | None
    """The video itself; null where it is not kept."""
    preview_url: str | None
    """A smaller copy, made when it is first asked for, of a video that not every browser plays; else None."""


class HighlightsExports(Told):
    vtt_url: str | None
    """Chapters, as WebVTT."""
    csv_url: str | None
    """A table."""
    edl_url: str | None
    """A cut list, CMX 3600."""


class WorkoutExports(Told):
    csv_url: str | None
    """The sets as a table."""


class HighlightsResult(Result):
    highlights_found: int
    """How many moments there are."""
    highlights: list[HighlightResult]
    """The moments, best first."""
    segments: list[SegmentResult]
    """The whole video in stretches, in the order of time."""
    reel_url: str | None
    """An MP4 of the moments; null where none was made."""
    contact_sheet_url: str | None
    """All moments on one picture; null where none was made."""
    exports: HighlightsExports
    """The moments for other programs."""


class Tempo(Told):
    seconds_per_rep: float
    """From turn to turn, in the middle."""
    reps_per_minute: float
    """The same, the other way round."""
    variation: float
    """Spread of the times from turn to turn, as a share of the middle one; those that hold a pause are left out."""
    trend: float
    """How much longer the last repetition took than the first, by an even course through all and without the waits
    between them, as a share of the first: -0.25 is a quarter shorter. 0 where too few were counted to tell."""


class RepEvent(Told):
    n: int
    """Its number, from 1."""
    start: float
    """Seconds."""
    turn: float
    """Seconds."""
    end: float
    """Seconds."""
    range_rel: float
    """How far it went; 1 is this set's usual."""
    partial: bool
    """Whether that is markedly less."""


class ObservationResult(Told):
    code: str
    """For a program."""
    text: str
    """For a person."""


class ExerciseStep(Told):
    exercise_name: str
    """A name from the list, or `Exercise A`, `Exercise B` by likeness of motion."""
    exercise_source: Literal["model", "motion"]
    """Who named it."""
    start_timestamp: float
    """Seconds."""
    end_timestamp: float
    """Seconds."""
    duration: float
    """Seconds."""
    timestamp_formatted: str
    """Such as `00:12 - 00:48`."""
    description: str
    """What was measured, and what a model says."""
    movement_phase: str | None
    """Such as `exercise` or `hold`."""
    set_index: int
    """The how manieth set of its exercise, from 1."""
    reps: int | None
    """Repetitions; null where the count cannot be trusted, and for a hold."""
    reps_range: tuple[int, int] | None
    """Where the true count is likely to lie."""
    count_unit: str | None
    """`reps`, or `each side`."""
    tempo: Tempo | None
    """Null where nothing was counted."""
    rep_events: list[RepEvent]
    """Each repetition."""
    observations: list[ObservationResult]
    """Measured facts, none of them a judgement."""
    confidence: float
    """0 to 1: how likely the count is right, or that it is a hold."""
    method: Method
    """How it was found."""
    thumbnail_url: str | None = None
    """None while the analysis still runs."""


class Rest(Told):
    start_timestamp: float
    """Seconds."""
    end_timestamp: float
    """Seconds."""
    duration: float
    """Seconds."""
    activity: str | None
    """What happens in it, in words."""


@dataclass(frozen=True)
class Finding:
    """A part of the result that is certain while the analysis still runs."""

    kind: Literal["moment", "set"]
    item: HighlightResult | ExerciseStep


class WorkoutSummary(Told):
    total_exercises_identified: int
    """How many exercises."""
    total_sets: int
    """How many sets."""
    total_reps: int | None
    """Of the sets that were counted; null where none was."""
    work_seconds: float
    """Seconds of work."""
    rest_seconds: float
    """Seconds of rest."""
    video_duration_formatted: str
    """Such as `12:30`."""
    text: str
    """All of it in one sentence."""


class WorkoutResult(Result):
    analysis_type: Literal["workout_with_timestamps"]
    """Always the same."""
    total_duration_seconds: float
    """Of the video."""
    segment_analyses: list[WorkoutSegmentResult]
    """The whole video in stretches, in the order of time."""
    system_prompt: str | None
    """As it was sent."""
    user_prompt: str | None
    """As it was sent."""
    exercise_steps: list[ExerciseStep]
    """The sets, in the order of time."""
    rests: list[Rest]
    """What lies between them."""
    summary: WorkoutSummary
    """All together."""
    exports: WorkoutExports
    """The sets for other programs."""


class ResultsBody(Body):
    session_id: str
    """The session."""
    status: Status
    """`completed`."""
    data: HighlightsResult | WorkoutResult
    """By what was asked for."""


class LegacyError(Told):
    detail: str
    """What is wrong, for a person."""


class LegacyBody(Told):
    success: Literal[True]
    """Always true: a failure answers with its HTTP status."""
    analysis_type: Literal["highlights", "workout_timestamps"]
    """What was asked for."""
    data: HighlightsResult | WorkoutResult
    """As of a session."""
