"""Settings come from the environment, and a wrong one stops the start in words."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from config import Settings
from errors import CannotStart


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = Settings.from_env({})
    assert (settings.host, settings.port, settings.data_dir) == ("127.0.0.1", 8000, Path("data"))
    assert settings.cors_origins == ("http://localhost:3000", "http://localhost:5173")


def test_each_field_is_read_from_its_name_in_capitals() -> None:
    settings = Settings.from_env({"MAX_CONCURRENT_JOBS": "4", "SESSION_TTL_HOURS": "0.5", "KEEP_SOURCE": "false"})
    assert (settings.max_concurrent_jobs, settings.session_ttl_hours, settings.keep_source) == (4, 0.5, False)


def test_origins_are_separated_by_commas() -> None:
    settings = Settings.from_env({"CORS_ORIGINS": "https://a.example, https://b.example,"})
    assert settings.cors_origins == ("https://a.example", "https://b.example")


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings.from_env({"PORT": "", "LOG_LEVEL": "  "}) == Settings()


def test_levels_may_be_written_small() -> None:
    assert Settings.from_env({"LOG_LEVEL": "debug"}).log_level == "DEBUG"


def test_a_model_may_be_an_id_a_folder_or_an_address() -> None:
    for named in ("none", "people/eyes", "./models/eyes", "https://eyes.example/v1"):
        assert Settings.from_env({"VISION_MODEL": named}).vision_model == named


def test_a_key_is_shown_to_nobody() -> None:
    settings = Settings.from_env({"VISION_API_KEY": "secret"})
    assert settings.vision_api_key.get_secret_value() == "secret"
    assert "secret" not in repr(settings)


KEY = "0123456789abcdef"


def test_keys_are_named_and_kept_as_their_hashes() -> None:
    settings = Settings.from_env({"API_KEYS": f"web:{KEY}, ci-2:{KEY}:2,"})
    assert [key.name for key in settings.api_keys] == ["web", "ci-2"]
    assert settings.api_keys[1].digest == hashlib.sha256(f"{KEY}:2".encode()).digest()
    assert KEY not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    "wrong",
    [
        KEY,
        f":{KEY}",
        "web:short-secret",
        f"web:{KEY} x",
        f"wéb:{KEY}",
        f"web:{KEY}é",
        f"a:{KEY},a:{KEY}2",
        f"a:{KEY},b:{KEY}",
        ",",
    ],
)
def test_keys_that_cannot_be_used_stop_the_start_and_are_not_shown(wrong: str) -> None:
    with pytest.raises(CannotStart, match="API_KEYS") as told:
        Settings.from_env({"API_KEYS": wrong})
    assert not any(part in str(told.value) for part in (KEY, "short-secret"))


def test_proxies_are_addresses_and_networks() -> None:
    settings = Settings.from_env({"TRUSTED_PROXIES": "127.0.0.1, fd00::/8, ::ffff:10.1.0.0/112"})
    assert settings.trusted_proxies == ("127.0.0.1/32", "fd00::/8", "10.1.0.0/16")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("MAX_CONCURRENT_JOBS", "0"),
        ("SESSION_TTL_HOURS", "nan"),
        ("SESSION_TTL_HOURS", "-1"),
        ("KEEP_SOURCE", "perhaps"),
        ("LOG_LEVEL", "LOUD"),
        ("VISION_MODEL", "ftp://example.com/v1"),
        ("VISION_MODEL", "http://"),
        ("VISION_DTYPE", "int4"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("RATE_UPLOADS_PER_MINUTE", "-1"),
        ("CORS_ORIGINS", "example.com"),
        ("CORS_ORIGINS", "http://example.com/"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(CannotStart, match=f"{name}='{value}'"):
        Settings.from_env({name: value})


def test_all_wrong_values_are_told_at_once() -> None:
    with pytest.raises(CannotStart, match=r"PORT=.*MAX_QUEUED="):
        Settings.from_env({"PORT": "x", "MAX_QUEUED": "y"})
