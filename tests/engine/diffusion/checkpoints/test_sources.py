"""Every layout of the same model gives the same tensors, bit for bit."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from engine.diffusion.renderer import DiffusionRenderer
from engine.renderer import RenderTask
from engine.settings import EngineSettings
from engine.types import Painted
from tests.engine.diffusion.checkpoints.layouts import (
    TEXT_ENCODER,
    TRANSFORMER,
    VAE,
    TinyModel,
    comfy_transformer,
    ldm_vae,
    prefixed,
    shard,
    write,
)
from tests.engine.diffusion.checkpoints.loads import check, load, tokenizer_of
from tests.fakes import a_request

Writer = Callable[[TinyModel, Path], Path]
"""Writes the model into an empty folder and returns what `model` would be set to."""

PREFIXES = (
    *("", "model.diffusion_model.", "diffusion_model.", "transformer.", "module."),
    *("_orig_mod.", "model.", "net.", "any.other."),
)


def whole(model: TinyModel, folder: Path) -> Path:
    shutil.copytree(model.folder, folder, dirs_exist_ok=True)
    return folder


def without_index(model: TinyModel, folder: Path) -> Path:
    (whole(model, folder) / "model_index.json").unlink()
    return folder


def renamed_folders(model: TinyModel, folder: Path) -> Path:
    without_index(model, folder)
    for ours, theirs in (("transformer", "dit"), ("text_encoder", "qwen"), ("vae", "ae")):
        (folder / ours).rename(folder / theirs)
    return folder


def tokenizer_in_the_encoder(model: TinyModel, folder: Path) -> Path:
    without_index(model, folder)
    for path in (folder / "tokenizer").iterdir():
        if path.name != "config.json":
            path.rename(folder / "text_encoder" / path.name)
    (folder / "tokenizer").rmdir()
    return folder


def no_configs(model: TinyModel, folder: Path) -> Path:
    without_index(model, folder)
    for path in folder.glob("*/config.json"):
        path.unlink()
    shutil.rmtree(folder / "scheduler")
    return folder


def sharded(model: TinyModel, folder: Path, *, index: bool, keep: bool = False) -> Path:
    whole(model, folder)
    for name, file in (("transformer", TRANSFORMER), ("text_encoder", TEXT_ENCODER)):
        if not keep:
            (folder / file).unlink()
        stem = Path(file).stem
        shard(folder / name, stem, model.parts()[name], 3, index=index)
    return folder


def pickled(model: TinyModel, folder: Path, wrapper: str | None = None) -> Path:
    whole(model, folder)
    for name, file in (("transformer", TRANSFORMER), ("text_encoder", TEXT_ENCODER), ("vae", VAE)):
        (folder / file).unlink()
        tensors: Any = model.parts()[name]
        torch.save({wrapper: tensors} if wrapper else tensors, folder / name / "pytorch_model.bin")
    return folder


def pickled_beside(model: TinyModel, folder: Path) -> Path:
    whole(model, folder)
    torch.save({"nonsense": torch.zeros(1)}, folder / "vae" / "diffusion_pytorch_model.bin")
    (folder / "transformer" / "old.ckpt").write_bytes(b"never opened")
    return folder


def variants(model: TinyModel, folder: Path, *, keep: bool) -> Path:
    whole(model, folder)
    for file in (TRANSFORMER, TEXT_ENCODER, VAE):
        path = folder / file
        tensors = load_file(path)
        if not keep:
            path.unlink()
            path = path.with_name(f"{path.stem}.fp16.safetensors")
            write(path, tensors)
        else:
            halves = {key: value.half() for key, value in tensors.items()}
            write(path.with_name(f"{path.stem}.fp16.safetensors"), halves)
    return folder


def same_twice(model: TinyModel, folder: Path) -> Path:
    path = whole(model, folder) / VAE
    shutil.copy(path, path.with_name("copy.safetensors"))
    return folder


def odd_name(model: TinyModel, folder: Path) -> Path:
    path = whole(model, folder) / TRANSFORMER
    path.rename(path.with_name("z-image.safetensors"))
    (folder / "transformer" / ".hidden.safetensors").write_bytes(b"")
    (folder / "transformer" / "training_args.bin").write_bytes(b"")
    return folder


def dtype_in_config(model: TinyModel, folder: Path, value: Any) -> Path:
    path = whole(model, folder) / "text_encoder" / "config.json"
    config = json.loads(path.read_text())
    config.pop("dtype", None)
    if value is not None:
        config |= {"dtype": value, "torch_dtype": value}
    path.write_text(json.dumps(config))
    return folder


def loose_numbers(model: TinyModel, folder: Path) -> Path:
    """Configurations that leave open what libraries would then guess wrongly."""
    whole(model, folder)
    for file, names in (
        ("vae/config.json", ("scaling_factor", "shift_factor")),
        ("scheduler/scheduler_config.json", ("shift",)),
        ("text_encoder/config.json", ("rope_parameters", "rope_theta")),
        ("transformer/config.json", ("rope_theta",)),
    ):
        config = json.loads((folder / file).read_text())
        for name in names:
            config.pop(name, None)
        (folder / file).write_text(json.dumps(config))
    (folder / "tokenizer" / "chat_template.jinja").unlink()
    return folder


def comfy(
    model: TinyModel,
    folder: Path,
    *,
    inside: str = "",
    names: tuple[str, str, str] = ("diffusion_models", "text_encoders", "vae"),
) -> Path:
    """ComfyUI's three files."""
    tokenizer_of(model, folder)
    root = folder / inside
    write(root / names[0] / "z_image_turbo.safetensors", comfy_transformer(model.transformer))
    write(root / names[1] / "qwen_3_4b.safetensors", prefixed(model.text_encoder, "model."))
    write(root / names[2] / "ae.safetensors", ldm_vae(model.vae))
    return folder


