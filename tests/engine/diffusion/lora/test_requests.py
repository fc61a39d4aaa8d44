"""LoRAs of requests, through the real renderer: what is painted, recorded and refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel

from engine.diffusion import renderer
from engine.diffusion.families import SKETCH
from engine.diffusion.lora.configured import configured_shelf, targets_of
from engine.diffusion.lora.session import LoraSession
from engine.diffusion.lora.targets import Targets
from engine.diffusion.renderer import DiffusionRenderer
from engine.errors import EngineError, LoraInvalid, LoraNotFound, LoraRefused
from engine.loras import LoraFile, LoraUse
from engine.settings import EngineSettings
from engine.sketch import MODEL_DIR
from engine.types import ImageRequest, Painted, Recipe
from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.rendering import REQUEST, outcome, painted, pipeline_of

POOL = ThreadPoolExecutor(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("loras")
    for name, factors in {
        "fox": writing.low_rank(alpha=2.0, seed=1),
        "ink": writing.kronecker(seed=2),
    }.items():
        writing.save(made / f"{name}.safetensors", writing.DIALECTS["kohya, musubi"](factors))
    return made


@pytest.fixture(scope="module")
def offering(tiny: Path, folder: Path) -> Iterator[DiffusionRenderer]:
    """The real renderer with a folder of LoRAs."""
    settings = EngineSettings(model=str(tiny), device="cpu", threads=1, loras=folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "_lower_priority", lambda: None)
        made = DiffusionRenderer.load(settings)
    yield made
    made.close()


def with_loras(*loras: LoraUse) -> ImageRequest:
    return dataclasses.replace(REQUEST, loras=loras)


def weights(painter: DiffusionRenderer) -> dict[str, torch.Tensor]:
    """A copy of all weights of the transformer."""
    transformer = pipeline_of(painter).transformer
    return {name: each.clone() for name, each in transformer.state_dict().items()}


def test_a_lora_changes_the_picture_and_no_weight(
    offering: DiffusionRenderer, folder: Path
) -> None:
    """A LoRA changes the picture, weight 0 changes no bit, and neither any weight of the model;
    the recipe has the weights and the hash of the file that acted, and reads back equal."""
    before = weights(offering)
    plain = painted(offering)
    fox = painted(offering, with_loras(LoraUse("fox", 0.8, ("a fox",))))
    both = painted(offering, with_loras(LoraUse("fox", 0.8), LoraUse("ink", -0.7)))
    zero = painted(offering, with_loras(LoraUse("fox", 0.0)))
    again = painted(offering, with_loras(LoraUse("fox", 0.8, ("a fox",))))
    assert len({plain.raster.rgb, fox.raster.rgb, both.raster.rgb}) == 3
    assert zero.raster == plain.raster and painted(offering).raster == plain.raster
    assert again.raster == fox.raster
    after = weights(offering)
    assert before.keys() == after.keys()
    assert all(torch.equal(each, after[name]) for name, each in before.items())
    digest = hashlib.sha256((folder / "fox.safetensors").read_bytes()).hexdigest()
    assert fox.recipe.loras == (LoraFile("fox", digest),) and zero.recipe.loras == ()
    assert fox.recipe.request.loras == (LoraUse("fox", 0.8, ("a fox",)),)
    assert Recipe.from_json(fox.recipe.to_json()) == fox.recipe
    assert fox.recipe.differences(again.recipe) == ()


def test_memory_is_planned_with_what_the_loras_take(offering: DiffusionRenderer) -> None:
    """A plan's peak includes exactly what the LoRAs of the request will take of the device."""
    painted(offering, with_loras(LoraUse("fox", 1.0), LoraUse("ink", 1.0)))
    model, planner = offering._model, offering._planner
    assert model is not None and model.loras is not None
    taken_bytes = model.loras.device_bytes
    session = LoraSession(model.loras, (LoraUse("fox", 1.0), LoraUse("ink", 1.0)), POOL)
    assert session.needed_bytes == taken_bytes > 0
    with_them, without = (
        planner.choose(model.residency, REQUEST, needed).estimate.peak_bytes
        for needed in (session.needed_bytes, 0)
    )
    assert with_them - without == taken_bytes
    painted(offering)
    assert model.loras.device_bytes == 0


