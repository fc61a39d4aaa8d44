"""An available device is picked, with a number format that it computes in."""

import pytest
import torch

from engine.diffusion.devices import pick_device, pick_dtype, pick_products, remarks
from engine.errors import ModelUnavailable
from engine.types import Remark


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without any GPU, whatever this one has."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    return monkeypatch


def with_cuda(machine: pytest.MonkeyPatch, count: int, bf16: bool = True) -> None:
    machine.setattr(torch.cuda, "is_available", lambda: True)
    machine.setattr(torch.cuda, "device_count", lambda: count)
    # Emulated bfloat16 counts by default.
    machine.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or bf16,
    )


def test_auto_takes_the_best_there_is(machine: pytest.MonkeyPatch) -> None:
    """CUDA is preferred to Apple silicon, and that to the CPU."""
    assert pick_device("auto", "m") == torch.device("cpu")
    machine.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("auto", "m") == torch.device("mps")
    with_cuda(machine, 2)
    assert pick_device("auto", "m") == torch.device("cuda", 0)


@pytest.mark.parametrize(("wanted", "index"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_a_gpu_by_number(machine: pytest.MonkeyPatch, wanted: str, index: int) -> None:
    """A numbered GPU is that GPU."""
    with_cuda(machine, 2)
    assert pick_device(wanted, "m") == torch.device("cuda", index)


def test_a_gpu_that_is_not_there(machine: pytest.MonkeyPatch) -> None:
    """A number beyond the available GPUs is refused, with their count."""
    with_cuda(machine, 2)
    with pytest.raises(ModelUnavailable, match=r"cuda:2 does not exist: torch finds 2 CUDA"):
        pick_device("cuda:2", "m")


@pytest.mark.parametrize(
    "wanted",
    [
        "cuda",
        "cuda:0",
        "mps",
        "",
        "gpu",
        "meta",
        "xpu",
        "cuda:-1",
        "cuda:x",
        "cuda:9999999999",
        "\0",
    ],
)
def test_other_devices_are_refused(machine: pytest.MonkeyPatch, wanted: str) -> None:
    """An unavailable or unknown device is refused with one plain line."""
    with pytest.raises(ModelUnavailable) as caught:
        pick_device(wanted, "m")
    assert caught.value.reason
    assert "\n" not in caught.value.reason


def test_the_number_format(machine: pytest.MonkeyPatch) -> None:
    """bfloat16 where a GPU computes it itself, float32 elsewhere, never float16."""
    cpu, cuda, mps = (torch.device(kind) for kind in ("cpu", "cuda", "mps"))
    with_cuda(machine, 1, bf16=True)
    assert pick_dtype(cuda) is torch.bfloat16
    assert pick_dtype(cpu) is torch.float32
    assert pick_dtype(mps) is torch.float32
    with_cuda(machine, 1, bf16=False)
    assert pick_dtype(cuda) is torch.float32


@pytest.mark.parametrize(
    ("capability", "bf16", "products", "remark"),
    [
        ((6, 1), False, torch.float32, Remark.NO_BFLOAT16),
        ((7, 0), False, torch.float16, Remark.FLOAT16),
        ((7, 5), False, torch.float16, Remark.FLOAT16),
        ((8, 6), True, torch.bfloat16, None),
    ],
)
def test_products_of_cards_without_bfloat16(
    machine: pytest.MonkeyPatch,
    capability: tuple[int, int],
    bf16: bool,
    products: torch.dtype,
    remark: Remark | None,
) -> None:
    """They multiply in float16 where they are fast in it, and never where bfloat16 exists; the
    owner is told."""
    cuda = torch.device("cuda")
    with_cuda(machine, 1, bf16)
    machine.setattr(torch.cuda, "get_device_capability", lambda _device: capability)
    assert pick_products(cuda) is products
    assert remarks(cuda) == (() if remark is None else (remark,))
    assert pick_products(torch.device("cpu")) is torch.float32
