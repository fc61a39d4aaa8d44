"""Pages of mapped weights go back to the system after their use, and come again with the next."""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.diffusion import mapped_pages, renderer
from engine.diffusion.mapped_pages import give_back_pages, passing
from engine.diffusion.renderer import DiffusionRenderer
from engine.settings import EngineSettings
from tests.engine.diffusion.rendering import painted, pipeline_of

WIDTH = 512
BLOCKS = 3

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's own files")


class Encoder(nn.Module):
    """Blocks whose weights are parts of a mapped file, as after loading."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        torch.manual_seed(1)
        values = torch.randn(BLOCKS * WIDTH * WIDTH)
        path.write_bytes(values.numpy().tobytes())
        with path.open("rb") as file:
            self.mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self.layers = nn.ModuleList(nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(BLOCKS))
        for number, layer in enumerate(self.layers):
            part = torch.frombuffer(
                self.mapping, dtype=torch.float32, count=WIDTH**2, offset=number * WIDTH**2 * 4
            )
            layer.weight = nn.Parameter(part.view(WIDTH, WIDTH), requires_grad=False)
        self.resident: list[int] = []

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            values = layer(values)
            self.resident.append(resident(self.layers))
        return values


def resident(module: nn.Module) -> int:
    """Return how many bytes of a module's weights are in this process's memory."""
    present = 0
    with Path("/proc/self/pagemap").open("rb", buffering=0) as pagemap:
        for tensor in module.parameters():
            first = tensor.data_ptr() // mmap.PAGESIZE
            count = tensor.nbytes // mmap.PAGESIZE
            pagemap.seek(first * 8)
            entries = memoryview(pagemap.read(count * 8)).cast("Q")
            present += sum(entry >> 63 for entry in entries) * mmap.PAGESIZE
    return present


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Encoder]:
    monkeypatch.setattr(mapped_pages, "LEAST_BYTES", 1)
    yield Encoder(tmp_path / "weights")


def test_one_block_at_a_time_is_in_memory(encoder: Encoder) -> None:
    """While it passes at most one block is, afterwards none, and what is computed is the same."""
    values = torch.randn(2, WIDTH)
    expected = encoder(values)
    assert encoder.resident[-1] >= BLOCKS * WIDTH**2 * 4
    give_back_pages(encoder)
    encoder.resident.clear()
    with passing(encoder):
        assert torch.equal(encoder(values), expected)
    # The system reads ahead: a use of one block may bring the first pages of the next.
    assert max(encoder.resident) <= 2 * WIDTH**2 * 4
    assert resident(encoder) == 0
    assert torch.equal(encoder(values), expected)


def test_a_weight_that_was_changed_in_place_stays(encoder: Encoder) -> None:
    """What a LoRA wrote into a mapped weight is no longer in any file."""
    changed = list(encoder.parameters())[1]
    with passing(encoder):
        changed[7, 9] = 123.0
        encoder(torch.randn(2, WIDTH))
    assert changed[7, 9] == 123.0
    assert 0 < resident(encoder) <= WIDTH**2 * 4


def test_weights_of_no_file_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Converted and quantized weights lie in memory of their own."""
    monkeypatch.setattr(mapped_pages, "LEAST_BYTES", 1)
    layer = nn.Linear(WIDTH, WIDTH)
    before = layer.weight.detach().clone()
    with passing(nn.Sequential(layer)):
        layer(torch.randn(2, WIDTH))
    assert torch.equal(layer.weight, before)


def test_small_modules_keep_their_pages(tmp_path: Path) -> None:
    """Asking costs more than they take."""
    encoder = Encoder(tmp_path / "weights")
    with passing(encoder):
        encoder(torch.randn(2, WIDTH))
    assert resident(encoder) == BLOCKS * WIDTH**2 * 4


def test_where_the_system_does_not_say_nothing_is_given_back(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As in a container without /proc."""
    monkeypatch.setattr(mapped_pages, "_PAGEMAP", tmp_path / "none")
    with passing(encoder):
        encoder(torch.randn(2, WIDTH))
    assert resident(encoder) == BLOCKS * WIDTH**2 * 4


def test_a_prompt_is_read_block_by_block(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a prompt is read, and only then: the next picture of it needs no encoder."""
    monkeypatch.setattr(renderer, "_lower_priority", lambda: None)
    monkeypatch.setattr(mapped_pages, "LEAST_BYTES", 1)
    given: list[nn.Module] = []
    monkeypatch.setattr(mapped_pages, "give_back_pages", given.append)
    painter = DiffusionRenderer.load(EngineSettings(model=str(tiny), device="cpu", threads=1))
    try:
        encoder = pipeline_of(painter).text_encoder
        first = painted(painter).raster
        assert given == [*encoder.layers, encoder]
        assert painted(painter).raster == first
        assert len(given) == len(encoder.layers) + 1
    finally:
        painter.close()
