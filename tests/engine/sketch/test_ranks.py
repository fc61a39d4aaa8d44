"""Processes that train together do what one alone would."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn

from engine.sketch.ranks import ALONE, Ranks, together


def _work(ranks: Ranks, folder: Path) -> None:
    """Each process brings a gradient of its own, twice."""
    parameter = nn.Parameter(torch.zeros(3))
    silent = nn.Parameter(torch.zeros(2))
    for step in (1, 2):
        parameter.grad = torch.full((3,), float(step * 10 ** (ranks.rank + 1)))
        ranks.average([parameter, silent])
        torch.save(parameter.grad, folder / f"{ranks.rank}-{step}.pt")


def _fail(ranks: Ranks) -> None:
    """One process breaks while the others wait."""
    if ranks.rank == 1:
        raise ValueError("broken")
    ranks.average([_with_gradient()])


def _with_gradient() -> nn.Parameter:
    parameter = nn.Parameter(torch.zeros(1))
    parameter.grad = torch.ones(1)
    return parameter


def test_every_process_gets_the_mean(tmp_path: Path) -> None:
    """After each step all processes hold the same gradient: the mean of what they brought."""
    together(2, 5, _work, tmp_path)
    for step in (1, 2):
        for rank in (0, 1):
            found = torch.load(tmp_path / f"{rank}-{step}.pt")
            assert torch.equal(found, torch.full((3,), step * 55.0))


def test_a_broken_process_ends_them_all() -> None:
    """Nobody waits for ever for one that is gone."""
    with pytest.raises(Exception, match="broken"):
        together(2, 1, _fail)


def test_shares_of_a_batch_are_all_of_it() -> None:
    """Each row is in exactly one process's share; a batch too small is not shared."""
    rows = list(range(7))
    shares = [rows[Ranks(rank, 3).rows(7)] for rank in range(3)]
    assert sorted(itertools.chain.from_iterable(shares)) == rows
    assert rows[:2][Ranks(2, 3).rows(2)] == [0, 1]
    assert rows[ALONE.rows(7)] == rows
