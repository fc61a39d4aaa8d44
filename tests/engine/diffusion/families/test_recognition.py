"""A family is recognised without loading the model, and alone knows its conventions."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from diffusers.pipelines.z_image.pipeline_z_image import calculate_shift
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from engine.diffusion.checkpoints import Checkpoint, Companions, Unusable
from engine.diffusion.families import (
    FAMILIES,
    MAX_GUIDANCE,
    MAX_STEPS,
    SKETCH_FAMILY,
    Z_IMAGE,
    Z_IMAGE_TURBO,
    Family,
    Identified,
    ModelClues,
    family_for,
    identify,
)
from engine.diffusion.families.z_image import ZImage
from engine.sizing import GRID_PX, offered, parse_aspect, size_for_aspect
from engine.sketch import MODEL_DIR


def a_folder(folder: Path, config: str) -> Path:
    (folder / "vae").mkdir(parents=True)
    (folder / "vae" / "config.json").write_text(config, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "model", ["Tongyi-MAI/Z-Image-Turbo", "", "nothing/here", "\0", "x" * 5000]
)
def test_a_name_alone_is_turbo(model: str) -> None:
    """A model that is not on this disk is taken for Z-Image-Turbo."""
    assert family_for(model) is Z_IMAGE_TURBO


def test_the_embedded_model() -> None:
    """`sketch` is sketch, wherever its weights are."""
    assert family_for("sketch") is SKETCH_FAMILY


@pytest.mark.parametrize(
    ("side_px", "family"),
    [(256, SKETCH_FAMILY), (128, SKETCH_FAMILY), (1024, Z_IMAGE_TURBO), (512, Z_IMAGE_TURBO)],
)
def test_a_folder_is_known_by_its_autoencoder(side_px: int, family: Family, tmp_path: Path) -> None:
    """Models that were trained on small pictures are treated like sketch."""
    folder = a_folder(tmp_path / "model", json.dumps({"sample_size": side_px}))
    assert family_for(str(folder)) is family


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        "{}",
        "not json",
        "[" * 100_000,
        '{"sample_size": null}',
        '{"sample_size": [256, 256]}',
        '{"sample_size": Infinity}',
        '{"sample_size": NaN}',
        '{"sample_size": -256}',
        '{"sample_size": 0}',
        '{"sample_size": 250}',
    ],
    ids=lambda text: text[:30] or "empty",
)
def test_an_unreadable_folder_is_turbo(config: str, tmp_path: Path) -> None:
    """A broken configuration raises nothing here: loading reports what is wrong."""
    assert family_for(str(a_folder(tmp_path / "model", config))) is Z_IMAGE_TURBO


def test_home_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` means the same folder as for loading; the home of an unknown user raises nothing."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    a_folder(tmp_path / "model", '{"sample_size": 256}')
    assert family_for("~/model") is SKETCH_FAMILY
    assert family_for("~nobody-of-this-name/model") is Z_IMAGE_TURBO


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize(("classic", "scale"), [(1.0, 0.0), (1.5, 0.5), (2.5, 1.5), (5.0, 4.0)])
def test_guidance_is_the_pipelines_number(family: Family, classic: float, scale: float) -> None:
    """Classic 1.0 is off, 0 everywhere; Z-Image's pipeline counts from there, all others from 0."""
    from_zero = family.pipeline_class != "ZImagePipeline" and classic > 1.0
    assert family.pipeline_guidance(classic) == (classic if from_zero else scale)


@given(st.floats())
def test_guidance_never_turns_around(classic: float) -> None:
    """No number makes the pipeline guide away from the prompt."""
    assert Z_IMAGE_TURBO.pipeline_guidance(classic) >= 0.0


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_offered_aspect_can_be_painted(family: Family) -> None:
    """The sizes of the offered ratios lie within the family's own bounds."""
    for aspect in offered(family.max_ratio):
        sides = size_for_aspect(*parse_aspect(aspect), family.budget_px)
        assert all(side % GRID_PX == 0 for side in sides)
        assert min(sides) >= family.min_side_px
        assert max(sides) <= family.max_side_px
        assert sides[0] * sides[1] <= family.max_pixels


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_defaults_lie_within_the_bounds(family: Any) -> None:
    """A family's defaults lie within its bounds, and its bounds within those that are offered
    before the family is known."""
    assert 1 <= family.default_steps <= family.max_steps <= MAX_STEPS
    assert 1.0 <= family.default_guidance <= family.warn_guidance < family.max_guidance
    needed = family.negative_guidance
    assert needed is None or (
        needed <= family.warn_guidance and family.pipeline_guidance(needed) > 0
    )
    assert family.max_guidance <= MAX_GUIDANCE
    assert family.min_side_px % GRID_PX == family.max_side_px % GRID_PX == 0


