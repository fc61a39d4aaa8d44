"""Pictures painted with blocks that were really compiled: when those are used, and when not."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.compilation import Compilation, CompilationState, Obstacle
from engine.diffusion.compilation import compiled_blocks
from engine.diffusion.compilation.calls import Call
from engine.diffusion.compilation.libraries import Library
from engine.diffusion.compilation.store import FOLDER
from engine.diffusion.guard import InFloat32
from engine.diffusion.renderer import DiffusionRenderer
from engine.loras import LoraUse
from engine.settings import AUTO
from engine.types import Painted
from tests.engine.diffusion.compilation.conftest import CompiledCache, Load, settled
from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.rendering import REQUEST, painted, pipeline_of

LARGER = dataclasses.replace(REQUEST, width_px=192, prompt="a lake", effective_prompt="a lake " * 9)


def is_compiled(made: Painted) -> bool:
    return made.recipe.conditions.compiled


def apart(one: Painted, other: Painted) -> int:
    """The largest difference of two pictures, in levels of 255."""
    pixels = [np.frombuffer(each.raster.rgb, np.uint8).astype(int) for each in (one, other)]
    return int(abs(pixels[0] - pixels[1]).max())


def ready(load: Load, cache: Path, **settings: object) -> DiffusionRenderer:
    """A renderer that has read the cache."""
    painter = load(cache, **settings)
    assert settled(painter).state is CompilationState.READY
    return painter


def test_blocks_are_compiled_while_pictures_are_painted(
    compiled: CompiledCache, plain: DiffusionRenderer
) -> None:
    """The first picture waits for nothing and is the plain one, to the bit; the next one is painted
    with compiled blocks and looks the same. Both recipes say so, and differ in nothing else."""
    assert compiled.before.raster == painted(plain).raster
    assert not is_compiled(compiled.before) and is_compiled(compiled.after)
    assert apart(compiled.before, compiled.after) <= 1
    names = [each.name for each in compiled.before.recipe.differences(compiled.after.recipe)]
    assert names == ["compiled"]


def test_what_was_compiled_is_used_after_a_restart(load: Load, compiled: CompiledCache) -> None:
    """From the first picture on, with the same bits; also after the memory was given back."""
    painter = ready(load, compiled.folder)
    assert painted(painter).raster == compiled.after.raster
    painter.unload()
    painted(painter)
    settled(painter)
    assert is_compiled(painted(painter))


def test_other_sizes_and_prompts_need_no_other_library(
    load: Load, compiled: CompiledCache, plain: DiffusionRenderer
) -> None:
    """One library serves every size and length, each of which is compared once."""
    painter = ready(load, compiled.folder)
    made = painted(painter, LARGER)
    assert is_compiled(made) and apart(made, painted(plain, LARGER)) <= 1
    assert len(list((compiled.folder / FOLDER).glob("*.so"))) == 1


def test_a_replay_is_painted_like_the_original(load: Load, compiled: CompiledCache) -> None:
    """Plain where that was painted plainly, although compiled blocks are ready; and exact."""
    painter = ready(load, compiled.folder)
    for original in (compiled.before, compiled.after):
        again = painted(painter, replay=original.recipe.conditions)
        assert again.raster == original.raster
        assert original.recipe.differences(again.recipe) == ()


def test_where_nothing_is_compiled_a_replay_says_so(
    plain: DiffusionRenderer, compiled: CompiledCache
) -> None:
    """A recipe of a picture with compiled blocks is not exact here."""
    again = painted(plain, replay=compiled.after.recipe.conditions)
    (difference,) = compiled.after.recipe.differences(again.recipe)
    assert str(difference) == "compiled: True → False"


def test_a_lora_is_painted_with_plain_blocks(
    load: Load, compiled: CompiledCache, tmp_path: Path
) -> None:
    """Its picture is the one without compiling, to the bit; the next one is compiled again."""
    factors = writing.low_rank(alpha=2.0, seed=1)
    writing.save(tmp_path / "fox.safetensors", writing.DIALECTS["kohya, musubi"](factors))
    painter = ready(load, compiled.folder, loras=tmp_path)
    without = load(tmp_path, "off", loras=tmp_path)
    request = dataclasses.replace(REQUEST, loras=(LoraUse("fox", 1.0),))
    assert painted(painter).raster == compiled.after.raster
    made = painted(painter, request)
    assert made.raster == painted(without, request).raster and not is_compiled(made)
    assert painted(painter).raster == compiled.after.raster


def test_a_step_in_float32_takes_the_plain_blocks(load: Load, compiled: CompiledCache) -> None:
    """A library computes in the type that it was compiled for: it cannot mend a step."""
    painter = ready(load, compiled.folder)
    painted(painter)
    assert painter._model is not None
    transformer = pipeline_of(painter).transformer
    latents, time = [torch.zeros(16, 1, 16, 16)], torch.tensor([0.5])
    used: list[bool] = []
    for context in (torch.no_grad, InFloat32):
        with torch.no_grad(), painter._model.compiled.painting(transformer) as run, context():
            transformer(latents, time, [torch.zeros(32, 24)], return_dict=False)
        used.append(run.used)
    assert used == [True, False]
    assert all("forward" not in vars(each) for each in transformer.layers)


def broken(after: int) -> Callable[..., torch.Tensor]:
    """A library's `run` that fails after so many calls."""
    run, calls = Library.run, [0]

    def breaks(self: Library, weights: list[torch.Tensor], call: Call) -> torch.Tensor:
        calls[0] += 1
        if calls[0] > after:
            raise RuntimeError("the library is broken\nand more")
        return run(self, weights, call)

    return breaks


