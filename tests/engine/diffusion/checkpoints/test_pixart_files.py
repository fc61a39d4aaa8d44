"""PixArt from lone files: every bit where it belongs, and what nothing tells is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import gguf
import pytest
import torch

from engine.diffusion.checkpoints.names.t5 import renaming
from engine.diffusion.families import ModelClues, identify
from engine.diffusion.loading import Loaded, load_component
from engine.diffusion.lora.configured import targets_of
from engine.diffusion.lora.targets import Targets
from engine.errors import ModelInvalid
from engine.settings import EngineSettings
from tests.engine.diffusion.checkpoints import pixart_files
from tests.engine.diffusion.checkpoints.layouts import Tensors, ldm_vae, prefixed, write
from tests.engine.diffusion.checkpoints.loads import load, refusal
from tests.engine.diffusion.checkpoints.pixart_files import TinyPixArt

KINDS: dict[str, tuple[str, int, float, bool, int | None]] = {
    "alpha of 1024 px": ("pixart-alpha", 128, 2.0, True, 120),
    "alpha of 256 px": ("pixart-alpha", 32, 1.0, False, 120),
    "alpha of 512 px": ("pixart-alpha", 64, 1.0, False, 120),
    "sigma of 512 px": ("pixart-sigma", 64, 1.0, False, 300),
    "sigma of 256 px": ("pixart-sigma", 32, 0.5, False, 300),
}
"""Family, side in latents, scale of positions, whether it reads sizes, tokens of a prompt."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, TinyPixArt]:
    """The models that the files hold."""
    folder = tmp_path_factory.mktemp("pixart")
    return {
        name: pixart_files.build(folder, side, scale, conditions=conditions)
        for name, (_, side, scale, conditions, _) in KINDS.items()
    }


@pytest.fixture
def model(models: Mapping[str, TinyPixArt]) -> TinyPixArt:
    """Alpha of 1024 px."""
    return models["alpha of 1024 px"]


@pytest.fixture
def folder(model: TinyPixArt, tmp_path: Path) -> Path:
    """A folder with everything but a transformer, as diffusers has it."""
    shutil.copytree(model.folder / "tokenizer", tmp_path / "tokenizer")
    model.text_encoder.save_pretrained(tmp_path / "text_encoder")
    model.vae.save_pretrained(tmp_path / "vae")
    return tmp_path


def same(got: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> None:
    assert got.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert got[name].shape == tensor.shape and torch.equal(got[name], tensor), name


def is_the_model(loaded: Loaded, model: TinyPixArt) -> str:
    """Check every bit of every component, and what no file holds; return the notes."""
    pipeline = loaded.pipeline
    for part, own in (
        (pipeline.transformer, model.transformer),
        (pipeline.text_encoder, model.text_encoder.get_submodule("encoder")),
        (pipeline.vae, model.vae),
    ):
        same(part.state_dict(), own.state_dict())
        assert not any(each.is_meta for each in chain(part.parameters(), part.buffers()))
    config, own_config = pipeline.transformer.config, model.transformer.config
    computed = ("interpolation_scale", "sample_size", "num_attention_heads", "norm_type")
    for name in (*computed, "use_additional_conditions", "norm_eps", "activation_fn"):
        assert config[name] == own_config[name], name
    name = "pos_embed.pos_embed"
    assert torch.equal(pipeline.transformer.get_buffer(name), model.transformer.get_buffer(name))
    for text in ("a lake, fog 7", "ü"):
        assert pipeline.tokenizer(text).input_ids
    assert loaded.checkpoint is not None
    return "\n".join(loaded.checkpoint.notes)


def vae_scaled(folder: Path, scale: float) -> None:
    config = folder / "vae" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"scaling_factor": scale}))


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("kind", KINDS)
def test_the_authors_own_names(
    kind: str, prefix: str, models: Mapping[str, TinyPixArt], folder: Path
) -> None:
    """Family, size and the scale of positions are told by what training left in the file."""
    family, side, _, conditions, tokens = KINDS[kind]
    model = models[kind]
    vae_scaled(folder, 0.18215 if family == "pixart-alpha" else 0.13025)
    file = write(folder / "model.safetensors", prefixed(model.original(tokens=tokens), prefix))
    found = identify(ModelClues.read(str(file)))
    assert (found.family.name, found.family.native_side_px) == (family, 8 * side)
    assert not found.guessed
    loaded = load(file)
    notes = is_the_model(loaded, model)
    assert "y_embedder.y_embedding" in notes and "pos_embed" in notes
    assert "its text_encoder lies beside model.safetensors" in notes
    assert "it has no scheduler" in notes
    targets = targets_of(EngineSettings(model=str(file)))
    assert targets == Targets.of(loaded.pipeline.transformer)
    assert ("adaln_single.emb.resolution_embedder.linear_1" in targets.parts) == conditions
    same(load_component(loaded, "transformer").state_dict(), model.transformer.state_dict())
    with file.open("ab") as opened:
        opened.write(b"more")
    with pytest.raises(ModelInvalid):
        load_component(loaded, "text_encoder")


