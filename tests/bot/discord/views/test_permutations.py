"""The layout of a proposed batch."""

from __future__ import annotations

import pytest

from bot.discord.views.permutations import proposal_layout
from bot.i18n import words
from bot.jobs.proposals.permutations import BatchProposal
from storage.types import PolicySource, QuotaPolicy, QuotaStatus


@pytest.mark.parametrize(("prompts", "shown", "rest"), [(5, 5, ""), (6, 6, ""), (7, 5, "2 more")])
def test_a_single_one_is_not_left_out(prompts: int, shown: int, rest: str):
    """A single remaining prompt is listed instead of "and 1 more"."""
    texts = tuple(f"cat {number}" for number in range(prompts))
    quota = QuotaStatus(QuotaPolicy(50, 24, PolicySource.CONFIG), 0, 50, None)
    view = proposal_layout(BatchProposal(1, texts, prompts, quota, None), words())
    said = str(view.to_components())
    assert sum(text in said for text in texts) == shown
    assert ("more" in said) == bool(rest) and rest in said
