"""Weights in eight bits and GGUF become the numbers that their writers meant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch

from tests.engine.diffusion.checkpoints.layouts import (
    Quantized,
    Tensors,
    TinyModel,
    comfy_transformer,
    described,
    llama_cpp,
    matrices,
    prefixed,
    scaled,
    write,
)
from tests.engine.diffusion.checkpoints.loads import check, load, refusal
from tests.engine.diffusion.checkpoints.test_sources import comfy

TRANSFORMER = "diffusion_models/z_image_turbo.safetensors"
ENCODER = "text_encoders/qwen_3_4b.safetensors"
E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2


def meant(quantized: Tensors) -> Tensors:
    """ComfyUI's names back to the model's own, for what was meant."""
    found: Tensors = {}
    for key, value in quantized.items():
        if key.endswith("attention.qkv.weight"):
            for name, part in zip(("to_q", "to_k", "to_v"), value.chunk(3), strict=True):
                found[key.replace("qkv", name)] = part
            continue
        for ours, theirs in (
            ("attention.to_out.0", "attention.out"),
            ("attention.norm_q", "attention.q_norm"),
            ("attention.norm_k", "attention.k_norm"),
        ):
            key = key.replace(theirs, ours)
        if key.startswith(("x_embedder", "final_layer")):
            first, _, rest = key.partition(".")
            key = f"all_{first}.2-1.{rest}"
        found[key] = value
    return found


def new(tensors: Tensors, **options: Any) -> Quantized:
    """ComfyUI's convention now: a description beside each layer."""
    kind = options.pop("kind", "float8_e4m3fn")
    made = scaled(tensors, **options)
    for key in list(made.stored):
        if key.endswith(".weight_scale"):
            layer = key.removesuffix(".weight_scale")
            made.stored[f"{layer}.comfy_quant"] = described({"format": kind})
    return made


def old(tensors: Tensors, marker: torch.Tensor, **options: Any) -> Quantized:
    """ComfyUI's older convention: other names, and a marker for the file."""
    made = scaled(tensors, names=("scale_weight", "scale_input"), **options)
    made.stored["scaled_fp8"] = marker
    return made


CONVENTIONS: dict[str, Any] = {
    "new": lambda t: new(t),
    "new, scale of one": lambda t: new(t, shape=lambda scale: scale.reshape(1)),
    "new, a scale for each row": lambda t: new(t, rows=True),
    "new, a flat scale for each row": lambda t: new(t, rows=True, shape=torch.flatten),
    "new, e5m2": lambda t: new(t, dtype=E5M2, kind="float8_e5m2"),
    "new, no activations": lambda t: new(t, names=("weight_scale", None)),
    "new, without descriptions": lambda t: scaled(t),
    "old": lambda t: old(t, torch.empty(0, dtype=E4M3)),
    "old, full precision": lambda t: old(t, torch.empty(2, dtype=E4M3)),
    "old, e5m2": lambda t: old(t, torch.empty(0, dtype=E5M2), dtype=E5M2),
    "int8": lambda t: new(t, dtype=torch.int8, rows=True, kind="int8_tensorwise"),
    "int8, one scale": lambda t: new(t, dtype=torch.int8, kind="int8_tensorwise"),
}


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_scaled_transformer(convention: str, model: TinyModel, tmp_path: Path) -> None:
    """Each weight is its number times its scale in float32, also in the thirds of a fused one."""
    made = CONVENTIONS[convention](comfy_transformer(model.transformer))
    comfy(model, tmp_path)
    write(tmp_path / TRANSFORMER, made.stored)
    notes = check(load(tmp_path), model, transformer=meant(made.meant))
    assert any("× scale → float32" in note for note in notes)


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("named", ["", "model.diffusion_model."])
@pytest.mark.parametrize("text", [False, True])
def test_a_description_in_the_header(
    prefix: str, named: str, text: bool, model: TinyModel, tmp_path: Path
) -> None:
    """The header may name the layers, with their prefix or without, in an object or a text."""
    if named and not prefix:
        pytest.skip("no file names a prefix that it does not have")
    made = scaled(comfy_transformer(model.transformer))
    layers = [key.removesuffix(".weight") for key in matrices(comfy_transformer(model.transformer))]
    kind: Any = "float8_e4m3fn" if text else {"format": "float8_e4m3fn"}
    header = {"format_version": "1.0", "layers": {f"{named}{layer}": kind for layer in layers}}
    comfy(model, tmp_path)
    path = tmp_path / TRANSFORMER
    write(path, prefixed(made.stored, prefix), _quantization_metadata=json.dumps(header))
    check(load(tmp_path), model, transformer=meant(made.meant))
    lost = {key: value for key, value in made.stored.items() if key != f"{layers[3]}.weight_scale"}
    write(path, prefixed(lost, prefix), _quantization_metadata=json.dumps(header))
    assert f"1 layers are float8_e4m3fn without a scale, {layers[3]}" in refusal(tmp_path)


