"""What is broken, ambiguous or another model's is refused in one line that names it."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from safetensors.torch import load_file

from engine.diffusion.checkpoints import Checkpoint, Companions, Unusable
from engine.diffusion.checkpoints.names.other_pipelines import NAMES, pipeline_model
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.diffusion.loading import load_component
from engine.errors import ModelInvalid
from tests.engine.diffusion.checkpoints.layouts import (
    TEXT_ENCODER,
    TRANSFORMER,
    VAE,
    Tensors,
    TinyModel,
    comfy_transformer,
    ldm_vae,
    prefixed,
    shard,
    write,
)
from tests.engine.diffusion.checkpoints.loads import load, refusal
from tests.engine.diffusion.checkpoints.test_sources import comfy, sharded, whole, without_index

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n"
FILE = "diffusion_models/z_image_turbo.safetensors"


class Evil:
    """Creates a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, (str(self.file), "w")


def header(text: bytes, values: int = 0) -> bytes:
    return len(text).to_bytes(8, "little") + text + bytes(values)


CONTENTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is damaged or incomplete (it is empty)"),
    "a Git LFS pointer": (LFS, "is a Git LFS pointer, not the weights"),
    "a web page": (b"<!DOCTYPE html><html><body>404</body></html>", "is a web page"),
    "an error in XML": (b"\n<?xml version='1.0'?><Error/>", "is a web page"),
    "an error in JSON": (b'{"error": "gated repository, please log in"}', "its header would take"),
    "a few bytes": (b"\x01\x02", "is damaged or incomplete"),
    "a huge header": (b"\xff" * 7 + b"\x0f" + b"{}", "its header would take"),
    "a pickle": (pickle.dumps({"a": 1}), "is a pickled file under the name of"),
    "an archive": (b"PK\x03\x04" + b"\0\xff" * 80, "is a pickled file under the name of"),
    "no JSON": (header(b"{nonsense}"), "its header is wrong"),
    "a list": (header(b"[1, 2]"), "its header is wrong"),
    "no tensors": (header(b"{}"), "holds no tensors"),
    "a name twice": (
        header(
            b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},'
            b' "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}',
            1,
        ),
        "a stands in it twice",
    ),
    "a negative size": (
        header(b'{"a": {"dtype": "U8", "shape": [-1], "data_offsets": [0, 1]}}', 1),
        "not a natural number",
    ),
    "a size that does not fit": (
        header(b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}', 4),
        "a takes 4 bytes, which is not [2]",
    ),
    "an unknown format": (
        header(b'{"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}', 1),
        "a is stored as F4, which cannot be read",
    ),
    "a byte too many": (
        header(b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}', 2),
        "its header describes",
    ),
}


@pytest.mark.parametrize("content", CONTENTS)
def test_a_file_that_is_no_weights(content: str, model: TinyModel, tmp_path: Path) -> None:
    """What lies under the name of weights is looked at before it is read."""
    data, words = CONTENTS[content]
    file = whole(model, tmp_path) / VAE
    file.write_bytes(data)
    reason = refusal(tmp_path)
    assert words in reason and VAE in reason


@pytest.mark.parametrize("ending", [".incomplete", ".part", ".crdownload", ".aria2"])
def test_an_unfinished_download(ending: str, model: TinyModel, tmp_path: Path) -> None:
    """A file with the rest of a download beside it is not opened."""
    file = whole(model, tmp_path) / VAE
    file.with_name(file.name + ending).write_bytes(b"")
    assert f"{file.name}{ending} lies beside it" in refusal(tmp_path)


def test_a_dangling_link(model: TinyModel, tmp_path: Path) -> None:
    """A link into a cache that was cleared says where it led."""
    file = whole(model, tmp_path) / VAE
    file.unlink()
    file.symlink_to(tmp_path / "blobs" / "0123")
    reason = refusal(tmp_path)
    assert f"{VAE} is a link to" in reason and "0123, which does not exist" in reason


