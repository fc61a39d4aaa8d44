"""Where the trainers' own libraries are installed, their forward passes are the reference.

None of them is a dependency: these tests are skipped without `peft` and `lycoris-lora`.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.lora.test_dialects import adapters_of

TARGETS = [name for name in writing.MODULES if "refiner" not in name]


def randomised(module: nn.Module, marks: tuple[str, ...]) -> None:
    """Give every trained tensor values: most begin with zeros."""
    torch.manual_seed(3)
    for name, parameter in module.named_parameters():
        if any(mark in name for mark in marks):
            parameter.data = torch.randn_like(parameter) / 4


@pytest.mark.parametrize("decomposed", [False, True])
@pytest.mark.parametrize("root", [False, True])
@torch.no_grad()
def test_peft(decomposed: bool, root: bool, tmp_path: Path) -> None:
    """What PEFT saves acts as PEFT's own layers do."""
    peft: Any = pytest.importorskip("peft")
    transformer = writing.tiny_transformer()
    config = peft.LoraConfig(
        r=4,
        lora_alpha=3,
        target_modules=TARGETS,
        use_dora=decomposed,
        use_rslora=root,
        rank_pattern={"layers.0.attention.to_q": 2},
        alpha_pattern={"layers.0.attention.to_v": 5},
    )
    model = peft.get_peft_model(copy.deepcopy(transformer), config)
    randomised(model, ("lora_A", "lora_B"))
    for name, parameter in model.named_parameters():
        if "magnitude" in name:
            parameter.data *= 1 + torch.rand(parameter.shape) / 2
    wanted = writing.answer(model.base_model.model)
    model.save_pretrained(tmp_path / "peft")
    (tmp_path / "peft" / "adapter_model.safetensors").rename(tmp_path / "it.safetensors")
    (tmp_path / "peft" / "adapter_config.json").rename(tmp_path / "it.json")
    with adapters_of(tmp_path).applied(transformer, {"it": 1.0}):
        got = writing.answer(transformer)
    before = writing.answer(transformer)
    assert float((got - wanted).norm()) < 1e-4 * float((wanted - before).norm())


@pytest.mark.parametrize("decomposed", [None, "rows", "columns"])
@pytest.mark.parametrize(
    ("algorithm", "options"),
    [
        ("lora", {}),
        ("loha", {}),
        ("lokr", {"factor": 4}),
        ("lokr", {"factor": 4, "full_matrix": True}),
        ("lokr", {"factor": -1, "decompose_both": True}),
    ],
)
@torch.no_grad()
def test_lycoris(
    algorithm: str, options: dict[str, Any], decomposed: str | None, tmp_path: Path
) -> None:
    """What LyCORIS saves acts as its own modules do, at weight 1."""
    lycoris: Any = pytest.importorskip("lycoris")
    transformer = writing.tiny_transformer()
    model = copy.deepcopy(transformer)
    network = lycoris.create_lycoris(
        model,
        1.0,
        linear_dim=2,
        linear_alpha=1.5,
        algo=algorithm,
        dora_wd=decomposed is not None,
        wd_on_output=decomposed == "rows",
        **options,
    )
    network.apply_to()
    randomised(network, ("lora_", "hada_", "lokr_"))
    for name, parameter in network.named_parameters():
        if "dora_scale" in name:
            parameter.data *= 1 + torch.rand(parameter.shape) / 2
    wanted = writing.answer(model)
    writing.save(tmp_path / "it.safetensors", dict(network.state_dict()))
    with adapters_of(tmp_path).applied(transformer, {"it": 1.0}) as applied:
        got = writing.answer(transformer)
    assert applied.parts == {"it": len(network.loras)}
    before = writing.answer(transformer)
    assert float((got - wanted).norm()) < 1e-3 * float((wanted - before).norm())