def test_a_scaled_encoder(model: TinyModel, tmp_path: Path) -> None:
    """The text encoder may be scaled too."""
    made = new(model.text_encoder)
    comfy(model, tmp_path)
    write(tmp_path / ENCODER, prefixed(made.stored, "model."))
    check(load(tmp_path), model, text_encoder=made.meant)


def test_a_scaled_file_of_everything(model: TinyModel, tmp_path: Path) -> None:
    """Layers of an all-in-one file belong to the component whose prefix they have."""
    transformer, encoder = scaled(comfy_transformer(model.transformer)), scaled(model.text_encoder)
    prefixes = ("model.diffusion_model.", "text_encoders.qwen3_4b.transformer.model.")
    layers = [
        prefix + key.removesuffix(".weight_scale")
        for prefix, made in zip(prefixes, (transformer, encoder), strict=True)
        for key in made.stored
        if key.endswith(".weight_scale")
    ]
    header = {"layers": {layer: {"format": "float8_e4m3fn"} for layer in layers}}
    everything = prefixed(transformer.stored, prefixes[0]) | prefixed(encoder.stored, prefixes[1])
    comfy(model, tmp_path)
    source = write(
        tmp_path / "diffusion_models" / "all.safetensors",
        everything,
        _quantization_metadata=json.dumps(header),
    )
    check(load(source), model, transformer=meant(transformer.meant), text_encoder=encoder.meant)


@pytest.mark.parametrize("dtype", [E4M3, E5M2])
def test_a_plain_cast(dtype: torch.dtype, model: TinyModel, tmp_path: Path) -> None:
    """fp8 without any scale is what it says, if it was only cast."""
    cast = {
        key: value.to(dtype) if value.ndim == 2 else value
        for key, value in model.transformer.items()
    }
    comfy(model, tmp_path)
    write(tmp_path / TRANSFORMER, cast)
    check(load(tmp_path), model, transformer={key: value.float() for key, value in cast.items()})


@pytest.mark.parametrize("dtype", [E4M3, E5M2])
def test_lost_scales(dtype: torch.dtype, model: TinyModel, tmp_path: Path) -> None:
    """fp8 that fills its whole range lost its scales, and is refused."""
    made = scaled(comfy_transformer(model.transformer), dtype=dtype, names=("weight_scale", None))
    lost = {key: value for key, value in made.stored.items() if not key.endswith("weight_scale")}
    comfy(model, tmp_path)
    write(tmp_path / TRANSFORMER, lost)
    count = len(matrices(model.transformer)) - 0
    reason = refusal(tmp_path)
    assert f"the scales of its 8-bit weights are lost: {count} of {count}" in reason
    assert "z_image_turbo.safetensors" in reason


