"""compose.yaml says what is so: each file, command and setting that it names is there. No container is started."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from config import Settings
from tests.service import ROOT

TEXT = (ROOT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]
ONCE = [name for name, service in SERVICES.items() if "restart" not in service]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def values(service: dict[str, Any]) -> dict[str, str]:
    """The service's environment, where nobody said otherwise."""
    return {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in service["environment"].items()}


def test_all_parts_are_there() -> None:
    assert SERVICES.keys() == {"api", "worker", "redis", "store", "folder", "bucket", "eyes"}
    assert (OURS, ONCE) == (["api", "worker"], ["folder", "bucket"])


@pytest.mark.parametrize("name", OURS)
def test_our_programs_are_in_the_image(name: str) -> None:
    interpreter, script = SERVICES[name]["command"]
    assert interpreter == "python"
    assert (ROOT / script).is_file()
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert script not in ignored
    assert "\nCOPY . .\n" in DOCKERFILE


@pytest.mark.parametrize("name", OURS)
def test_our_settings_exist_and_fit_together(name: str) -> None:
    given = values(SERVICES[name])
    store = {key for key in given if key.startswith("AWS_")}
    assert {key.lower() for key in given.keys() - store} <= Settings.model_fields.keys()
    settings = Settings.from_env(given)
    assert (settings.task_queue, bool(settings.redis_url)) == ("celery", True)
    assert settings.storage_url.split("/")[2] in SERVICES["bucket"]["command"][0]


@pytest.mark.parametrize("name", SERVICES)
def test_each_part_is_limited_and_nearly_all_without_root(name: str) -> None:
    service = SERVICES[name]
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    if name == "eyes":
        return
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    user = service.get("user") or re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1]
    assert (user == "root") is (name == "folder")
    assert name != "folder" or (service["cap_add"], service["network_mode"]) == (["CHOWN"], "none")


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in ONCE])
def test_what_stays_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_what_it_waits_for_and_mounts_is_there(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
        assert (other in SERVICES, how["condition"]) == (True, wanted)
    mounts = SERVICES[name].get("volumes", [])
    assert {mount.split(":")[0] for mount in mounts if ":" in mount} <= COMPOSE["volumes"].keys()
    # Those without a name begin as the folders of the image, and as their owner's.
    assert all(f" {mount}" in DOCKERFILE for mount in mounts if ":" not in mount)


@pytest.mark.parametrize("name", [name for name in SERVICES if name not in OURS])
def test_others_images_are_pinned(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.search(r"\d", tag)


@pytest.mark.parametrize("name", ["store", "bucket"])
def test_the_stores_client_may_write_its_configuration(name: str) -> None:
    assert any(values(SERVICES[name])["MC_CONFIG_DIR"].startswith(place) for place in SERVICES[name]["tmpfs"])


def test_redis_keeps_what_it_was_told() -> None:
    command = SERVICES["redis"]["command"]
    given = dict(zip(command[1::2], command[2::2], strict=True))
    assert (given["--appendonly"], given["--maxmemory-policy"]) == ("yes", "noeviction")


def test_every_variable_is_told_in_the_guide() -> None:
    guide = (ROOT / "guides" / "scaling.md").read_text()
    told = re.findall(r"`([A-Z_]+)`", guide)
    assert set(re.findall(r"\$\{([A-Z_]+)", TEXT)) <= set(told)
