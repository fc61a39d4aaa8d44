"""Every method of adapting acts as its definition says, in every kind of file that has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.diffusion.lora.layout import Axis, Method
from tests.engine.diffusion.lora import writing
from tests.engine.diffusion.lora.test_dialects import agrees, shelf_of
from tests.engine.diffusion.lora.writing import DIALECTS, Factors

UNFUSED = ["ai-toolkit", "kohya, musubi", "LyCORIS", "OneTrainer legacy", "ComfyUI checkpoint"]
FUSED = ["musubi for ComfyUI", "diffusion-pipe", "OneTrainer ComfyUI"]
QKV = tuple(f"layers.0.attention.{each}" for each in ("to_q", "to_k", "to_v"))


def acts(tmp_path: Path, dialect: str, factors: Factors, weight: float = 1.0) -> None:
    """Check a file of a dialect against the factors."""
    writing.save(tmp_path / "it.safetensors", DIALECTS[dialect](factors))
    agrees(tmp_path, factors, weight=weight)


@pytest.mark.parametrize("dialect", [*UNFUSED, *FUSED, "SimpleTuner", "PEFT"])
@pytest.mark.parametrize("weight", [1.0, 0.6, -1.5])
def test_dora_of_rows(dialect: str, weight: float, tmp_path: Path) -> None:
    """A decomposed weight is g (W + ΔW) / ‖W + ΔW‖ for each row; a weight goes part of the way."""
    acts(tmp_path, dialect, writing.low_rank(alpha=2.0, decomposed="rows"), weight)


@pytest.mark.parametrize("dialect", UNFUSED)
@pytest.mark.parametrize("weight", [1.0, 0.6])
def test_dora_of_columns(dialect: str, weight: float, tmp_path: Path) -> None:
    """With one magnitude for each input, each column is normalised."""
    acts(tmp_path, dialect, writing.low_rank(alpha=2.0, decomposed="columns"), weight)


@pytest.mark.parametrize("dialect", UNFUSED)
@pytest.mark.parametrize("kind", ["whole", "second", "first", "both"])
@pytest.mark.parametrize("alpha", [None, 1.5])
def test_lokr(dialect: str, kind: str, alpha: float | None, tmp_path: Path) -> None:
    """LoKr is a Kronecker product; alpha counts only where a factor is itself a product."""
    acts(tmp_path, dialect, writing.kronecker(kind=kind, alpha=alpha))


@pytest.mark.parametrize("dialect", [*UNFUSED, *FUSED])
@pytest.mark.parametrize("alpha", [None, 1.5])
def test_loha(dialect: str, alpha: float | None, tmp_path: Path) -> None:
    """LoHa is two low-rank products, multiplied value by value."""
    acts(tmp_path, dialect, writing.hadamard(alpha=alpha))


@pytest.mark.parametrize("make", [writing.kronecker, writing.hadamard])
@pytest.mark.parametrize("decomposed", ["rows", "columns"])
def test_decomposed_others(make: Callable[..., Factors], decomposed: str, tmp_path: Path) -> None:
    """LoKr and LoHa can be decomposed like LoRA."""
    acts(tmp_path, "LyCORIS", make(alpha=1.5, decomposed=decomposed), 0.7)


@pytest.mark.parametrize("dialect", [*UNFUSED, "diffusion-pipe"])
def test_differences(dialect: str, tmp_path: Path) -> None:
    """Differences of layers, biases and norms are added as they are."""
    modules = ("layers.1.feed_forward.w1", "layers.1.adaLN_modulation.0", "cap_embedder.1")
    acts(tmp_path, dialect, writing.differences(modules), 0.8)


def test_norms_of_lycoris(tmp_path: Path) -> None:
    """LyCORIS calls the difference of a norm w_norm."""
    factors = writing.differences(())
    tensors = {
        f"lycoris_{writing.underscored(name)}.w_norm": each["diff"]
        for name, each in factors.items()
    }
    writing.save(tmp_path / "it.safetensors", tensors)
    agrees(tmp_path, factors)


def test_low_rank_with_a_bias(tmp_path: Path) -> None:
    """ComfyUI's extraction writes a bias' difference beside the low-rank pair of its layer."""
    factors = writing.low_rank(("layers.1.adaLN_modulation.0", "layers.0.attention.to_q"))
    rows, _ = writing.sizes(writing.tiny_transformer(), "layers.1.adaLN_modulation.0")
    factors["layers.1.adaLN_modulation.0"]["diff_b"] = torch.linspace(-1, 1, rows)
    acts(tmp_path, "ai-toolkit", factors, 0.5)


def test_bias_of_peft(tmp_path: Path) -> None:
    """PEFT's lora_bias is scaled like the product that it is added to."""
    factors = writing.low_rank(("layers.1.adaLN_modulation.0",), alpha=2.0, rank=4)
    rows, _ = writing.sizes(writing.tiny_transformer(), "layers.1.adaLN_modulation.0")
    tensors = DIALECTS["SimpleTuner"](factors)
    bias = torch.linspace(-1, 1, rows)
    tensors["transformer.layers.1.adaLN_modulation.0.lora_B.bias"] = bias
    writing.save(tmp_path / "it.safetensors", tensors)
    factors["layers.1.adaLN_modulation.0"]["diff_b"] = bias * 0.5
    agrees(tmp_path, factors)


