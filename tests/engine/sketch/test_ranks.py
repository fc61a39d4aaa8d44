"""Processes that train together do what a single one would do."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from engine.sketch.ranks import ALONE, Ranks, together


def _work(ranks: Ranks, folder: Path) -> None:
    """Each process contributes a gradient, twice."""
    parameter = nn.Parameter(torch.zeros(3))
    silent = nn.Parameter(torch.zeros(2))
    for step in (1, 2):
        parameter.grad = torch.full((3,), float(step * 10 ** (ranks.rank + 1)))
        ranks.average([parameter, silent])
        torch.save(parameter.grad, folder / f"{ranks.rank}-{step}.pt")
    weight = nn.Parameter(torch.full((2,), float(ranks.rank)))
    ranks.average_weights([weight, silent])
    torch.save(weight.data, folder / f"{ranks.rank}-weight.pt")


def _share(ranks: Ranks, folder: Path) -> None:
    """Each process doubles its own rows of stacks with an odd and with a single row."""
    stacks = [torch.arange(6.0).view(3, 2), torch.full((1, 4), 7.0)]
    done: list[int] = []

    def doubled(rows: torch.Tensor) -> torch.Tensor:
        done.append(len(rows))
        return rows * 2

    found = ranks.shared(stacks, doubled)
    torch.save({"found": found, "rows": sum(done)}, folder / f"{ranks.rank}.pt")


def test_processes_share_work_row_by_row(tmp_path: Path) -> None:
    """All get every row, each having done its own rows only; alone it is the same."""
    together(2, 10, _share, tmp_path)
    (tmp_path / "alone").mkdir()
    together(1, 10, _share, tmp_path / "alone")
    alone = torch.load(tmp_path / "alone" / "0.pt")
    both = [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    assert [each["rows"] for each in both] == [3, 1] and alone["rows"] == 4
    for each in both:
        assert all(map(torch.equal, each["found"], alone["found"]))


def _fail(ranks: Ranks) -> None:
    """One process fails while the others wait."""
    if ranks.rank == 1:
        raise ValueError("broken")
    ranks.average([_with_gradient()])


def _with_gradient() -> nn.Parameter:
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.ones(1)
    return parameter


def test_every_process_gets_the_mean(tmp_path: Path) -> None:
    """After each step all processes hold the same gradient: the mean of their contributions."""
    together(2, 5, _work, tmp_path)
    for step in (1, 2):
        for rank in (0, 1):
            found = torch.load(tmp_path / f"{rank}-{step}.pt")
            assert torch.equal(found, torch.full((3,), step * 55.0))


def test_a_broken_process_ends_them_all() -> None:
    """No process waits without end for one that has failed."""
    with pytest.raises(Exception, match="broken"):
        together(2, 1, _fail)


def _report(ranks: Ranks, folder: Path) -> None:
    """Each process reports its index, and runs until it is killed."""
    (folder / str(ranks.rank)).write_text(str(os.getpid()))
    time.sleep(600)


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    """When the process that started them is killed, the others end by themselves."""
    program = (
        "import sys; from pathlib import Path\n"
        "from engine.sketch.ranks import together\n"
        "from tests.engine.sketch.test_ranks import _report\n"
        "if __name__ == '__main__': together(2, 1, _report, Path(sys.argv[1]))"
    )
    script = tmp_path / "train.py"
    script.write_text(program)
    root = str(Path(__file__).parents[3])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], env=os.environ | {"PYTHONPATH": root}
    )
    marks = [tmp_path / "0", tmp_path / "1"]
    deadline = time.monotonic() + 60
    while not all(mark.exists() and mark.read_text() for mark in marks):
        assert parent.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    pids = [int(mark.read_text()) for mark in marks]
    while any(psutil.pid_exists(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_shares_of_a_batch_are_all_of_it() -> None:
    """Each row is in exactly one process's share; a batch too small is not shared."""
    rows = list(range(7))
    shares = [rows[Ranks(rank, 3).rows(7)] for rank in range(3)]
    assert sorted(itertools.chain.from_iterable(shares)) == rows
    assert rows[:2][Ranks(2, 3).rows(2)] == [0, 1]
    assert rows[ALONE.rows(7)] == rows
