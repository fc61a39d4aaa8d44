"""The list of a model's parts, and the names that stand for them."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel

from engine.diffusion.footprint import Weights
from engine.diffusion.lora.dialects import target_of
from engine.diffusion.lora.targets import Group, Targets, group_of
from engine.diffusion.quantized import quantize
from tests.engine.diffusion.lora import writing


def test_z_image_as_published() -> None:
    """The list without a model is that of the class at its published size."""
    with torch.device("meta"):
        real = Targets.of(ZImageTransformer2DModel())
    known = Targets.z_image()
    assert dict(known.parts) == dict(real.parts)
    assert known.width == real.width == 3840
    layers = [part for part in known.parts.values() if not part.is_norm]
    assert len(layers) == 276


def test_quantized_weights_have_the_same_parts() -> None:
    """A quantized model is adapted like any other."""
    transformer = writing.tiny_transformer()
    before = Targets.of(transformer)
    quantize(transformer, Weights.INT8, torch.device("cpu"))
    assert Targets.of(transformer) == before


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("diffusion_model.layers.1.attention.to_q", "layers.1.attention.to_q"),
        ("lora_unet_layers_11_attention_to_out_0", "layers.11.attention.to_out.0"),
        ("lora_unet_layers_11_attention_out", "layers.11.attention.to_out.0"),
        ("lora_unet_all_x_embedder_2-1", "all_x_embedder.2-1"),
        ("diffusion_model.x_embedder", "all_x_embedder.2-1"),
        ("transformer.all_x_embedder.2-1", "all_x_embedder.2-1"),
        (
            "diffusion_model.final_layer.adaLN_modulation.1",
            "all_final_layer.2-1.adaLN_modulation.1",
        ),
        ("lycoris_t_embedder_mlp_0", "t_embedder.mlp.0"),
        ("base_model.model.transformer.cap_embedder.1", "cap_embedder.1"),
        ("diffusion_model.layers.3.attention.k_norm", "layers.3.attention.norm_k"),
        ("transformer.layers.3._orig_mod.feed_forward.w2", "layers.3.feed_forward.w2"),
    ],
)
def test_names(name: str, wanted: str) -> None:
    """Each dialect's name of a part leads to it."""
    target = target_of(name, Targets.z_image())
    assert target is not None
    assert [part.name for part in target.parts] == [wanted]


@pytest.mark.parametrize(
    "name",
    [
        "diffusion_model.layers.30.attention.to_q",
        "transformer.layers.1.attention.to_qq",
        "all_all_x_embedder.2-1",
        "lora_unet_layers_1_attention",
        "transformer.layers.1",
        "",
    ],
)
def test_names_of_nothing(name: str) -> None:
    """Near misses are no names."""
    assert target_of(name, Targets.z_image()) is None


def test_fused() -> None:
    """The original implementation's qkv stands for three parts, in this order."""
    target = target_of("lora_unet_layers_2_attention_qkv", Targets.z_image())
    assert target is not None
    assert [(part.name[-4:], start, stop) for part, start, stop in target.rows()] == [
        ("to_q", 0, 3840),
        ("to_k", 3840, 7680),
        ("to_v", 7680, 11520),
    ]


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("layers.0.attention.to_q", Group.ATTENTION),
        ("layers.0.attention.norm_q", Group.NORMS),
        ("layers.0.feed_forward.w1", Group.FEED_FORWARD),
        ("layers.0.adaLN_modulation.0", Group.MODULATION),
        ("noise_refiner.0.attention.to_q", Group.REFINERS),
        ("context_refiner.1.feed_forward.w1", Group.REFINERS),
        ("t_embedder.mlp.0", Group.EMBEDDERS),
        ("all_x_embedder.2-1", Group.EMBEDDERS),
        ("all_final_layer.2-1.adaLN_modulation.1", Group.FINAL_LAYER),
    ],
)
def test_groups(name: str, group: Group) -> None:
    """People are told what a LoRA changes in terms of the model's parts."""
    assert group_of(name) is group