@pytest.mark.parametrize("name", ["PixArt-XL-2-1024-MS.pth", "checkpoint.pth"])
def test_as_it_was_published(name: str, model: TinyPixArt, folder: Path) -> None:
    """The authors' own files are pickled, with what training needs beside the tensors."""
    torch.save({"state_dict": model.original(), "epoch": 3}, folder / name)
    named: dict[str, Any] = {} if name.startswith("PixArt") else {"family": "pixart-alpha"}
    notes = is_the_model(load(folder / name, **named), model)
    assert f"{name} is read although it is pickled" in notes
    if named:
        assert "is of PixArt, and nothing tells which one" in refusal(folder / name)


def test_diffusers_names(model: TinyPixArt, folder: Path) -> None:
    """A transformer alone, in the folder that diffusers gives it or under a name of its own."""
    model.transformer.save_pretrained(folder / "transformer")
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    notes = is_the_model(load(file), model)
    assert "its configuration is the config.json beside" in notes
    moved = shutil.move(file, folder / "my_alpha.safetensors")
    is_the_model(load(Path(moved)), model)


def test_what_only_a_name_tells(models: Mapping[str, TinyPixArt], folder: Path) -> None:
    """Without a table of positions, size and kind are in the name, or it is refused."""
    model = models["sigma of 512 px"]
    vae_scaled(folder, 0.13025)
    tensors = dict(model.transformer.state_dict())
    file = write(folder / "PixArt-Sigma-XL-2-512-MS.safetensors", tensors)
    assert "its name says that it was trained at 512 px" in is_the_model(load(file), model)
    assert identify(ModelClues.read(str(file))).family.native_side_px == 512
    file = write(folder / "my_sigma.safetensors", tensors)
    assert "nothing tells the side in pixels that my_sigma.safetensors" in refusal(file)
    shutil.rmtree(folder / "vae")
    file = write(folder / "my_512.safetensors", tensors)
    assert "nothing tells which one" in refusal(file)


def test_a_table_tells_more_than_the_size(models: Mapping[str, TinyPixArt], folder: Path) -> None:
    """Positions that are stretched otherwise than the size's usual are as the file has them, and a
    table that nothing computes is refused."""
    model = pixart_files.build(folder / "other", 64, 2.0, conditions=False)
    tensors = model.original()
    file = write(folder / "model.safetensors", tensors)
    notes = is_the_model(load(file), model)
    assert "positions are stretched by 2, as its pos_embed has them" in notes
    for dtype in (torch.bfloat16, torch.float8_e5m2):
        rounded = {**tensors, "pos_embed": tensors["pos_embed"].to(dtype)}
        is_the_model(load(write(folder / "rounded.safetensors", rounded)), model)
    tensors["pos_embed"] = tensors["pos_embed"].flip(1)
    file = write(folder / "flipped.safetensors", tensors)
    assert "pos_embed is no table of positions that PixArt computes" in refusal(file)


def named_files(model: TinyPixArt, folder: Path) -> dict[str, Path]:
    """ComfyUI's way: a file for each component."""
    encoder = model.text_encoder.state_dict()
    vae = ldm_vae(model.vae.state_dict(), blocks=2)
    return {
        "text_encoder": write(folder / "t5xxl_fp16.safetensors", encoder),
        "vae": write(folder / "ae.safetensors", prefixed(vae, "first_stage_model.")),
        "tokenizer": Path(shutil.copytree(model.folder / "tokenizer", folder / "words")),
    }


def test_companions_that_are_files(model: TinyPixArt, tmp_path: Path) -> None:
    """T5, autoencoder and tokenizer may be named; their sizes are read off their tensors, and the
    revision tells a change in them."""
    named: dict[str, Any] = named_files(model, tmp_path)
    file = write(tmp_path / "model.safetensors", model.original())
    loaded = load(file, **named)
    notes = is_the_model(loaded, model)
    assert "nothing tells whose latents ae.safetensors decodes" in notes
    assert loaded.pipeline.vae.config.scaling_factor == 0.18215
    config = loaded.pipeline.text_encoder.config
    assert (config.num_heads, config.d_kv, config.dense_act_fn) == (2, 8, "gelu_new")
    tokens = torch.tensor([[5, 6, 7, 1]])
    wanted = model.text_encoder(input_ids=tokens)[0]
    assert torch.equal(loaded.pipeline.text_encoder(input_ids=tokens)[0], wanted)
    write(named["text_encoder"], model.text_encoder.state_dict(), changed="yes")
    assert load(file, **named).revision != loaded.revision
    del named["vae"]
    assert refusal(file, **named).startswith("model.safetensors has no vae, and no folder vae")


def quantized_t5(tensors: Tensors) -> tuple[Tensors, Tensors]:
    """T5 in fp8 with scales as ComfyUI writes it, and the weights that it stands for."""
    made: Tensors = {"scaled_fp8": torch.empty(0, dtype=torch.float8_e4m3fn)}
    meant = dict(tensors)
    for name, tensor in tensors.items():
        if ".SelfAttention." not in name or "bias" in name or tensor.ndim != 2:
            made[name] = tensor
            continue
        scale = tensor.abs().max() / 448
        made[name] = (tensor / scale).to(torch.float8_e4m3fn)
        made[name.replace(".weight", ".scale_weight")] = scale
        meant[name] = made[name].float() * scale
    return made, meant


