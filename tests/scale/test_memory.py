"""The measuring of memory plans is rehearsed without a GPU, so that it works on the first one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from engine.diffusion import machine
from engine.diffusion.footprint import Estimate, MemoryPlan, Shape
from engine.diffusion.loading import Loaded
from tests.engine.diffusion.cards import MODEL
from tests.scale import devices, fullsize, memory
from tests.scale.devices import GB, CudaCard, HostCard, Memory
from tests.scale.fullsize import FULL, TINY, Setup
from tests.scale.memory import (
    HEAD,
    PLANS,
    Measured,
    PlanCase,
    References,
    cases,
    goals,
    main,
    measure,
)

HERE = torch.device("cpu")
RESIDENT = PlanCase("resident", "resident")


@pytest.fixture
def setup() -> Iterator[Setup]:
    """A tiny model on a simulated card."""
    with HostCard(model_share=1e-4) as card:
        yield Setup(card, TINY, Shape(64, 64, 1), repeats=1)


def rows(printed: str) -> dict[str, list[str]]:
    """Return the cells of each line of a Markdown table, by the first of them."""
    lines = [line.strip("|").split("|") for line in printed.splitlines() if line.startswith("|")]
    return {line[0].strip(): [cell.strip() for cell in line] for line in lines}


def test_the_full_size_is_the_real_one() -> None:
    """The built model has, to the byte, the sizes that all plans are checked against."""
    assert fullsize.sizes(FULL, torch.bfloat16) == MODEL


def test_the_same_seed_is_the_same_model() -> None:
    """A model that is built again has the same bits; positions keep their precision."""

    def weights(seed: int) -> list[torch.Tensor]:
        pipeline: Any = fullsize.build(TINY, torch.bfloat16, HERE, seed)
        parts = (pipeline.transformer, pipeline.text_encoder, pipeline.vae)
        assert {each.dtype for part in parts for each in part.buffers()} <= {torch.float32}
        return [each for part in parts for each in part.parameters()]

    first, again, other = weights(1), weights(1), weights(2)
    assert all(map(torch.equal, first, again))
    assert not all(map(torch.equal, first, other))
    assert {each.dtype for each in first} == {torch.bfloat16}
    assert all(bool(torch.isfinite(each).all()) for each in first)


def test_exact_weights_come_back(setup: Setup) -> None:
    """Exact weights rebuilt after quantized ones are the same as before, to the bit."""
    with setup.painter() as made:
        before = memory.paint(setup, made, 1).painted.raster
        residency = memory._residency(made)
        residency.use(MemoryPlan.parse("streamed+int8"))
        assert residency.use(MemoryPlan.parse("streamed")) is True
        assert memory.paint(setup, made, 1).painted.raster == before


def test_without_a_gpu_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a GPU there is one sentence and exit code 69, also for the CPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for arguments in ([], ["--device", "cpu"]):
        assert main(arguments) == 69
        said = capsys.readouterr()
        assert said.out == "" and said.err.count("\n") == 1
        assert said.err.startswith("Nothing can be measured here: ")


def test_a_rehearsal_paints_every_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Every plan has its line; exact ones paint the same bits, quantized ones nearly, and less free
    memory means a smaller plan."""
    assert main(["--tiny", "--repeats", "0", "--steps", "1"]) == 0
    found = rows(capsys.readouterr().out)
    assert all(len(row) == len(HEAD) for row in found.values())
    for case in cases():
        plan, pixels, remarks = (found[case.name][column] for column in (1, -2, -1))
        assert case.plan in ("auto", plan) and remarks == ""
        assert pixels in ("equal", "reference") or (
            not MemoryPlan.parse(plan).exact and "by" in pixels
        )
    assert found["resident"][8] == "1.00" and found["resident"][2] == "–"
    assert found["auto 24 GB"][1] == "resident" != found["auto 4 GB"][1]
    assert "8" in found["auto 8-bit 4 GB"][1] and "8" not in found["auto 4 GB"][1]


