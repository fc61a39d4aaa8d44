"""Methods of LyCORIS whose change is that of a layer's own weights: IA3, OFT, BOFT and GLoRA."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.diffusion.lora.adapters import Adapters
from engine.errors import LoraInvalid, LoraRefused
from tests.engine.diffusion.lora import writing_sdxl
from tests.engine.diffusion.lora.test_adapters import near
from tests.engine.diffusion.lora.test_sdxl import agrees, reason_against, shelf_of
from tests.engine.diffusion.lora.writing import Factors, Tensors, save
from tests.engine.diffusion.lora.writing_sdxl import DIALECTS, module_of, tiny_model

LAYERS = (*writing_sdxl.CONVOLUTIONS[1:4], *writing_sdxl.UNET[1:3], writing_sdxl.ENCODERS[1])
Made = tuple[Tensors, torch.Tensor]
"""A layer's tensors, and its weights as they should become, both by the method's definition."""


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(math.prod(shape))) / 3


def ia3(weight: torch.Tensor, *, on_input: bool) -> Made:
    """One factor for each channel that is taken or given adds to the 1 that it has."""
    factors = random(weight.shape[1 if on_input else 0])
    ends = [1] * (weight.dim() - 2)
    wide = factors.view(1, -1, *ends) if on_input else factors.view(-1, 1, *ends)
    written = factors if weight.dim() == 2 else factors.view(1, -1, *ends)
    return {"weight": written, "on_input": torch.tensor(int(on_input))}, weight * (1 + wide)


def turned(blocks: torch.Tensor) -> torch.Tensor:
    """The rotations of one stage as one matrix."""
    skew = blocks.double() - blocks.double().transpose(1, 2)
    one = torch.eye(skew.shape[1], dtype=torch.float64)
    return torch.block_diag(*((one + each) @ (one - each).inverse() for each in skew))


def oft(weight: torch.Tensor, *, limit: float = 0.0, stretched: bool = False) -> Made:
    """Rows are turned in blocks; the norm of what turns them may be held below a limit."""
    rows = len(weight)
    made = {"oft_blocks": random(rows // 4, 4, 4), "alpha": torch.tensor(limit)}
    blocks = made["oft_blocks"]
    if limit:
        norm = (blocks - blocks.transpose(1, 2)).norm()
        assert norm > limit * rows
        blocks = blocks * (limit * rows / norm)
    found = turned(blocks).T @ weight.flatten(1)
    if stretched:
        made["rescale"] = 1 + random(rows, *[1] * (weight.dim() - 1))
        found = found * made["rescale"].flatten(1)
    return made, found.view(weight.shape)


def boft(weight: torch.Tensor, *, stretched: bool = False) -> Made:
    """Stage by stage, rows from twice as far come together, are turned, and go back."""
    rows, size, stages = len(weight), 4, 2
    made = {"oft_blocks": random(stages, rows // size, size, size)}
    found = weight.flatten(1).clone()
    for stage, blocks in enumerate(made["oft_blocks"]):
        half = 2**stage * size // 2
        order = [
            start + side * half + place
            for start in range(0, rows, 2 * half)
            for place in range(half)
            for side in (0, 1)
        ]
        found[order] = turned(blocks) @ found[order]
    if stretched:
        made["rescale"] = 1 + random(rows, *[1] * (weight.dim() - 1))
        found = found * made["rescale"].flatten(1)
    return made, found.view(weight.shape)


def glora(weight: torch.Tensor) -> Made:
    """One pair is multiplied with the weights, the other stands beside it; alpha is for both."""
    rows, inputs, *kernel = weight.shape
    ones = [1] * len(kernel)
    made = {
        "a1.weight": random(inputs, 2, *ones),
        "a2.weight": random(2, inputs, *ones),
        "b1.weight": random(rows, 2, *ones),
        "b2.weight": random(2, inputs, *kernel),
        "alpha": torch.tensor(1.5),
    }
    a1, a2, b1, b2 = (each.double().flatten(1) for each in list(made.values())[:4])
    inside = torch.einsum("oi...,ij->oj...", weight, a1 @ a2)
    return made, weight + 0.75 * (inside + (b1 @ b2).view(weight.shape))


METHODS: dict[str, Callable[[torch.Tensor], Made]] = {
    "IA3 of outputs": lambda weight: ia3(weight, on_input=False),
    "IA3 of inputs": lambda weight: ia3(weight, on_input=True),
    "OFT": oft,
    "OFT with a limit": lambda weight: oft(weight, limit=0.05),
    "OFT, stretched": lambda weight: oft(weight, stretched=True),
    "BOFT": boft,
    "BOFT, stretched": lambda weight: boft(weight, stretched=True),
    "GLoRA": glora,
}


def written(method: str) -> tuple[Tensors, Factors]:
    """A file of a method, and the differences of weights that it stands for."""
    model = tiny_model()
    factors: Factors = {}
    wanted: Factors = {}
    for name in LAYERS:
        weight = module_of(*model, name).get_parameter("weight").detach().double()
        factors[name], changed = METHODS[method](weight)
        wanted[name] = {"diff": changed - weight}
    return DIALECTS["kohya"](factors), wanted


@pytest.mark.parametrize("method", METHODS)
def test_methods(method: str, tmp_path: Path) -> None:
    """Weights are multiplied as the method says, and biases are left alone."""
    tensors, wanted = written(method)
    agrees(tmp_path, tensors, wanted, weight=0.7)
    (info,) = shelf_of(tmp_path).listing()
    assert info.methods == (method.partition(",")[0].partition(" ")[0],)


@pytest.mark.parametrize("method", ["IA3 of inputs", "OFT", "GLoRA"])
def test_beside_a_lora(method: str, tmp_path: Path) -> None:
    """What is multiplied is the layer's own weight, without what another LoRA adds."""
    tensors, wanted = written(method)
    factors = writing_sdxl.low_rank(LAYERS, seed=4)
    save(tmp_path / "one.safetensors", tensors)
    save(tmp_path / "two.safetensors", DIALECTS["kohya"](factors))
    both: Factors = {
        name: {"diff": each["diff"] + writing_sdxl.difference(factors[name]).view_as(each["diff"])}
        for name, each in wanted.items()
    }
    unet, encoders = tiny_model()
    before = writing_sdxl.answer(unet)
    adapters = Adapters(shelf_of(tmp_path), torch.device("cpu"), torch.float32)
    with adapters.applied(unet, {"one": 1.0, "two": 1.0}):
        got = writing_sdxl.answer(unet)
    with_both, _ = writing_sdxl.merged(unet, encoders, both)
    assert near(got, writing_sdxl.answer(with_both), before, 1e-4)


