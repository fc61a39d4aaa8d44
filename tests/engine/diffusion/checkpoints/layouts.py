"""A tiny model of Z-Image's architecture, and the layouts in which programs write it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
from diffusers.pipelines.z_image.pipeline_z_image import ZImagePipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
    FlowMatchEulerDiscreteScheduler,
)
from safetensors.torch import save_file
from transformers import Qwen3Config, Qwen3Model

from tests.engine.diffusion.tiny import _tokenizer

Tensors = dict[str, torch.Tensor]

TRANSFORMER = "transformer/diffusion_pytorch_model.safetensors"
TEXT_ENCODER = "text_encoder/model.safetensors"
VAE = "vae/diffusion_pytorch_model.safetensors"
WIDTH, HEAD, CAPTION = 96, 16, 32


@dataclass(frozen=True)
class TinyModel:
    """The tensors of its components by the model's own names, in float32; and its folder."""

    transformer: Tensors
    text_encoder: Tensors
    vae: Tensors
    folder: Path

    def parts(self) -> dict[str, Tensors]:
        return {
            "transformer": dict(self.transformer),
            "text_encoder": dict(self.text_encoder),
            "vae": dict(self.vae),
        }


def build(folder: Path) -> TinyModel:
    """Write the model in diffusers' format; its rows are whole blocks of GGUF's formats."""
    torch.manual_seed(11)
    tokenizer: Any = _tokenizer("")
    blocks = 4
    parts: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * blocks,
        "up_block_types": ("UpDecoderBlock2D",) * blocks,
        "block_out_channels": (32,) * (blocks - 1) + (64,),
    }
    pipeline = ZImagePipeline(
        tokenizer=tokenizer,
        text_encoder=Qwen3Model(
            Qwen3Config(
                vocab_size=len(tokenizer),
                hidden_size=CAPTION,
                intermediate_size=64,
                num_hidden_layers=3,
                num_attention_heads=4,
                num_key_value_heads=2,
                head_dim=8,
                rms_norm_eps=1e-6,
                tie_word_embeddings=True,
                max_position_embeddings=40_960,
                rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},
            )
        ),
        transformer=ZImageTransformer2DModel(
            in_channels=16,
            dim=WIDTH,
            n_layers=3,
            n_refiner_layers=2,
            n_heads=WIDTH // HEAD,
            n_kv_heads=WIDTH // HEAD,
            cap_feat_dim=CAPTION,
            axes_dims=[4, 6, 6],
            axes_lens=[1536, 512, 512],
        ),
        vae=AutoencoderKL(
            **parts,
            layers_per_block=1,
            latent_channels=16,
            norm_num_groups=32,
            sample_size=1024,
            scaling_factor=0.3611,
            shift_factor=0.1159,
            use_quant_conv=False,
            use_post_quant_conv=False,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=3.0),
    )
    with torch.no_grad():  # norms are ones otherwise, and a mix-up would not show
        for part in (pipeline.transformer, pipeline.text_encoder, pipeline.vae):
            for parameter in part.parameters():
                if parameter.ndim < 2 or parameter.shape[0] == 1:
                    parameter.normal_(1.0, 0.1)
    pipeline.save_pretrained(folder)

    def tensors(part: Any) -> Tensors:
        return {key: value.detach().clone() for key, value in part.state_dict().items()}

    return TinyModel(
        tensors(pipeline.transformer), tensors(pipeline.text_encoder), tensors(pipeline.vae), folder
    )


