"""PixArt: loaded truthfully, painted as its own pipelines paint it."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from diffusers.pipelines.pixart_alpha.pipeline_pixart_alpha import PixArtAlphaPipeline
from diffusers.pipelines.pixart_alpha.pipeline_pixart_sigma import PixArtSigmaPipeline
from safetensors.torch import load_file, save_file

from engine.diffusion import loading
from engine.diffusion.checkpoints.components import empty_module
from engine.diffusion.families import (
    PIXART_ALPHA,
    PIXART_LCM,
    PIXART_SIGMA,
    Component,
    Family,
    ModelClues,
    identify,
)
from engine.diffusion.footprint import MemoryPlan, Placement, Shape, device_bytes
from engine.diffusion.generation import Painting
from engine.diffusion.loading import load_component, load_model
from engine.diffusion.quantized import large_layers
from engine.diffusion.renderer import DiffusionRenderer
from engine.diffusion.residency import Residency, from_pipeline
from engine.diffusion.sampling import levels
from engine.errors import ModelInvalid
from engine.schedule import steps_from
from engine.settings import EngineSettings
from engine.types import ImageRequest
from tests.engine.diffusion.families.models import painter_of
from tests.engine.diffusion.rendering import painted, pipeline_of
from tests.engine.diffusion.tiny_pixart import GAPS, pieces_file

CPU = torch.device("cpu")
WIDTH_PX, HEIGHT_PX = 64, 96
REQUEST = ImageRequest("a Lake", "a Lake ", "", 5, WIDTH_PX, HEIGHT_PX, 4, 1.0)
FAMILIES: dict[str, Family] = {one.name: one for one in (PIXART_LCM, PIXART_ALPHA, PIXART_SIGMA)}
Folders = Callable[[str], Path]
Painters = Callable[[str], DiffusionRenderer]
INDEX, SCHEDULER = "model_index.json", "scheduler/scheduler_config.json"
TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
ENCODER = "text_encoder/model.safetensors"


@pytest.fixture
def copy(folder_of_family: Folders, tmp_path: Path) -> Path:
    """A copy of Alpha that a test may break."""
    return Path(shutil.copytree(folder_of_family("pixart-alpha"), tmp_path / "copy"))


def refusal(folder: Path, **settings: Any) -> str:
    """The reason of a refusal, in one line."""
    with pytest.raises(ModelInvalid) as caught:
        load_model(EngineSettings(model=str(folder), **settings), CPU)
    assert "\n" not in caught.value.reason
    return caught.value.reason


def rewritten(folder: Path, file: str, **changes: Any) -> None:
    """Change a JSON file of a model."""
    data = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(data | changes))


def retensored(
    folder: Path, file: str, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
) -> None:
    """Change the tensors of a file."""
    save_file(change(load_file(folder / file)), folder / file)


def direct(folder: Path, family: Family) -> Any:
    """Diffusers' own pipeline of a folder."""
    kind: Any = PixArtSigmaPipeline if family is PIXART_SIGMA else PixArtAlphaPipeline
    pipeline = kind.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def assert_same(painter: DiffusionRenderer, pipeline: Any, request: ImageRequest) -> None:
    """With the same noise, no value is more than one level off the pipeline's own."""
    made = painted(painter, request)
    image = pipeline(
        prompt=request.effective_prompt,
        negative_prompt=request.negative_prompt,
        height=HEIGHT_PX,
        width=WIDTH_PX,
        num_inference_steps=request.steps,
        guidance_scale=request.guidance,
        generator=torch.Generator("cpu").manual_seed(request.seed),
        clean_caption=False,
        use_resolution_binning=False,
        output_type="pt",
    ).images[0]
    theirs = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    ours = torch.frombuffer(bytearray(made.raster.rgb), dtype=torch.uint8).view_as(theirs)
    off = (theirs.int() - ours.int()).abs()
    assert int(off.max()) <= 1 and float((off > 0).float().mean()) < 0.01
    assert float(theirs.float().std()) > 10


@pytest.fixture(scope="module")
def direct_of_family(folder_of_family: Folders) -> Callable[[str], Any]:
    """Return diffusers' own pipeline of a family's tiny model."""
    return cache(lambda name: direct(folder_of_family(name), FAMILIES[name]))


