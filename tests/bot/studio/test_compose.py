"""From what a person typed to a request, or to the reason why not."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import wording
from bot.i18n import words
from bot.studio.compose import Wish, compose, recompose
from bot.studio.outcomes import (
    BadAspect,
    BadSize,
    Composed,
    EmptyPrompt,
    GuidanceHigh,
    NegativeAdded,
    NegativeIdle,
    OutOfRange,
    Refused,
    TextTooLong,
)
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO
from engine.types import MAX_SEED


def composed(wish: Wish, family=SKETCH_FAMILY) -> Composed:
    """The request of a wish that is all right."""
    outcome = compose(wish, family, lambda: 42)
    assert isinstance(outcome, Composed)
    return outcome


def test_an_untouched_wish_gets_the_familys_defaults():
    """Eight steps, guidance off, the native square, a fresh seed, words for quality."""
    request = composed(Wish("a lake"), Z_IMAGE_TURBO).request
    assert (request.steps, request.guidance, request.seed) == (8, 1.0, 42)
    assert (request.width_px, request.height_px) == (1024, 1024)
    assert request.effective_prompt.startswith("a lake. ")
    assert request.negative_prompt == ""


@pytest.mark.parametrize(
    ("wish", "kind"),
    [
        (Wish(""), EmptyPrompt),
        (Wish("\u200b\ufeff \n"), EmptyPrompt),
        (Wish("\u3164\u2800\ufe0f"), EmptyPrompt),
        (Wish("x" * 4000), TextTooLong),
        (Wish("x", negative="y" * 2001), TextTooLong),
        (Wish("x", seed=-1), OutOfRange),
        (Wish("x", seed=MAX_SEED + 1), OutOfRange),
        (Wish("x", seed=10**400), OutOfRange),
        (Wish("x", steps=0), OutOfRange),
        (Wish("x", steps=51), OutOfRange),
        (Wish("x", guidance=math.nan), OutOfRange),
        (Wish("x", guidance=math.inf), OutOfRange),
        (Wish("x", guidance=0.5), OutOfRange),
        (Wish("x", guidance=5.01), OutOfRange),
        (Wish("x", aspect="wide"), BadAspect),
        (Wish("x", aspect="0:1"), BadAspect),
        (Wish("x", aspect="100:1"), BadAspect),
        (Wish("x", size=(250, 256)), BadSize),
        (Wish("x", size=(16, 16)), BadSize),
        (Wish("x", size=(100_000, 256)), BadSize),
        (Wish("x", size=(0, 0)), BadSize),
        (Wish("x", size=(-256, -256)), BadSize),
    ],
)
def test_bad_input_gets_a_reason_and_one_sentence(wish: Wish, kind: type):
    """Each mistake has a reason of its own, and words for it."""
    outcome = compose(wish, SKETCH_FAMILY, lambda: 42)
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, kind)
    sentence = wording.refusal(outcome, words(), lambda moment: moment.isoformat())
    assert sentence and "\n" not in sentence and sentence[-1] == "."


def test_an_idle_negative_prompt_is_noted():
    """A negative prompt at guidance 1 does nothing; above 1 it acts and nothing is noted."""
    assert composed(Wish("x", negative="fog")).notes == (NegativeIdle(),)
    assert composed(Wish("x", negative="fog", guidance=1.5)).notes == ()


def test_high_guidance_is_noted():
    """Over 2.5 pictures burn."""
    (note,) = composed(Wish("x", guidance=3.0, enhance=False)).notes
    assert isinstance(note, GuidanceHigh)


def test_the_default_negative_prompt_acts_only_with_guidance():
    """With guidance and enhancement, and none given, ours is used and said; else none is."""
    ours = composed(Wish("x", guidance=1.5))
    assert ours.notes == (NegativeAdded(ours.request.negative_prompt),)
    assert not composed(Wish("x")).request.negative_prompt
    assert not composed(Wish("x", guidance=1.5, enhance=False)).request.negative_prompt


@given(st.text(max_size=300), st.integers(), st.floats(), st.integers(), st.text(max_size=9))
def test_any_input_gives_a_request_within_bounds_or_a_refusal(
    prompt: str, seed: int, guidance: float, steps: int, aspect: str
):
    """Whatever is typed, nothing out of bounds reaches the painter and nothing raises."""
    wish = Wish(prompt, aspect=aspect or None, seed=seed, steps=steps, guidance=guidance)
    outcome = compose(wish, Z_IMAGE_TURBO, lambda: 42)
    if isinstance(outcome, Refused):
        assert wording.refusal(outcome, words(), str)
        return
    request = outcome.request
    assert 0 <= request.seed <= MAX_SEED and 1 <= request.steps <= 50
    assert 1.0 <= request.guidance <= 5.0
    assert request.width_px % 16 == request.height_px % 16 == 0
    request.effective_prompt.encode("utf-8")


def test_a_reroll_changes_the_seed_and_nothing_else():
    """With a seed given it is that seed, without one a fresh one."""
    original = composed(Wish("a lake", guidance=1.5, steps=4)).request
    for seed, expected in ((None, 7), (9, 9)):
        again = recompose(original, seed, SKETCH_FAMILY, lambda: 7)
        assert isinstance(again, Composed)
        assert again.request == dataclasses.replace(original, seed=expected)
        assert again.added == composed(Wish("a lake")).added


def test_times_are_written_by_the_front():
    """The sentence about a spent quota holds the time as the reader's front writes it."""
    from bot.studio.outcomes import QuotaSpent

    refused = Refused(QuotaSpent(1, 1, 24), datetime(2026, 1, 2, tzinfo=UTC))
    assert "TIME" in wording.refusal(refused, words(), lambda _: "TIME")


def test_a_replay_is_held_to_the_bounds_of_the_model_that_paints_it():
    """A picture of a larger model, rerolled after a change to a smaller one, is refused."""
    large = composed(Wish("a lake"), Z_IMAGE_TURBO).request
    outcome = recompose(large, 5, SKETCH_FAMILY, lambda: 1)
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, BadSize)