def test_a_replay_with_another_file_says_so(offering: DiffusionRenderer, folder: Path) -> None:
    """A file that was replaced under its name is painted with, and the recipes differ in its
    hash."""
    file = folder / "other.safetensors"
    uses = with_loras(LoraUse("other", 1.0))
    found: list[Painted] = []
    for seed in (3, 4):
        factors = writing.low_rank(alpha=2.0, seed=seed)
        writing.save(file, writing.DIALECTS["kohya, musubi"](factors))
        found.append(painted(offering, uses))
    (difference,) = found[0].recipe.differences(found[1].recipe)
    assert difference.name == "LoRA other" and difference.before != difference.now
    assert found[0].raster != found[1].raster
    file.unlink()


def test_a_bad_file_fails_its_own_picture_alone(offering: DiffusionRenderer, folder: Path) -> None:
    """A LoRA that is gone, cut off, no LoRA or not finite is an error that names it, and the next
    pictures are as ever."""
    fox, file = with_loras(LoraUse("fox", 1.0)), folder / "bad.safetensors"
    good, before = (folder / "fox.safetensors").read_bytes(), painted(offering, fox)
    kinds: tuple[tuple[bytes | None, type[EngineError]], ...] = (
        (None, LoraNotFound),
        (good[:-40], LoraInvalid),
        (b"<!DOCTYPE html><html>Not found</html>", LoraInvalid),
        (good[:-4] + b"\x00\x00\xc0\x7f", LoraInvalid),
    )
    for content, wanted in kinds:
        if content is not None:
            file.write_bytes(content)
        made = outcome(offering, with_loras(LoraUse("fox", 1.0), LoraUse("bad", 1.0)))
        assert isinstance(made, wanted) and "'bad'" in str(made)
    file.unlink()
    assert painted(offering, fox).raster == before.raster


def test_without_a_folder_no_lora_is_painted_with(painter: DiffusionRenderer) -> None:
    """A request with a LoRA fails where none are offered; it is not painted without it."""
    made = outcome(painter, with_loras(LoraUse("fox", 1.0)))
    assert isinstance(made, LoraNotFound) and "fox" in str(made)


def test_the_listed_parts_are_those_of_the_model(tiny: Path, folder: Path) -> None:
    """What is listed and checked without a model are LoRAs for exactly this model's parts, for the
    built-in one and for a folder; without a configuration for Z-Image's."""
    for model, place in ((SKETCH, MODEL_DIR), (str(tiny), tiny)):
        config = json.loads((place / "transformer" / "config.json").read_text())
        with torch.device("meta"):
            built = ZImageTransformer2DModel.from_config(config)
        assert targets_of(EngineSettings(model=model)) == Targets.of(built)
    assert targets_of(EngineSettings(model="owner/name")) == Targets.z_image()
    shelf = configured_shelf(EngineSettings(model=str(tiny), loras=folder))
    assert shelf is not None
    assert [(each.name, each.problem) for each in shelf.listing()] == [("fox", None), ("ink", None)]
    assert configured_shelf(EngineSettings(model=str(tiny))) is None


def test_a_lora_with_which_the_model_overflows_is_named(
    offering: DiffusionRenderer, folder: Path
) -> None:
    """Where each change is finite and what the model makes of them is not, the picture fails with
    the name of the LoRA that suffices, or of all that do so together; the next ones are as ever."""
    before = painted(offering)
    for name, modules in {
        "both": ("layers.0.feed_forward.w1", "layers.0.feed_forward.w3"),
        "one": ("layers.0.feed_forward.w1",),
        "two": ("layers.0.feed_forward.w3",),
    }.items():
        factors = writing.low_rank(modules, seed=1)
        for each in factors.values():
            each["lora_A"] *= 1e10
            each["lora_B"] *= 1e10
        writing.save(folder / f"{name}.safetensors", writing.DIALECTS["kohya, musubi"](factors))
    for used, blamed in ((["fox", "both"], "both"), (["one", "two"], "one, two")):
        made = outcome(offering, with_loras(*(LoraUse(each, 1.0) for each in used)))
        assert isinstance(made, LoraRefused) and made.lora == blamed, made
        assert "NaN or infinite" in made.reason
    for name in ("both", "one", "two"):
        (folder / f"{name}.safetensors").unlink()
    assert painted(offering).raster == before.raster
