"""LoRAs of SDXL: the U-Net with its convolutions and both text encoders, in every dialect."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from engine.diffusion.clip import ClipPair
from engine.diffusion.families.sdxl_layers import ENCODERS, UNET
from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.configured import targets_of
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Group, Targets
from engine.diffusion.offloaded_weights import end_stream, stream
from engine.errors import LoraUnusable
from engine.settings import EngineSettings
from tests.engine.diffusion.lora import writing, writing_sdxl
from tests.engine.diffusion.lora.test_adapters import is_untouched, near, state
from tests.engine.diffusion.lora.test_refusals import pair
from tests.engine.diffusion.lora.writing import DIALECTS as DIALECTS_OF_Z_IMAGE
from tests.engine.diffusion.lora.writing import Factors, Tensors, save
from tests.engine.diffusion.lora.writing_sdxl import DIALECTS
from tests.engine.diffusion.tiny_sdxl import build_tiny_sdxl

CPU = torch.device("cpu")
ELSEWHERE = torch.device("cpu", 0)
"""Another name of the same memory, to which tensors are really copied."""
NORMS = (
    "mid_block.resnets.0.norm1",
    "conv_norm_out",
    f"{writing_sdxl.ATTENTION}.norm2",
    "text_encoder.encoder.layers.0.layer_norm1",
)
ALL = (*writing_sdxl.UNET, *writing_sdxl.CONVOLUTIONS, *writing_sdxl.ENCODERS)


def shelf_of(folder: Path) -> LoraShelf:
    return LoraShelf(folder, writing_sdxl.tiny_targets())


def reason_against(folder: Path, tensors: Tensors) -> str | None:
    """Return why a file with these tensors is refused; None for one that can be used."""
    save(folder / "it.safetensors", tensors)
    (info,) = shelf_of(folder).listing()
    return None if info.problem is None else info.problem.reason


def agrees(
    folder: Path,
    tensors: Tensors,
    factors: Factors,
    weight: float = 1.0,
    metadata: dict[str, str] | None = None,
) -> None:
    """Check that a file does to U-Net and encoders what the factors say, and nothing afterwards."""
    save(folder / "it.safetensors", tensors, metadata)
    unet, encoders = writing_sdxl.tiny_model()
    adapters = Adapters(shelf_of(folder), CPU, torch.float32)
    wanted = writing_sdxl.merged(unet, encoders, factors, weight)
    of_encoders = sum(name.startswith("text_encoder") for name in factors)
    for model, merged, answer, parts in (
        (unet, wanted[0], writing_sdxl.answer, len(factors) - of_encoders),
        (encoders, wanted[1], writing_sdxl.read, of_encoders),
    ):
        before, weights = answer(model), state(model)
        with adapters.applied(model, {"it": weight}, encoders=model is encoders) as applied:
            got = answer(model)
        assert applied.parts == {"it": parts}
        if parts:
            assert near(got, answer(merged), before, 1e-4)
        else:
            assert torch.equal(got, before)
        assert is_untouched(model, weights)
        assert torch.equal(answer(model), before)


def test_sdxl_as_published() -> None:
    """The list without a model is that of the classes at their published sizes."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(
            sample_size=128,
            attention_head_dim=(5, 10, 20),  # pyright: ignore[reportArgumentType]
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            **UNET,
        )
        first = CLIPTextModel(CLIPTextConfig(num_attention_heads=12, **ENCODERS["text_encoder"]))
        second = CLIPTextModelWithProjection(
            CLIPTextConfig(num_attention_heads=20, **ENCODERS["text_encoder_2"])
        )
    assert Targets.of(unet, ClipPair(first, second, zeros=True)) == Targets.sdxl()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("alpha", [None, 3.0])
def test_low_rank(dialect: str, alpha: float | None, tmp_path: Path) -> None:
    """A LoRA acts as W + alpha/rank · B A, whoever wrote it, in convolutions and encoders too."""
    factors = writing_sdxl.low_rank(ALL, alpha=alpha)
    agrees(tmp_path, DIALECTS[dialect](factors), factors, weight=0.8)


def test_processors_of_attention(tmp_path: Path) -> None:
    """What diffusers wrote first is read, for the U-Net alone."""
    factors = writing_sdxl.low_rank(writing_sdxl.UNET[:3])
    agrees(tmp_path, writing_sdxl.PROCESSORS(factors), factors)


