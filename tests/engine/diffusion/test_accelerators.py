"""What this torch can use, and which operations work on a device."""

from __future__ import annotations

import pytest
import torch

from engine.diffusion import accelerators
from engine.diffusion.accelerators import has_kernels, read_build, release, unsupported_operations

CPU = torch.device("cpu")


def test_the_build_is_described() -> None:
    """Version and CUDA release are torch's own; without a usable card there are none in it."""
    build = read_build()
    assert build.version == torch.__version__ and build.cuda == release(torch.version.cuda)
    assert len(build.cards) == torch.cuda.device_count()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_all_operations_work_on_the_processor(dtype: torch.dtype) -> None:
    """The list runs where everything is supported, so that what fails elsewhere is the device."""
    assert unsupported_operations(CPU, dtype) == ()


def test_what_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that a device lacks is named, and the others are still run."""

    def lacking(*_: object, **__: object) -> torch.Tensor:
        raise NotImplementedError("not implemented for 'MPS'")

    monkeypatch.setattr(accelerators.F, "group_norm", lacking)
    assert unsupported_operations(CPU) == ("group norm",)


def test_a_device_that_takes_nothing_fails_in_everything() -> None:
    """Where no tensor can be made, no operation is claimed to work."""
    failed = unsupported_operations(torch.device("xpu"))
    assert "matrix product" in failed and "attention" in failed


@pytest.mark.parametrize(
    ("capability", "built_for", "runs"),
    [
        ((8, 6), ["sm_80", "sm_90"], True),
        ((8, 6), ["sm_86"], True),
        ((8, 0), ["sm_86"], False),
        ((6, 1), ["sm_75", "sm_80"], False),
        ((12, 0), ["sm_90"], False),
        ((12, 0), ["sm_90", "compute_90"], True),
        ((9, 0), ["sm_90a"], True),
        ((10, 0), ["sm_100"], True),
        ((9, 4), [], True),
    ],
)
def test_programs_for_a_card(capability: tuple[int, int], built_for: list[str], runs: bool) -> None:
    """Programs run within their generation on cards that are not older; "compute" on later ones."""
    assert has_kernels(capability, built_for) is runs


def test_releases() -> None:
    """A release is its first two numbers; no release is none."""
    assert (release("12.8"), release("13.0.1"), release(None)) == ((12, 8), (13, 0), None)
