"""SDXL distilled for few steps: loaded truthfully, painted as its own pipeline paints it."""

from __future__ import annotations

import dataclasses
import json
import logging
import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import (
    StableDiffusionXLPipeline,
)
from safetensors.torch import load_file, save_file

from engine.diffusion import latents, loading
from engine.diffusion.families import (
    SDXL_LCM,
    SDXL_LIGHTNING,
    SDXL_TURBO,
    ModelClues,
    Prompt,
    identify,
)
from engine.diffusion.footprint import MemoryPlan
from engine.diffusion.generation import Painting
from engine.diffusion.loading import load_component, load_model
from engine.diffusion.renderer import DiffusionRenderer
from engine.diffusion.residency import Residency
from engine.diffusion.sampling import levels, predictor
from engine.errors import ModelInvalid
from engine.schedule import steps_from
from engine.settings import EngineSettings
from engine.types import ImageRequest
from tests.engine.diffusion.rendering import painted, pipeline_of
from tests.engine.diffusion.tiny_sdxl import BETAS, build_tiny_sdxl

CPU = torch.device("cpu")
SIDE_PX = 128
REQUEST = ImageRequest("a lake", "a lake", "", 5, SIDE_PX, SIDE_PX, 4, 1.0)
Folders = Callable[[str], Path]
Painters = Callable[[str], DiffusionRenderer]
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def copy(folder_of_family: Folders, tmp_path: Path) -> Path:
    """A copy of the consistency model that a test may break."""
    return Path(shutil.copytree(folder_of_family("sdxl-lcm"), tmp_path / "copy"))


def refusal(folder: Path, **settings: Any) -> str:
    """The reason of a refusal, in one line."""
    with pytest.raises(ModelInvalid) as caught:
        load_model(EngineSettings(model=str(folder), **settings), CPU)
    assert "\n" not in caught.value.reason
    return caught.value.reason