def test_an_encoder_in_eight_bits(model: TinyPixArt, folder: Path) -> None:
    """Scaled weights are multiplied by their scales, as for every other model."""
    made, meant = quantized_t5(dict(model.text_encoder.state_dict()))
    file = write(folder / "model.safetensors", model.original())
    named = write(folder / "t5xxl_fp8_e4m3fn_scaled.safetensors", made)
    found = load(file, text_encoder=named).pipeline.text_encoder.state_dict()
    wanted = {name.removeprefix("encoder."): tensor for name, tensor in meant.items()}
    same(found, {name: wanted.get(name, meant["shared.weight"]) for name in found})


def test_an_encoder_in_gguf(model: TinyPixArt, folder: Path) -> None:
    """llama.cpp's names of T5 are those of its own table, and its blocks become weights."""
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.T5ENCODER, 2)
    writer = gguf.GGUFWriter(folder / "t5.gguf", "t5encoder")
    own = dict(model.text_encoder.state_dict())
    for name, tensor in own.items():
        if name != "encoder.embed_tokens.weight":
            there = names.get_name(name, try_suffixes=(".weight",))
            assert there is not None, name
            writer.add_tensor(there, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    file = write(folder / "model.safetensors", model.original())
    found = load(file, text_encoder=folder / "t5.gguf").pipeline.text_encoder
    same(found.state_dict(), model.text_encoder.get_submodule("encoder").state_dict())
    assert renaming([])("enc.blk.0.unknown.weight", None) is None  # pyright: ignore[reportArgumentType]


def _without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: tensors[key] for key in tensors if key != name}


def _with(name: str, *shape: int) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {**tensors, name: torch.ones(shape)}


BROKEN: dict[str, tuple[Callable[[Tensors], Tensors], str]] = {
    "a tensor missing": (
        _without("blocks.1.mlp.fc2.bias"),
        "transformer lacks 1 of its tensors, transformer_blocks.1.ff.net.2.bias among them",
    ),
    "norms of queries": (
        _with("blocks.0.attn.q_norm.weight", 72),
        "model.safetensors holds 1 tensors that it should not have: blocks.0.attn.q_norm.weight",
    ),
    "compressed keys": (
        _with("blocks.0.attn.sr.weight", 72, 1, 2, 2),
        "tensors that it should not have: blocks.0.attn.sr.weight",
    ),
    "another matrix": (
        _with("blocks.0.attn.qkv.weight", 217, 72),
        "has 217 rows, which cannot be divided by three",
    ),
    "another shape": (
        _with("blocks.1.attn.proj.weight", 72, 71),
        "transformer has 1 tensors of a wrong shape, transformer_blocks.1.attn1.to_out.0.weight",
    ),
    "another component": (
        lambda tensors: {**prefixed(tensors, "model."), "optimizer.weight": torch.ones(2)},
        "holds 1 tensors of something else: optimizer.weight",
    ),
    "not a number": (
        _with("blocks.1.attn.proj.bias", 72),
        "holds values that are not finite numbers",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_files(fault: str, model: TinyPixArt, folder: Path) -> None:
    """What does not come out even is refused with the first name."""
    spoil, words = BROKEN[fault]
    tensors = spoil(model.original())
    if fault == "not a number":
        tensors["blocks.1.attn.proj.bias"][3] = torch.nan
    assert words in refusal(write(folder / "model.safetensors", tensors))


def test_what_does_not_belong_together(
    models: Mapping[str, TinyPixArt], model: TinyPixArt, folder: Path
) -> None:
    """Another family's setting and another model's companions are refused by what tells them."""
    file = write(folder / "model.safetensors", model.original())
    assert "Sigma" in refusal(file, family="pixart-sigma")
    sigma = write(folder / "sigma.safetensors", models["sigma of 512 px"].original(tokens=300))
    assert "was trained with prompts of 300 tokens; pixart-alpha has 120" in refusal(
        sigma, family="pixart-alpha"
    )
    assert "has the scaling_factor 0.18215; pixart-sigma's is 0.13025" in refusal(sigma)
    assert "holds no text encoder of PixArt" in refusal(file, text_encoder=file)
    assert "holds no autoencoder" in refusal(file, vae=file)
    assert refusal(file, tokenizer=file) == "the tokenizer model.safetensors is no folder"
    alone = write(folder / "elsewhere" / "model.safetensors", model.original())
    assert "no folder text_encoder lies beside it" in refusal(alone)
    encoder = dict(model.text_encoder.state_dict())
    wide = {name.replace("wi_0", "wi"): tensor for name, tensor in encoder.items()}
    former = write(folder / "t5_v1.safetensors", wide)
    assert "is no T5 of version 1.1" in refusal(file, text_encoder=former)