LAYER = "layers.0.feed_forward.w1"


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ({f"{LAYER}.comfy_quant": described({"format": "float8_e4m3fn"})}, "without a scale"),
        ({f"{LAYER}.comfy_quant": described({"format": "nvfp4"})}, "1 layers are nvfp4 without"),
        ({f"{LAYER}.comfy_quant": described({"format": "mxfp8"})}, "1 layers are mxfp8 without"),
        (
            {f"{LAYER}.comfy_quant": described({"format": "awq_w4a16"})},
            "by awq_w4a16, which cannot",
        ),
        ({f"{LAYER}.comfy_quant": described({"format": "hswq_w3"})}, "by hswq_w3, which cannot"),
        ({f"{LAYER}.pre_quant_scale": torch.ones(96)}, "is smoothed by ModelOpt"),
        ({f"{LAYER}.weight_scale_inv": torch.ones(2, 1)}, "DeepSeek's fp8 in blocks"),
        ({f"{LAYER}.weight_packed": torch.ones(1)}, "compressed-tensors"),
        ({f"{LAYER}.smooth_factor": torch.ones(1)}, "nunchaku"),
        ({f"{LAYER}.SCB": torch.ones(1)}, "bitsandbytes"),
        (
            {
                f"{LAYER}.weight_scale": torch.tensor(1.0),
                f"{LAYER}.comfy_quant": described({"format": "float8_e4m3fn"}),
            },
            "is float8_e4m3fn by its description, and stored as F32",
        ),
        (
            {
                f"{LAYER}.weight": torch.zeros(256, 96, dtype=torch.uint8),
                f"{LAYER}.weight_scale": torch.tensor(1.0),
            },
            "stored as U8; nothing says how it is quantized",
        ),
        (
            {
                "layers.9.none.comfy_quant": described({"format": "float8_e4m3fn"}),
                "layers.9.none.weight_scale": torch.tensor(1.0),
            },
            "has a scale for layers.9.none and no weight",
        ),
        (
            {f"{LAYER}.comfy_quant": described({"format": "float8_e4m3fn", "twist": 3})},
            "with twist, which is unknown",
        ),
        ({f"{LAYER}.comfy_quant": torch.zeros(3, dtype=torch.uint8)}, "is not JSON"),
        ({f"{LAYER}.comfy_quant": described([])}, "does not say how"),
        ({f"{LAYER}.weight_scale": torch.tensor(1.0)}, "has a scale, and is stored as F32"),
        ({f"{LAYER}.weight_scale_2": torch.tensor(1.0)}, "nvfp4"),
        ({"layers.9.nothing.weight_scale": torch.tensor(1.0)}, "and no weight"),
        ({f"{LAYER}.weight": torch.zeros(256, 96, dtype=torch.int8)}, "I8 without a scale"),
        (
            {"scaled_fp8": torch.empty(0), f"{LAYER}.weight": torch.zeros(256, 96).to(E4M3)},
            "marked as scaled_fp8, and 1 of its weights have no scale",
        ),
        ({f"{LAYER}.qweight": torch.zeros(1)}, "AWQ or GPTQ"),
        ({f"{LAYER}.wscales": torch.zeros(1)}, "nunchaku"),
        ({f"{LAYER}.weight.absmax": torch.zeros(1)}, "bitsandbytes"),
        ({f"{LAYER}.weight.quant_state.bitsandbytes__nf4": torch.zeros(1)}, "bitsandbytes"),
        ({f"{LAYER}.svd_up": torch.zeros(1)}, "SDNQ"),
        ({f"{LAYER}.weight._data": torch.zeros(1)}, "quanto"),
        (
            {
                f"{LAYER}.weight": torch.zeros(256, 96).to(E4M3),
                f"{LAYER}.weight_scale": torch.zeros(2),
            },
            "has the shape [256, 96], and its scale [2]",
        ),
        (
            {
                f"{LAYER}.weight": torch.zeros(256, 96).to(E4M3),
                f"{LAYER}.weight_scale": torch.tensor(float("nan")),
            },
            "a scale that is not a positive number",
        ),
        (
            {
                f"{LAYER}.weight": torch.zeros(256, 96).to(E4M3),
                f"{LAYER}.weight_scale": torch.zeros(256, 3, dtype=torch.uint8),
            },
            "mxfp8",
        ),
        (
            {
                f"{LAYER}.weight": torch.zeros(256, 96).to(E4M3),
                f"{LAYER}.weight_scale": torch.tensor(1.0),
                f"{LAYER}.scale_weight": torch.tensor(1.0),
            },
            "has two scales",
        ),
    ],
)
def test_what_cannot_be_dequantized(
    added: Tensors, words: str, model: TinyModel, tmp_path: Path
) -> None:
    """A format that cannot be read is refused by its name, and half of one too."""
    comfy(model, tmp_path)
    write(tmp_path / TRANSFORMER, comfy_transformer(model.transformer) | added)
    reason = refusal(tmp_path)
    assert words in reason and "z_image_turbo.safetensors" in reason


def gguf_file(
    path: Path, tensors: Tensors, kind: str, *, architecture: str | None = "lumina2", **keys: Any
) -> Tensors:
    """Write a GGUF file with the large matrices in blocks; return what it stands for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(str(path), architecture or "none", use_temp_file=False)
    for key, value in keys.items():
        name = key.replace("__", ".")
        if isinstance(value, list):
            writer.add_array(name, value)
        elif isinstance(value, str):
            writer.add_string(name, value)
        elif isinstance(value, float):
            writer.add_float32(name, value)
        else:
            writer.add_uint32(name, value)
    quantization = gguf.GGMLQuantizationType[kind]
    meant: Tensors = {}
    large = {key for key, value in tensors.items() if value.ndim == 2 and value.shape[0] > 1}
    for key, value in tensors.items():
        array = value.numpy()
        if key in large and kind not in ("F32",):
            blocks = gguf.quantize(array, quantization)
            writer.add_tensor(key, blocks, raw_dtype=quantization)
            whole = gguf.dequantize(blocks, quantization)
            meant[key] = torch.from_numpy(np.ascontiguousarray(whole, dtype=np.float32))
        else:
            writer.add_tensor(key, np.ascontiguousarray(array))
            meant[key] = value
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return meant


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_a_gguf_transformer(kind: str, prefix: str, model: TinyModel, tmp_path: Path) -> None:
    """Blocks become the numbers of gguf's own dequantization."""
    comfy(model, tmp_path)
    (tmp_path / TRANSFORMER).unlink()
    tensors = prefixed(comfy_transformer(model.transformer), prefix)
    made = gguf_file(tmp_path / "diffusion_models" / f"z-image-{kind}.gguf", tensors, kind)
    bare = {key.removeprefix(prefix): value for key, value in made.items()}
    check(load(tmp_path), model, transformer=meant(bare))


