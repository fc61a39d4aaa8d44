"""Who may inspect which pictures and files, and what they see."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.pictures.inspection import (
    FETCH_LIMIT_S,
    PictureDetails,
    PromptExplanation,
    RecipeFile,
)
from bot.pictures.origins import Origin, OriginKind
from bot.pictures.recipe_import import UnreadableReason, UnreadableRecipe
from bot.request.outcomes import EmptyPrompt, NoPictures, Refused, UnknownPicture
from bot.request.prompt.flags import ParsedPrompt, parse
from engine.png import encode_png
from engine.uploads import UploadTooLarge
from tests.bot.inspection_harness import (
    ADA,
    ALICE,
    BOB,
    HERE,
    HIDDEN,
    InspectionHarness,
    open_inspection,
)
from tests.fakes import a_request, fake_recipe, gradient


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[InspectionHarness]:
    """Open the harness on an empty database."""
    async with open_inspection(tmp_path) as harness:
        yield harness


# Pictures


async def test_a_public_picture_is_anyones_where_it_was_posted(harness: InspectionHarness):
    """A public picture's number is enough for members in its channel or who can read it."""
    picture = await harness.add_picture(ALICE, a_request())
    elsewhere = dataclasses.replace(BOB, channel_id=HIDDEN)
    for actor in (ALICE, BOB):
        found = await harness.inspection.details(actor, f" #{picture.id} ")
        assert isinstance(found, PictureDetails) and found.picture == picture
    assert isinstance(await harness.inspection.details(elsewhere, picture.id), Refused)
    seen = await harness.inspection.details(elsewhere, picture.id, lambda channel: channel == HERE)
    assert isinstance(seen, PictureDetails)


async def test_what_is_private_hidden_or_of_another_server_is_unknown(harness: InspectionHarness):
    """A picture that the member may not see is answered as if it did not exist, so that nobody can
    read prompts by trying numbers."""
    private = await harness.add_picture(ALICE, a_request("hush"), private=True)
    hidden = await harness.add_picture(ALICE, a_request("psst"), channel=HIDDEN)
    erased = await harness.add_picture(ALICE, a_request("gone"))
    await harness.history.erase(erased.id)
    elsewhere = dataclasses.replace(ALICE, guild_id=2)
    for actor, picture in [(BOB, private), (BOB, hidden), (ADA, private), (elsewhere, hidden)]:
        refused = await harness.inspection.details(actor, picture.id)
        assert refused == Refused(UnknownPicture(str(picture.id)))
    assert isinstance(await harness.inspection.details(ALICE, hidden.id), PictureDetails)
    assert isinstance(await harness.inspection.details(ALICE, private.id), PictureDetails)
    for typed in (str(erased.id), "9" * 18, "9" * 19, "٣", "-1", "", "x"):
        assert await harness.inspection.details(ALICE, typed) == Refused(UnknownPicture(typed))


async def test_details_know_where_a_picture_comes_from(harness: InspectionHarness):
    """Details say of which picture it is what, and have a line that reproduces the picture."""
    request = a_request("a {red} boat --ar", negative_prompt="fog", guidance=2.0)
    first = await harness.add_picture(ALICE, request)
    again = await harness.add_picture(BOB, a_request(), parent=first.id)
    found = await harness.inspection.details(ALICE, again.id)
    assert isinstance(found, PictureDetails) and found.origin == Origin(OriginKind.REMIX, first.id)
    of_first = await harness.inspection.details(ALICE, first.id)
    assert isinstance(of_first, PictureDetails) and of_first.origin is None
    parsed = parse(of_first.line)
    assert isinstance(parsed, ParsedPrompt)
    assert (parsed.prompt, parsed.given["seed"], parsed.given["negative"]) == (
        "a {red} boat --ar",
        7,
        "fog",
    )


async def test_the_last_picture_needs_no_number(harness: InspectionHarness):
    """Without a number the newest picture is shown, or a refusal if there is none."""
    assert await harness.inspection.latest(ALICE) == Refused(NoPictures())
    await harness.add_picture(ALICE, a_request("one"))
    last = await harness.add_picture(ALICE, a_request("two"))
    found = await harness.inspection.latest(ALICE)
    assert isinstance(found, PictureDetails) and found.picture == last