def rewritten(folder: Path, file: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file of a model."""
    data = json.loads((folder / file).read_text())
    change(data)
    (folder / file).write_text(json.dumps(data))


def retensored(
    folder: Path, file: str, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
) -> None:
    """Change the tensors of a file."""
    save_file(change(load_file(folder / file)), folder / file)


@pytest.fixture(scope="module")
def direct_of_family(folder_of_family: Folders) -> Callable[[str], Any]:
    """Return diffusers' own pipeline of a family's tiny model."""

    def load(name: str) -> Any:
        pipeline: Any = StableDiffusionXLPipeline.from_pretrained(
            folder_of_family(name), local_files_only=True, add_watermarker=False
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    return cache(load)


@pytest.mark.parametrize(("negative", "guidance", "steps"), [("", 1.0, 4), ("fog", 1.8, 3)])
@pytest.mark.parametrize("name", ["sdxl-turbo", "sdxl-lcm", "sdxl-lightning"])
def test_pictures_are_those_of_diffusers(
    name: str,
    negative: str,
    guidance: float,
    steps: int,
    direct_of_family: Callable[[str], Any],
    painter_of_family: Painters,
) -> None:
    """With the same noise, drawn anew at each step by two of the three, no value is more than one
    level off the pipeline's own."""
    request = dataclasses.replace(REQUEST, negative_prompt=negative, guidance=guidance, steps=steps)
    made = painted(painter_of_family(name), request)
    direct = direct_of_family(name)
    image = direct(
        prompt="a lake",
        negative_prompt=negative or None,
        height=SIDE_PX,
        width=SIDE_PX,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=torch.Generator("cpu").manual_seed(5),
        output_type="pt",
    ).images[0]
    theirs = (image * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous()
    ours = torch.frombuffer(bytearray(made.raster.rgb), dtype=torch.uint8).view_as(theirs)
    off = (theirs.int() - ours.int()).abs()
    assert int(off.max()) <= 1 and float((off > 0).float().mean()) < 0.01
    assert float(theirs.float().std()) > 10


def test_a_guided_picture_without_a_negative_prompt(painter_of_family: Painters) -> None:
    """An empty negative prompt is zeros where the model's index says so, as in the pipeline."""
    pipeline = pipeline_of(painter_of_family("sdxl-lcm"))
    empty = SDXL_LCM.embed(pipeline, "", CPU)
    assert pipeline.text_encoder.zeros and not empty.any()
    assert SDXL_LCM.embed(pipeline, "fog", CPU).any()


@pytest.mark.parametrize(("start", "steps"), [(0.8, 4), (0.3, 4), (0.05, 3), (0.97, 8)])
@pytest.mark.parametrize("name", ["sdxl-turbo", "sdxl-lcm", "sdxl-lightning"])
def test_a_later_start_begins_at_its_noise_level(
    name: str, start: float, steps: int, painter_of_family: Painters
) -> None:
    """As many steps remain as are announced, at timesteps that the model was trained at, from the
    asked level down to nothing."""
    painter = painter_of_family(name)
    scheduler = pipeline_of(painter).scheduler
    family = {each.name: each for each in (SDXL_TURBO, SDXL_LCM, SDXL_LIGHTNING)}[name]
    plan = levels(family, scheduler, steps, start, torch.Size((1, 4, 8, 8)), CPU)
    assert plan.steps == steps_from(start, steps)
    times, sigmas = plan.times[:, 0], plan.sigmas
    assert all(0 <= float(each) <= 999 and float(each).is_integer() for each in times)
    assert float(sigmas[0]) == pytest.approx(min(start, 0.936), abs=0.01)
    assert float(sigmas[-1]) == 0.0 and bool((sigmas[:-1] >= sigmas[1:]).all())


def test_the_velocity_leads_to_the_clean_picture(painter_of_family: Painters) -> None:
    """What the family predicts is the straight way from the picture that SDXL predicts."""
    pipeline = pipeline_of(painter_of_family("sdxl-lightning"))
    plan = levels(SDXL_LIGHTNING, pipeline.scheduler, 4, 1.0, torch.Size((1, 4, 16, 16)), CPU)
    with torch.no_grad():
        prompt = Prompt(SDXL_LIGHTNING.embed(pipeline, "a lake", CPU))
        mixed = latents.noise(5, 4, 128, 128) * plan.begin
        velocity = predictor(SDXL_LIGHTNING, pipeline.transformer, prompt)(
            mixed, plan.times[0], 1.0
        )
        ratio = plan.sigmas[0] / (1 - plan.sigmas[0])
        sample = mixed / (1 - plan.sigmas[0]) / (ratio**2 + 1) ** 0.5
        predicted = pipeline.transformer(
            sample,
            999,
            encoder_hidden_states=prompt.positive[None, :-1],
            added_cond_kwargs={
                "text_embeds": prompt.positive[None, -1, :24],
                "time_ids": torch.tensor([[128.0, 128, 0, 0, 128, 128]]),
            },
        ).sample
    clean = sample * (ratio**2 + 1) ** 0.5 - ratio * predicted
    torch.testing.assert_close(mixed - plan.sigmas[0] * velocity, clean, rtol=1e-3, atol=1e-3)


def test_a_model_that_predicts_velocity(copy: Path) -> None:
    """Both kinds of prediction that SDXL models have are understood; a third is refused."""
    scheduler = "scheduler/scheduler_config.json"
    usual = load_model(EngineSettings(model=str(copy)), CPU).pipeline.scheduler
    rewritten(copy, scheduler, lambda data: data.update(prediction_type="v_prediction"))
    other = load_model(EngineSettings(model=str(copy)), CPU).pipeline.scheduler
    shape = torch.Size((1, 4, 8, 8))
    rows = [levels(SDXL_LCM, each, 4, 1.0, shape, CPU).times for each in (usual, other)]
    kept = usual.alphas_cumprod[rows[0][:, 0].long()]
    scaled = rows[0][:, 0] * 10
    out, skip = scaled / (scaled**2 + 0.25) ** 0.5, 0.25 / (scaled**2 + 0.25)
    torch.testing.assert_close(rows[1][:, 2], out * kept**0.5 + skip)
    torch.testing.assert_close(rows[1][:, 3], -out * (1 - kept) ** 0.5)
    torch.testing.assert_close(rows[0][:, 2], out / kept**0.5 + skip)
    rewritten(copy, scheduler, lambda data: data.update(prediction_type="sample"))
    assert refusal(copy) == "its scheduler predicts sample"


def test_a_folder_as_it_is_published(
    copy: Path, painter_of_family: Painters, caplog: pytest.LogCaptureFixture
) -> None:
    """A prefix before CLIP's names, numbers of positions, and a half-precision copy beside the
    weights change no pixel."""
    first = "text_encoder/model.safetensors"
    retensored(
        copy,
        first,
        lambda tensors: {
            **{f"text_model.{name}": tensor for name, tensor in tensors.items()},
            "text_model.embeddings.position_ids": torch.arange(77)[None],
        },
    )
    halved = {name: tensor.half() for name, tensor in load_file(copy / UNET).items()}
    save_file(halved, copy / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    caplog.set_level(logging.INFO, logger=loading.__name__)
    loaded = load_model(EngineSettings(model=str(copy)), CPU)
    own = pipeline_of(painter_of_family("sdxl-lcm"))
    for name in ("transformer", "text_encoder", "vae"):
        there = getattr(loaded.pipeline, name).state_dict()
        for key, tensor in getattr(own, name).state_dict().items():
            assert torch.equal(there[key], tensor), key
        if name != "vae":
            again = load_component(loaded, name).state_dict()
            assert all(torch.equal(again[key], tensor) for key, tensor in there.items())
    assert any("fp16.safetensors is not read" in each for each in caplog.messages)


def test_another_scheduler_gives_way_to_the_familys(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder with SDXL's own scheduler is not painted as distilled unless its owner says so; then
    the family's scheduler is used with the same noise, and the log says it."""
    shutil.copytree(copy, copy.parent / "plain", dirs_exist_ok=True)
    plain = copy.parent / "plain"
    config = {**BETAS, "_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading"}
    (plain / "scheduler" / "scheduler_config.json").write_text(json.dumps(config))
    rewritten(
        plain,
        "model_index.json",
        lambda data: data.update(scheduler=["diffusers", "EulerDiscreteScheduler"]),
    )
    refused = refusal(plain)
    assert refused.startswith("it is SDXL that is not known to be distilled for few steps")
    assert refused.endswith("`family` under [engine]: sdxl-turbo, sdxl-lcm, sdxl-lightning")
    caplog.set_level(logging.INFO, logger=loading.__name__)
    lcm = load_model(EngineSettings(model=str(plain), family="sdxl-lcm"), CPU).pipeline.scheduler
    assert type(lcm).__name__ == "LCMScheduler" and lcm.config.beta_end == 0.012
    light = load_model(EngineSettings(model=str(plain), family="sdxl-lightning"), CPU)
    assert light.pipeline.scheduler.config.timestep_spacing == "trailing"
    said = "\n".join(caplog.messages)
    assert "its scheduler is EulerDiscreteScheduler: LCMScheduler is used" in said
    assert "timesteps are spaced from the end" in said


def _without(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor for name, tensor in tensors.items() if name != "conv_in.bias"}


def _more(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**tensors, "mid_block.extra.weight": torch.zeros(2)}


def _scaled(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**tensors, "conv_in.weight_scale": torch.ones(1)}


def _broken(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**tensors, "conv_in.bias": torch.full((8,), float("nan"))}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_without, "unet lacks 1 of its tensors, conv_in.bias among them"),
        (_more, "mid_block.extra.weight"),
        (_scaled, "has scaled weights"),
        (_broken, "holds values that are not finite numbers"),
    ],
)
def test_tensors_that_do_not_come_out_even(
    copy: Path, change: Callable[[Any], Any], reason: str
) -> None:
    """A tensor missing, too many, scaled or not finite is refused with its name."""
    retensored(copy, UNET, change)
    assert reason in refusal(copy)


def test_components_that_do_not_fit(copy: Path, tmp_path: Path) -> None:
    """An inpainting U-Net, a guidance input and a missing component are refused by name."""
    inpainting = build_tiny_sdxl(tmp_path / "inpainting", in_channels=9)
    assert "inpainting" in refusal(inpainting)
    shutil.rmtree(copy / "text_encoder_2")
    assert refusal(copy) == "its component text_encoder_2 is missing"
    (copy / "text_encoder_2").mkdir()
    assert refusal(copy) == "its component text_encoder_2 is missing"


def test_companions_of_a_folder_are_refused(copy: Path) -> None:
    """What the owner names beside a whole folder is not silently ignored."""
    assert "leave text_encoder, vae and tokenizer" in refusal(copy, vae=copy / "vae")


def test_eight_bit_weights_and_back(folder_of_family: Folders) -> None:
    """Both 8-bit formats paint nearly the same picture, and exact weights return to the bit."""
    loaded = load_model(EngineSettings(model=str(folder_of_family("sdxl-turbo"))), CPU)
    stages = Residency(
        loaded.pipeline,
        CPU,
        SDXL_TURBO,
        reload_transformer=partial(load_component, loaded, "transformer"),
        reload_encoder=partial(load_component, loaded, "text_encoder"),
    )
    plans = ("resident", "model-offload+int8", "resident+fp8", "streamed")
    made: list[torch.Tensor] = []
    for plan in plans:
        stages.use(MemoryPlan.parse(plan))
        run = Painting(loaded.pipeline, SDXL_TURBO, stages, CPU, REQUEST, (), lambda _: None)
        made.append(run.paint())
    exact, *rounded, again = made
    assert torch.equal(exact, again)
    for each in rounded:
        assert 0 < float((each.float() - exact.float()).abs().mean()) < 16


SDXL = {"_class_name": "StableDiffusionXLPipeline"}


def _clues(name: str, side: int, scheduler: str, spacing: str = "leading") -> ModelClues:
    configs = {
        "unet": {"sample_size": side},
        "scheduler": {"_class_name": scheduler, "timestep_spacing": spacing},
    }
    return ModelClues(name, SDXL, configs)


@pytest.mark.parametrize(
    ("clues", "name"),
    [
        (_clues("x", 64, "EulerAncestralDiscreteScheduler", "trailing"), "sdxl-turbo"),
        (_clues("x", 64, "LCMScheduler"), "sdxl-turbo"),
        (_clues("x", 128, "LCMScheduler"), "sdxl-lcm"),
        (_clues("x", 128, "EulerDiscreteScheduler", "trailing"), "sdxl-lightning"),
        (_clues("x", 128, "EulerAncestralDiscreteScheduler", "trailing"), "sdxl-lightning"),
        (_clues("some_xl_lightning", 128, "EulerDiscreteScheduler"), "sdxl-lightning"),
        (_clues("some-lcm-xl", 128, "EulerDiscreteScheduler"), "sdxl-lcm"),
        (_clues("sdxl", 128, "EulerDiscreteScheduler"), None),
        (_clues("sdxl", 128, "DPMSolverMultistepScheduler", "trailing"), None),
        (_clues("sdxl", 0, "LCMScheduler"), None),
        (ModelClues("sdxl", SDXL), None),
        (ModelClues("stabilityai/sdxl-turbo"), "sdxl-turbo"),
    ],
)
def test_what_a_folder_holds_tells_the_distillation(clues: ModelClues, name: str | None) -> None:
    """Scheduler and size of training tell it, else the name; SDXL itself is none of them."""
    found = identify(clues)
    if name is None:
        assert found.guessed and "no family paints with StableDiffusionXLPipeline" in found.reason
    else:
        assert found.family.name == name