def index(pipeline: str = "ZImagePipeline") -> dict[str, Any]:
    return {"_class_name": pipeline}


TURBO_CONFIGS: dict[str, dict[str, Any]] = {
    "transformer": {"_class_name": "ZImageTransformer2DModel", "dim": 3840, "n_layers": 30},
    "text_encoder": {"model_type": "qwen3", "hidden_size": 2560},
    "vae": {"_class_name": "AutoencoderKL", "sample_size": 1024},
    "scheduler": {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0},
}
DEFAULT = "z-image-turbo is assumed"


@pytest.mark.parametrize(
    ("clues", "family", "reason"),
    [
        (ModelClues("sketch"), SKETCH_FAMILY, "it is the built-in demo model"),
        (
            ModelClues("small", index(), TURBO_CONFIGS | {"vae": {"sample_size": 256}}),
            SKETCH_FAMILY,
            "its autoencoder was trained at 256 px, no more than 256",
        ),
        (
            ModelClues("turbo", index(), TURBO_CONFIGS),
            Z_IMAGE_TURBO,
            "its model_index.json names ZImagePipeline",
        ),
        (
            ModelClues("base", index(), TURBO_CONFIGS | {"scheduler": {"shift": 6.0}}),
            Z_IMAGE,
            "its scheduler's shift is 6",
        ),
        (
            ModelClues("other", index(), TURBO_CONFIGS | {"scheduler": {"shift": 4.0}}),
            Z_IMAGE_TURBO,
            "its model_index.json names ZImagePipeline, "
            "though its scheduler's shift is 4 and not 3",
        ),
        (
            ModelClues("z-image-turbo", index(), TURBO_CONFIGS | {"scheduler": {"shift": 6}}),
            Z_IMAGE,
            "its scheduler's shift is 6",
        ),
        (
            ModelClues("folder without an index", {}, {"scheduler": {"shift": 6.0}}),
            Z_IMAGE,
            "its scheduler's shift is 6",
        ),
        (
            ModelClues("models/Z-Image-Base", index()),
            Z_IMAGE,
            "its model_index.json names ZImagePipeline, and its name is Z-Image's",
        ),
        (
            ModelClues("Tongyi-MAI/Z-Image"),
            Z_IMAGE,
            "nothing about it can be read here; its name is that of z-image",
        ),
        (
            ModelClues("models/z_image_bf16.safetensors"),
            Z_IMAGE,
            "nothing about it can be read here; its name is that of z-image",
        ),
        (
            ModelClues("models/z_image.safetensors"),
            Z_IMAGE_TURBO,
            f"nothing about it can be read here; {DEFAULT}",
        ),
        (
            ModelClues("unet/z_image_turbo-Q4_K_M.gguf"),
            Z_IMAGE_TURBO,
            "nothing about it can be read here; its name is that of z-image-turbo",
        ),
        (
            ModelClues("bare", index()),
            Z_IMAGE_TURBO,
            "its model_index.json names ZImagePipeline",
        ),
        (
            ModelClues("odd", index(), {"scheduler": {"shift": []}, "vae": {"sample_size": {}}}),
            Z_IMAGE_TURBO,
            "its model_index.json names ZImagePipeline",
        ),
        (
            ModelClues("somebody/paintings"),
            Z_IMAGE_TURBO,
            f"nothing about it can be read here; {DEFAULT}",
        ),
        (
            ModelClues("nameless", {"_class_name": 3}, TURBO_CONFIGS),
            Z_IMAGE_TURBO,
            f"nothing about it can be read here; {DEFAULT}",
        ),
        (
            ModelClues("sdxl", index("StableDiffusionXLPipeline"), {"vae": {"sample_size": 256}}),
            Z_IMAGE_TURBO,
            f"no family paints with StableDiffusionXLPipeline; {DEFAULT}",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, ModelClues) else "",
)
def test_the_answer_carries_its_reason(clues: ModelClues, family: Family, reason: str) -> None:
    """Whatever a folder contains, a family is returned together with the reason, as text."""
    guessed = "assumed" in reason or "can be read here" in reason
    assert identify(clues) == Identified(family, reason, guessed)


def test_the_narrower_family_is_asked_first() -> None:
    """Sketch and Z-Image come before Turbo, which would recognise their models too."""
    assert FAMILIES[:3] == (SKETCH_FAMILY, Z_IMAGE, Z_IMAGE_TURBO)
    small = ModelClues("small", index(), {"vae": {"sample_size": 256}})
    base = ModelClues("base", index(), {"scheduler": {"shift": 6.0}})
    assert SKETCH_FAMILY.recognizes(small) and Z_IMAGE_TURBO.recognizes(small)
    assert Z_IMAGE.recognizes(base) and Z_IMAGE_TURBO.recognizes(base)
    assert identify(small, FAMILIES[::-1]).family is Z_IMAGE_TURBO


def test_the_family_that_the_owner_names_wins() -> None:
    """`family` decides against everything that can be read, but for the built-in model."""
    turbo = ModelClues("turbo", index(), TURBO_CONFIGS)
    named = identify(turbo, named="z-image")
    assert named == Identified(Z_IMAGE, "`family` under [engine] names it")
    assert identify(turbo, named="auto").family is Z_IMAGE_TURBO
    assert identify(ModelClues("sketch"), named="z-image").family is SKETCH_FAMILY


def test_a_hub_id_is_read_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clues of a hub id are those of its files on this machine, if there are any."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    assert identify(ModelClues.read("somebody/paintings")).guessed
    repository = tmp_path / "models--somebody--paintings"
    snapshot = repository / "snapshots" / ("a" * 40)
    (snapshot / "scheduler").mkdir(parents=True)
    (snapshot / "model_index.json").write_text(json.dumps(index()))
    (snapshot / "scheduler" / "scheduler_config.json").write_text('{"shift": 6.0}')
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("a" * 40)
    assert identify(ModelClues.read("somebody/paintings")).family is Z_IMAGE


def test_clues_are_read_from_a_whole_folder(tiny: Path) -> None:
    """Index and configurations of every component are read, and nothing is loaded for it."""
    clues = ModelClues.read(str(tiny))
    assert clues.pipeline_class == "ZImagePipeline"
    assert clues.config("transformer")["n_layers"] == 2
    assert clues.config("text_encoder")["model_type"] == "qwen3"
    assert clues.config("scheduler")["shift"] == 3.0
    assert identify(clues).family is SKETCH_FAMILY


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(ZImage):
    """A family of another pipeline, as another module would define it."""

    pipeline_class: str = "ToyPipeline"


def test_a_further_family_is_one_instance_in_the_list(copy: Path) -> None:
    """One instance in the list is enough for a new family to be recognised and checked."""
    toy = Toy(
        name="toy",
        native_side_px=64,
        min_side_px=64,
        max_side_px=128,
        max_pixels=128 * 128,
        good_side_px=64,
    )
    file = copy / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | index("ToyPipeline")))
    clues = ModelClues.read(str(copy))
    found = identify(clues, (toy, *FAMILIES))
    assert found == Identified(toy, "its model_index.json names ToyPipeline")
    Checkpoint(copy, toy, Companions())
    assert identify(clues).family is Z_IMAGE_TURBO
    with pytest.raises(Unusable, match="it is a ToyPipeline"):
        Checkpoint(copy, Z_IMAGE_TURBO, Companions())


@given(st.integers(2, 512), st.integers(2, 512))
def test_dynamic_shifts_are_the_pipelines_own(height: int, width: int) -> None:
    """For schedulers that shift by size, the shift equals diffusers' to the bit."""
    config = {"base_shift": 0.4, "max_shift": 1.2}
    expected = calculate_shift(height // 2 * (width // 2), 256, 4096, 0.4, 1.2)
    assert Z_IMAGE_TURBO.dynamic_shift(config, height, width) == expected


def test_the_counted_turn_is_the_template_of_the_model() -> None:
    """The text of a turn, for counting without a template, equals the template's output."""
    tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR / "tokenizer", local_files_only=True)
    # The demo model, whose own template this is, comes first.
    for family in sorted(FAMILIES, key=lambda each: each.name != "sketch"):
        if family.chat is None:
            assert family.pipeline_class != "ZImagePipeline"
            continue
        if not family.chat.small_letters:
            tokenizer.chat_template = family.chat.template
        for text in ("a lake", "A Lake"):
            assert family.chat.prompt(tokenizer, text) == family.chat.turn_of(text)