def test_rows_are_chosen_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Patterns select rows; a name that matches none is refused with all names."""
    arguments = ["--tiny", "--repeats", "0", "--steps", "1"]
    assert main([*arguments, "--plans", "resident, model*"]) == 0
    assert {"resident", "model-offload"} == rows(capsys.readouterr().out).keys() - {"case", "---"}
    with pytest.raises(SystemExit):
        main([*arguments, "--plans", "residence"])
    assert PLANS[-1] in capsys.readouterr().err


def broken(monkeypatch: pytest.MonkeyPatch, error: Exception, times: int) -> None:
    """Make the next decodings fail."""
    original, left = fullsize.load, [times]

    def fail(*_: object) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise error

    def load(*arguments: Any) -> Loaded:
        loaded = original(*arguments)
        loaded.pipeline.vae.decoder.register_forward_pre_hook(fail)
        return loaded

    monkeypatch.setattr(fullsize, "load", load)


@pytest.mark.parametrize(
    ("error", "times", "code", "reason"),
    [
        (torch.OutOfMemoryError("no room"), 1, 0, "out of memory; "),
        (torch.OutOfMemoryError("no room"), 5, 0, "out of memory"),
        (ValueError("odd"), 1, 1, "failed: RenderFailed: ValueError: odd"),
        (RuntimeError("CUDA error: misaligned address"), 1, 1, "the device is lost: "),
    ],
)
def test_trouble_is_a_row(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    times: int,
    code: int,
    reason: str,
) -> None:
    """A plan that runs out of memory or fails is a line with the reason, and the next one is
    measured; only a lost device ends it."""
    broken(monkeypatch, error, times)
    plan = "sequential-offload+tiled" if times > 1 else "resident"
    chosen = f"{plan},auto 16 GB"
    assert main(["--tiny", "--repeats", "1", "--steps", "1", "--plans", chosen]) == code
    found = rows(capsys.readouterr().out)
    assert found[plan][-1].startswith(reason) and found[plan][2] == "–"
    assert ("auto 16 GB" in found) is ("lost" not in reason)


def test_more_than_there_is_cannot_be_left_free(setup: Setup) -> None:
    """A card with less free memory than a row needs gives an empty row, not a failure."""
    made = measure(setup, PlanCase("auto 99 GB", "auto", 99), References())
    assert isinstance(made, memory.Missing) and not made.failed
    assert "24.00 GB are free" in made.reason


def test_a_difference_is_told(setup: Setup) -> None:
    """Exact plans with other pixels are not reported as equal."""
    references = References()
    first = measure(setup, RESIDENT, references)
    assert isinstance(first, Measured) and first.pixels == "reference" and first.ratio == 1.0
    picture = references.pictures[False][0]
    references.pictures[False][0] = dataclasses.replace(picture, rgb=bytes(len(picture.rgb)))
    again = measure(setup, RESIDENT, references)
    assert isinstance(again, Measured) and again.pixels.startswith("DIFFERENT by ")


class Counting(HostCard):
    """Counts allocations: more after each picture by a fixed amount."""

    def __init__(self, grows_bytes: int) -> None:
        super().__init__(model_share=1e-4)
        self._grows_bytes, self._taken_bytes = grows_bytes, GB

    def peak(self) -> Memory:
        return Memory(self._taken_bytes + GB, self._taken_bytes + 2 * GB)

    def now(self) -> Memory:
        self._taken_bytes += self._grows_bytes
        return Memory(self._taken_bytes, self._taken_bytes + GB)


@pytest.mark.parametrize(("grows_bytes", "flat"), [(0, True), (GB // 100, False)])
def test_growing_memory_is_told(
    grows_bytes: int, flat: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Memory after each picture is printed, and growth is not reported as flat."""
    with Counting(grows_bytes) as card:
        setup = Setup(card, TINY, Shape(64, 64, 1))
        assert memory.flatness(setup, RESIDENT, 4) is flat
    said = capsys.readouterr().out
    assert [rows(said)[str(number)][1] for number in range(4)] == ["resident"] * 4
    assert ("NOT flat" in said) is not flat
    assert rows(said)["3"][3] == ("1.00 GB" if flat else "1.04 GB")


