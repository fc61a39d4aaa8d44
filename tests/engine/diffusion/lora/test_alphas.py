"""Alpha counts once, whatever carries it, and what it does is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.diffusion.lora.admission import Limits
from engine.diffusion.lora.shelf import LoraShelf
from engine.errors import LoraInvalid, LoraRefused
from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.lora.test_dialects import agrees, shelf_of
from tests.engine.diffusion.lora.writing import DIALECTS


def adapter_metadata(**fields: Any) -> dict[str, str]:
    """What diffusers saves beside the weights."""
    own = {f"transformer.{name}": value for name, value in fields.items()}
    return {"format": "pt", "lora_adapter_metadata": json.dumps(own)}


def saved(tmp_path: Path, *, alpha: float | None = None, **fields: Any) -> writing.Factors:
    factors = writing.low_rank(alpha=alpha)
    metadata = adapter_metadata(**fields) if fields else None
    writing.save(tmp_path / "it.safetensors", DIALECTS["SimpleTuner"](factors), metadata)
    return factors


def notes(tmp_path: Path) -> str:
    return "; ".join(shelf_of(tmp_path).info("it").notes)


def test_in_the_metadata(tmp_path: Path) -> None:
    """The configuration that diffusers saves scales a file without alpha tensors."""
    agrees(tmp_path, saved(tmp_path, r=4, lora_alpha=2), scale=0.5)


def test_rank_stabilised(tmp_path: Path) -> None:
    """With use_rslora alpha is divided by the root of the rank."""
    agrees(tmp_path, saved(tmp_path, r=4, lora_alpha=1, use_rslora=True), scale=0.5)


def test_tensors_before_metadata(tmp_path: Path) -> None:
    """Where both are there, the tensors count and the metadata does not: never their product."""
    agrees(tmp_path, saved(tmp_path, alpha=2.0, r=4, lora_alpha=2))
    assert "alpha twice" in notes(tmp_path)


def test_pattern(tmp_path: Path) -> None:
    """An alpha_pattern gives single modules another alpha, by the end of their names."""
    modules = ("layers.0.attention.to_q", "layers.1.feed_forward.w1", "layers.0.attention.to_v")
    factors = writing.low_rank(modules)
    pattern = {"attention.to_q": 8, r"^layers\.0\.attention\.to_v$": 1}
    metadata = adapter_metadata(r=4, lora_alpha=4, alpha_pattern=pattern)
    writing.save(tmp_path / "it.safetensors", DIALECTS["SimpleTuner"](factors), metadata)
    for module, alpha in zip(modules, (8.0, 4.0, 1.0), strict=True):
        factors[module]["alpha"] = torch.tensor(alpha)
    agrees(tmp_path, factors)


def test_of_a_peft_folder(tmp_path: Path) -> None:
    """A PEFT configuration beside the file counts like one in the metadata."""
    factors = writing.low_rank()
    writing.save(tmp_path / "it.safetensors", DIALECTS["PEFT"](factors))
    (tmp_path / "it.json").write_text('{"peft_type": "LORA", "r": 4, "lora_alpha": 2}')
    agrees(tmp_path, factors, scale=0.5)


def test_network_alpha_is_a_memory(tmp_path: Path) -> None:
    """ss_network_alpha stays behind in converted files, whose factors have it already."""
    factors = writing.low_rank()
    writing.save(
        tmp_path / "it.safetensors", DIALECTS["ai-toolkit"](factors), {"ss_network_alpha": "2"}
    )
    agrees(tmp_path, factors)


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64, torch.int64]
)
def test_any_scalar(shape: tuple[int, ...], dtype: torch.dtype, tmp_path: Path) -> None:
    """Alphas come in every type and with one dimension or none."""
    factors = writing.low_rank(alpha=2.0)
    tensors = {
        name: each.reshape(shape).to(dtype) if name.endswith("alpha") else each
        for name, each in DIALECTS["kohya, musubi"](factors).items()
    }
    writing.save(tmp_path / "it.safetensors", tensors)
    agrees(tmp_path, factors)


def test_only_some_have_one(tmp_path: Path) -> None:
    """A module without an alpha has the scale 1."""
    factors = writing.low_rank(alpha=1.0)
    del factors["layers.0.attention.to_q"]["alpha"]
    writing.save(tmp_path / "it.safetensors", DIALECTS["kohya, musubi"](factors))
    agrees(tmp_path, factors)


def test_above_the_rank(tmp_path: Path) -> None:
    """Alpha above the rank is loaded as the file says, and noted; refused by a strict owner."""
    factors = writing.low_rank(alpha=16.0)
    writing.save(tmp_path / "it.safetensors", DIALECTS["kohya, musubi"](factors))
    agrees(tmp_path, factors)
    assert notes(tmp_path) == "alpha is 4 times the rank: it acts that much stronger"
    targets = writing.tiny_targets()
    strict = LoraShelf(tmp_path, targets, Limits(strict_alpha=True))
    with pytest.raises(LoraRefused, match="'it': its alpha is 4 times its rank, and the owner"):
        strict.info("it")


def test_zero(tmp_path: Path) -> None:
    """An alpha of 0 switches a place off, and is noted."""
    factors = writing.low_rank(alpha=2.0)
    factors["layers.0.attention.to_q"]["alpha"] = torch.tensor(0.0)
    writing.save(tmp_path / "it.safetensors", DIALECTS["kohya, musubi"](factors))
    agrees(tmp_path, factors)
    assert notes(tmp_path) == "alpha is 0 in 1 of 9 places: they have no effect"


def test_ranks_that_disagree(tmp_path: Path) -> None:
    """The rank of the tensors counts, and a configuration with another one is noted."""
    factors = saved(tmp_path, r=8, lora_alpha=2)
    agrees(tmp_path, factors, scale=0.5)
    assert "says rank 8, and its tensors also have 4" in notes(tmp_path)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"lora_alpha": "two", "r": 4}, "the lora_alpha in lora_adapter_metadata is 'two', not a"),
        ({"lora_alpha": float("nan"), "r": 4}, "is nan, not a number"),
        ({"lora_alpha": 4, "r": 0}, "the r in lora_adapter_metadata is 0, not a rank"),
        ({"lora_alpha": 4, "r": 4, "use_rslora": "yes"}, "use_rslora in .* is 'yes', not true"),
        ({"lora_alpha": 4, "r": 4, "alpha_pattern": [1]}, "alpha_pattern in .* is not a table"),
        (
            {"lora_alpha": 4, "r": 4, "alpha_pattern": {r"(layers\.\d+)+x": 2}},
            "is a regular expression",
        ),
        ({"lora_alpha": 4, "r": 4, "use_dora": True}, "says DoRA, but .* has no magnitude"),
    ],
)
def test_metadata_that_cannot_be(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    """What a configuration says wrongly is refused, with the field."""
    saved(tmp_path, **fields)
    with pytest.raises(LoraInvalid, match=message):
        shelf_of(tmp_path).info("it")


def test_metadata_that_is_no_json(tmp_path: Path) -> None:
    """Metadata that cannot be read is refused: alpha would be lost without a word."""
    factors = writing.low_rank()
    writing.save(
        tmp_path / "it.safetensors",
        DIALECTS["SimpleTuner"](factors),
        {"lora_adapter_metadata": "{r: 4"},
    )
    with pytest.raises(LoraInvalid, match="lora_adapter_metadata is not valid JSON"):
        shelf_of(tmp_path).info("it")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_alpha_that_is_no_number(value: float, tmp_path: Path) -> None:
    """An alpha of NaN would spoil every picture without a word."""
    factors = writing.low_rank(alpha=2.0)
    factors["layers.0.attention.to_q"]["alpha"] = torch.tensor(value)
    writing.save(tmp_path / "it.safetensors", DIALECTS["kohya, musubi"](factors))
    with pytest.raises(LoraInvalid, match=r"layers_0_attention_to_q\.alpha is (nan|inf), not a"):
        shelf_of(tmp_path).info("it")
