"""Settings as a table for people: each variable, its default, what it may be, and its own sentence."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

from config import Settings
from tools.marked import table
from tools.types_text import bounds

SCHEMA: dict[str, Any] = Settings.model_json_schema()["properties"]


def settings(names: list[str]) -> str:
    return table(("variable", "default", "what it is"), [_row(name) for name in names])


def _row(name: str) -> tuple[str, str, str]:
    field = name.lower()
    sentence = " ".join((Settings.model_fields[field].description or "").split())
    limits = bounds(SCHEMA[field])
    return f"`{name}`", default_of(field), f"{sentence} ({limits})" if limits else sentence


def default_of(field: str) -> str:
    """As somebody would write it into the environment; empty where nothing is set."""
    value = Settings.model_fields[field].default
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else ""