async def test_a_message_is_known_by_its_number_not_by_its_files_name(harness: InspectionHarness):
    """A message is identified by its id, because anybody can give a file the bot's kind of name."""
    picture = await harness.add_picture(ALICE, a_request())
    await harness.deliveries.placed(picture.job_id, 500)
    await harness.deliveries.delivered(picture.job_id, 501)
    name = f"zimagine-{picture.job_id}-7.webp"
    for message_id in (500, 501):
        found = await harness.inspection.of_message(BOB, message_id, ["x.png", name])
        assert isinstance(found, PictureDetails) and found.series == (picture.id,)
    assert await harness.inspection.of_message(BOB, 502, [name]) is None
    assert await harness.inspection.of_message(BOB, 501, ["cat.png", "zimagine-9-1.png"]) is None
    await harness.history.erase(picture.id)
    assert await harness.inspection.of_message(BOB, 501, [name]) == Refused(UnknownPicture(name))


# Files


async def test_a_file_of_ours_is_found_again(harness: InspectionHarness):
    """A file is matched by name, or by prompt among the member's own pictures; another member's
    picture only if it is visible."""
    request = a_request("a lake at dawn")
    data = encode_png(gradient(request), fake_recipe(request))
    unknown = await harness.inspection.read_recipe(data, ALICE)
    assert isinstance(unknown, PictureDetails) and unknown.picture is None and unknown.from_file
    picture = await harness.add_picture(ALICE, request, private=True)
    own = await harness.inspection.read_recipe(data, ALICE, "renamed.png")
    assert isinstance(own, PictureDetails) and own.picture == picture and own.from_file
    name = picture.file.rpartition("/")[2]
    others = await harness.inspection.read_recipe(data, BOB, name)
    assert isinstance(others, PictureDetails) and others.picture is None
    public = await harness.add_picture(ALICE, request)
    name = public.file.rpartition("/")[2]
    seen = await harness.inspection.read_recipe(data, BOB, name)
    assert isinstance(seen, PictureDetails) and seen.picture == public


async def test_a_file_name_does_not_open_another_picture(harness: InspectionHarness):
    """A file named like another member's picture shows only its own recipe."""
    picture = await harness.add_picture(ALICE, a_request("a secret lake"))
    other = a_request("a decoy", seed=8)
    data = encode_png(gradient(other), fake_recipe(other))
    found = await harness.inspection.read_recipe(data, BOB, picture.file.rpartition("/")[2])
    assert isinstance(found, PictureDetails) and found.picture is None
    assert found.recipe.request.prompt == "a decoy"


async def test_a_files_texts_are_made_harmless(harness: InspectionHarness):
    """Control and zero-width characters in a forged recipe are not shown."""
    request = a_request("a\x00 b\u202e\n c", effective_prompt="a\x00 b\u202e\n c, sharp")
    data = encode_png(gradient(request), fake_recipe(request))
    found = await harness.inspection.read_recipe(data, ALICE)
    assert isinstance(found, PictureDetails)
    assert found.recipe.request.prompt == "a b c" and "\x00" not in found.line


async def test_a_large_file_is_not_even_fetched(harness: InspectionHarness):
    """A file whose declared size is too large is not downloaded; a failed download is a reason, not
    an error."""

    async def never() -> bytes:
        raise AssertionError("fetched")

    async def broken() -> bytes:
        raise TimeoutError

    refused = await harness.inspection.read_file(ALICE, RecipeFile("x.png", 2**40, never))
    assert isinstance(refused, UploadTooLarge)
    found = await harness.inspection.read_file(ALICE, RecipeFile("x.png", 5, broken))
    assert found == UnreadableRecipe(UnreadableReason.UNREACHABLE)
    assert FETCH_LIMIT_S < 900  # an interaction can be answered for 15 minutes


# A prompt


async def test_explaining_spends_nothing(harness: InspectionHarness):
    """Explaining returns the analysis and the default enhancement; an empty prompt is refused."""
    found = await harness.inspection.explain(ALICE, "  an oil painting of a\u200b fox  at dusk ")
    assert isinstance(found, PromptExplanation)
    assert found.prompt == "an oil painting of a fox at dusk"
    assert found.analysis.times and found.enhancement.added and found.analysis.tokens is None
    assert await harness.inspection.explain(ALICE, "\u200b") == Refused(EmptyPrompt())