@pytest.mark.parametrize(
    "factors",
    [
        writing_sdxl.hadamard(ALL, alpha=2.0),
        writing_sdxl.kronecker(ALL),
        writing_sdxl.low_rank(ALL, decomposed="rows"),
        writing_sdxl.low_rank(ALL, alpha=1.0, decomposed="columns"),
    ],
    ids=["LoHa", "LoKr", "DoRA by rows", "DoRA by columns"],
)
def test_other_methods(factors: Factors, tmp_path: Path) -> None:
    """LyCORIS' methods act as they are defined, with the kernel among the columns."""
    agrees(tmp_path, DIALECTS["kohya"](factors), factors, weight=0.7)


def test_differences(tmp_path: Path) -> None:
    """Differences of layers, convolutions, norms and biases are added as they are."""
    layers = (*writing_sdxl.CONVOLUTIONS[:4], *writing_sdxl.UNET[:3], *writing_sdxl.ENCODERS[:2])
    factors = writing_sdxl.differences((*layers, *NORMS))
    tensors = DIALECTS["kohya"]({name: factors[name] for name in layers})
    norms = DIALECTS["kohya"]({name: factors[name] for name in NORMS})
    for name, tensor in norms.items():  # as LyCORIS calls those of norms
        tensors[name.replace("diff_b", "b_norm").replace("diff", "w_norm")] = tensor
    agrees(tmp_path, tensors, factors, weight=0.8)


def test_streamed_in_bfloat16(tmp_path: Path) -> None:
    """Where blocks or leaves pass through the device, it acts as where all of them are there; a
    high rank and alpha keep to what they do in float32."""
    factors = writing_sdxl.low_rank(ALL, rank=64, alpha=16.0)
    save(tmp_path / "it.safetensors", DIALECTS["kohya"](factors))
    exact, _ = writing_sdxl.tiny_model()
    unet, encoders = writing_sdxl.tiny_model(torch.bfloat16)
    adapters = Adapters(shelf_of(tmp_path), ELSEWHERE, torch.bfloat16)
    for model, answer in ((unet, writing_sdxl.answer), (encoders, writing_sdxl.read)):
        before = answer(model)
        with adapters.applied(model, {"it": 1.0}, encoders=model is encoders):
            wanted = answer(model)
        for leaves in (False, True):
            stream(model, ELSEWHERE, leaves=leaves, pinned=False)
            with adapters.applied(model, {"it": 1.0}, encoders=model is encoders):
                assert torch.equal(answer(model), wanted)
            assert torch.equal(answer(model), before)
            end_stream(model)
    with_it, _ = writing_sdxl.merged(exact, encoders, factors)
    with adapters.applied(unet, {"it": 1.0}):
        got = writing_sdxl.answer(unet)
    assert near(got, writing_sdxl.answer(with_it), writing_sdxl.answer(exact), 0.1)
    assert not is_adapted(unet) and not is_adapted(encoders)


def is_adapted(model: torch.nn.Module) -> bool:
    return any(type(part).__name__.startswith("Adapted") for part in model.modules())


def test_alpha_of_each_component(tmp_path: Path) -> None:
    """What diffusers saves in the metadata scales U-Net and encoders, each by its own."""
    factors = writing_sdxl.low_rank(ALL)
    alphas = {"unet": 1, "text_encoder": 3, "text_encoder_2": 5}
    own = {f"{name}.{key}": value for name, value in alphas.items() for key in ("lora_alpha",)}
    said = {"lora_adapter_metadata": json.dumps(own | {f"{name}.r": 2 for name in alphas})}
    tensors = DIALECTS["PEFT, diffusers"](factors)
    for name, each in factors.items():
        alpha = alphas.get(name.partition(".")[0], alphas["unet"])
        each["alpha"] = torch.tensor(float(alpha))
    agrees(tmp_path, tensors, factors, metadata=said)


@pytest.mark.parametrize(
    "name",
    ["sdxl_lightning_4step_lora", "Hyper-SDXL-8steps-lora", "sd_xl_turbo_lora_v1", "lcm-lora-sdxl"],
)
def test_few_step_loras(name: str, tmp_path: Path) -> None:
    """What distils SDXL once more is refused by its name; the owner can say that it does not."""
    for each in (name, "lightning bolts", "ink 2000 steps", "turbo racers"):
        save(tmp_path / f"{each}.safetensors", DIALECTS["kohya"](writing_sdxl.low_rank(ALL)))
    problems = {each.name: each.problem for each in shelf_of(tmp_path).listing()}
    refused = problems.pop(name)
    assert refused is not None and "distilled already" in refused.reason
    assert set(problems.values()) == {None}
    (tmp_path / f"{name}.toml").write_text("training_adapter = false")
    assert all(each.problem is None for each in shelf_of(tmp_path).listing())