@pytest.mark.parametrize(("negative", "guidance", "steps"), [("", 1.0, 4), ("Fog", 4.5, 16)])
@pytest.mark.parametrize("name", FAMILIES)
def test_pictures_are_those_of_diffusers(
    name: str,
    negative: str,
    guidance: float,
    steps: int,
    direct_of_family: Callable[[str], Any],
    painter_of_family: Painters,
) -> None:
    """With guidance and without, in few steps and in many, drawn anew at each step by one."""
    request = dataclasses.replace(REQUEST, negative_prompt=negative, guidance=guidance, steps=steps)
    assert_same(painter_of_family(name), direct_of_family(name), request)


def test_a_model_that_predicts_velocity_in_steps_of_first_order(copy: Path) -> None:
    """Both kinds of prediction and both orders of the solver are those of the pipeline."""
    rewritten(copy, SCHEDULER, prediction_type="v_prediction", solver_order=1)
    with painter_of(copy) as painter:
        assert_same(painter, direct(copy, PIXART_ALPHA), REQUEST)
    rewritten(copy, SCHEDULER, prediction_type="sample")
    assert refusal(copy) == "its scheduler predicts sample"


@pytest.mark.parametrize(("start", "steps"), [(0.8, 4), (0.3, 20), (0.05, 3)])
@pytest.mark.parametrize("name", FAMILIES)
def test_a_later_start_begins_at_its_noise_level(
    name: str, start: float, steps: int, painter_of_family: Painters
) -> None:
    """As many steps remain as are announced, at timesteps that the model was trained at, from the
    asked level down to nothing; the first and the last are of first order."""
    scheduler = pipeline_of(painter_of_family(name)).scheduler
    plan = levels(FAMILIES[name], scheduler, steps, start, torch.Size((1, 4, 8, 8)), CPU)
    assert plan.steps == steps_from(start, steps) and plan.begin == 1.0
    times, sigmas = plan.times[:, 0], plan.sigmas
    assert all(0 <= float(each) <= 999 and float(each).is_integer() for each in times)
    assert float(sigmas[0]) == pytest.approx(start, abs=0.01)
    assert float(sigmas[-1]) == 0.0 and bool((sigmas[:-1] >= sigmas[1:]).all())
    if plan.carried is not None:
        assert float(plan.carried[0]) == float(plan.carried[-1]) == 0.0
        assert bool((plan.carried[1:-1] > 0).all())


def test_a_folder_as_it_is_published(
    copy: Path, painter_of_family: Painters, caplog: pytest.LogCaptureFixture
) -> None:
    """The former class's name and settings, T5's whole table twice, pieces in place of a tokenizer
    file and an autoencoder without its factor change no value and no token."""
    usual = copy / "transformer" / "config.json"
    known = json.loads(usual.read_text())
    del known["use_additional_conditions"]  # read off the size it was trained at
    former = {"_class_name": "Transformer2DModel", "only_cross_attention": False}
    usual.write_text(json.dumps(known | former | {"num_vector_embeds": None}))
    rewritten(copy, INDEX, transformer=["diffusers", "Transformer2DModel"])
    retensored(
        copy,
        ENCODER,
        lambda tensors: {
            **tensors,
            "encoder.embed_tokens.weight": tensors["shared.weight"].clone(),
            "decoder.final_layer_norm.weight": torch.ones(32),
        },
    )
    (copy / "tokenizer" / "tokenizer.json").unlink()
    (copy / "tokenizer" / "spiece.model").write_bytes(pieces_file())
    rewritten(copy, "tokenizer/tokenizer_config.json", extra_ids=GAPS)
    rewritten(copy, "vae/config.json", scaling_factor=None)
    caplog.set_level(logging.INFO, logger=loading.__name__)
    loaded = load_model(EngineSettings(model=str(copy)), CPU)
    own = pipeline_of(painter_of_family("pixart-alpha"))
    for name in ("transformer", "text_encoder", "vae"):
        there = getattr(loaded.pipeline, name).state_dict()
        assert there.keys() == getattr(own, name).state_dict().keys()
        for key, tensor in getattr(own, name).state_dict().items():
            assert torch.equal(there[key], tensor), key
        if name != "vae":
            again = load_component(loaded, name).state_dict()
            assert all(torch.equal(again[key], tensor) for key, tensor in there.items())
    for text in ("a lake, fog 7", "</s>", "ü", " "):
        assert loaded.pipeline.tokenizer(text).input_ids == own.tokenizer(text).input_ids
    assert loaded.pipeline.vae.config.scaling_factor == 0.18215
    assert any("pixart-alpha's, 0.18215, is used" in each for each in caplog.messages)
    (copy / "tokenizer" / "spiece.model").write_bytes(pieces_file() + pieces_file())
    with pytest.raises(ModelInvalid, match="changed since the start"):
        load_component(loaded, "transformer")


