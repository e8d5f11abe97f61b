"""A model is loaded step by step, and one that cannot be is refused in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from errors import CannotStart
from tests.tiny_checkpoint import make_checkpoint
from vision import loading
from vision.machine import Threads, choose_dtype
from vision.smolvlm import open_smolvlm

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_checkpoint(tmp_path / "model")


def edit(file: Path, change: Callable[[dict[str, Any]], object]) -> None:
    told = json.loads(file.read_text())
    change(told)
    file.write_text(json.dumps(told))


def test_loading_says_how_far_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAPPED_BYTES", 20_000)  # as for a model that is larger than what is mapped at once
    told: list[tuple[str, float]] = []
    with closing(open_smolvlm(str(folder), tell=lambda doing, share: told.append((doing, share)))):
        pass
    shares = [share for _, share in told]
    assert {doing for doing, _ in told} == {"Loading"}
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)
    assert len(set(shares)) > 20


def test_weights_are_those_of_the_file_in_the_number_format_asked_for(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    with closing(open_smolvlm(str(folder), dtype="bfloat16")) as model:
        loaded = model.network.state_dict()
    assert weights.keys() <= loaded.keys()
    assert all(torch.equal(loaded[name].cpu(), weight.bfloat16()) for name, weight in weights.items())


def test_weights_in_several_files_are_read_together(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    for number, some in enumerate((names[::2], names[1::2]), 1):
        save_file({name: weights[name] for name in some}, folder / f"model-0000{number}-of-00002.safetensors")
    (folder / "model.safetensors").unlink()
    with closing(open_smolvlm(str(folder), dtype="float32")) as model:
        assert torch.equal(model.network.lm_head.weight.cpu(), weights["lm_head.weight"])


def refused(folder: Path) -> str:
    with pytest.raises(CannotStart) as refusal:
        open_smolvlm(str(folder))
    return str(refusal.value)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert refused(tmp_path / "nothing") == f"there is no folder {tmp_path}/nothing to load a model from"


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path} holds no model: its config.json is missing or cannot be read"


def test_a_model_of_another_kind(folder: Path) -> None:
    edit(folder / "config.json", lambda told: told.update(model_type="llama"))
    assert refused(folder).endswith("is of type 'llama'; SmolVLM2's is 'smolvlm'")


@pytest.mark.parametrize(
    ("part", "values", "words"),
    [
        ("vision_config", {"image_size": 48}, "3 patches a side cannot be put together 2 by 2"),
        ("vision_config", {"image_size": None}, "does not describe a SmolVLM2"),
        ("text_config", {"max_position_embeddings": "many"}, "does not describe a SmolVLM2"),
    ],
)
def test_a_config_that_does_not_add_up(folder: Path, part: str, values: dict[str, Any], words: str) -> None:
    edit(folder / "config.json", lambda told: told[part].update(values))
    assert words in refused(folder)


def test_tokens_a_picture_follow_from_the_config(folder: Path) -> None:
    assert loading.read_geometry(folder).per_picture == 4
    edit(folder / "config.json", lambda told: told.update(scale_factor=1))
    assert loading.read_geometry(folder).per_picture == 16


def test_a_side_that_is_no_whole_number_of_patches_is_as_good(folder: Path) -> None:
    """As in the 2.2B model: 384 pixels are 27 patches of 14 and a rest, 9 by 9 tokens."""
    edit(folder / "config.json", lambda told: told["vision_config"].update(image_size=384, patch_size=14))
    edit(folder / "config.json", lambda told: told.update(scale_factor=3))
    geometry = loading.read_geometry(folder)
    assert (geometry.side, geometry.patch, geometry.per_picture) == (384, 14, 81)


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert refused(folder).endswith("holds no weights in safetensors files")


@pytest.mark.parametrize("share", [0.0, 0.001, 0.6])
def test_weights_that_break_off(folder: Path, share: float) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    assert "are damaged or do not fit the model" in refused(folder)


def test_weights_that_are_not_all_there(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["model.connector.modality_projection.proj.weight"]
    save_file(weights, folder / "model.safetensors")
    assert "lack 1 of the model's, model.connector.modality_projection.proj.weight" in refused(folder)


def test_weights_of_another_size(folder: Path) -> None:
    edit(folder / "config.json", lambda told: told["text_config"].update(intermediate_size=100))
    assert "are damaged or do not fit the model" in refused(folder)


def test_too_little_memory_is_not_called_damage(folder: Path) -> None:
    def tell(doing: str, share: float) -> None:
        torch.empty(1 << 60, dtype=torch.uint8)  # more than any machine has

    with pytest.raises(CannotStart, match="there is not enough memory to load the model"):
        open_smolvlm(str(folder), tell=tell)


def test_a_tokenizer_that_cannot_be_read(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")
    assert "the tokenizer in" in refused(folder)


def test_half_precision_where_the_processor_multiplies_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False, "amx_bf16": True})
    assert choose_dtype(cpu) == torch.bfloat16
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "avx512_bf16": False})
    assert choose_dtype(cpu) == torch.float32
    assert choose_dtype(cpu, "bfloat16") == torch.bfloat16
    with pytest.raises(CannotStart, match="VISION_DTYPE is 'int4'; it may be float32, bfloat16, float16"):
        choose_dtype(cpu, "int4")


def test_threads_that_wait_leave_the_cores_to_others() -> None:
    script = "import os, sys, vision; print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])"
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "PASSIVE"]


def test_threads_come_back_when_the_last_one_no_longer_needs_the_core() -> None:
    threads = Threads(4)
    with threads.give_way():
        with threads.give_way():
            assert threads.wanted == 1
        assert threads.wanted == 1
    assert threads.wanted == 4
