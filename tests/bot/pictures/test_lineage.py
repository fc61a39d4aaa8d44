"""Which picture another one was enlarged from, over generations and deleted pictures."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.pictures.inspection import PictureDetails
from bot.pictures.lineage import Lineage
from bot.pictures.origins import Origin, OriginKind
from bot.pictures.possible_actions import ActionChecker, PossibleActions
from bot.request.models import only
from bot.request.outcomes import Refused
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import apply_flags
from engine.diffusion.families import SKETCH_FAMILY
from engine.types import ImageRequest, Mode, Recipe, Variation
from storage.types import StoredPicture
from tests.bot.inspection_harness import ALICE, BOB, InspectionHarness, open_inspection
from tests.fakes import a_request


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[InspectionHarness]:
    """Inspection over a real database."""
    async with open_inspection(tmp_path) as harness:
        yield harness


def lineage(harness: InspectionHarness) -> Lineage:
    return Lineage(harness.jobs, harness.history)


def square(side_px: int, **changes: Any) -> ImageRequest:
    return a_request(width_px=side_px, height_px=side_px, **changes)


async def enlarged(harness: InspectionHarness, picture: StoredPicture) -> StoredPicture:
    """Store what upscaling a picture makes."""
    request = Recipe.from_json(picture.recipe).request
    large = dataclasses.replace(
        request,
        mode=Mode.UPSCALE,
        inputs=("a" * 64,),
        strength=0.3,
        width_px=2 * request.width_px,
        height_px=2 * request.height_px,
        variations=(),
        refine=0.0,
    )
    return await harness.add_picture(BOB, large, parent=picture.id)


@pytest.mark.parametrize("generations", [0, 1, 2, 3])
async def test_back_to_what_was_there_before(harness: InspectionHarness, generations: int):
    """However often a picture was enlarged, and the result painted again, the picture before that
    is found."""
    first = await harness.add_picture(ALICE, square(64, variations=(Variation(3, 0.2),)))
    newest = first
    for _ in range(generations):
        newest = await enlarged(harness, newest)
        request = Recipe.from_json(newest.recipe).request
        rerolled = dataclasses.replace(request, seed=99)  # as the buttons once did
        newest = await harness.add_picture(ALICE, rerolled, parent=newest.id)
    before = await lineage(harness).before_upscale(newest)
    assert before.picture == first and before.picture_id == first.id
    assert before.request == Recipe.from_json(first.recipe).request


async def test_a_deleted_picture_in_between_is_no_obstacle(harness: InspectionHarness):
    """Of three generations the middle one may be deleted; where the first is, that is known."""
    first = await harness.add_picture(ALICE, square(64))
    middle = await enlarged(harness, first)
    last = await enlarged(harness, middle)
    await harness.history.erase(middle.id)
    assert (await lineage(harness).before_upscale(last)).picture == first
    await harness.history.erase(first.id)
    before = await lineage(harness).before_upscale(last)
    assert before.picture is None and before.picture_id == first.id
    assert (before.request.width_px, before.request.mode) == (64, Mode.TEXT)


async def test_only_what_is_possible(harness: InspectionHarness):
    """Reroll and Vary need the picture before enlarging, Upscale a size that may still grow."""
    checker = ActionChecker(lineage(harness), only(SKETCH_FAMILY))
    small = await harness.add_picture(ALICE, square(128))
    large = await harness.add_picture(ALICE, square(256))
    twice = await enlarged(harness, small)
    most = await enlarged(harness, large)
    assert await checker.possible(small) == PossibleActions()
    assert await checker.possible(twice) == PossibleActions()
    assert await checker.possible(most) == PossibleActions(upscale=False)
    await harness.history.erase(large.id)
    assert await checker.possible(most) == PossibleActions(repaint=False, upscale=False)


@pytest.mark.parametrize("deleted", [False, True])
async def test_the_line_of_an_enlarged_picture_is_that_before(
    harness: InspectionHarness, deleted: bool
):
    """Details of an enlarged picture offer a line with the size that it had before, also if that
    picture was deleted."""
    first = await harness.add_picture(ALICE, square(512, refine=0.25, seed=9))
    large = await enlarged(harness, await enlarged(harness, first))
    if deleted:
        await harness.history.erase(first.id)
    found = await harness.inspection.details(ALICE, large.id)
    assert isinstance(found, PictureDetails) and found.before_id == first.id
    assert found.origin is not None and found.origin.kind is OriginKind.UPSCALE
    parsed = apply_flags(GenerationParams(found.line), 1, False)
    assert not isinstance(parsed, Refused)
    assert (parsed.params.size, parsed.params.refine, parsed.params.seed) == ((512, 512), 0.25, 9)


async def test_what_a_result_is(harness: InspectionHarness):
    """Every way of making a picture from another one is told from the others in Details."""
    first = await harness.add_picture(ALICE, square(256, seed=1))
    request = Recipe.from_json(first.recipe).request
    source = {"mode": Mode.IMAGE, "inputs": ("a" * 64,), "strength": 0.75}
    parts = {"mode": Mode.INPAINT, "inputs": ("a" * 64, "b" * 64)}
    blend = {"mode": Mode.BLEND, "inputs": ("a" * 64, "b" * 64, "c" * 64), "strength": 0.8}
    varied = {"variations": (Variation(3, 0.6),)}
    made = [
        ({}, Origin(OriginKind.REPEAT, first.id)),
        ({"seed": 2}, Origin(OriginKind.REROLL, first.id)),
        ({"effective_prompt": "what the model wrote", "seed": 2}, Origin(OriginKind.REROLL, 1)),
        (varied, Origin(OriginKind.VARIATION, first.id, 0.6)),
        ({"prompt": "another", "seed": 2}, Origin(OriginKind.REMIX, first.id)),
        ({"steps": 4, "seed": 2}, Origin(OriginKind.REMIX, first.id)),
        (source, Origin(OriginKind.IMAGE, first.id)),
        (parts, Origin(OriginKind.INPAINT, first.id, sources=2)),
        (blend, Origin(OriginKind.BLEND, first.id, sources=3)),
    ]
    for changes, origin in made:
        child = dataclasses.replace(request, **changes)  # pyright: ignore[reportArgumentType]
        picture = await harness.add_picture(ALICE, child, parent=first.id)
        assert await origin_of_picture(harness, picture) == origin, changes
    large = await enlarged(harness, first)
    assert await origin_of_picture(harness, large) == Origin(OriginKind.UPSCALE, first.id)
    assert await origin_of_picture(harness, first) is None


async def test_what_a_result_of_an_upload_or_a_result_is(harness: InspectionHarness):
    """A result of an uploaded picture names none; its rerolls, remixes and variations are called so
    although they start from the same upload; so are those of a picture deleted since."""
    source = {"mode": Mode.IMAGE, "inputs": ("a" * 64,), "strength": 0.75}
    first = await harness.add_picture(ALICE, square(256, seed=1, **source))
    request = Recipe.from_json(first.recipe).request
    assert await origin_of_picture(harness, first) == Origin(OriginKind.IMAGE)
    varied = dataclasses.replace(request, variations=(Variation(3, 0.2),))
    made = [
        (dataclasses.replace(request, seed=2), OriginKind.REROLL),
        (dataclasses.replace(request, prompt="b", effective_prompt="b"), OriginKind.REMIX),
        (varied, OriginKind.VARIATION),
    ]
    pictures = [await harness.add_picture(BOB, each, parent=first.id) for each, _ in made]
    for _ in range(2):
        for picture, (_, kind) in zip(pictures, made, strict=True):
            origin = await origin_of_picture(harness, picture)
            assert origin is not None and (origin.kind, origin.parent_id) == (kind, first.id)
        await harness.history.erase(first.id)
    again = dataclasses.replace(varied, variations=(*varied.variations, Variation(4, 0.6)))
    further = await harness.add_picture(BOB, again, parent=pictures[2].id)
    assert await origin_of_picture(harness, further) == Origin(
        OriginKind.VARIATION, pictures[2].id, 0.6
    )


async def origin_of_picture(harness: InspectionHarness, picture: StoredPicture) -> Origin | None:
    """Return what Details say that a picture is."""
    found = await harness.inspection.details(ALICE, picture.id)
    assert isinstance(found, PictureDetails)
    return found.origin