def change(model: TinyModel, folder: Path, file: str, **added: torch.Tensor | None) -> None:
    """Copy the model, and replace, add or remove tensors of one file."""
    tensors = load_file(whole(model, folder) / file)
    for key, value in added.items():
        if value is None:
            del tensors[key]
        else:
            tensors[key] = value
    write(folder / file, tensors)


def edit(model: TinyModel, folder: Path, file: str, **changed: Any) -> None:
    """Copy the model, and change a configuration."""
    path = whole(model, folder) / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


W1 = "layers.1.feed_forward.w1.weight"


def nan_in_a_matrix(model: TinyModel, folder: Path) -> None:
    change(model, folder, TRANSFORMER, **{W1: torch.full((256, 96), float("nan"))})


def infinity_in_half(model: TinyModel, folder: Path) -> None:
    halves = {key: value.half() for key, value in model.vae.items()}
    halves["decoder.conv_out.bias"][1] = float("inf")
    write(whole(model, folder) / VAE, halves)


def two_that_differ(model: TinyModel, folder: Path) -> None:
    other = dict(model.vae)
    other["decoder.conv_out.bias"] = other["decoder.conv_out.bias"] + 1
    write(whole(model, folder) / "vae" / "better.safetensors", other)


def shards_that_differ(model: TinyModel, folder: Path) -> None:
    sharded(model, folder, index=True, keep=True)
    change_in_place(folder / TRANSFORMER)


def change_in_place(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def a_shard_short(model: TinyModel, folder: Path, *, index: bool) -> None:
    sharded(model, folder, index=index)
    (folder / "transformer" / "diffusion_pytorch_model-00002-of-00003.safetensors").unlink()


def index_that_leads_out(model: TinyModel, folder: Path) -> None:
    sharded(model, folder, index=True)
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))


def the_same_tensor_twice(model: TinyModel, folder: Path) -> None:
    sharded(model, folder, index=True)
    file = folder / "transformer" / "diffusion_pytorch_model-00001-of-00003.safetensors"
    write(file, load_file(file) | {"x_pad_token": model.transformer["x_pad_token"]})


def comfy_with(model: TinyModel, folder: Path, **added: torch.Tensor) -> None:
    tensors = comfy_transformer(model.transformer) | added
    write(comfy(model, folder) / FILE, tensors)


def two_encoders(model: TinyModel, folder: Path) -> None:
    other = {key: value + 1 for key, value in model.text_encoder.items()}
    write(comfy(model, folder) / "text_encoders" / "other.safetensors", other)


def evil(model: TinyModel, folder: Path) -> None:
    (whole(model, folder) / VAE).unlink()
    torch.save({"a": Evil(folder / "trace")}, folder / "vae" / "pytorch_model.bin")


def raw_pickle(model: TinyModel, folder: Path) -> None:
    (whole(model, folder) / VAE).unlink()
    (folder / "vae" / "pytorch_model.bin").write_bytes(pickle.dumps(Evil(folder / "trace")))


def more_than_tensors(model: TinyModel, folder: Path) -> None:
    (whole(model, folder) / VAE).unlink()
    torch.save(dict(model.vae) | {"epoch": 3}, folder / "vae" / "pytorch_model.bin")


def no_tokenizer(model: TinyModel, folder: Path) -> None:
    shutil.rmtree(comfy(model, folder) / "tokenizer")


def empty_vocabulary(model: TinyModel, folder: Path) -> None:
    path = whole(model, folder) / "tokenizer" / "tokenizer.json"
    table = json.loads(path.read_text())
    table["model"] |= {"vocab": {}, "merges": []}
    path.write_text(json.dumps(table))


def template(model: TinyModel, folder: Path, text: str) -> None:
    (whole(model, folder) / "tokenizer" / "chat_template.jinja").write_text(text)


def empty_transformer(model: TinyModel, folder: Path) -> None:
    (without_index(model, folder) / TRANSFORMER).unlink()