@pytest.mark.parametrize(
    "kind", ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "TQ1_0"]
)
def test_gguf_blocks_that_its_package_only_reads(
    kind: str, model: TinyModel, tmp_path: Path
) -> None:
    """Formats with blocks of 256 values are read with gguf's numbers as well."""
    quantization = gguf.GGMLQuantizationType[kind]
    values, size = gguf.GGML_QUANT_SIZES[quantization]
    random = np.random.default_rng(5)
    key = "layers.0.feed_forward.w2.weight"
    shape = comfy_transformer(model.transformer)[key].shape
    # Bytes below 0x40 make no half-precision scale infinite.
    blocks = random.integers(0, 0x40, (shape[0], shape[1] // values * size), dtype=np.uint8)
    tensors = comfy_transformer(model.transformer)
    comfy(model, tmp_path)
    (tmp_path / TRANSFORMER).unlink()
    path = tmp_path / "diffusion_models" / "z.gguf"
    writer = gguf.GGUFWriter(str(path), "lumina2")
    for name, value in tensors.items():
        if name == key:
            writer.add_tensor(name, blocks, raw_dtype=quantization)
        else:
            writer.add_tensor(name, value.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensors[key] = torch.from_numpy(gguf.dequantize(blocks, quantization))
    check(load(tmp_path), model, transformer=meant(tensors))


def encoder_keys(model: TinyModel, **changed: Any) -> dict[str, Any]:
    """The keys of llama.cpp's converter, tokenizer included."""
    table = json.loads((model.folder / "tokenizer" / "tokenizer.json").read_text())
    vocabulary: dict[str, int] = dict(table["model"]["vocab"])
    special = {entry["content"]: entry["id"] for entry in table["added_tokens"]}
    tokens = sorted((vocabulary | special).items(), key=lambda one: one[1])
    keys: dict[str, Any] = {
        "qwen3__block_count": 3,
        "qwen3__rope__freq_base": 1_000_000.0,
        "qwen3__attention__layer_norm_rms_epsilon": 1e-6,
        "tokenizer__ggml__model": "gpt2",
        "tokenizer__ggml__pre": "qwen2",
        "tokenizer__ggml__tokens": [token for token, _ in tokens],
        "tokenizer__ggml__token_type": [3 if token in special else 1 for token, _ in tokens],
        "tokenizer__ggml__merges": [],
        "tokenizer__ggml__eos_token_id": special["<|im_end|>"],
        "tokenizer__ggml__padding_token_id": special["<|endoftext|>"],
        "tokenizer__chat_template": (
            model.folder / "tokenizer" / "chat_template.jinja"
        ).read_text(),
    }
    keys |= changed
    return {key: value for key, value in keys.items() if value is not None}


def with_gguf_encoder(model: TinyModel, folder: Path, kind: str, **changed: Any) -> Tensors:
    comfy(model, folder)
    (folder / ENCODER).unlink()
    path = folder / "text_encoders" / f"qwen3-{kind}.gguf"
    made = gguf_file(
        path,
        llama_cpp(model.text_encoder),
        kind,
        architecture="qwen3",
        **encoder_keys(model, **changed),
    )
    back = {theirs: ours for ours, theirs in zip(model.text_encoder, made, strict=True)}
    return {back[name]: value for name, value in made.items()}


@pytest.mark.parametrize("kind", ["F32", "F16", "Q8_0"])
def test_a_gguf_encoder(kind: str, model: TinyModel, tmp_path: Path) -> None:
    """llama.cpp's text encoder loads, with what its header says."""
    made = with_gguf_encoder(model, tmp_path, kind, tokenizer__ggml__merges=[])
    check(load(tmp_path), model, text_encoder=made)