def test_rows_and_columns(tmp_path: Path) -> None:
    """What multiplies rows and what multiplies columns cannot act at once."""
    save(tmp_path / "one.safetensors", written("OFT")[0])
    save(tmp_path / "two.safetensors", written("GLoRA")[0])
    unet, _ = tiny_model()
    adapters = Adapters(shelf_of(tmp_path), torch.device("cpu"), torch.float32)
    with (
        pytest.raises(LoraRefused, match="one and two cannot act together: one multiplies the row"),
        adapters.applied(unet, {"one": 1.0, "two": 1.0}),
    ):
        pass


CONV = "unet.down_blocks.0.resnets.0.conv1"
LINEAR = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
WRONG: dict[str, tuple[Tensors, str]] = {
    "blocks for fewer rows": (
        {f"{CONV}.oft_blocks": torch.zeros(1, 4, 4)},
        f"{CONV}.oft_blocks is 1×4×4, which does not fit the 8 outputs of "
        "down_blocks.0.resnets.0.conv1",
    ),
    "too many stages": (
        {f"{CONV}.oft_blocks": torch.zeros(3, 2, 4, 4)},
        f"{CONV}.oft_blocks is 3×2×4×4, which does not fit the 8 outputs of "
        "down_blocks.0.resnets.0.conv1",
    ),
    "no blocks": (
        {f"{CONV}.oft_blocks": torch.zeros(())},
        f"{CONV}.oft_blocks is a single value, which does not fit the 8 outputs of "
        "down_blocks.0.resnets.0.conv1",
    ),
    "factors for other channels": (
        {f"{CONV}.weight": torch.zeros(1, 5, 1, 1), f"{CONV}.on_input": torch.tensor(1)},
        f"{CONV}.weight is 1×5, but down_blocks.0.resnets.0.conv1 needs 8 or 8",
    ),
    "a side without factors": (
        {f"{CONV}.on_input": torch.tensor(1)},
        f"{CONV}.on_input has no weight beside it: the file is incomplete",
    ),
    "decomposed": (
        {f"{LINEAR}.oft_blocks": torch.zeros(4, 4, 4), f"{LINEAR}.dora_scale": torch.ones(16, 1)},
        f"{LINEAR}.dora_scale stands beside no factors",
    ),
    "T-LoRA": (
        {f"{LINEAR}.q_layer.weight": torch.zeros(2, 16)},
        f"it uses T-LoRA, which is not read ({LINEAR}.q_layer.weight)",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_does_not_fit(case: str, tmp_path: Path) -> None:
    """Tensors of another size and methods that are not read are refused in a sentence."""
    tensors, reason = WRONG[case]
    assert reason_against(tmp_path, tensors) == reason


def test_factors_of_the_other_side(tmp_path: Path) -> None:
    """Factors that have the size of one side and are said to belong to the other are refused."""
    name = writing_sdxl.UNET[1]
    weight = module_of(*tiny_model(), name).get_parameter("weight")
    rows, inputs = weight.shape
    assert rows != inputs
    save(
        tmp_path / "it.safetensors",
        {f"unet.{name}.weight": torch.zeros(rows), f"unet.{name}.on_input": torch.tensor(1)},
    )
    adapters = Adapters(shelf_of(tmp_path), torch.device("cpu"), torch.float32)
    with pytest.raises(LoraInvalid) as raised:
        adapters.load({"it": 1.0})
    reason = f"unet.{name}.weight has {rows} values, but {name} takes {inputs}"
    assert raised.value.reason == reason
