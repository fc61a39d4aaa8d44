"""The text encoder reads a prompt once, and pictures do not show it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from engine.diffusion import renderer
from engine.diffusion.embeddings import EmbeddingCache
from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Targets
from engine.diffusion.renderer import DiffusionRenderer
from engine.settings import EngineSettings
from engine.types import ImageRequest
from tests.engine.diffusion.lora import writing_sdxl
from tests.engine.diffusion.lora.test_sdxl import shelf_of
from tests.engine.diffusion.lora.writing import save
from tests.engine.diffusion.rendering import REQUEST, hooked, painted, pipeline_of

CPU = torch.device("cpu")
OTHER = dataclasses.replace(REQUEST, prompt="a hill", effective_prompt="a hill")
GUIDED = dataclasses.replace(REQUEST, guidance=2.0, negative_prompt="fog")


@pytest.fixture
def fresh(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DiffusionRenderer]:
    """A renderer that has read nothing yet."""
    monkeypatch.setattr(renderer, "_lower_priority", lambda: None)
    made = DiffusionRenderer.load(EngineSettings(model=str(tiny), device="cpu", threads=1))
    yield made
    made.close()


@contextmanager
def readings(painter: DiffusionRenderer) -> Iterator[list[int]]:
    """Collect an entry for each time that the text encoder computes."""
    found: list[int] = []
    with hooked(pipeline_of(painter).text_encoder, lambda *_: found.append(1)):
        yield found


def row(size: int, value: float = 0.0) -> torch.Tensor:
    return torch.full((size,), value, dtype=torch.float32)


def test_a_prompt_is_read_once(fresh: DiffusionRenderer) -> None:
    """Other seeds, sizes and the same again skip the encoder; other words do not."""
    first = painted(fresh).raster
    with readings(fresh) as read:
        assert painted(fresh).raster == first
        painted(fresh, dataclasses.replace(REQUEST, seed=6))
        painted(fresh, dataclasses.replace(REQUEST, width_px=160))
        assert not read
        painted(fresh, OTHER)
        assert len(read) == 1


@pytest.mark.parametrize(
    "request_",
    [REQUEST, GUIDED, dataclasses.replace(REQUEST, variety=0.5)],
    ids=["plain", "guided", "varied"],
)
def test_pictures_are_the_same_bits(
    fresh: DiffusionRenderer, painter: DiffusionRenderer, request_: ImageRequest
) -> None:
    """From a kept embedding the same pixels come as from one that was just read."""
    newly = painted(fresh, request_).raster
    assert painted(fresh, request_).raster == newly
    assert painted(painter, request_).raster == newly


def test_only_the_missing_text_is_read(fresh: DiffusionRenderer) -> None:
    """With guidance, the negative prompt is read although the prompt is known."""
    painted(fresh)
    with readings(fresh) as read:
        painted(fresh, GUIDED)
        painted(fresh, GUIDED)
    assert len(read) == 1


def test_other_threads_read_again(fresh: DiffusionRenderer) -> None:
    """A replay with the threads of its original does not take what other threads read."""
    conditions = painted(fresh).recipe.conditions
    with readings(fresh) as read:
        painted(fresh, replay=dataclasses.replace(conditions, threads=2))
    assert len(read) == 1


def test_a_mended_embedding_is_not_kept(fresh: DiffusionRenderer) -> None:
    """What was read again in float32 is so each time: the recipe of every picture says it."""
    whole = painted(fresh, OTHER).recipe.adaptations
    calls: list[int] = []

    def spoil(_module: object, _inputs: object, output: object) -> None:
        calls.append(1)
        if len(calls) % 2:
            output.hidden_states[-2].fill_(float("nan"))  # type: ignore[attr-defined]

    with hooked(pipeline_of(fresh).text_encoder, spoil):
        first = painted(fresh).recipe.adaptations
        again = painted(fresh).recipe.adaptations
    assert first == again != whole
    assert len(calls) == 4


def test_a_model_that_was_unloaded_reads_again(fresh: DiffusionRenderer) -> None:
    """The embeddings go with the model."""
    first = painted(fresh).raster
    fresh.unload()
    assert painted(fresh).raster == first
    with readings(fresh) as read:
        painted(fresh, OTHER)
    assert len(read) == 1


def test_loras_of_text_encoders_are_part_of_the_key(
    painter: DiffusionRenderer, tmp_path: Path
) -> None:
    """Another weight or another file of a LoRA that changes how words are read means reading anew;
    LoRAs of models whose encoders none can change mean nothing."""
    factors = writing_sdxl.low_rank(writing_sdxl.ENCODERS)
    dialect = next(iter(writing_sdxl.DIALECTS.values()))
    file = save(tmp_path / "fox.safetensors", dialect(factors))
    adapters = Adapters(shelf_of(tmp_path), CPU, torch.float32)
    one = adapters.reading({"fox": 1.0})
    assert one == adapters.reading({"fox": 1.0})
    assert len({one, adapters.reading({"fox": 0.5}), adapters.reading({})}) == 3
    os.utime(file, ns=(1, 1))
    assert adapters.reading({"fox": 1.0}) != one
    shelf = LoraShelf(tmp_path, Targets.of(pipeline_of(painter).transformer))
    assert Adapters(shelf, CPU, torch.float32).reading({"fox": 1.0}) == ()


def test_embeddings_come_back_as_they_were() -> None:
    """Bit for bit; what happens to the tensor that they were cut from does not touch them."""
    cache, whole = EmbeddingCache(), torch.randn(64, 8).to(torch.bfloat16)
    cache.keep("it", whole[:3])
    kept = whole[:3].clone()
    whole.zero_()
    found = cache.get("it", CPU)
    assert found is not None
    assert torch.equal(found, kept)
    assert found.dtype == torch.bfloat16
    assert cache.held_bytes == found.untyped_storage().nbytes() == 3 * 8 * 2
    assert cache.get("else", CPU) is None


def test_memory_is_bounded() -> None:
    """The least recently used go first; one that is larger than all room is not kept."""
    cache = EmbeddingCache(max_bytes=4 * 10)
    for name in ("a", "b"):
        cache.keep(name, row(5))
    assert cache.get("a", CPU) is not None
    cache.keep("c", row(5))
    assert "b" not in cache
    assert "a" in cache
    cache.keep("huge", row(11))
    assert "huge" not in cache
    assert cache.held_bytes == 40
    cache.keep("a", row(3, 1.0))
    assert cache.held_bytes == 32