def test_ranks_of_their_own(tmp_path: Path) -> None:
    """Every layer may have its own rank and alpha: layers.1 and layers.11 are told apart."""
    factors = writing.low_rank(rank=lambda number: number % 5 + 1, alpha=2.0)
    acts(tmp_path, "OneTrainer legacy", factors)
    (info,) = shelf_of(tmp_path).listing()
    assert info.ranks == (1, 2, 3, 4, 5)
    assert info.rank == 5


# Fused queries, keys and values that were trained as one


def thirds(whole: torch.Tensor) -> dict[str, torch.Tensor]:
    return dict(zip(QKV, whole.chunk(3), strict=True))


def fused_file(tmp_path: Path, factors: dict[str, torch.Tensor]) -> None:
    prefix = "diffusion_model.layers.0.attention.qkv."
    writing.save(
        tmp_path / "it.safetensors",
        {
            prefix + {"lora_A": "lora_A.weight", "lora_B": "lora_B.weight"}.get(role, role): each
            for role, each in factors.items()
        },
    )


def test_fused_low_rank(tmp_path: Path) -> None:
    """One dense pair on the fused matrix: A is shared, B is in thirds."""
    torch.manual_seed(0)
    down, up = torch.randn(4, 48) / 4, torch.randn(144, 4) / 4
    fused_file(tmp_path, {"lora_A": down, "lora_B": up, "alpha": torch.tensor(2.0)})
    rows = thirds(up)
    agrees(
        tmp_path,
        {name: {"lora_A": down, "lora_B": rows[name], "alpha": torch.tensor(2.0)} for name in QKV},
    )


@pytest.mark.parametrize("first", [(4, 6), (6, 4), (9, 2), (16, 48), (1, 1), (144, 48)])
def test_fused_lokr(first: tuple[int, int], tmp_path: Path) -> None:
    """Rows of the finished product in thirds, also where a third ends inside of a block."""
    torch.manual_seed(0)
    one = torch.randn(first) / 4
    two = torch.randn(144 // first[0], 48 // first[1]) / 4
    fused_file(tmp_path, {"lokr_w1": one, "lokr_w2": two})
    rows = thirds(torch.kron(one, two))
    agrees(tmp_path, {name: {"diff": rows[name]} for name in QKV})


def test_fused_loha(tmp_path: Path) -> None:
    """The outer factors are cut, the inner ones are shared."""
    torch.manual_seed(0)
    a, c = torch.randn(144, 3) / 3, torch.randn(144, 3) / 3
    b, d = torch.randn(3, 48) / 3, torch.randn(3, 48) / 3
    fused_file(tmp_path, {"hada_w1_a": a, "hada_w1_b": b, "hada_w2_a": c, "hada_w2_b": d})
    rows = thirds((a @ b) * (c @ d))
    agrees(tmp_path, {name: {"diff": rows[name]} for name in QKV})


@pytest.mark.parametrize("axis", Axis)
def test_fused_dora(axis: Axis, tmp_path: Path) -> None:
    """A column of the fused matrix has one norm, over the rows of all three."""
    torch.manual_seed(0)
    transformer = writing.tiny_transformer()
    weight = torch.cat([transformer.get_submodule(name).get_parameter("weight") for name in QKV])
    weight = weight.detach()
    down, up = torch.randn(4, 48) / 4, torch.randn(144, 4) / 4
    along = 1 if axis is Axis.ROWS else 0
    changed = weight + up @ down
    norms = changed.norm(dim=along, keepdim=True)
    magnitude = norms * (1 + torch.rand(norms.shape) / 2)
    fused_file(tmp_path, {"lora_A": down, "lora_B": up, "dora_scale": magnitude})
    rows = thirds(magnitude * changed / norms - weight)
    agrees(tmp_path, {name: {"diff": rows[name]} for name in QKV}, weight=0.8)


def test_full_fused_difference(tmp_path: Path) -> None:
    """A full difference of the fused matrix is cut in thirds too."""
    torch.manual_seed(0)
    whole = torch.randn(144, 48) / 8
    fused_file(tmp_path, {"diff": whole})
    agrees(tmp_path, {name: {"diff": each} for name, each in thirds(whole).items()})


def test_lokr_of_musubi(tmp_path: Path) -> None:
    """musubi-tuner divides alpha by the larger side of a whole second factor, LyCORIS ignores it.

    Its own files are told by a number that it saves beside them.
    """
    factors = writing.kronecker(alpha=8.0)
    tensors = DIALECTS["kohya, musubi"](factors)
    wanted = {
        module: {
            "diff": torch.kron(each["lokr_w1"], each["lokr_w2"]) * 8 / max(each["lokr_w2"].shape)
        }
        for module, each in factors.items()
    }
    writing.save(tmp_path / "it.safetensors", {**tensors, "lokr_factor": torch.tensor(-1)})
    agrees(tmp_path, wanted)
    writing.save(tmp_path / "it.safetensors", tensors, {"ss_lokr_factor": "-1"})
    agrees(tmp_path, wanted)


def test_methods_are_named(tmp_path: Path) -> None:
    """A listing says which methods a file has."""
    for name, factors in {
        "lora": writing.low_rank(),
        "dora": writing.low_rank(decomposed="rows"),
        "lokr": writing.kronecker(),
        "loha": writing.hadamard(),
        "diff": writing.differences(),
    }.items():
        writing.save(tmp_path / f"{name}.safetensors", DIALECTS["ai-toolkit"](factors))
    found = {each.name: each.methods for each in shelf_of(tmp_path).listing()}
    assert found == {
        "lora": (Method.LORA,),
        "dora": ("DoRA",),
        "lokr": (Method.LOKR,),
        "loha": (Method.LOHA,),
        "diff": (Method.FULL,),
    }