def test_a_folder_without_index_and_scheduler(
    folder_of_family: Folders, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its transformer and autoencoder tell the family; what was put in is said."""
    bare = Path(shutil.copytree(folder_of_family("pixart-sigma"), tmp_path / "bare"))
    (bare / INDEX).unlink()
    shutil.rmtree(bare / "scheduler")
    caplog.set_level(logging.INFO, logger=loading.__name__)
    loaded = load_model(EngineSettings(model=str(bare)), CPU)
    assert loaded.family is PIXART_SIGMA
    said = "\n".join(caplog.messages)
    assert "its transformer is PixArt's, and it paints in latents of SDXL" in said
    assert "its components were found by their folders" in said
    assert "it has no scheduler: DPMSolverMultistepScheduler is used" in said
    assert loaded.pipeline.scheduler.config.beta_end == 0.02


def test_a_text_encoder_that_several_models_share(copy: Path, tmp_path: Path) -> None:
    """Encoder, autoencoder and tokenizer may lie in folders that the owner names; the revision
    tells a change in them."""
    named = {name: tmp_path / f"my {name}" for name in ("text_encoder", "vae", "tokenizer")}
    for name, folder in named.items():
        shutil.move(copy / name, folder)
    settings = EngineSettings(model=str(copy), **named)  # pyright: ignore[reportArgumentType]
    revision = load_model(settings, CPU).revision
    rewritten(named["tokenizer"], "tokenizer_config.json", model_max_length=77)
    assert load_model(settings, CPU).revision != revision
    assert refusal(copy) == "its component text_encoder is missing"
    file = {"text_encoder": named["text_encoder"] / "model.safetensors"}
    assert refusal(copy, **(named | file)) == "the text_encoder model.safetensors is no folder"


def test_another_scheduler_gives_way_to_the_familys(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its noise stays, its way to compute steps does not, and the log says both."""
    rewritten(copy, INDEX, scheduler=["diffusers", "EulerDiscreteScheduler"])
    rewritten(copy, SCHEDULER, use_karras_sigmas=True, solver_order=3, beta_end=0.03)
    caplog.set_level(logging.INFO, logger=loading.__name__)
    scheduler = load_model(EngineSettings(model=str(copy)), CPU).pipeline.scheduler
    assert type(scheduler).__name__ == "DPMSolverMultistepScheduler"
    assert scheduler.config.beta_end == 0.03 and scheduler.config.solver_order == 2
    said = "\n".join(caplog.messages)
    assert "its scheduler is EulerDiscreteScheduler: DPMSolverMultistepScheduler is used" in said
    assert "has the use_karras_sigmas True: False is used" in said
    assert "has the solver_order 3: 2 is used" in said


def _without(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name != "proj_out.bias"}


def _scaled(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**tensors, "proj_out.weight_scale": torch.ones(1)}


def _scheduler(name: str) -> Callable[[Path], None]:
    return lambda folder: rewritten(folder, INDEX, scheduler=["diffusers", name])


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a tensor missing": (
        lambda folder: retensored(folder, TRANSFORMER, _without),
        "transformer lacks 1 of its tensors, proj_out.bias among them",
    ),
    "scaled weights": (
        lambda folder: retensored(folder, TRANSFORMER, _scaled),
        "has scaled weights, which pixart-alpha is not read from",
    ),
    "another architecture of the former class": (
        lambda folder: rewritten(
            folder,
            "transformer/config.json",
            _class_name="Transformer2DModel",
            norm_type="ada_norm_zero",
        ),
        "describes a Transformer2DModel, not a PixArtTransformer2DModel",
    ),
    "a setting that PixArt has not": (
        lambda folder: rewritten(folder, "transformer/config.json", only_cross_attention=True),
        "has only_cross_attention, which PixArt's transformer has not",
    ),
    "another text encoder": (
        lambda folder: rewritten(folder, INDEX, text_encoder=["transformers", "UMT5EncoderModel"]),
        "pixart-alpha has T5EncoderModel",
    ),
    "another text encoder's configuration": (
        lambda folder: rewritten(folder, "text_encoder/config.json", model_type="umt5"),
        "the configuration of text_encoder is wrong (it describes a umt5",
    ),
    "no vocabulary": (
        lambda folder: (folder / "tokenizer" / "tokenizer.json").unlink(),
        "has neither tokenizer.json nor spiece.model",
    ),
    "one step at timestep 400": (_scheduler("DDPMScheduler"), "distilled by DMD"),
    "noise without a picture": (
        lambda folder: rewritten(folder, SCHEDULER, rescale_betas_zero_snr=True),
        "begins with nothing of the picture",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_model(fault: str, copy: Path) -> None:
    """What does not come out even, or is painted otherwise, is refused in one line."""
    spoil, words = BROKEN[fault]
    spoil(copy)
    assert words in refusal(copy)


@pytest.mark.parametrize(
    "place",
    [
        "PixArt-Alpha-DMD-XL-2-512x512",
        "yoso_pixart1024",
        "models--PixArt-alpha--PixArt-Alpha-DMD-XL-2-512x512/snapshots/0123",
    ],
)
def test_one_step_models(place: str, folder_of_family: Folders, tmp_path: Path) -> None:
    """Where the scheduler of such a model was exchanged, its name is all that tells it."""
    folder = tmp_path / place
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.symlink_to(folder_of_family("pixart-alpha"))
    assert refusal(folder).startswith("it is distilled for one step")
    folder.rename(tmp_path / "admdist")
    load_model(EngineSettings(model=str(tmp_path / "admdist")), CPU)


def test_what_is_of_another_model(copy: Path, folder_of_family: Folders, tmp_path: Path) -> None:
    """A file with a part of PixArt, and a consistency model that is named as none, are refused with
    the remedy."""
    part = tmp_path / "pixart.safetensors"
    save_file({"t_block.1.weight": torch.ones(2, 2)}, part)
    assert refusal(part).endswith("`family` under [engine]: pixart-lcm, pixart-alpha, pixart-sigma")
    named = refusal(part, family="pixart-alpha")
    assert named == "pixart.safetensors holds no transformer of PixArt"
    named = refusal(folder_of_family("pixart-lcm"), family="pixart-alpha")
    assert named.endswith("name it with `family` under [engine]: pixart-lcm")
    assert "pixart-sigma is PixArtSigmaPipeline" in refusal(copy, family="pixart-sigma")


def test_eight_bit_weights_and_back(folder_of_family: Folders) -> None:
    """Both 8-bit formats paint nearly the same picture, and exact weights return to the bit."""
    loaded = load_model(EngineSettings(model=str(folder_of_family("pixart-alpha"))), CPU)
    stages = Residency(
        loaded.pipeline,
        CPU,
        PIXART_ALPHA,
        reload_transformer=partial(load_component, loaded, "transformer"),
        reload_encoder=partial(load_component, loaded, "text_encoder"),
    )
    made: list[torch.Tensor] = []
    for plan in ("resident", "model-offload+int8", "resident+fp8", "streamed"):
        stages.use(MemoryPlan.parse(plan))
        run = Painting(loaded.pipeline, PIXART_ALPHA, stages, CPU, REQUEST, (), lambda _: None)
        made.append(run.paint())
    exact, *rounded, again = made
    assert torch.equal(exact, again)
    large = [name for name, _ in large_layers(loaded.pipeline.transformer)]
    assert large and not any("adaln" in name for name in large)
    for each in rounded:
        assert 0 < float((each.float() - exact.float()).abs().mean()) < 16


def test_memory_plans_count_the_text_encoder(painter_of_family: Painters) -> None:
    """T5 of the published size takes 9.5 GB in bfloat16, which every plan counts, and passes
    through the device block by block where it does not fit."""
    sizes = {
        "vocab_size": 32128,
        "d_model": 4096,
        "d_kv": 64,
        "d_ff": 10240,
        "num_layers": 24,
        "num_heads": 64,
        "feed_forward_proj": "gated-gelu",
        "model_type": "t5",
    }
    entry = {"text_encoder": ["transformers", "T5EncoderModel"]}
    encoder = empty_module(Component("text_encoder"), sizes, entry).get_submodule("encoder")
    with torch.device("meta"):
        transformer = PixArtTransformer2DModel(caption_channels=4096, num_layers=2)
    vae = pipeline_of(painter_of_family("pixart-alpha")).vae
    pipeline = SimpleNamespace(transformer=transformer, text_encoder=encoder.bfloat16(), vae=vae)
    measured = from_pipeline(pipeline, PIXART_ALPHA)
    assert 9.5e9 < measured.encoder_bytes < 9.6e9
    assert measured.encoder_block_bytes < measured.encoder_bytes / 20
    native = Shape(1024, 1024, guided=True)
    resident, passing = (
        device_bytes(MemoryPlan(each), measured, native)
        for each in (Placement.RESIDENT, Placement.ENCODER)
    )
    assert resident > measured.encoder_bytes + measured.transformer_bytes > passing


def _configs(side: int = 128, **vae: Any) -> dict[str, dict[str, Any]]:
    transformer = {
        "_class_name": "Transformer2DModel",
        "norm_type": "ada_norm_single",
        "sample_size": side,
    }
    return {"transformer": transformer} | ({"vae": {"sample_size": 256} | vae} if vae else {})


ALPHA, SIGMA = ({"_class_name": f"PixArt{one}Pipeline"} for one in ("Alpha", "Sigma"))
LCM = {"scheduler": {"_class_name": "LCMScheduler"}}


@pytest.mark.parametrize(
    ("clues", "name", "side_px"),
    [
        (ModelClues("x", ALPHA), "pixart-alpha", 1024),
        (ModelClues("x", SIGMA, _configs(64)), "pixart-sigma", 512),
        (ModelClues("x", SIGMA, _configs(256)), "pixart-sigma", 2048),
        (ModelClues("x", ALPHA, _configs(32)), "pixart-alpha", 256),
        (ModelClues("x", ALPHA, _configs(48)), "pixart-alpha", 1024),
        (ModelClues("x", ALPHA, LCM), "pixart-lcm", 1024),
        (ModelClues("pixart-LCM-xl", ALPHA), "pixart-lcm", 1024),
        (ModelClues("x", SIGMA, LCM), "pixart-sigma", 1024),
        (ModelClues("x", {}, _configs(scaling_factor=0.13025)), "pixart-sigma", 1024),
        (ModelClues("x", {}, _configs(scaling_factor=0.18215)), "pixart-alpha", 1024),
        (ModelClues("x", {}, _configs(64, act_fn="silu") | LCM), "pixart-lcm", 512),
        (ModelClues("x", {}, _configs()), "pixart-alpha", 1024),
        (ModelClues("my_sigma", {}, _configs(64)), "pixart-sigma", 512),
        (ModelClues("PixArt-alpha/PixArt-Sigma-XL-2-1024-MS"), "pixart-sigma", 1024),
        (ModelClues("PixArt-alpha/PixArt-XL-2-1024-MS"), "pixart-alpha", 1024),
        (ModelClues("PixArt-alpha/PixArt-LCM-XL-2-1024-MS"), "pixart-lcm", 1024),
        (ModelClues("x", {}, _configs(64)), "z-image-turbo", 1024),
    ],
)
def test_what_a_folder_holds_tells_family_and_size(
    clues: ModelClues, name: str, side_px: int
) -> None:
    """Classes and configurations tell it, with an index and without; else the name."""
    found = identify(clues)
    assert (found.family.name, found.family.native_side_px) == (name, side_px)
    assert found.guessed == ("can be read here" in found.reason)


def test_bounds_grow_with_the_size() -> None:
    """A model of half the size paints half as large pictures, and so do its limits."""
    half = identify(ModelClues("x", SIGMA, _configs(64))).family
    assert (half.max_side_px, half.max_pixels, half.good_side_px) == (1024, 768 * 768, 256)
    assert half.max_tokens == 300 and half.min_side_px == 128
