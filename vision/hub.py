"""Finds a model: a folder, or an id of the Hugging Face hub. Says quickly whether there is one; fetches it once.

Does without torch, so that a machine that has no model need not load it to find out.
"""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import DryRunError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open
from tqdm import tqdm

from errors import CannotStart
from vision import is_folder

logger = logging.getLogger(__name__)

DEFAULT_MODEL = "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"

FILES = ["*.json", "*.safetensors", "*.jinja", "merges.txt"]
"""What is fetched of a model: no pickled weights, no code."""

Loading = Callable[[str, float], None]
"""Told ("Downloading" | "Loading", share 0-1 of the weights' bytes)."""


def available(model: str, revision: str | None = None, seconds: float = 6.0) -> bool:
    """Whether a model can be had here: as a folder, from the cache, or from the hub. Answers within the seconds given,
    which name resolution and connecting share."""
    if is_folder(model) or cached(model, revision):
        return True
    answers: list[bool] = []

    def ask() -> None:
        try:
            HfApi().model_info(model, revision=revision, timeout=seconds)
            answers.append(True)
        except Exception as error:  # noqa: BLE001 - no network, no such model, no access: in each case there is none
            logger.debug("the hub does not offer %s: %r", model, error)

    asking = threading.Thread(target=ask, name="hub", daemon=True)
    asking.start()
    asking.join(seconds)
    return bool(answers)


def check(model: str, revision: str | None) -> None:
    """Refuse a model that cannot be had here, as far as that shows without loading it. Asks the hub where it must;
    raises CannotStart."""
    if not _names_a_folder(model) and not cached(model, revision):
        if not available(model, revision):
            raise CannotStart(f"the model {model} is not here, and its hub cannot be reached or does not have it")
        return
    folder = find(model, revision, lambda *_: None)
    read_config(folder)
    for file in weights_in(folder):
        try:
            with safe_open(file, framework="numpy"):
                pass
        except (SafetensorError, OSError) as error:
            raise CannotStart(f"the weights in {folder} are damaged: {error}") from error


def read_config(folder: Path) -> dict[str, Any]:
    """A checkpoint's config.json. Raises CannotStart if it is not a SmolVLM2's."""
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise CannotStart(f"{folder} holds no model: its config.json is missing or cannot be read") from error
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind != "smolvlm":
        raise CannotStart(f"the model in {folder} is of type {kind!r}; SmolVLM2's is 'smolvlm'")
    known: dict[str, Any] = config
    return known


def weights_in(folder: Path) -> list[Path]:
    """The files that hold a checkpoint's weights, at least one. Raises CannotStart."""
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise CannotStart(f"{folder} holds no weights in safetensors files")
    return files


def _names_a_folder(model: str) -> bool:
    return is_folder(model) or model.startswith((".", "/", "~")) or model.count("/") > 1


def find(model: str, revision: str | None, tell: Loading) -> Path:
    """The model's folder; fetched first if it is not here. Raises CannotStart."""
    if is_folder(model):
        return Path(model)
    if _names_a_folder(model):
        raise CannotStart(f"there is no folder {model} to load a model from")
    if folder := cached(model, revision):
        return folder
    try:
        return _fetch(model, revision, tell)
    except (LocalEntryNotFoundError, DryRunError) as error:
        raise CannotStart(
            f"the model {model} is not here, and its hub cannot be reached or does not have it"
        ) from error
    except Exception as error:
        why = (str(error).strip() or repr(error)).splitlines()[0]
        raise CannotStart(f"the model {model} cannot be fetched: {why}") from error


def cached(model: str, revision: str | None) -> Path | None:
    """Where a model lies that was fetched before; None unless it is all there."""
    try:
        folder = Path(snapshot_download(model, revision=revision, allow_patterns=FILES, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError):
        return None
    return folder if (folder / "config.json").exists() and any(folder.glob("*.safetensors")) else None


def _fetch(model: str, revision: str | None, tell: Loading) -> Path:
    """File by file in this thread: for threads that the hub's client begins, a service that is told to end would wait,
    however long their files take."""
    files = snapshot_download(model, revision=revision, allow_patterns=FILES, dry_run=True)
    missing = [file for file in files if file.will_download]
    total, fetched = sum(file.file_size or 0 for file in missing), 0
    for file in missing:
        bar = _counting(fetched, total, tell)
        hf_hub_download(model, file.filename, revision=file.commit_hash, tqdm_class=bar)
        fetched += file.file_size or 0
    return Path(snapshot_download(model, revision=revision, allow_patterns=FILES))


def _counting(before: int, total: int, tell: Loading) -> type[Any]:
    """The bars that the hub's client moves for one file, shown to nobody, passed on; `before` bytes came earlier. There
    may be two: bytes as they come, and as they are written. After a break one begins anew."""
    farthest = before

    class Counting(tqdm):  # type: ignore[misc]  # tqdm has no types
        def __init__(self, *args: Any, **options: Any) -> None:
            options.pop("name", None)
            super().__init__(*args, **(options | {"file": io.StringIO(), "disable": False}))

        def update(self, n: float | None = 1) -> object:
            nonlocal farthest
            moved: object = super().update(n)
            if self.unit == "B" and total:
                farthest = max(farthest, before + self.n)
                tell("Downloading", min(1.0, farthest / total))
            return moved

    return Counting
