"""LoRAs of PixArt: its transformer alone, under diffusers' names and under its authors'."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel

from engine.diffusion.footprint import Weights
from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.configured import targets_of
from engine.diffusion.lora.shelf import LoraShelf
from engine.diffusion.lora.targets import Group, Targets
from engine.diffusion.quantized import QuantizedLinear, quantize
from engine.errors import LoraUnusable
from engine.settings import EngineSettings
from tests.engine.diffusion.lora import writing, writing_pixart, writing_sdxl
from tests.engine.diffusion.lora.test_adapters import PLACES, is_untouched, near, state
from tests.engine.diffusion.lora.test_refusals import pair
from tests.engine.diffusion.lora.writing import DIALECTS as DIALECTS_OF_Z_IMAGE
from tests.engine.diffusion.lora.writing import Factors, Tensors, save
from tests.engine.diffusion.lora.writing_pixart import DIALECTS, MODULES
from tests.engine.diffusion.lora.writing_sdxl import DIALECTS as DIALECTS_OF_SDXL
from tests.engine.diffusion.tiny_pixart import build_tiny_pixart

CPU = torch.device("cpu")
WIDTH = 1152


def shelf_of(folder: Path, targets: Targets | None = None) -> LoraShelf:
    return LoraShelf(folder, targets or writing_pixart.tiny_targets())


def agrees(folder: Path, tensors: Tensors, factors: Factors, weight: float = 1.0) -> None:
    """Check that a file does what the factors say, on every module, and nothing afterwards."""
    save(folder / "it.safetensors", tensors)
    transformer = writing_pixart.tiny_transformer()
    before, own = writing_pixart.answer(transformer), state(transformer)
    wanted = writing_pixart.answer(writing_pixart.merged(transformer, factors, weight))
    adapters = Adapters(shelf_of(folder), CPU, torch.float32)
    with adapters.applied(transformer, {"it": weight}) as applied:
        got = writing_pixart.answer(transformer)
    assert applied.parts == {"it": len(factors)}
    assert near(got, wanted, before, 1e-4)
    assert is_untouched(transformer, own)
    assert torch.equal(writing_pixart.answer(transformer), before)


@pytest.mark.parametrize("conditions", [True, False], ids=["alpha", "sigma"])
def test_pixart_as_published(conditions: bool) -> None:
    """The list without a model is that of the class at its published sizes."""
    with torch.device("meta"):
        model = PixArtTransformer2DModel(
            caption_channels=4096, use_additional_conditions=conditions
        )
    assert Targets.of(model) == Targets.pixart({"use_additional_conditions": conditions})
    family = "pixart-alpha" if conditions else "pixart-sigma"
    assert targets_of(EngineSettings(model="owner/x", family=family)) == Targets.of(model)


def test_the_listed_parts_are_those_of_the_model(tmp_path: Path) -> None:
    """Without a model in memory its configuration tells the parts; without one, the family."""
    folder = build_tiny_pixart(tmp_path)
    settings = EngineSettings(model=str(folder))
    assert targets_of(settings) == writing_pixart.tiny_targets()
    config = folder / "transformer" / "config.json"
    config.write_text(config.read_text().replace('"num_layers": 2', '"num_layers": []'))
    assert targets_of(settings) == Targets.pixart()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("alpha", [None, 3.0])
def test_low_rank(dialect: str, alpha: float | None, tmp_path: Path) -> None:
    """A LoRA acts as W + alpha/rank · B A, whoever wrote it, and alpha counts once."""
    factors = writing_pixart.low_rank(alpha=alpha)
    agrees(tmp_path, DIALECTS[dialect](factors), factors, weight=0.8)


def test_a_shared_down_projection(tmp_path: Path) -> None:
    """What was trained on the authors' own matrices has one A for all of their parts."""
    parts = [f"{writing_pixart.BLOCK}.attn2.to_{each}" for each in "kv"]
    factors = writing_pixart.low_rank(tuple(parts))
    key, value = (factors[each] for each in parts)
    value["lora_A"] = key["lora_A"]
    tensors = {
        "diffusion_model.blocks.0.cross_attn.kv_linear.lora_A.weight": key["lora_A"],
        "diffusion_model.blocks.0.cross_attn.kv_linear.lora_B.weight": torch.cat(
            [key["lora_B"], value["lora_B"]]
        ),
    }
    agrees(tmp_path, tensors, factors)


