"""Prompts with nothing in them that the model knows, for the model that knows little."""

from __future__ import annotations

import pytest

from bot.request.knowledge import confirmation, known_names, unrecognized
from bot.request.notes import LimitedModel
from bot.request.outcomes import NothingKnown, Refused, ResolvedRequest
from bot.request.params import GenerationParams, InitImages
from bot.request.prompt.apply_flags import ParsedRequest, apply_flags
from bot.request.resolve import resolve
from engine.diffusion.families import SKETCH_FAMILY, Z_IMAGE_TURBO, Family
from engine.prompts import Topic
from engine.types import Mode
from tests.fakes import KNOWS_ALL


def parsed_and_resolved(
    params: GenerationParams, family: Family = SKETCH_FAMILY, count: int = 1
) -> tuple[ParsedRequest, ResolvedRequest]:
    """Return a request as it is before it is accepted."""
    parsed = apply_flags(params, count, private=False)
    assert isinstance(parsed, ParsedRequest)
    resolved = resolve(parsed.params, family, lambda: 1)
    assert isinstance(resolved, ResolvedRequest)
    return parsed, resolved


@pytest.mark.parametrize(
    ("prompt", "known"),
    [
        ("a giraffe", False),
        ("a giraffe --no house", False),
        ("a giraffe --seed 5 --ar 16:9", False),
        ("一只长颈鹿 --ar 1:1", False),
        ("a house --style ink", True),
        ("黄昏", True),
    ],
)
def test_only_the_prompt_counts(prompt: str, known: bool):
    """A request is confirmed if the prompt without its flags has nothing known in it."""
    parsed, resolved = parsed_and_resolved(GenerationParams(prompt))
    outcome = confirmation(parsed, resolved, SKETCH_FAMILY)
    assert (outcome is None) == known == (unrecognized(resolved) is None)
    notes = [each for each in resolved.notes if isinstance(each, LimitedModel)]
    assert [each.recognized for each in notes] == [known]


def test_everything_is_kept_for_the_answer():
    """The refusal holds the parameters without flags, cleaned so that they can be stored."""
    prompt = GenerationParams(
        "a\udc80 giraffe --ar 16:9 --repeat 2 --private", negative="fog\ud800"
    )
    parsed, resolved = parsed_and_resolved(prompt)
    outcome = confirmation(parsed, resolved, SKETCH_FAMILY, parent_id=7)
    assert isinstance(outcome, Refused) and isinstance(outcome.reason, NothingKnown)
    unknown = outcome.reason
    assert (unknown.count, unknown.private, unknown.parent_id) == (2, True, 7)
    assert (unknown.params.aspect, unknown.params.negative) == ("16:9", "fog")
    assert unknown.params.prompt == resolved.request.prompt
    assert len(set(unknown.examples)) == 3


def test_source_images_need_no_words():
    """A request with a source image is painted: the picture resembles its source."""
    start = InitImages(Mode.IMAGE, ("0" * 64,))
    parsed, resolved = parsed_and_resolved(GenerationParams("a giraffe", start=start))
    assert confirmation(parsed, resolved, SKETCH_FAMILY) is None
    assert unrecognized(resolved) is not None  # and its card says so


@pytest.mark.parametrize("family", [Z_IMAGE_TURBO, KNOWS_ALL])
def test_other_families_know_every_word(family: Family):
    """Nothing is asked or noted of a family without a vocabulary."""
    parsed, resolved = parsed_and_resolved(GenerationParams("a giraffe"), family)
    assert confirmation(parsed, resolved, family) is None and resolved.notes == ()
    assert known_names(family) == ()


@pytest.mark.parametrize(
    ("locale", "name"), [("en-US", "house"), ("de", "house"), ("zh-CN", "房子"), ("zh-TW", "房子")]
)
def test_names_are_in_the_readers_language(locale: str, name: str):
    """Chinese readers see Chinese words, all others English ones."""
    assert name in dict(known_names(SKETCH_FAMILY, locale))[Topic.THINGS]