def write(path: Path, tensors: Mapping[str, torch.Tensor], **metadata: str) -> Path:
    """Write a safetensors file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {key: value.contiguous().clone() for key, value in tensors.items()}
    save_file(whole, path, {"format": "pt"} | metadata)
    return path


def prefixed(tensors: Mapping[str, torch.Tensor], prefix: str) -> Tensors:
    return {prefix + key: value for key, value in tensors.items()}


def comfy_transformer(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """The transformer as ComfyUI names it: query, key and value in one matrix."""
    found: Tensors = {}
    for key, value in tensors.items():
        if ".attention.to_q." in key:
            fused = [value] + [tensors[key.replace("to_q", name)] for name in ("to_k", "to_v")]
            found[key.replace("to_q", "qkv")] = torch.cat(fused)
        elif ".attention.to_k." not in key and ".attention.to_v." not in key:
            for ours, theirs in (
                ("attention.to_out.0", "attention.out"),
                ("attention.norm_q", "attention.q_norm"),
                ("attention.norm_k", "attention.k_norm"),
                ("all_x_embedder.2-1", "x_embedder"),
                ("all_final_layer.2-1", "final_layer"),
            ):
                key = key.replace(ours, theirs)
            found[key] = value
    return found


def ldm_vae(tensors: Mapping[str, torch.Tensor], blocks: int = 4) -> Tensors:
    """The autoencoder as latent diffusion names it."""
    found: Tensors = {}
    for key, value in tensors.items():
        half, _, rest = key.partition(".")
        parts = rest.split(".")
        if parts[0] in ("down_blocks", "up_blocks"):
            down = parts[0] == "down_blocks"
            at = int(parts[1]) if down else blocks - 1 - int(parts[1])
            side = "down" if down else "up"
            if parts[2] == "resnets":
                layer = ".".join(parts[4:]).replace("conv_shortcut", "nin_shortcut")
                name = f"{half}.{side}.{at}.block.{parts[3]}.{layer}"
            else:
                name = f"{half}.{side}.{at}.{side}sample.conv.{parts[-1]}"
        elif parts[0] == "mid_block" and parts[1] == "resnets":
            name = f"{half}.mid.block_{int(parts[2]) + 1}.{'.'.join(parts[3:])}"
        elif parts[0] == "mid_block":
            layer = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v"}.get(
                parts[3], "proj_out"
            )
            name = f"{half}.mid.attn_1.{layer}.{parts[-1]}"
            if layer != "norm" and parts[-1] == "weight":
                value = value[:, :, None, None]
        else:
            name = f"{half}.{rest.replace('conv_norm_out', 'norm_out')}"
        found[name] = value
    return found


def llama_cpp(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """The text encoder as llama.cpp's converter names it."""
    names = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "self_attn.q_norm": "attn_q_norm",
        "self_attn.k_norm": "attn_k_norm",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    found: Tensors = {}
    for key, value in tensors.items():
        for ours, theirs in names.items():
            key = key.replace(f".{ours}.", f".{theirs}.")
        key = key.replace("layers.", "blk.").replace("embed_tokens", "token_embd")
        found["output_norm.weight" if key == "norm.weight" else key] = value
    return found


def shard(folder: Path, stem: str, tensors: Tensors, count: int, *, index: bool) -> None:
    """Write tensors in parts, with or without the index that says which is where."""
    names = sorted(tensors)
    size = -(-len(names) // count)
    where: dict[str, str] = {}
    for number in range(count):
        part = names[number * size : (number + 1) * size]
        file = f"{stem}-{number + 1:05}-of-{count:05}.safetensors"
        write(folder / file, {name: tensors[name] for name in part})
        where |= dict.fromkeys(part, file)
    if index:
        text = json.dumps({"metadata": {}, "weight_map": where})
        (folder / f"{stem}.safetensors.index.json").write_text(text)


@dataclass(frozen=True)
class Quantized:
    """Tensors of a file, and what they stand for."""

    stored: Tensors
    meant: Tensors


def matrices(tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """The large matrices of blocks, which programs quantize."""
    return [
        key
        for key, value in tensors.items()
        if value.ndim == 2 and "layers." in key and "adaLN" not in key and key.endswith(".weight")
    ]


def scaled(
    tensors: Mapping[str, torch.Tensor],
    *,
    dtype: torch.dtype = torch.float8_e4m3fn,
    names: tuple[str, str | None] = ("weight_scale", "input_scale"),
    shape: Callable[[torch.Tensor], torch.Tensor] = lambda scale: scale,
    rows: bool = False,
    only: Iterable[str] | None = None,
) -> Quantized:
    """Divide each large matrix by a scale and store it in eight bits.

    names: of the scales of weight and activations. rows: a scale for each row. only: these layers.
    """
    largest = 127.0 if dtype is torch.int8 else torch.finfo(dtype).max
    stored, meant = dict(tensors), dict(tensors)
    for key in matrices(tensors) if only is None else only:
        value, layer = tensors[key], key.removesuffix(".weight")
        reach = value.abs().amax(dim=1, keepdim=True) if rows else value.abs().max()
        scale = (reach / largest).float()
        steps = value / scale
        stored[key] = (steps.round() if dtype is torch.int8 else steps).to(dtype)
        stored[f"{layer}.{names[0]}"] = shape(scale)
        if names[1] is not None:
            stored[f"{layer}.{names[1]}"] = torch.tensor(0.5)
        meant[key] = stored[key].float() * scale
    return Quantized(stored, meant)


def described(layer_format: Any) -> torch.Tensor:
    """What ComfyUI stores beside a layer to say how it is quantized."""
    return torch.tensor(list(json.dumps(layer_format).encode()), dtype=torch.uint8)