@pytest.mark.parametrize("decomposed", [False, True])
@torch.no_grad()
def test_peft(decomposed: bool, tmp_path: Path) -> None:
    """What PixArt's own training script saves acts as PEFT's layers do, the convolution too."""
    peft: Any = pytest.importorskip("peft")
    transformer = writing_pixart.tiny_transformer()
    wanted_modules = "to_k to_q to_v to_out.0 proj_in proj_out ff.net.0.proj ff.net.2"
    config = peft.LoraConfig(
        r=2,
        target_modules=[*wanted_modules.split(), "proj", "linear", "linear_1", "linear_2"],
        use_dora=decomposed,
    )
    model = peft.get_peft_model(copy.deepcopy(transformer), config)
    torch.manual_seed(3)
    for name, parameter in model.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            parameter.data = torch.randn_like(parameter) / 8
        elif "magnitude" in name:
            parameter.data *= 1 + torch.rand(parameter.shape) / 2
    wanted = writing_pixart.answer(model.base_model.model)
    model.save_pretrained(tmp_path / "peft")
    (tmp_path / "peft" / "adapter_model.safetensors").rename(tmp_path / "it.safetensors")
    (tmp_path / "peft" / "adapter_config.json").rename(tmp_path / "it.json")
    assert json.loads((tmp_path / "it.json").read_text())["lora_alpha"] == 8
    before = writing_pixart.answer(transformer)
    adapters = Adapters(shelf_of(tmp_path), CPU, torch.float32)
    with adapters.applied(transformer, {"it": 1.0}) as applied:
        got = writing_pixart.answer(transformer)
    assert applied.parts == {"it": len(writing_pixart.tiny_targets().parts)}
    assert near(got, wanted, before, 1e-4)


def test_in_eight_bits_and_streamed(tmp_path: Path) -> None:
    """It acts on the weights that 8 bits stand for, wherever they lie, and leaves no trace."""
    factors = writing_pixart.low_rank(alpha=3.0)
    save(tmp_path / "it.safetensors", DIALECTS["OneTrainer"](factors))
    transformer = writing_pixart.tiny_transformer()
    assert quantize(transformer, Weights.INT8, CPU)
    exact = writing_pixart.tiny_transformer()
    for name, part in transformer.named_modules():
        if isinstance(part, QuantizedLinear):
            exact.get_submodule(name).weight.data = part.whole(torch.float32)
    before, own = writing_pixart.answer(transformer), state(transformer)
    wanted = writing_pixart.answer(writing_pixart.merged(exact, factors))
    adapters = Adapters(shelf_of(tmp_path), torch.device("cpu", 0), torch.float32)
    with adapters.applied(transformer, {"it": 1.0}):
        got = writing_pixart.answer(transformer)
    assert near(got, wanted, before, 1e-4)
    for place in PLACES.values():
        with place(transformer):
            with adapters.applied(transformer, {"it": 1.0}):
                assert torch.equal(writing_pixart.answer(transformer), got)
            assert torch.equal(writing_pixart.answer(transformer), before)
        assert is_untouched(transformer, own)


def test_what_is_listed(tmp_path: Path) -> None:
    """People see which base it is for, and what it changes."""
    save(tmp_path / "it.safetensors", DIALECTS["OneTrainer"](writing_pixart.low_rank()))
    (info,) = shelf_of(tmp_path).listing()
    assert info.problem is None and info.family == "PixArt"
    assert dict(info.groups) == {
        Group.ATTENTION: 8,
        Group.EMBEDDERS: 6,
        Group.FEED_FORWARD: 2,
        Group.MODULATION: 1,
        Group.FINAL_LAYER: 1,
    }


