"""SDXL from single files: every bit where diffusers puts it, and what is missing named."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.loaders import single_file_utils
from torch import nn

from engine.diffusion import loading
from engine.diffusion.checkpoints.sdxl_configurations import unet_config
from engine.diffusion.families import ModelClues, identify, sdxl_layers
from engine.diffusion.families.sdxl_layers import unet_layers
from engine.diffusion.loading import Loaded, load_component
from tests.engine.diffusion.checkpoints import sdxl_files
from tests.engine.diffusion.checkpoints.layouts import Tensors, write
from tests.engine.diffusion.checkpoints.loads import load, refusal
from tests.engine.diffusion.checkpoints.sdxl_files import FIRST, SECOND, UNET, VAE, TinySdxl

NAME = "some_XL_lightning_4step.safetensors"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TinySdxl:
    """The model that the files hold."""
    return sdxl_files.build(tmp_path_factory.mktemp("sdxl"))


@pytest.fixture
def file(model: TinySdxl, tmp_path: Path) -> Path:
    """A file with everything, and the first tokenizer beside it."""
    shutil.copytree(model.folder / "tokenizer", tmp_path / "tokenizer")
    return write(tmp_path / NAME, model.whole())


def parts(loaded: Loaded) -> dict[str, nn.Module]:
    pipeline = loaded.pipeline
    return {
        "unet": pipeline.transformer,
        "first": pipeline.text_encoder.first,
        "second": pipeline.text_encoder.second,
        "vae": pipeline.vae,
    }


def is_the_model(loaded: Loaded, model: TinySdxl) -> None:
    """Check that every component has exactly the model's tensors, and computes the same."""
    for name, part in parts(loaded).items():
        whole: nn.Module = getattr(model, name)
        same(part.state_dict(), whole.state_dict())
        assert not any(each.is_meta for each in chain(part.parameters(), part.buffers()))
        assert not part.training
    assert loaded.pipeline.vae.config.scaling_factor == 0.13025
    unet: Any = loaded.pipeline.transformer
    for name in ("attention_head_dim", "addition_time_embed_dim", "transformer_layers_per_block"):
        assert list_of(unet.config[name]) == list_of(model.unet.config[name])
    tokens = torch.tensor([[512, 70, 71, 513, 513]])
    for name in ("first", "second"):
        both: tuple[Any, Any] = (parts(loaded)[name], getattr(model, name))
        got, wanted = (each(tokens, output_hidden_states=True) for each in both)
        assert torch.equal(got.hidden_states[-2], wanted.hidden_states[-2])
        assert torch.equal(got[0], wanted[0])


