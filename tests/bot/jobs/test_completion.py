"""Picture files on the disk are recognised by their names and their recipes."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from bot.jobs.completion import matches_request
from bot.pictures.filenames import is_picture_of, picture_name, sheet_name
from engine.types import MAX_SEED
from tests.fakes import a_request

jobs = st.integers(1, 10**12)
seeds = st.integers(0, MAX_SEED)
numbers = st.none() | st.integers(1, 4)


@given(jobs, jobs, seeds, numbers)
def test_a_name_tells_its_job(job: int, other: int, seed: int, number: int | None):
    """The names of single pictures, numbered ones and contact sheets identify their job."""
    for name in (picture_name(job, seed, number), sheet_name(job)):
        assert is_picture_of(job, name)
        assert is_picture_of(job, name.replace(".png", ".webp"))
        assert is_picture_of(other, name) == (other == job)


@given(jobs, seeds, st.permutations([None, 1, 2, 3, 4]))
def test_names_differ(job: int, seed: int, order: list[int | None]):
    """Pictures with the same seed, as variations have, get different names."""
    names = {picture_name(job, seed, number) for number in order} | {sheet_name(job)}
    assert len(names) == 6


def test_a_picture_is_known_by_what_was_wanted():
    """Another seed is another picture; what painting itself wrote into the prompt is no change."""
    wanted = a_request(seed=5)
    assert matches_request(wanted, wanted)
    assert not matches_request(wanted, a_request(seed=6))
    written = dataclasses.replace(wanted, effective_prompt="a red boat on a calm sea")
    assert not matches_request(wanted, written)
    smart = dataclasses.replace(wanted, expand=True)
    assert matches_request(smart, written)
    assert not matches_request(smart, dataclasses.replace(written, seed=6))
