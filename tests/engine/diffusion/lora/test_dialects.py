"""The same LoRA from every trainer does the same, bit for bit in its factors."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.diffusion.lora.adapters import Adapters
from engine.diffusion.lora.deltas import LowRank
from engine.diffusion.lora.shelf import LoraShelf
from tests.engine.diffusion.lora import writing

CPU = torch.device("cpu")


def shelf_of(folder: Path) -> LoraShelf:
    return LoraShelf(folder, writing.tiny_targets())


def adapters_of(folder: Path, dtype: torch.dtype = torch.float32) -> Adapters:
    return Adapters(shelf_of(folder), CPU, dtype)


def agrees(
    folder: Path, factors: writing.Factors, *, scale: float | None = None, weight: float = 1.0
) -> None:
    """Check that the file `it` does to a transformer what the factors say, and nothing else."""
    transformer = writing.tiny_transformer()
    before = writing.answer(transformer)
    wanted = writing.answer(writing.merged(transformer, (factors, weight), scale=scale))
    with adapters_of(folder).applied(transformer, {"it": weight}) as applied:
        got = writing.answer(transformer)
    assert applied.parts == {"it": len(factors)}
    effect = float((wanted - before).norm())
    assert effect > 0.01 * float(before.norm()), "the test must see an effect"
    assert float((got - wanted).norm()) < 2e-5 * effect
    assert torch.equal(writing.answer(transformer), before)


@pytest.mark.parametrize("dialect", writing.DIALECTS)
@pytest.mark.parametrize("alpha", [None, 2.0])
def test_low_rank(dialect: str, alpha: float | None, tmp_path: Path) -> None:
    """A LoRA acts as W + alpha/rank · B A, whoever wrote it, with alpha and without."""
    factors = writing.low_rank((*writing.MODULES, *writing.BEYOND), alpha=alpha)
    writing.save(tmp_path / "it.safetensors", writing.DIALECTS[dialect](factors))
    agrees(tmp_path, factors)


@pytest.mark.parametrize("dialect", writing.DIALECTS)
def test_the_same_bits(dialect: str, tmp_path: Path) -> None:
    """The factors on the device are those of the training, to the bit; thirds of fused ones too."""
    factors = writing.low_rank()
    writing.save(tmp_path / "it.safetensors", writing.DIALECTS[dialect](factors))
    adapters = adapters_of(tmp_path)
    adapters.load({"it": 1.0})
    changes = adapters._loaded["it"].changes
    assert set(changes) == set(factors)
    for module, each in factors.items():
        delta = changes[module].delta
        assert isinstance(delta, LowRank)
        product = each["lora_B"] @ each["lora_A"]
        if len(delta.down) == len(each["lora_A"]):
            assert torch.equal(delta.down, each["lora_A"])
            assert torch.equal(delta.up, each["lora_B"])
        torch.testing.assert_close(delta.matrix(), product, rtol=1e-6, atol=1e-6)