def comfy_among_others(model: TinyModel, folder: Path) -> Path:
    """ComfyUI's folders, with files of other models in them."""
    comfy(model, folder)
    flux = {"double_blocks.0.img_attn.qkv.weight": torch.zeros(2, 2)}
    write(folder / "diffusion_models" / "flux.safetensors", flux)
    unet = {"input_blocks.0.0.weight": torch.zeros(2, 2)}
    write(folder / "diffusion_models" / "sd15.safetensors", unet)
    clip = {"text_model.embeddings.position_ids": torch.zeros(1, 4)}
    write(folder / "text_encoders" / "clip_l.safetensors", clip)
    other = prefixed(model.text_encoder, "model.")
    other["model.embed_tokens.weight"] = torch.zeros(9, 64)
    write(folder / "text_encoders" / "qwen_3_8b.safetensors", other)
    small = ldm_vae(model.vae) | {"decoder.conv_in.weight": torch.zeros(64, 4, 3, 3)}
    write(folder / "vae" / "sdxl_vae.safetensors", small)
    (folder / "vae" / "broken.safetensors").write_bytes(b"\0")
    (folder / "vae" / "put_vae_here").write_bytes(b"")
    return folder


def flat(model: TinyModel, folder: Path) -> Path:
    """Everything in one folder."""
    write(folder / "z_image.safetensors", model.transformer)
    write(folder / "qwen.safetensors", model.text_encoder)
    write(folder / "ae.safetensors", ldm_vae(model.vae))
    for path in (model.folder / "tokenizer").iterdir():
        shutil.copy(path, folder / path.name)
    return folder


def lone_in_comfy(model: TinyModel, folder: Path) -> Path:
    return comfy(model, folder) / "diffusion_models" / "z_image_turbo.safetensors"


def lone_pickle(model: TinyModel, folder: Path) -> Path:
    comfy(model, folder)
    (folder / "diffusion_models" / "z_image_turbo.safetensors").unlink()
    path = folder / "diffusion_models" / "z_image.ckpt"
    torch.save({"state_dict": comfy_transformer(model.transformer)}, path)
    return path


def lone_in_flat(model: TinyModel, folder: Path) -> Path:
    return flat(model, folder) / "z_image.safetensors"


def lone_in_diffusers(model: TinyModel, folder: Path) -> Path:
    return whole(model, folder) / TRANSFORMER


def all_in_one(model: TinyModel, folder: Path, *, name: str = "qwen3_4b") -> Path:
    tokenizer_of(model, folder)
    everything = (
        prefixed(comfy_transformer(model.transformer), "model.diffusion_model.")
        | prefixed(model.text_encoder, f"text_encoders.{name}.transformer.model.")
        | prefixed(ldm_vae(model.vae), "vae.")
    )
    everything[f"text_encoders.{name}.logit_scale"] = torch.tensor(4.6)
    return write(folder / "zImage_v10.safetensors", everything)


def all_in_one_folder(model: TinyModel, folder: Path) -> Path:
    return all_in_one(model, folder).parent


def checkpoints_folder(model: TinyModel, folder: Path) -> Path:
    path = all_in_one(model, folder)
    (folder / "checkpoints").mkdir()
    path.rename(folder / "checkpoints" / path.name)
    return folder


