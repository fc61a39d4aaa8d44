"""Kernels of convolutions in factors of their own, as LyCORIS writes them with `use_tucker`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.diffusion.lora.weights import load
from engine.errors import LoraInvalid
from tests.engine.diffusion.lora import writing_sdxl
from tests.engine.diffusion.lora.test_sdxl import agrees, reason_against, shelf_of
from tests.engine.diffusion.lora.writing import Tensors, save
from tests.engine.diffusion.lora.writing_sdxl import CONVOLUTIONS, DIALECTS, tucker

LAYERS = (*CONVOLUTIONS, *writing_sdxl.UNET[:2])
"""In one file, as LyCORIS writes them: those whose kernel is one point have no core."""
KINDS = {
    "LoRA": tucker(LAYERS, "LoRA", alpha=1.5),
    "LoHa": tucker(LAYERS, "LoHa", alpha=1.5),
    "LoKr": tucker(LAYERS, "LoKr", alpha=1.5),
    "LoKr in five factors": tucker(LAYERS, "LoKr", alpha=1.5, split=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_change_of_the_weights(kind: str, tmp_path: Path) -> None:
    """The matrix is the sum over both ranks, times alpha/rank; so is what is computed with it."""
    save(tmp_path / "it.safetensors", DIALECTS["kohya"](KINDS[kind]))
    with shelf_of(tmp_path).opened("it") as lora:
        changes = load(lora, torch.device("cpu"), torch.float32).changes
    for name, factors in KINDS[kind].items():
        wanted, delta = writing_sdxl.difference(factors), changes[name].delta
        assert delta is not None
        torch.testing.assert_close(delta.matrix().double(), wanted, rtol=1e-5, atol=1e-6)
        half = len(wanted) // 2
        torch.testing.assert_close(delta.rows(half, 2 * half).matrix(), delta.matrix()[half:])
        x = torch.linspace(-1, 1, wanted.shape[1])[None]
        torch.testing.assert_close(delta(x).double(), x.double() @ wanted.T, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_in_the_model(kind: str, tmp_path: Path) -> None:
    """The U-Net predicts what it does with the change in its weights, also where it strides."""
    agrees(tmp_path, DIALECTS["kohya, original"](KINDS[kind]), KINDS[kind], weight=0.7)


@pytest.mark.parametrize("method", ["LoRA", "LoHa", "LoKr"])
@pytest.mark.parametrize("decomposed", ["rows", "columns"])
def test_decomposed(method: str, decomposed: str, tmp_path: Path) -> None:
    """Each output channel or each input channel is normalised over the whole kernel."""
    factors = tucker(LAYERS, method, alpha=1.5, decomposed=decomposed)
    agrees(tmp_path, DIALECTS["kohya"](factors), factors, weight=0.7)


@pytest.mark.parametrize("kind", KINDS)
def test_values_too_large(kind: str, tmp_path: Path) -> None:
    """Finite factors whose product is not finite are refused, through the core too."""
    tensors = {name: each * 1e15 for name, each in DIALECTS["kohya"](KINDS[kind]).items()}
    save(tmp_path / "it.safetensors", tensors)
    with shelf_of(tmp_path).opened("it") as lora, pytest.raises(LoraInvalid, match="too large"):
        load(lora, torch.device("cpu"), torch.float32)


CONV = "unet.mid_block.resnets.1.conv2"
LINEAR = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"


def zeros(module: str, **shapes: tuple[int, ...]) -> Tensors:
    ends = {"lora_down": ".weight", "lora_up": ".weight", "lora_mid": ".weight"}
    return {
        f"{module}.{role}{ends.get(role, '')}": torch.zeros(shape) for role, shape in shapes.items()
    }


WRONG: dict[str, tuple[Tensors, str]] = {
    "a core alone": (
        zeros(CONV, lora_mid=(3, 3, 3, 3)),
        f"{CONV}.lora_mid.weight has no lora_A beside it: the file is incomplete",
    ),
    "another kernel": (
        zeros(CONV, lora_down=(3, 16, 1, 1), lora_up=(16, 3, 1, 1), lora_mid=(3, 3, 5, 5)),
        f"{CONV}.lora_mid.weight is 3×3×5×5, but mid_block.resnets.1.conv2 needs 3×27",
    ),
    "another rank": (
        zeros(CONV, lora_down=(3, 16, 1, 1), lora_up=(16, 3, 1, 1), lora_mid=(4, 4, 3, 3)),
        f"{CONV}.lora_mid.weight is 4×36, but mid_block.resnets.1.conv2 needs 3×27",
    ),
    "the kernel twice": (
        zeros(CONV, lora_down=(3, 16, 3, 3), lora_up=(16, 3, 1, 1), lora_mid=(3, 3, 3, 3)),
        f"{CONV}.lora_down.weight is 3×144, but mid_block.resnets.1.conv2 needs 3×16",
    ),
    "a linear layer": (
        zeros(LINEAR, lora_down=(3, 16), lora_up=(16, 3), lora_mid=(3, 3, 1, 1)),
        f"{LINEAR}.lora_mid.weight is for a convolution's kernel, and "
        "mid_block.attentions.0.transformer_blocks.0.attn1.to_q has none",
    ),
    "half of a LoHa": (
        zeros(
            CONV,
            hada_w1_a=(3, 16),
            hada_w1_b=(3, 16),
            hada_w2_a=(3, 16),
            hada_w2_b=(3, 16),
            hada_t1=(3, 3, 3, 3),
        ),
        f"{CONV}.hada_t1 has no hada_t2 beside it: the file is incomplete",
    ),
    "a LoHa the other way round": (
        zeros(
            CONV,
            hada_w1_a=(16, 3),
            hada_w1_b=(3, 16),
            hada_w2_a=(3, 16),
            hada_w2_b=(3, 16),
            hada_t1=(3, 3, 3, 3),
            hada_t2=(3, 3, 3, 3),
        ),
        f"{CONV}.hada_w1_a is 16×3, but mid_block.resnets.1.conv2 needs 3×16",
    ),
    "a LoKr of another size": (
        zeros(CONV, lokr_w1=(2, 2), lokr_w2_a=(3, 8), lokr_w2_b=(3, 4), lokr_t2=(3, 3, 3, 3)),
        f"{CONV}.lokr_w1 and its other factor make 16×72, but mid_block.resnets.1.conv2 has 16×144",
    ),
    "a core beside a whole factor": (
        zeros(CONV, lokr_w1=(2, 2), lokr_w2=(8, 8, 3, 3), lokr_t2=(3, 3, 3, 3)),
        f"{CONV}.lokr_t2 belongs to another method than {CONV}.lokr_w1",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit(case: str, tmp_path: Path) -> None:
    """Factors that make no kernel of the layer are refused by their name and sizes."""
    tensors, reason = WRONG[case]
    assert reason_against(tmp_path, tensors) == reason