def list_of(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def same(got: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> None:
    assert got.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert got[name].shape == tensor.shape and torch.equal(got[name], tensor), name


def test_everything_in_one_file(file: Path, model: TinySdxl) -> None:
    """All four components come from the file, the second tokenizer from the first; what is loaded
    again is the same, and a changed file is not."""
    loaded = load(file)
    is_the_model(loaded, model)
    scheduler = loaded.pipeline.scheduler
    assert type(scheduler).__name__ == "EulerDiscreteScheduler"
    assert (scheduler.config.beta_end, scheduler.config.timestep_spacing) == (0.012, "trailing")
    first, second = loaded.pipeline.tokenizer.first, loaded.pipeline.tokenizer.second
    assert (first.pad_token, second.pad_token) == ("<|endoftext|>", "!")
    notes = "\n".join(loaded.checkpoint.notes) if loaded.checkpoint is not None else ""
    assert "logit_scale is not needed" in notes and "position_ids is not needed" in notes
    assert "sizes were read from the shapes" in notes and "no scheduler lies beside it" in notes
    same(load_component(loaded, "transformer").state_dict(), model.unet.state_dict())
    with file.open("ab") as opened:
        opened.write(b"more")
    with pytest.raises(loading.ModelInvalid):
        load_component(loaded, "text_encoder")


def test_as_diffusers_converts_it(file: Path, model: TinySdxl) -> None:
    """The conversion of diffusers gives the same tensors, to the bit."""
    whole, found = model.whole(), parts(load(file))
    config = dict(model.unet.config)
    unet = single_file_utils.convert_ldm_unet_checkpoint(dict(whole), config)
    same(found["unet"].state_dict(), unet)
    vae = single_file_utils.convert_ldm_vae_checkpoint(dict(whole), dict(model.vae.config))
    same(found["vae"].state_dict(), vae)
    first = single_file_utils.convert_ldm_clip_checkpoint(dict(whole), remove_prefix=FIRST)
    same(found["first"].state_dict(), without_prefix(first))
    second = single_file_utils.convert_open_clip_checkpoint(model.second, dict(whole), SECOND)
    same(without_prefix(found["second"].state_dict()), without_prefix(second))


def test_the_names_of_the_published_size() -> None:
    """Of a U-Net as large as SDXL's, every tensor becomes what diffusers makes of it, and the
    shapes tell the published sizes."""
    files, names = {}, {}
    for layer in unet_layers({}):
        for leaf, shape in (("weight", layer.shape), ("bias", layer.shape[:1])):
            if leaf == "weight" or layer.has_bias:
                tensor = torch.empty(shape, device="meta")
                files[f"{layer.original}.{leaf}"] = tensor
                names[f"{layer.name}.{leaf}"] = tensor
    converted = single_file_utils.convert_ldm_unet_checkpoint(
        {UNET + name: tensor for name, tensor in files.items()},
        {**sdxl_layers.UNET, "addition_embed_type": "text_time"},
    )
    assert converted.keys() == names.keys()
    assert all(converted[name] is tensor for name, tensor in names.items())
    for tensors in (files, names):
        shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        config = unet_config(shapes, "it", 1280, 1024)
        for key, value in sdxl_layers.UNET.items():
            assert list_of(config[key]) == list_of(value), key
        assert config["attention_head_dim"] == [5, 10, 20]
        assert config["addition_time_embed_dim"] == 256


def without_prefix(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    return {
        name.removeprefix("text_model."): tensor
        for name, tensor in tensors.items()
        if not name.endswith("position_ids")
    }


@pytest.mark.parametrize("layout", ["Stability's names", "diffusers' names", "without a prefix"])
def test_a_unet_alone(layout: str, model: TinySdxl, tmp_path: Path) -> None:
    """Folders beside it make it whole, or what the owner names; alone it is refused with what is
    needed."""
    tensors = {key: value for key, value in model.whole().items() if key.startswith(UNET)}
    if layout == "diffusers' names":
        tensors = dict(model.unet.state_dict())
    elif layout == "without a prefix":
        tensors = {key.removeprefix(UNET): value for key, value in tensors.items()}
    file = write(tmp_path / "alone" / NAME, tensors)
    assert refusal(file) == (
        f"{NAME} has no text_encoder and no text_encoder_2 and no vae: put SDXL's folders "
        "text_encoder, text_encoder_2, vae, tokenizer beside it, as diffusers has them, or name "
        "them with text_encoder, vae and tokenizer under [engine]"
    )
    rest = tmp_path / "rest"
    for name in ("tokenizer", "tokenizer_2"):
        shutil.copytree(model.folder / name, rest / name)
    model.first.save_pretrained(rest / "text_encoder")
    model.second.save_pretrained(rest / "text_encoder_2")
    model.vae.save_pretrained(rest / "vae")
    is_the_model(load(file, text_encoder=rest, vae=rest / "vae", tokenizer=rest), model)
    is_the_model(load(write(rest / NAME, tensors)), model)
    whole = write(tmp_path / "whole.safetensors", model.whole())
    is_the_model(load(file, text_encoder=whole, vae=whole, tokenizer=rest / "tokenizer"), model)


def test_half_precision(model: TinySdxl, file: Path) -> None:
    """A file in float16 is painted with in bfloat16 or float32, never in float16; its metadata may
    say that it predicts velocities."""
    half = {key: value.half() for key, value in model.whole().items()}
    write(file, half, **{"modelspec.prediction_type": "v"})
    loaded = load(file, torch.bfloat16)
    vae = loaded.pipeline.vae.state_dict()
    assert {tensor.dtype for tensor in vae.values()} == {torch.bfloat16}
    name = "decoder.conv_in.weight"
    assert torch.equal(vae[name], half[VAE + name].bfloat16())
    assert loaded.pipeline.scheduler.config.prediction_type == "v_prediction"


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sd_xl_turbo_1.0_fp16.safetensors", "sdxl-turbo"),
        ("sdxl_lcm_bf16.safetensors", "sdxl-lcm"),
        ("juggernautXL_v9Lightning_4S.safetensors", "sdxl-lightning"),
        ("dreamshaperXL_turbo.safetensors", "sdxl-lightning"),
    ],
)
def test_the_name_tells_the_distillation(
    name: str, family: str, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing else does: it is a guess, and reported as one."""
    renamed = file.rename(file.with_name(name))
    found = identify(ModelClues.read(str(renamed)))
    assert (found.family.name, found.guessed) == (family, True)
    load(renamed)
    (warning,) = [
        each
        for each in caplog.records
        if each.name == loading.__name__ and each.levelno == logging.WARNING
    ]
    assert f"it is taken for {family}: its tensors are SDXL's, and its name has" in (
        warning.getMessage()
    )
    assert "`family` under [engine] decides otherwise" in warning.getMessage()


def test_a_name_that_tells_nothing(file: Path, model: TinySdxl) -> None:
    """The owner is asked which family it is; naming one decides."""
    plain = file.rename(file.with_name("ponyXL.safetensors"))
    assert refusal(plain).endswith(
        "say how with `family` under [engine]: sdxl-turbo, sdxl-lcm, sdxl-lightning"
    )
    is_the_model(load(plain, family="sdxl-lcm"), model)


def _dropped(name: str) -> Any:
    return lambda tensors: tensors.pop(name)


def _put(name: str, *shape: int) -> Any:
    return lambda tensors: tensors.update({name: torch.ones(shape)})


WRONG: dict[str, tuple[Any, str]] = {
    "a tensor too few": (
        _dropped(f"{UNET}middle_block.2.emb_layers.1.bias"),
        "unet lacks 1 of its tensors, mid_block.resnets.1.time_emb_proj.bias among them",
    ),
    "a tensor too many": (
        _put(f"{UNET}input_blocks.9.0.op.bias", 3),
        f"{NAME} holds 1 tensors that its unet does not have: input_blocks.9.0.op.bias",
    ),
    "another shape": (
        _put(f"{SECOND}transformer.resblocks.1.ln_2.bias", 9),
        "text_encoder_2 has 1 tensors of a wrong shape, encoder.layers.1.layer_norm2.bias among "
        "them: [9] instead of [128]",
    ),
    "a component of another kind": (
        _put("control_model.zero_convs.0.weight", 2),
        f"{NAME} holds 1 tensors that belong to no component of SDXL: "
        "control_model.zero_convs.0.weight",
    ),
    "a mark of velocities": (
        _put("v_pred", 1),
        f"{NAME} holds 1 tensors that belong to no component of SDXL: v_pred",
    ),
    "the refiner": (
        _put("conditioner.embedders.0.model.ln_final.weight", 2),
        f"{NAME} is SDXL's refiner, which zimagine does not paint with",
    ),
    "values that are none": (
        lambda tensors: tensors[f"{UNET}out.2.bias"].fill_(float("nan")),
        f"{NAME}: {UNET}out.2.bias holds values that are not finite numbers in float32",
    ),
    "scales": (
        _put(f"{UNET}out.2.weight_scale", 1),
        f"{NAME} has scaled weights, which sdxl-lightning is not read from: "
        f"{UNET}out.2.weight_scale",
    ),
    "prompts of another width": (
        _put(f"{UNET}label_emb.0.0.weight", 128, 61),
        f"{NAME}: its U-Net takes 61 values of sizes and prompt, which a pooled prompt of 64 does "
        "not fit",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_come_out_even(case: str, model: TinySdxl, file: Path) -> None:
    """Every tensor of the file is used or known to be of no use, and every one of the model is
    there."""
    change, reason = WRONG[case]
    tensors = {key: value.clone() for key, value in model.whole().items()}
    change(tensors)
    write(file, tensors)
    assert refusal(file) == reason


def test_what_training_leaves_is_ignored(model: TinySdxl, file: Path) -> None:
    """Averages and schedules of training change nothing, and are mentioned."""
    left = {"model_ema.decay": torch.ones(1), "denoiser.sigmas": torch.ones(3)}
    loaded = load(write(file, model.whole() | left))
    is_the_model(loaded, model)
    assert loaded.checkpoint is not None
    assert f"{NAME}: denoiser.sigmas, model_ema.decay is not needed" in loaded.checkpoint.notes


def test_companions_that_are_none(model: TinySdxl, file: Path, tmp_path: Path) -> None:
    """A named folder of one encoder, a file without the component and a missing tokenizer are
    refused by name."""
    one = tmp_path / "clip"
    model.first.save_pretrained(one)
    assert "clip has no folder text_encoder: SDXL has two text encoders" in refusal(
        file, text_encoder=one
    )
    unet = write(tmp_path / "unet.safetensors", dict(model.unet.state_dict()))
    assert refusal(file, vae=unet) == "unet.safetensors holds no vae of SDXL"
    assert refusal(file, tokenizer=one).startswith("clip holds no tokenizer: put SDXL's folder")
    shutil.rmtree(file.parent / "tokenizer")
    assert refusal(file).startswith(f"there is no tokenizer beside {NAME}: put SDXL's folder")