@pytest.mark.parametrize("after", [0, 3])
def test_a_library_that_fails_costs_no_picture(
    load: Load,
    cache: Path,
    compiled: CompiledCache,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    after: int,
) -> None:
    """At its first call or within a picture: the whole picture is painted plainly, one line says
    why, and the next picture does not try again."""
    painter = ready(load, cache)
    monkeypatch.setattr(Library, "run", broken(after))
    with caplog.at_level(logging.INFO, compiled_blocks.__name__):
        for _ in range(2):
            made = painted(painter)
            assert made.raster == compiled.before.raster and not is_compiled(made)
    (line,) = [each for each in caplog.messages if "without" in each]
    assert line.endswith("RuntimeError: the library is broken")
    assert painter.compilation == Compilation(
        CompilationState.FAILED, failure="RuntimeError: the library is broken"
    )


@pytest.mark.parametrize("wrong", [1.001, float("nan")])
def test_a_library_that_computes_something_else_is_not_used(
    load: Load,
    cache: Path,
    compiled: CompiledCache,
    monkeypatch: pytest.MonkeyPatch,
    wrong: float,
) -> None:
    """A thousandth is beyond what rounding explains in float32."""
    painter, run = ready(load, cache), Library.run

    def other(self: Library, weights: list[torch.Tensor], call: Call) -> torch.Tensor:
        return run(self, weights, call) * wrong

    monkeypatch.setattr(Library, "run", other)
    assert painted(painter).raster == compiled.before.raster
    assert painter.compilation.state is CompilationState.FAILED
    assert "are allowed" in painter.compilation.failure


def test_small_models_are_not_compiled_by_default(load: Load, tmp_path: Path) -> None:
    """The demo model, and with it this one, is painted plainly unless the settings insist."""
    painter = load(tmp_path, AUTO)
    assert not is_compiled(painted(painter)) and not is_compiled(painted(painter))
    assert painter.compilation == Compilation(CompilationState.UNSUITED, Obstacle.SMALL)
    assert not (tmp_path / FOLDER).exists()


def test_blocks_that_are_no_faster_are_not_used(
    load: Load, cache: Path, monkeypatch: pytest.MonkeyPatch, compiled: CompiledCache
) -> None:
    """By default what was measured decides."""
    monkeypatch.setattr("engine.diffusion.compilation.choice.LEAST_VALUES", 1)
    monkeypatch.setattr(compiled_blocks, "speedup", lambda *_: 1.02)
    for description in (cache / FOLDER).glob("*.block"):
        text = description.read_text(encoding="utf-8")
        assert '"speedup"' in text
        description.write_text(text.replace('"speedup"', '"another"'), encoding="utf-8")
    painter = ready(load, cache, compile=AUTO)
    assert painted(painter).raster == compiled.before.raster
    assert painter.compilation == Compilation(CompilationState.SLOWER, speedup=1.02)


def test_streamed_weights_are_painted_with_plain_blocks(
    load: Load, compiled: CompiledCache
) -> None:
    """A plan that moves weights within a block leaves no place for another computation."""
    painter = load(compiled.folder, memory_plan="streamed")
    assert painted(painter).raster == compiled.before.raster
    assert painter.compilation == Compilation(CompilationState.UNSUITED, Obstacle.STREAMED)


@pytest.mark.parametrize("part", ["library", "description"])
def test_a_damaged_cache_is_removed_and_compiled_again(
    load: Load, cache: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    """A flipped bit is found before anything of it is run, and the next picture asks again."""
    (library,) = (cache / FOLDER).glob("*.so")
    damaged = library if part == "library" else library.with_suffix(".block")
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0x80
    damaged.write_bytes(content)
    orders: list[Path] = []
    monkeypatch.setattr(compiled_blocks, "carry_out", lambda order, _: orders.append(order.library))
    painter = load(cache)
    assert not is_compiled(painted(painter))
    settled(painter)
    assert orders == [library] and not library.exists()