BLOCK = "transformer.transformer_blocks.0"
WRONG: dict[str, tuple[Tensors, str]] = {
    "Z-Image": (
        DIALECTS_OF_Z_IMAGE["ai-toolkit"](writing.low_rank()),
        "it was made for Z-Image, and this model is of PixArt's family",
    ),
    "SDXL": (
        DIALECTS_OF_SDXL["kohya"](writing_sdxl.low_rank(writing_sdxl.ENCODERS)),
        "it was made for SDXL, and this model is of PixArt's family",
    ),
    "Sana": (
        pair(f"{BLOCK}.attn1.to_q", WIDTH, WIDTH)
        | pair("transformer.transformer_blocks.0.ff.conv_inverted", 4 * WIDTH, WIDTH),
        "it was made for Sana, and this model is of PixArt's family",
    ),
    "LTX-Video": (
        pair(f"{BLOCK}.attn1.to_q", 2048, 2048),
        "it was made for LTX-Video, and this model is of PixArt's family",
    ),
    "Wan": (
        pair("diffusion_model.blocks.0.cross_attn.k", WIDTH, WIDTH),
        "it was made for Wan, and this model is of PixArt's family",
    ),
    "T5, OneTrainer": (
        pair("lora_te_encoder_block_0_layer_0_SelfAttention_q", 4096, 4096)
        | pair("lora_transformer_transformer_blocks_0_attn1_to_q", WIDTH, WIDTH),
        "it adapts the text encoder (lora_te_encoder_block_0_layer_0_SelfAttention_q."
        "lora_down.weight), and only the transformer can be adapted",
    ),
    "T5, OneTrainer's later names": (
        pair("t5.encoder.block.0.layer.0.SelfAttention.q", 4096, 4096),
        "it adapts the text encoder (t5.encoder.block.0.layer.0.SelfAttention.q."
        "lora_down.weight), and only the transformer can be adapted",
    ),
    "more blocks": (
        pair("transformer.transformer_blocks.28.attn1.to_q", WIDTH, WIDTH),
        "transformer.transformer_blocks.28.attn1.to_q.lora_down.weight adapts "
        "transformer_blocks.28.attn1.to_q, which this model does not have",
    ),
    "another size": (
        pair(f"{BLOCK}.ff.net.2", WIDTH, WIDTH),
        f"{BLOCK}.ff.net.2.lora_down.weight is 8×1152, "
        "but transformer_blocks.0.ff.net.2 needs 8×4608",
    ),
    "half of a pair": (
        {f"{BLOCK}.attn1.to_q.lora_A.weight": torch.zeros(2, WIDTH)},
        f"{BLOCK}.attn1.to_q.lora_A.weight has no lora_B beside it: the file is incomplete",
    ),
    "one part of a matrix twice": (
        pair("transformer.blocks.0.attn.qkv", 3 * WIDTH, WIDTH)
        | pair("transformer.blocks.0.attn.qkv.1", WIDTH, WIDTH),
        "transformer.blocks.0.attn.qkv.lora_down.weight adapts "
        "transformer_blocks.0.attn1.to_k again, after "
        "transformer.blocks.0.attn.qkv.1.lora_down.weight",
    ),
    "the model itself": (
        {"blocks.0.attn.qkv.weight": torch.zeros(3 * WIDTH, WIDTH)},
        "blocks.0.attn.qkv.weight is a weight itself: this is a whole model, not a LoRA",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit(case: str, tmp_path: Path) -> None:
    """A LoRA of another model is refused by its name, and one of other parts by the tensor."""
    tensors, reason = WRONG[case]
    save(tmp_path / "it.safetensors", tensors)
    shelf = shelf_of(tmp_path, Targets.pixart())
    (info,) = shelf.listing()
    assert info.problem is not None and info.problem.reason == reason
    with pytest.raises(LoraUnusable):
        Adapters(shelf, CPU, torch.float32).load({"it": 1.0})


def test_sizes_that_sigma_does_not_read(tmp_path: Path) -> None:
    """One for Alpha of 1024 px adapts what reads the picture's size, and Sigma has no such part."""
    name = "transformer.adaln_single.emb.resolution_embedder.linear_1"
    save(tmp_path / "it.safetensors", pair(name, 384, 256))
    for conditions in (True, False):
        targets = Targets.pixart({"use_additional_conditions": conditions})
        (info,) = shelf_of(tmp_path, targets).listing()
        assert (info.problem is None) == conditions


@pytest.mark.parametrize("targets", [Targets.z_image(), Targets.sdxl()], ids=["Z-Image", "SDXL"])
def test_on_other_families(targets: Targets, tmp_path: Path) -> None:
    """A LoRA of PixArt is told by its width, whatever it adapts and whatever wrote it."""
    files = {
        "diffusers": pair(f"{BLOCK}.attn2.to_k", WIDTH, WIDTH),
        "original": pair("diffusion_model.blocks.0.cross_attn.q_linear", WIDTH, WIDTH),
        "modulation": pair("lora_unet_t_block_1", 6 * WIDTH, WIDTH),
    }
    for name, tensors in files.items():
        save(tmp_path / f"{name}.safetensors", tensors)
    for info in shelf_of(tmp_path, targets).listing():
        wanted = f"it was made for PixArt, and this model is of {targets.family}'s family"
        assert info.problem is not None and info.problem.reason == wanted


@pytest.mark.parametrize(
    "name", ["flash-pixart", "flash_pixart_4steps", "lcm_lora", "yoso-lora", "pixart-dmd"]
)
def test_few_step_loras(name: str, tmp_path: Path) -> None:
    """What distils the model for few steps is refused by its name; the owner can say otherwise."""
    for each in (name, "flash light", "yosoo", "ink 2000 steps"):
        tensors = DIALECTS["diffusers, SimpleTuner"](writing_pixart.low_rank(MODULES[7:9]))
        save(tmp_path / f"{each}.safetensors", tensors)
    problems = {each.name: each.problem for each in shelf_of(tmp_path).listing()}
    refused = problems.pop(name)
    assert refused is not None and "distils a model for few steps" in refused.reason
    assert set(problems.values()) == {None}
    (tmp_path / f"{name}.toml").write_text("training_adapter = false")
    assert all(each.problem is None for each in shelf_of(tmp_path).listing())
