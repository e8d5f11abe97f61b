"""What the model runs on: device, number format, threads, memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from errors import CannotStart
from vision import Habits

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""What VISION_DTYPE may name. float32 is the reference; half the bytes are as good and two to four times as fast where
the processor computes in them."""


def choose_device() -> torch.device:
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def choose_dtype(device: torch.device, wanted: str | None = None) -> torch.dtype:
    """bfloat16 where the hardware multiplies it itself, float32 elsewhere; what `wanted` names before all."""
    if wanted:
        if wanted not in DTYPES:
            raise CannotStart(f"VISION_DTYPE is {wanted!r}; it may be {', '.join(DTYPES)}")
        return DTYPES[wanted]
    fit = torch.cuda.is_bf16_supported(including_emulation=False) if device.type == "cuda" else False
    if device.type == "cpu":
        fit = _processor_multiplies_bf16(torch.cpu.get_capabilities())
    return torch.bfloat16 if fit else torch.float32


def _processor_multiplies_bf16(can: Mapping[str, Any]) -> bool:
    """By the instructions torch finds: AVX512_BF16 or AMX on x86, BF16 on Arm. Without them it is emulated, slower than
    float32."""
    return any(can.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16", "arm_bf16"))


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was refused. On a CPU torch says so in words alone."""
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def free_memory(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.empty_cache()


def batch_sizes(device: torch.device) -> dict[str, int]:
    """How many windows are looked at, asked about and told of in one go.

    A processor is busy with the pictures of one window alone, and a session that stops would cost the others in its
    batch all that was done for them; but each question and each word reads all weights, for however many windows.
    """
    if device.type == "cuda":
        return {"look": 16, "weigh": 16, "tell": 16}
    return {"look": 1, "weigh": 4, "tell": 4}


def habits_on(device: torch.device) -> Habits:
    """A processor spends nearly all its time on the pictures: four of a few seconds still show what changes."""
    together = batch_sizes(device)["tell"]
    return Habits(4 if device.type == "cpu" else 8, together, sees_all=device.type == "cuda")


class Threads:
    """How many threads torch may use: all it was given, or one while somebody else needs a core.

    Threads of which one waits for a core make the others wait too: as many as there are cores for are as fast.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most or torch.get_num_threads()
        self._yielding = 0
        self._lock = threading.Lock()

    @property
    def wanted(self) -> int:
        return 1 if self._yielding else self._most

    @contextmanager
    def give_way(self) -> Iterator[None]:
        with self._lock:
            self._yielding += 1
        try:
            yield
        finally:
            with self._lock:
                self._yielding -= 1

    def apply(self) -> None:
        """To be called in the model's own thread, where alone it has an effect; as often as one likes."""
        if torch.get_num_threads() != self.wanted:
            torch.set_num_threads(self.wanted)
