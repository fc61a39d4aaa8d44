"""Recognise files of other models by the names of their tensors, to refuse them by their name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from engine.diffusion.checkpoints.stored import Stored

_CROSS_ATTENTION = re.compile(r"attn2\.to_k\.weight$")
_SD1_CONTEXT, _SD2_CONTEXT = 768, 1024

_TABLE: tuple[tuple[str, str], ...] = (
    ("a LoRA", r"(?:^|\.|_)(?:lora_[ab]|lora_down|lora_up|lora\.(?:down|up))\b.*weight$"),
    ("a LoRA", r"\.(?:hada_w1_a|lokr_w1(?:_a)?|oft_blocks|lora_magnitude_vector|dora_scale)$"),
    ("Z-Image-Omni", r"(?:^|\.)siglip_(?:embedder|refiner|pad_token)"),
    ("a ControlNet for Z-Image", r"(?:^|\.)control_(?:layers|noise_refiner|all_x_embedder)\."),
    ("Flux.2", r"double_stream_modulation_(?:img|txt)\."),
    ("Flux.3", r"(?:^|\.)txt_mode_blocks\.\d+\."),
    ("Krea 2", r"(?:^|\.)text_fusion\.projector\."),
    ("Bria Fibo", r"(?:^|\.)perceiver\.layers\.\d+\."),
    ("Chroma", r"distilled_guidance_layer\."),
    ("HunyuanVideo", r"txt_in\.individual_token_refiner\.|context_embedder\.token_refiner\."),
    ("Flux", r"(?:^|\.)double_blocks\.\d+\.img_attn\.qkv\."),
    ("Flux", r"(?:^|\.)single_transformer_blocks\.\d+\.proj_mlp\."),
    ("Qwen-Image", r"transformer_blocks\.\d+\.img_mod\.1\."),
    ("Qwen-Image 2.1", r"transformer_blocks\.\d+\.img_mlp\.gate_layer\."),
    ("JoyImage", r"(?:^|\.)double_blocks\.\d+\.attn\.img_attn_qkv\."),
    ("GLM-Image", r"(?:^|\.)glyph_projector\."),
    ("CogView", r"(?:^|\.)time_condition_embed\.condition_embedder\."),
    ("CogVideoX", r"(?:^|\.)patch_embed\.text_proj\."),
    ("Kandinsky", r"(?:^|\.)(?:visual|audio)_transformer_blocks\.\d+\.|add_time_condition\."),
    ("Mochi", r"(?:^|\.)time_embed\.pooler\."),
    ("Ideogram", r"(?:^|\.)embed_image_indicator\b"),
    ("ERNIE-Image", r"(?:^|\.)layers\.\d+\.adaLN_sa_ln\."),
    ("PRX", r"(?:^|\.)blocks\.\d+\.attention\.img_qkv_proj\."),
    ("HunyuanDiT", r"(?:^|\.)blocks\.\d+\.skip_linear\.|text_embedding_padding$"),
    ("Amused", r"(?:^|\.)mlm_layer\."),
    ("HiDream", r"double_stream_blocks\.\d+\."),
    ("AuraFlow", r"(?:^|\.)double_layers\.\d+\.|joint_transformer_blocks\.\d+\."),
    ("Stable Diffusion 3", r"(?:^|\.)joint_blocks\.\d+\."),
    ("Stable Diffusion 3", r"transformer_blocks\.\d+\.attn\.add_q_proj\."),
    ("LTX-Video", r"(?:^|\.)patchify_proj\."),
    ("PixArt", r"(?:^|\.)adaln_single\.|t_block\.1\.weight$"),
    ("Sana", r"(?:^|\.)caption_norm\.weight$"),
    ("Wan", r"(?:^|\.)blocks\.\d+\.(?:self_attn|cross_attn|attn2)\.norm_q\."),
    ("LTX-Video", r"transformer_blocks\.\d+\.scale_shift_table"),
    ("Cosmos", r"(?:^|\.)blocks\.\d+\.(?:adaln_modulation_self_attn|adaLN_modulation_cross_attn)"),
    ("OmniGen2", r"(?:^|\.)ref_image_refiner\."),
    ("SDXL", r"(?:^|\.)label_emb\.0\.0\.|add_embedding\.linear_1\.|conditioner\.embedders\.1\."),
    ("Stable Cascade", r"(?:^|\.)clip_txt_pooled_mapper\."),
    ("CLIP", r"(?:^|\.)text_model\.(?:embeddings|encoder\.layers)\."),
    ("T5", r"\.SelfAttention\.q\.weight$|^enc\.blk\.0\.attn_q\.weight$"),
    ("Qwen-VL", r"(?:^|\.)visual\.blocks\.\d+\.|^v\.blk\.\d+\."),
    ("Qwen2.5", r"self_attn\.q_proj\.bias$|^blk\.\d+\.attn_q\.bias$"),
    ("Gemma", r"pre_feedforward_layernorm\.weight$|^blk\.\d+\.post_ffw_norm\.weight$"),
    ("Qwen-Image or Wan (its autoencoder)", r"(?:^|\.)decoder\.middle\.0\.residual\."),
    ("Lumina 2", r"time_caption_embed\.caption_embedder\."),
)
_PATTERNS = tuple((model, re.compile(pattern, re.IGNORECASE)) for model, pattern in _TABLE)
_UNET = re.compile(r"(?:^|\.)(?:input_blocks\.0\.0\.|down_blocks\.0\.attentions\.0\.)")
_LUMINA = re.compile(r"(?:^|\.)final_layer\.adaLN_modulation\.1\.weight$")
_Z_IMAGE = re.compile(r"(?:^|\.)x_pad_token$")


def other_model(tensors: Mapping[str, Stored]) -> str | None:
    """Return the name of the model that a file belongs to; None if it is none that is known here.

    A file of Z-Image's own components gives None.
    """
    names: Collection[str] = tensors.keys()
    for model, pattern in _PATTERNS:
        if any(pattern.search(name) for name in names):
            return model
    if any(_UNET.search(name) for name in names):
        return _stable_diffusion(tensors)
    refined = any("noise_refiner.0." in name for name in names)
    if refined and any(_LUMINA.search(name) for name in names):
        # The same architecture but for the tokens that fill up, which Lumina 2 does without.
        return None if any(_Z_IMAGE.search(name) for name in names) else "Lumina 2"
    return None


def _stable_diffusion(tensors: Mapping[str, Stored]) -> str:
    contexts = {
        stored.shape[1]
        for name, stored in tensors.items()
        if _CROSS_ATTENTION.search(name) and len(stored.shape) == 2
    }
    if contexts == {_SD1_CONTEXT}:
        return "Stable Diffusion 1.5"
    if contexts == {_SD2_CONTEXT}:
        return "Stable Diffusion 2"
    return "a model with a U-Net (Stable Diffusion or SDXL)"