def test_pictures_are_counted_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    """`--pictures` watches the first of the chosen rows."""
    arguments = ["--tiny", "--steps", "1", "--pictures", "2", "--plans", "streamed"]
    assert main(arguments) == 0
    assert rows(capsys.readouterr().out)["1"][1] == "streamed"


def test_a_full_card_is_rehearsed(capsys: pytest.CaptureFixture[str]) -> None:
    """`--oom`: the current picture gets a smaller plan, and the next one the larger one again."""
    assert main(["--tiny", "--steps", "2", "--oom"]) == 0
    said = capsys.readouterr().out
    assert "before: resident" in said and "free again: resident" in said
    assert "encoder-offload+tiled painted" in said


def test_a_card_that_never_fills_is_no_proof(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where memory did not run out, the check has failed."""
    monkeypatch.setattr(setup.card, "now", lambda: Memory(0, 0))
    assert memory.exhaustion(setup, 1.0) is False


def measured(setup: Setup) -> Callable[..., Measured]:
    """Makes rows as of a real card."""
    row = measure(setup, RESIDENT, References())
    assert isinstance(row, Measured)

    def made(name: str, taken_gb: float, ratio: float, free_gb: float | None = None) -> Measured:
        plan = MemoryPlan.parse(name)
        return dataclasses.replace(
            row,
            case=PlanCase(name, name, free_gb),
            plan=plan,
            peak=Memory(int(taken_gb * GB), int(taken_gb * GB) + 1),
            at_start=Memory(GB, GB),
            estimate=Estimate(int(1.5 * taken_gb * GB), 0, 1.0),
            seconds=ratio,
            ratio=ratio,
            pixels="equal" if plan.exact else "by 1.00 of 255",
        )

    return made


def test_goals_are_judged(setup: Setup) -> None:
    """The fastest row under each limit is named, and whether it meets the goal."""
    made = measured(setup)
    done = [
        made("resident", 21, 1.0),
        made("streamed", 5, 1.5),
        made("encoder-offload+fp8+tiled", 6.8, 1.1),
        made("streamed+tiled", 3, 1.6, 4),
    ]
    assert [line.endswith("yes") for line in goals(done, check_s=1e-9)] == [True] * 5
    assert "encoder-offload+fp8+tiled), 6.80 GB, 1.10" in goals(done, 1e-9)[0]
    assert "(streamed), 5.00 GB" in goals(done, 1e-9)[1]
    worse = goals([done[0], dataclasses.replace(done[1], pixels="DIFFERENT by 3")], check_s=1e9)
    assert ["NO" in line for line in worse] == [True, False, True, True, True]
    error, *_ = (cell for cell in memory.cells(done[1]) if "%" in cell)
    assert error == "+50.0%"


def test_a_real_card_is_filled_past_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver allocates all free memory but the rest, and it is freed exactly once."""
    calls: list[tuple[str, int]] = []

    def allocate(_address: Any, size: Any) -> int:
        calls.append(("take", size.value))
        return 0 if size.value < 50 * GB else 2

    driver = SimpleNamespace(
        cuMemAlloc_v2=allocate, cuMemFree_v2=lambda _address: calls.append(("free", 0))
    )
    monkeypatch.setattr(devices, "_driver", lambda: driver)
    monkeypatch.setattr(machine, "measured", lambda _device: None)
    monkeypatch.setattr(devices.gc, "collect", lambda: 0)  # it takes long among so many modules
    for name in ("set_device", "init", "synchronize", "empty_cache"):
        monkeypatch.setattr(torch.cuda, name, lambda *_: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (40 * GB, 80 * GB))
    card = CudaCard(torch.device("cuda", 0))
    with devices.filled(card, 8 * GB):
        assert calls == [("take", 32 * GB)]
    card.empty()
    assert calls == [("take", 32 * GB), ("free", 0)]
    with pytest.raises(devices.TooFull, match=r"40\.00 GB"):
        card.fill(41 * GB)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (70 * GB, 80 * GB))
    with pytest.raises(RuntimeError, match="error 2"):
        card.fill(0)
