"""Samples of what is said about stored data, and of the questions before it is erased."""

from __future__ import annotations

from bot.discord.views.privacy import member_question_layout, own_question_layout
from bot.privacy.erasure import ErasureDone, ErasureQuestion, StoredCounts
from bot.wording import privacy
from tests.bot.discord.views.samples.data import BOB, Sample

_NOTHING = StoredCounts(0, 0, 0, 0, 0, 0)
_MUCH = StoredCounts(12345, 23456, 50, 1, 2, 30)

PRIVACY: dict[str, Sample] = {
    "privacy-info": lambda say, _: privacy.own_data(_MUCH, say),
    "privacy-info-none": lambda say, _: privacy.own_data(_NOTHING, say),
    "privacy-question": lambda say, _: own_question_layout(_MUCH, say),
    "privacy-erased": lambda say, _: privacy.own_erased(ErasureDone(BOB, 12345, 2, 24680), say),
    "privacy-erased-nothing": lambda say, _: privacy.own_erased(ErasureDone(BOB, 0, 0, 0), say),
    "privacy-exported": lambda say, _: privacy.export_done(23456, say),
    "privacy-exported-nothing": lambda say, _: privacy.export_done(0, say),
    "erase-member-question": lambda say, _: member_question_layout(
        ErasureQuestion(7, BOB, _NOTHING), say
    ),
    "erase-member-done": lambda say, _: privacy.member_erased(ErasureDone(BOB, 1, 1, 1), say),
}
