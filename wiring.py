"""Builds every part from Settings, for whoever serves and whoever only works; nothing of it runs yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import figures
from api import PREFIX
from api.callers import Callers, OwnCallers, SharedCallers
from api.followers import Followers
from api.intake import Intake
from api.measured import Requests
from api.previews import Previews
from api.resumable import OwnResumables, Resumables
from api.shared_resumable import SharedResumables
from api.space import Space
from carrying import Terms
from config import Settings
from crews import Ledger, State, Watch, crew_of, watches_of
from gauges import ThisProcess, Together, of_place, of_work
from metrics import Meter, Metrics, Reading
from railway_video_generator import RailwayVideoGenerator
from schemas import AnalysisType, Found, Limits, Session
from session_manager import ENDED, SessionManager
from stores import SessionStore, check_together, is_shared, open_parts, open_session_files, open_session_store
from stores.files import SessionFiles
from task_manager import BackgroundTaskManager, Crew
from vision.eyes import Eyes
from vision.opening import eyes_of

Man = Callable[[Settings, Ledger, Terms], Crew]

WORKERS_LOOK = "Workers look; each says by what"


@dataclass(frozen=True)
class Workshop:
    """The parts that carry sessions to their end, with nobody at a door."""

    settings: Settings
    store: SessionStore
    files: SessionFiles
    sessions: SessionManager
    tasks: BackgroundTaskManager
    eyes: Eyes
    crew: Crew

    @property
    def state(self) -> State:
        return State(self.eyes, self.files.free_bytes, self.settings.min_free_disk_mb << 20)


@dataclass(frozen=True)
class House(Workshop):
    """Every part of one running service."""

    space: Space
    intake: Intake
    resumables: Resumables
    followers: Followers
    previews: Previews
    callers: Callers
    metrics: Metrics
    requests: Requests
    watches: tuple[Watch, ...]

    def watch_over(self) -> None:
        """Where others share the rows: see to their sessions, and let them know who works here."""
        for one in self.watches:
            one.start()

    def watch_no_more(self) -> None:
        for one in self.watches:
            one.close()

    def drain(self) -> None:
        """Take no more work, give back what runs, and send away those who follow it. On the event loop."""
        self.tasks.drain()
        self.followers.drain()


def build(settings: Settings, eyes: Eyes | None = None) -> House:
    """The eyes are those of the settings, if none are given. Raises CannotStart."""
    metrics = Metrics()
    meter = Meter(metrics.tell)
    shop = build_workshop(settings, eyes or eyes_at_the_door(settings, meter), meter=meter)
    if is_shared(shop.store) and settings.storage_url:
        shop.store.watch(partial(_drop_ended, shop.files), shop.files.lingering)
    space = Space(shop.files.free_bytes, settings.min_free_disk_mb << 20)
    watches = watches_of(settings, Ledger(shop.store, shop.sessions), shop.crew, shop.tasks.hand_over, shop.state)
    together = Together(shop.store, shop.files, settings)
    watches = (*watches, together)
    callers: Callers = OwnCallers(shop.tasks.remove)
    if is_shared(shop.store):
        callers = SharedCallers(shop.store.board, settings.lease_seconds, shop.tasks.remove)
        watches = (*watches, callers.rounds)
    house = House(
        **vars(shop),
        callers=callers,
        metrics=metrics,
        requests=Requests(),
        watches=watches,
        space=space,
        intake=Intake(shop.sessions, shop.tasks, shop.files, space, settings, meter),
        resumables=_resumables(settings, shop.store, space),
        followers=Followers(shop.sessions, shop.tasks),
        previews=Previews(shop.sessions, shop.files, limits_of(settings)),
    )
    for readings in (
        ThisProcess(shop.store).readings,
        partial(of_work, shop.tasks),
        partial(of_place, shop.files, shop.eyes, settings),
        partial(_at_the_door, house),
        house.requests.readings,
        together.readings,
    ):
        metrics.ask(readings)
    return house


def _at_the_door(house: House) -> Iterator[Reading]:
    yield Reading(figures.FOLLOWERS, len(house.followers))
    yield Reading(figures.UPLOADS_IN_PROGRESS, house.intake.under_way)


def _drop_ended(files: SessionFiles, session_id: str, news: Session | Found | None) -> None:
    """Wherever it was ended, no copy of its video lingers here."""
    if news is None or (not isinstance(news, Found) and news["status"] in ENDED):
        threading.Thread(target=files.drop, args=(session_id,), name="drop", daemon=True).start()


def _resumables(settings: Settings, store: SessionStore, space: Space) -> Resumables:
    parts, hours, most = open_parts(settings), settings.resumable_ttl_hours, settings.max_resumable
    if not is_shared(store):
        return OwnResumables(parts, space, ttl_hours=hours, most=most)
    here = not settings.storage_url
    return SharedResumables(parts, store.board, space, ttl_hours=hours, most=most, on_this_disk=here)


def build_workshop(
    settings: Settings, eyes: Eyes | None = None, man: Man = crew_of, meter: Meter | None = None
) -> Workshop:
    """As `build`, without what only a door needs; `man` says who works."""
    meter = meter or Meter()
    eyes = eyes or eyes_of(settings, meter.passed)
    store, files = open_session_store(settings), open_session_files(settings)
    check_together(settings, store, files)
    sessions = SessionManager(store, files, ttl_hours=settings.session_ttl_hours, meter=meter)
    generator = RailwayVideoGenerator(limits_of(settings), eyes, meter)
    analyses = {
        AnalysisType.HIGHLIGHTS: generator.generate_highlights,
        AnalysisType.WORKOUT: generator.analyze_workout_with_timestamps,
    }
    terms = Terms(
        max_workers=settings.max_concurrent_jobs,
        max_queued=settings.max_queued,
        max_attempts=settings.max_attempts,
        stalled_minutes=settings.stalled_minutes,
        keep_source=settings.keep_source,
    )
    crew = man(settings, Ledger(store, sessions), terms)
    address = f"{PREFIX}/files"
    tasks = BackgroundTaskManager(sessions, files, analyses, terms, files_address=address, crew=crew, meter=meter)
    return Workshop(settings, store, files, sessions, tasks, eyes, crew)


def eyes_at_the_door(settings: Settings, meter: Meter) -> Eyes:
    """None that would take memory, where workers elsewhere look."""
    return Eyes(words=WORKERS_LOOK) if settings.task_queue == "celery" else eyes_of(settings, meter.passed)


def limits_of(settings: Settings) -> Limits:
    return Limits(max_duration_seconds=settings.max_duration_minutes * 60)