BROKEN: dict[str, tuple[Callable[[TinyModel, Path], object], str]] = {
    "NaN in a matrix": (nan_in_a_matrix, f"{W1} holds values that are not finite numbers"),
    "infinity in half precision": (infinity_in_half, "decoder.conv_out.bias holds values that are"),
    "two that differ": (
        two_that_differ,
        "vae/better.safetensors, vae/diffusion_pytorch_model.safetensors both hold the vae and "
        "differ",
    ),
    "shards that differ": (shards_that_differ, "both hold the transformer and differ"),
    "a shard short": (
        lambda m, f: a_shard_short(m, f, index=False),
        "lacks 1 of 3 parts: diffusion_pytorch_model-00002-of-00003.safetensors",
    ),
    "an indexed shard short": (
        lambda m, f: a_shard_short(m, f, index=True),
        "lacks 1 of the 3 files that diffusion_pytorch_model.safetensors.index.json names",
    ),
    "an index that leads out": (index_that_leads_out, "index.json cannot be read"),
    "a tensor in two shards": (the_same_tensor_twice, "both hold x_pad_token"),
    "a missing tensor": (
        lambda m, f: change(m, f, TRANSFORMER, **{W1: None}),
        f"transformer lacks 1 of its tensors, {W1} among them",
    ),
    "a strange tensor": (
        lambda m, f: change(m, f, TRANSFORMER, strange=torch.ones(1)),
        "holds 1 tensors that its transformer does not have: strange",
    ),
    "a wrong shape": (
        lambda m, f: change(m, f, TRANSFORMER, **{W1: torch.zeros(255, 96)}),
        f"1 tensors of a wrong shape, {W1} among them: [255, 96] instead of [256, 96]",
    ),
    "integers": (
        lambda m, f: change(m, f, TRANSFORMER, **{W1: torch.zeros(256, 96, dtype=torch.int32)}),
        f"{W1} is stored as I32 without a scale",
    ),
    "fewer layers by the configuration": (
        lambda m, f: edit(m, f, "transformer/config.json", n_layers=2),
        "transformer has 3 layers in its files, and 2 by transformer/config.json",
    ),
    "more layers by the configuration": (
        lambda m, f: edit(m, f, "transformer/config.json", n_layers=4),
        "transformer lacks 15 of its tensors, layers.3.",
    ),
    "a configuration that contradicts itself": (
        lambda m, f: edit(m, f, "text_encoder/config.json", num_hidden_layers=4),
        "the configuration of text_encoder is wrong (Class validation error for validator "
        "'validate_layer_type': ",
    ),
    "another class": (
        lambda m, f: edit(m, f, "vae/config.json", _class_name="AutoencoderTiny"),
        "it describes a AutoencoderTiny",
    ),
    "rotations of the transformer": (
        lambda m, f: edit(m, f, "transformer/config.json", rope_theta=10_000.0),
        "transformer/config.json has the rope_theta 10000.0; z-image-turbo has 256",
    ),
    "rotations of the encoder": (
        lambda m, f: edit(
            m,
            f,
            "text_encoder/config.json",
            rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        ),
        "text_encoder/config.json has the rope_theta 10000; z-image-turbo's encoder has 1e+06",
    ),
    "a scaling factor in words": (
        lambda m, f: edit(m, f, "vae/config.json", scaling_factor="large"),
        "vae/config.json has the scaling_factor 'large'",
    ),
    "a shift of nothing": (
        lambda m, f: edit(m, f, "scheduler/scheduler_config.json", shift=0),
        "scheduler_config.json has the shift 0",
    ),
    "query, key and value uneven": (
        lambda m, f: comfy_with(m, f, **{"layers.0.attention.qkv.weight": torch.zeros(100, 96)}),
        "layers.0.attention.qkv.weight has 100 rows, which cannot be divided by three",
    ),
    "a matrix in both namings": (
        lambda m, f: comfy_with(m, f, **{"layers.0.attention.to_q.weight": torch.zeros(96, 96)}),
        "both are the model's layers.0.attention.to_q.weight",
    ),
    "a layer left out": (
        lambda m, f: write(
            comfy(m, f) / FILE,
            {
                key: value
                for key, value in comfy_transformer(m.transformer).items()
                if "layers.1." not in key
            },
        ),
        "transformer lacks layers.1",
    ),
    "two encoders": (two_encoders, "both hold the text_encoder and differ"),
    "code in an archive": (evil, "pytorch_model.bin is damaged or holds more than tensors"),
    "code in a pickle": (raw_pickle, "pickled without torch's archive around it"),
    "more than tensors": (more_than_tensors, "pytorch_model.bin holds more than tensors: epoch"),
    "no tokenizer": (no_tokenizer, "there is no tokenizer: put the folder"),
    "an empty vocabulary": (empty_vocabulary, "its tokenizer has no vocabulary"),
    "an empty template": (
        lambda m, f: template(m, f, ""),
        "no chat template that keeps the prompt",
    ),
    "a template that loses the prompt": (
        lambda m, f: template(m, f, "<|im_start|>user\nhello<|im_end|>"),
        "no chat template that keeps the prompt",
    ),
    "a broken template": (
        lambda m, f: template(m, f, "{% for"),
        "its chat template cannot be used (TemplateSyntaxError)",
    ),
    "a folder without weights": (empty_transformer, "transformer has no weights in safetensors"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_model(fault: str, model: TinyModel, tmp_path: Path) -> None:
    """Nothing is filled up, cut off or guessed; and nothing pickled is run."""
    spoil, words = BROKEN[fault]
    spoil(model, tmp_path)
    assert words in refusal(tmp_path)
    assert not (tmp_path / "trace").exists()


MATRIX = torch.zeros(2, 2)
OTHERS: dict[str, tuple[Tensors, str]] = {
    "Flux": ({"double_blocks.0.img_attn.qkv.weight": MATRIX}, "Flux"),
    "Flux of diffusers": ({"single_transformer_blocks.0.proj_mlp.weight": MATRIX}, "Flux"),
    "Flux.2": ({"double_stream_modulation_img.lin.weight": MATRIX}, "Flux.2"),
    "SD 1.5": (
        {
            "model.diffusion_model.input_blocks.0.0.weight": MATRIX,
            "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (
                torch.zeros(2, 768)
            ),
        },
        "Stable Diffusion 1.5",
    ),
    "SD 1.5 of diffusers": (
        {
            "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": torch.zeros(
                2, 768
            ),
        },
        "Stable Diffusion 1.5",
    ),
    "SD 3": ({"joint_blocks.0.context_block.attn.qkv.weight": MATRIX}, "Stable Diffusion 3"),
    "Qwen-Image": ({"transformer_blocks.0.img_mod.1.weight": MATRIX}, "Qwen-Image"),
    "Lumina 2": (
        {
            "noise_refiner.0.attention.qkv.weight": MATRIX,
            "cap_embedder.0.weight": MATRIX,
            "final_layer.adaLN_modulation.1.weight": MATRIX,
        },
        "Lumina 2",
    ),
    "Z-Image-Omni": ({"siglip_pad_token": MATRIX}, "Z-Image-Omni"),
    "a ControlNet": ({"control_layers.0.attention.qkv.weight": MATRIX}, "a ControlNet for Z-Image"),
    "a LoRA": ({"diffusion_model.layers.0.attention.out.lora_A.weight": MATRIX}, "a LoRA"),
    "kohya's LoRA": ({"lora_unet_layers_0_attention_out.lora_down.weight": MATRIX}, "a LoRA"),
    "Wan": ({"blocks.0.self_attn.norm_q.weight": MATRIX}, "Wan"),
    "Wan of diffusers": ({"blocks.0.attn2.norm_q.weight": MATRIX}, "Wan"),
    "Qwen-Image 2.1": (
        {"transformer_blocks.0.img_mlp.gate_layer.weight": MATRIX},
        "Qwen-Image 2.1",
    ),
    "Flux.3": ({"txt_mode_blocks.0.attn.to_q.weight": MATRIX}, "Flux.3"),
    "Krea 2": (
        {"text_fusion.projector.weight": MATRIX, "transformer_blocks.0.scale_shift_table": MATRIX},
        "Krea 2",
    ),
    "CogView": ({"time_condition_embed.condition_embedder.linear_1.weight": MATRIX}, "CogView"),
    "Kandinsky": (
        {"visual_transformer_blocks.0.self_attention.to_key.weight": MATRIX},
        "Kandinsky",
    ),
    "GLM-Image": ({"glyph_projector.net.0.proj.weight": MATRIX}, "GLM-Image"),
    "LTX-Video": (
        {"adaln_single.linear.weight": MATRIX, "patchify_proj.weight": MATRIX},
        "LTX-Video",
    ),
    "T5": ({"encoder.block.0.layer.0.SelfAttention.q.weight": MATRIX}, "T5"),
    "CLIP": ({"text_model.encoder.layers.0.mlp.fc1.weight": MATRIX}, "CLIP"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_model(other: str, tmp_path: Path) -> None:
    """A file of another model is refused by that model's name."""
    tensors, name = OTHERS[other]
    file = write(tmp_path / "file.safetensors", tensors)
    assert refusal(file) == f"file.safetensors is of {name}, which zimagine does not paint with"


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("FluxPipeline", "Flux"),
        ("Flux2Pipeline", "Flux.2"),
        ("QwenImagePipeline", "Qwen-Image"),
        ("StableDiffusionPipeline", "Stable Diffusion 1.5 or 2"),
        ("StableDiffusion3Pipeline", "Stable Diffusion 3"),
        ("ZImageOmniPipeline", "Z-Image-Omni"),
    ],
)
def test_a_folder_of_another_pipeline(kind: str, model: str, tmp_path: Path) -> None:
    """A folder whose index names another pipeline is refused by its model's name."""
    (tmp_path / "model_index.json").write_text(f'{{"_class_name": "{kind}"}}')
    assert refusal(tmp_path) == f"it is {model} (a {kind}); zimagine paints with ZImagePipeline"


def test_no_class_is_named_for_a_shorter_beginning() -> None:
    """Of two names that begin alike, the longer one decides, for every class of diffusers."""
    for kind in (name for name in dir(diffusers) if name.endswith("Pipeline")):
        starts = [start for start, _ in NAMES if kind.startswith(start)]
        expected = dict(NAMES)[max(starts, key=len)] if starts else None
        assert pipeline_model(kind) == expected, kind


def test_a_folder_of_another_model(model: TinyModel, tmp_path: Path) -> None:
    """Where only other models' files lie, they are named, and so are pickled ones."""
    flux = {"double_blocks.0.img_attn.qkv.weight": MATRIX}
    write(comfy(model, tmp_path) / FILE, flux)
    assert refusal(tmp_path) == f"its component transformer is missing ({FILE} is of Flux)"
    (tmp_path / FILE).unlink()
    torch.save(dict(model.transformer), (tmp_path / FILE).with_suffix(".ckpt"))
    assert "z_image_turbo.ckpt is pickled, and not in a folder of its own" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads all files")
def test_a_file_that_may_not_be_read(model: TinyModel, tmp_path: Path) -> None:
    """A file without permission says so."""
    (whole(model, tmp_path) / VAE).chmod(0)
    assert f"the weights file {VAE} cannot be read (Permission denied)" in refusal(tmp_path)


def test_an_unknown_file(tmp_path: Path) -> None:
    """A file of no known model says what it has."""
    file = write(tmp_path / "file.safetensors", {"alpha": MATRIX, "beta": MATRIX})
    assert "holds no transformer or text_encoder or vae of Z-Image (it has alpha" in refusal(file)


def test_companions_that_are_missing(model: TinyModel, tmp_path: Path) -> None:
    """A lone transformer without its companions says which, and how to name one."""
    file = write(tmp_path / "z.safetensors", model.transformer)
    assert "has no text_encoder, and none lies beside it; name its file" in refusal(file)
    named = {"text_encoder": model.folder / "text_encoder"}
    assert "has no vae, and none lies beside it" in refusal(file, **named)
    gone = {"text_encoder": tmp_path / "gone.safetensors"}
    assert "there is no file gone.safetensors" in refusal(file, **gone)


def test_components_of_other_widths(model: TinyModel, tmp_path: Path) -> None:
    """Components that do not fit each other are refused."""
    comfy(model, tmp_path)
    vae = ldm_vae(model.vae)
    for key in ("decoder.conv_in.weight", "encoder.conv_out.weight", "encoder.conv_out.bias"):
        vae[key] = vae[key][:, :8] if key.startswith("decoder") else vae[key][:16]
    write(tmp_path / "vae" / "ae.safetensors", vae)
    assert "its vae does not fit its transformer" in refusal(tmp_path)


def test_two_prefixes(model: TinyModel, tmp_path: Path) -> None:
    """Two transformers in one file are refused."""
    comfy(model, tmp_path)
    twice = prefixed(model.transformer, "a.") | prefixed(model.transformer, "b.")
    write(tmp_path / FILE, twice)
    assert "under 2 prefixes: a., b." in refusal(tmp_path)


@pytest.mark.parametrize("size", [0, 3, 4, 11, 24, 60, 400, 5000, 100_000])
def test_a_truncated_gguf_file(size: int, model: TinyModel, tmp_path: Path) -> None:
    """A GGUF file that was cut off anywhere is refused."""
    from tests.engine.diffusion.checkpoints.test_quantized_files import gguf_file

    comfy(model, tmp_path)
    (tmp_path / FILE).unlink()
    path = tmp_path / "diffusion_models" / "z.gguf"
    gguf_file(path, comfy_transformer(model.transformer), "Q8_0")
    path.write_bytes(path.read_bytes()[:size])
    reason = refusal(path)
    assert "z.gguf" in reason and ("damaged or incomplete" in reason or "is no GGUF" in reason)


def test_a_file_that_vanishes(model: TinyModel, tmp_path: Path) -> None:
    """A file that is removed between the check and the loading is named."""
    source = whole(model, tmp_path / "model")
    checkpoint = Checkpoint(source, Z_IMAGE_TURBO, Companions())
    (source / VAE).unlink()
    with pytest.raises(Unusable, match=r"vae/diffusion_pytorch_model\.safetensors can no longer"):
        checkpoint.load(torch.bfloat16)
    whole(model, source)
    checkpoint = Checkpoint(source, Z_IMAGE_TURBO, Companions())
    (source / VAE).write_bytes((source / VAE).read_bytes()[:-1])
    with pytest.raises(Unusable, match="has changed its size"):
        checkpoint.load(torch.float32)


def test_a_component_is_loaded_again(model: TinyModel, tmp_path: Path) -> None:
    """A component is loaded again with the same bits, or refused if its files have changed."""
    source = comfy(model, tmp_path)
    loaded = load(source, torch.bfloat16)
    first = loaded.pipeline.transformer.state_dict()
    again = load_component(loaded, "transformer").state_dict()
    assert all(torch.equal(again[key], value) for key, value in first.items())
    change_in_place(source / FILE)
    with pytest.raises(ModelInvalid, match="have changed since the start"):
        load_component(loaded, "transformer")


def test_shards_of_two_models(model: TinyModel, tmp_path: Path) -> None:
    """Parts that belong to two sets are two candidates."""
    sharded(model, tmp_path, index=False)
    shard(
        tmp_path / "transformer",
        "other",
        {key: value + 1 for key, value in model.transformer.items()},
        2,
        index=False,
    )
    assert "both hold the transformer and differ" in refusal(tmp_path)
    assert (tmp_path / TEXT_ENCODER).exists() is False
