"""Which model the settings ask for, and how it is opened. Torch and the rest are loaded here, and only when wanted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from config import Settings
from errors import CannotStart
from vision import Habits, Passed, VisionModel, untold
from vision.address import check_server
from vision.eyes import Eyes, Tell
from vision.remote import open_remote

AUTO, NONE, EVERYTHING = "auto", "none", "everything"


def eyes_of(settings: Settings, passed: Passed = untold) -> Eyes:
    """The eyes a service is to have, still shut. Raises CannotStart for a model that was asked for by name and of which
    can be told without loading it that it cannot be had. `passed` is told of what the model does."""
    see_all = settings.vision_looks_at == EVERYTHING
    if settings.vision_model == NONE:
        return Eyes()
    if settings.vision_model == AUTO:
        return Eyes(partial(open_if_there, settings, passed=passed), see_all=see_all)
    if _is_remote(settings.vision_model):
        check_server(settings.vision_model, settings.vision_api_key.get_secret_value())
        whom = "to the vision server"
        return Eyes(partial(open_vision, settings, passed=passed), needed=True, whom=whom, see_all=see_all)
    from vision import hub  # noqa: PLC0415  heavy

    hub.check(settings.vision_model, settings.vision_revision or None)
    return Eyes(partial(open_vision, settings, passed=passed), needed=True, see_all=see_all)


def open_if_there(settings: Settings, tell: Tell, passed: Passed = untold) -> VisionModel:
    """SmolVLM2. Raises CannotStart within 10 s if it is neither here nor can be fetched."""
    from vision import hub  # noqa: PLC0415  heavy

    revision = settings.vision_revision or None
    if not hub.available(hub.DEFAULT_MODEL, revision):
        raise CannotStart(f"{hub.DEFAULT_MODEL} is not here, and its hub cannot be reached")
    return open_vision(settings.model_copy(update={"vision_model": hub.DEFAULT_MODEL}), tell, passed)


def open_vision(settings: Settings, tell: Tell, passed: Passed = untold) -> VisionModel:
    """The model that the settings name, ready to be asked. Takes seconds to minutes; raises CannotStart."""
    if _is_remote(settings.vision_model):
        key = settings.vision_api_key.get_secret_value() or None
        remote = open_remote(settings.vision_model, api_key=key, tell=tell)
        remote.habits, remote.passed = wished(remote.habits, settings), passed
        return remote
    from vision.smolvlm import open_smolvlm  # noqa: PLC0415  heavy

    model = open_smolvlm(
        settings.vision_model,
        settings.vision_revision or None,
        dtype=None if settings.vision_dtype == AUTO else settings.vision_dtype,
        letterbox=settings.vision_letterbox,
        tell=tell,
    )
    model.habits, model.passed = wished(model.habits, settings), passed
    return model


def wished(habits: Habits, settings: Settings) -> Habits:
    """A model's habits, where the settings leave them to it."""
    pictures = settings.vision_pictures or habits.pictures
    looks_at = settings.vision_looks_at
    sees_all = habits.sees_all if looks_at == AUTO else looks_at == EVERYTHING
    return replace(habits, pictures=pictures, sees_all=sees_all)


def _is_remote(model: str) -> bool:
    return model.startswith(("http://", "https://"))