OTHERS: dict[str, tuple[Tensors, str]] = {
    "Z-Image": (
        DIALECTS_OF_Z_IMAGE["ai-toolkit"](writing.low_rank()),
        "it was made for Z-Image, and this model is of SDXL's family",
    ),
    "Flux with CLIP": (
        pair("lora_unet_double_blocks_0_img_attn_qkv", 9216, 3072)
        | pair("lora_te1_text_model_encoder_layers_0_mlp_fc1", 32, 16),
        "it was made for Flux, and this model is of SDXL's family",
    ),
    "Stable Diffusion 1.5": (
        pair("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 320, 768)
        | pair("lora_te_text_model_encoder_layers_0_mlp_fc1", 3072, 768),
        "it was made for Stable Diffusion 1.5, and this model is of SDXL's family",
    ),
    "Stable Diffusion 2": (
        pair("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_v", 320, 1024),
        "it was made for Stable Diffusion 2, and this model is of SDXL's family",
    ),
    "the refiner": (
        pair("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", 768, 1280),
        "it was made for SDXL's refiner, and this model is of SDXL's family",
    ),
    "one text encoder": (
        pair("lora_te_text_model_encoder_layers_0_mlp_fc1", 32, 16),
        "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight adapts "
        "lora_te_text_model_encoder_layers_0_mlp_fc1, which this model does not have",
    ),
    "more levels": (
        pair("lora_unet_down_blocks_3_resnets_0_time_emb_proj", 16, 32),
        "lora_unet_down_blocks_3_resnets_0_time_emb_proj.lora_down.weight adapts "
        "down_blocks_3_resnets_0_time_emb_proj, which this model does not have",
    ),
    "other sizes": (
        pair("unet.down_blocks.1.attentions.0.proj_in", 16, 24),
        "unet.down_blocks.1.attentions.0.proj_in.lora_down.weight is 8×24, "
        "but down_blocks.1.attentions.0.proj_in needs 8×16",
    ),
    "another kernel": (
        {
            "unet.conv_in.lora_down.weight": torch.zeros(2, 4, 5, 5),
            "unet.conv_in.lora_up.weight": torch.zeros(8, 2, 1, 1),
        },
        "unet.conv_in.lora_down.weight is 2×4×5×5, not a matrix",
    ),
    "the model itself": (
        {"model.diffusion_model.input_blocks.0.0.weight": torch.zeros(8, 4, 3, 3)},
        "model.diffusion_model.input_blocks.0.0.weight is a weight itself: "
        "this is a whole model, not a LoRA",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_what_does_not_fit(case: str, tmp_path: Path) -> None:
    """A LoRA of another model is refused by its name, and one of other parts by the tensor."""
    tensors, reason = OTHERS[case]
    assert reason_against(tmp_path, tensors) == reason
    with pytest.raises(LoraUnusable):
        Adapters(shelf_of(tmp_path), CPU, torch.float32).load({"it": 1.0})


def test_what_is_listed(tmp_path: Path) -> None:
    """People see which base it is for, and what it changes."""
    save(tmp_path / "it.safetensors", DIALECTS["kohya"](writing_sdxl.low_rank(ALL)))
    save(tmp_path / "plain.safetensors", DIALECTS["ComfyUI"](writing_sdxl.low_rank(ALL[:2])))
    both, plain = shelf_of(tmp_path).listing()
    assert both.family == plain.family == "SDXL"
    assert dict(both.groups) == {
        Group.CONVOLUTIONS: 6,
        Group.TEXT_ENCODERS: 5,
        Group.ATTENTION: 4,
        Group.FEED_FORWARD: 1,
        Group.MODULATION: 1,
    }


def test_the_listed_parts_are_those_of_the_model(tmp_path: Path) -> None:
    """Without a model in memory its configuration tells the parts; without one, the family."""
    folder = build_tiny_sdxl(tmp_path)
    settings = EngineSettings(model=str(folder))
    assert targets_of(settings) == writing_sdxl.tiny_targets()
    assert targets_of(EngineSettings(model="owner/x", family="sdxl-lcm")) == Targets.sdxl()
    config = folder / "unet" / "config.json"
    config.write_text(config.read_text().replace('"layers_per_block": 1', '"layers_per_block": []'))
    assert targets_of(settings) == Targets.sdxl()