def all_but_encoder(model: TinyModel, folder: Path) -> Path:
    tokenizer_of(model, folder)
    two = prefixed(comfy_transformer(model.transformer), "model.diffusion_model.") | prefixed(
        ldm_vae(model.vae), "first_stage_model."
    )
    write(folder / "text_encoders" / "qwen.safetensors", model.text_encoder)
    return write(folder / "checkpoints" / "two.safetensors", two)


def head_and_leftovers(model: TinyModel, folder: Path) -> Path:
    """What writers leave in files and no model needs."""
    comfy(model, folder)
    leftover = comfy_transformer(model.transformer) | {"norm_final.weight": torch.ones(96)}
    write(folder / "diffusion_models" / "z_image_turbo.safetensors", leftover)
    encoder = prefixed(model.text_encoder, "model.")
    encoder["lm_head.weight"] = model.text_encoder["embed_tokens.weight"]
    encoder["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)
    write(folder / "text_encoders" / "qwen_3_4b.safetensors", encoder)
    vae = ldm_vae(model.vae) | {"loss.logvar": torch.zeros(1)}
    write(folder / "vae" / "ae.safetensors", vae)
    return folder


LAYOUTS: dict[str, tuple[Writer, str]] = {
    "diffusers": (whole, ""),
    "no model_index": (without_index, "has no model_index.json"),
    "folders dit, qwen, ae": (renamed_folders, "lies in the folder dit"),
    "tokenizer in the encoder": (tokenizer_in_the_encoder, "its tokenizer lies in the folder"),
    "no configurations": (no_configs, "sizes were read from the shapes"),
    "shards": (lambda m, f: sharded(m, f, index=True), ""),
    "shards without index": (lambda m, f: sharded(m, f, index=False), "has no index"),
    "shards and whole": (lambda m, f: sharded(m, f, index=True, keep=True), "holds the same as"),
    "bin": (pickled, "although it is pickled"),
    "bin with state_dict": (lambda m, f: pickled(m, f, "state_dict"), "although it is pickled"),
    "bin with module": (lambda m, f: pickled(m, f, "module"), "although it is pickled"),
    "bin beside": (pickled_beside, "diffusion_pytorch_model.bin is not read"),
    "variant beside": (lambda m, f: variants(m, f, keep=True), ".fp16.safetensors is not read"),
    "only a variant": (lambda m, f: variants(m, f, keep=False), ""),
    "the same twice": (same_twice, "holds the same as vae/copy.safetensors"),
    "an odd name": (odd_name, ""),
    "dtype missing": (lambda m, f: dtype_in_config(m, f, None), ""),
    "dtype wrong": (lambda m, f: dtype_in_config(m, f, "bfloat16"), ""),
    "numbers left open": (loose_numbers, "has no shift_factor"),
    "comfyui": (comfy, "sizes were read from the shapes"),
    "comfyui split_files": (lambda m, f: comfy(m, f, inside="split_files"), "read from the shapes"),
    "comfyui models": (lambda m, f: comfy(m, f, inside="models"), "read from the shapes"),
    "comfyui old": (lambda m, f: comfy(m, f, names=("unet", "clip", "vae")), "the folder unet"),
    "comfyui among others": (comfy_among_others, ""),
    "flat": (flat, "its tokenizer lies in the folder"),
    "lone in comfyui": (lone_in_comfy, ""),
    "a lone pickle": (lone_pickle, "although it is pickled"),
    "lone in flat": (lone_in_flat, ""),
    "lone in diffusers": (lone_in_diffusers, ""),
    "all in one": (all_in_one, "model.diffusion_model. before them"),
    "all in one, other name": (lambda m, f: all_in_one(m, f, name="qwen"), "logit_scale"),
    "all in one in a folder": (all_in_one_folder, "has no model_index.json"),
    "all in one in checkpoints": (checkpoints_folder, ""),
    "all but the encoder": (all_but_encoder, "first_stage_model. before them"),
    "leftovers": (head_and_leftovers, "lm_head.weight"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout(layout: str, model: TinyModel, tmp_path: Path) -> None:
    """It loads as the same model, and the log says what was repaired."""
    writer, note = LAYOUTS[layout]
    notes = check(load(writer(model, tmp_path)), model)
    assert any(note in each for each in notes) or (not note), notes


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("names", ["diffusers", "comfyui"])
def test_a_prefix_of_the_transformer(
    names: str, prefix: str, model: TinyModel, tmp_path: Path
) -> None:
    """Whatever stands before the names, a lone transformer loads with companions that are named."""
    tensors = model.transformer if names == "diffusers" else comfy_transformer(model.transformer)
    source = write(tmp_path / "any.safetensors", prefixed(tensors, prefix))
    loaded = load(
        source,
        text_encoder=model.folder / "text_encoder",
        vae=model.folder / VAE,
        tokenizer=model.folder / "tokenizer",
    )
    check(loaded, model)


@pytest.mark.parametrize(
    "prefix",
    ["", "model.", "module.", "text_model.", "model.language_model.", "transformer.model."],
)
def test_a_prefix_of_the_encoder(prefix: str, model: TinyModel, tmp_path: Path) -> None:
    """Whatever stands before the names of the encoder, it loads; also before half of them."""
    comfy(model, tmp_path)
    file = tmp_path / "text_encoders" / "qwen_3_4b.safetensors"
    write(file, prefixed(model.text_encoder, prefix))
    check(load(tmp_path), model)
    mixed = {
        key if "layers.1." in key else f"model.{key}": value
        for key, value in model.text_encoder.items()
    }
    write(file, mixed)
    check(load(tmp_path), model)


@pytest.mark.parametrize("prefix", ["", "first_stage_model.", "vae.", "module."])
@pytest.mark.parametrize("names", ["ldm", "diffusers"])
def test_a_prefix_of_the_autoencoder(
    names: str, prefix: str, model: TinyModel, tmp_path: Path
) -> None:
    """Whatever stands before the names of the autoencoder, it loads."""
    comfy(model, tmp_path)
    tensors = ldm_vae(model.vae) if names == "ldm" else model.vae
    write(tmp_path / "vae" / "ae.safetensors", prefixed(tensors, prefix))
    check(load(tmp_path), model)


@pytest.mark.parametrize("stored", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("wanted", [torch.float32, torch.bfloat16])
def test_a_number_format(
    stored: torch.dtype, wanted: torch.dtype, model: TinyModel, tmp_path: Path
) -> None:
    """A file in another number format is converted, and the log says so."""
    comfy(model, tmp_path)
    cast = {key: value.to(stored) for key, value in model.transformer.items()}
    write(
        tmp_path / "diffusion_models" / "z_image_turbo.safetensors",
        {key: value.to(stored) for key, value in comfy_transformer(model.transformer).items()},
    )
    notes = check(load(tmp_path, wanted), model, transformer=cast)
    said = [note for note in notes if note.startswith("transformer: ") and "→" in note]
    assert bool(said) == (stored is not wanted)


def test_what_is_not_converted_stays_in_its_file(model: TinyModel, tmp_path: Path) -> None:
    """Tensors in the wanted format are parts of their file: changing them changes no file."""
    loaded = load(whole(model, tmp_path / "model"))
    before = (tmp_path / "model" / TRANSFORMER).read_bytes()
    with torch.no_grad():
        loaded.pipeline.transformer.x_pad_token.zero_()
    assert (tmp_path / "model" / TRANSFORMER).read_bytes() == before
    assert torch.equal(
        load(tmp_path / "model").pipeline.transformer.x_pad_token, model.transformer["x_pad_token"]
    )


def test_an_encoder_that_is_a_language_model(model: TinyModel, tmp_path: Path) -> None:
    """Where the index says so, the encoder is a whole language model; its head is its table."""
    index = whole(model, tmp_path) / "model_index.json"
    named = json.loads(index.read_text()) | {"text_encoder": ["transformers", "Qwen3ForCausalLM"]}
    index.write_text(json.dumps(named))
    write(tmp_path / TEXT_ENCODER, prefixed(model.text_encoder, "model."))
    encoder = load(tmp_path).pipeline.text_encoder
    assert type(encoder).__name__ == "Qwen3ForCausalLM"
    table = encoder.get_input_embeddings().weight
    assert encoder.lm_head.weight is table
    found = {key.removeprefix("model."): value for key, value in encoder.state_dict().items()}
    for key, value in model.text_encoder.items():
        assert torch.equal(found[key], value)


def test_a_lone_file_paints_the_same_picture(
    model: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of one file equals that of diffusers' folder, and its recipe names no path."""
    monkeypatch.setattr("engine.diffusion.renderer._lower_priority", lambda: None)
    pixels: list[bytes] = []
    for source in (model.folder, all_in_one(model, tmp_path)):
        settings = EngineSettings(model=str(source), device="cpu", threads=1)
        renderer = DiffusionRenderer.load(settings)
        task = RenderTask(a_request(width_px=256, height_px=256, steps=2), threading.Event())
        (outcome,) = renderer.render([task], on_step=lambda *_: None)
        assert isinstance(outcome, Painted), outcome
        assert outcome.recipe.model == source.name
        pixels.append(outcome.raster.rgb)
        renderer.close()
    assert pixels[0] == pixels[1]
