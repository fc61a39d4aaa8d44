"""Image to image requests: limited downloads, one decode at a time, accepted as a whole."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.accounts.permissions import Actor
from bot.i18n import words
from bot.jobs.generation import image_to_image
from bot.jobs.generation.image_to_image import FETCHED_AT_ONCE, ImageToImagePlan
from bot.request.input_sources import (
    InputSpec,
    PictureSource,
    StagedSource,
    UrlSource,
    parse_strength,
)
from bot.request.outcomes import (
    Accepted,
    FileRemoved,
    FlagProblem,
    OutOfRange,
    Reason,
    Refused,
    RegionUnused,
    StagedPictureGone,
    StorageUnavailable,
    Unreachable,
    UnusableUpload,
)
from bot.request.params import GenerationParams
from bot.request.prompt.flags import without_flags
from bot.request.values.regions import Region
from bot.runtime.app import Application, open_application
from bot.settings import Settings
from bot.wording.rejections import refusal
from engine.types import Mode
from engine.uploads import UploadTooLarge
from storage.errors import DiskFull
from storage.inputs import InputFiles
from tests.bot.sample_pictures import a_picture
from tests.fakes import FakeClock, ScriptedRenderer, until

ALICE = Actor(100, 1, 10)


class ImageToImageHarness:
    """The application without Discord.

    files: the content at each URL; the download of a missing one never ends.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes | Exception] = {"photo": a_picture(60, 40)}
        self.renderer = ScriptedRenderer()
        self.fetching = self.most_fetching = 0
        self.app: Application = None  # pyright: ignore[reportAttributeAccessIssue]

    async def fetch(self, url: str, _limit_bytes: int) -> bytes:
        """Stand in for `bot.jobs.generation.downloads`."""
        self.fetching += 1
        self.most_fetching = max(self.most_fetching, self.fetching)
        try:
            while url not in self.files:
                await asyncio.sleep(0.01)
        finally:
            self.fetching -= 1
        content = self.files[url]
        if isinstance(content, Exception):
            raise content
        return content

    async def plan(
        self, *sources: Any, mode: Mode = Mode.IMAGE, **options: Any
    ) -> ImageToImagePlan:
        """Plan a valid request."""
        spec = InputSpec(mode, sources or (UrlSource("photo"),))
        plan = await self.app.services.image_to_image.plan(
            ALICE, GenerationParams("a lake"), spec, **options
        )
        assert isinstance(plan, ImageToImagePlan), plan
        return plan

    async def paint(self, *sources: Any, **options: Any) -> Accepted | Reason:
        """Plan and paint a request; return the outcome, or the reason of a refusal."""
        plan = await self.plan(*sources, **options)
        outcome = await self.app.services.image_to_image.paint(ALICE, plan)
        return outcome.reason if isinstance(outcome, Refused) else outcome

    async def plan_prompt(self, prompt: str, spec: InputSpec) -> ImageToImagePlan | Refused:
        """Plan a request whose prompt has flags."""
        return await self.app.services.image_to_image.plan(ALICE, GenerationParams(prompt), spec)

    def stored_inputs(self) -> set[str]:
        """Return the hashes of the inputs in the data folder."""
        data_dir = self.app.settings.storage.data_dir
        return {each.sha256 for each in InputFiles(data_dir).found()}


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[ImageToImageHarness]:
    """Open the application with a renderer that finishes at once."""
    harness = ImageToImageHarness()
    settings = Settings.model_validate({"storage": {"data_dir": tmp_path}})
    async with open_application(
        settings, load=harness.renderer.load, clock=FakeClock(), fetch=harness.fetch
    ) as app:
        harness.app = app
        yield harness
        harness.renderer.release()


async def test_only_one_is_decoded_at_a_time(
    harness: ImageToImageHarness, monkeypatch: pytest.MonkeyPatch
):
    """Pictures are decoded one at a time, even while one of the requests is cancelled."""
    busy = threading.Lock()
    overlaps: list[bool] = []
    ready = image_to_image.fit_inputs

    def slow(*arguments: Any) -> Any:
        overlaps.append(not busy.acquire(blocking=False))
        time.sleep(0.2)
        busy.release()
        return ready(*arguments)

    monkeypatch.setattr(image_to_image, "fit_inputs", slow)
    first = asyncio.create_task(harness.paint())
    await until(lambda: len(overlaps) == 1)
    others = [asyncio.create_task(harness.paint()) for _ in range(3)]
    first.cancel()
    outcomes = await asyncio.gather(first, *others, return_exceptions=True)
    assert overlaps == [False] * 4
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert [type(each) for each in outcomes[1:]] == [Accepted] * 3


async def test_few_are_in_memory_at_once(harness: ImageToImageHarness):
    """Only a few requests download at the same time; the others wait, and all are painted."""
    requests = [asyncio.create_task(harness.paint(UrlSource("later"))) for _ in range(9)]
    await until(lambda: harness.fetching == FETCHED_AT_ONCE)
    harness.files["later"] = a_picture()
    assert [type(each) for each in await asyncio.gather(*requests)] == [Accepted] * 9
    assert harness.most_fetching == FETCHED_AT_ONCE


@pytest.mark.parametrize("limit", ["FETCH_LIMIT_S", "READ_LIMIT_S"])
async def test_what_takes_too_long_is_given_up(
    harness: ImageToImageHarness, monkeypatch: pytest.MonkeyPatch, limit: str
):
    """One file and all files together have a timeout; afterwards other requests are served."""
    monkeypatch.setattr(image_to_image, limit, 0.05)
    assert await harness.paint(UrlSource("never")) == Unreachable()
    monkeypatch.undo()
    assert isinstance(await harness.paint(), Accepted)
    assert harness.fetching == 0


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (OSError("404"), Unreachable),
        (UploadTooLarge(30, 20), UnusableUpload),
        (b"a poem", UnusableUpload),
    ],
)
async def test_what_cannot_be_read_is_refused(
    harness: ImageToImageHarness, found: bytes | Exception, reason: type[Reason]
):
    """An unreadable picture is refused with its position, and nothing is stored."""
    harness.files["bad"] = found
    outcome = await harness.paint(UrlSource("photo"), UrlSource("bad"), mode=Mode.BLEND)
    assert isinstance(outcome, reason) and harness.stored_inputs() == set()
    if isinstance(outcome, UnusableUpload):
        assert (outcome.number, outcome.total) == (2, 2)


async def test_a_full_disk_accepts_nothing(
    harness: ImageToImageHarness, monkeypatch: pytest.MonkeyPatch
):
    """A request is refused if its picture cannot be stored."""

    async def full(*_: Any) -> None:
        raise DiskFull(Path("inputs"), "no room")

    monkeypatch.setattr("storage.inputs.Inputs.write", full)
    assert await harness.paint() == StorageUnavailable()
    assert await harness.app.services.image_to_image.stage(ALICE, UrlSource("photo")) == Refused(
        StorageUnavailable()
    )


async def test_the_same_picture_twice(harness: ImageToImageHarness):
    """A blend of a picture with itself names it twice and stores it once."""
    accepted = await harness.paint(UrlSource("photo"), UrlSource("photo"), mode=Mode.BLEND)
    assert isinstance(accepted, Accepted)
    first, second = accepted.resolved.request.inputs
    assert first == second and harness.stored_inputs() == {first}


async def test_what_is_put_aside_is_painted_from_as_it_is(harness: ImageToImageHarness):
    """A staged picture gives exactly the same pixels as the uploaded file."""
    kept = await harness.app.services.image_to_image.stage(ALICE, UrlSource("photo"))
    assert isinstance(kept, StagedSource)
    outcomes = [await harness.paint(each) for each in (kept, UrlSource("photo"))]
    for accepted in outcomes:
        assert isinstance(accepted, Accepted)
        assert accepted.resolved.request.inputs == (kept.sha256,)


async def test_nobody_else_paints_from_what_was_put_aside(harness: ImageToImageHarness):
    """The hash of a staged picture is useless to others without its signature."""
    kept = await harness.app.services.image_to_image.stage(ALICE, UrlSource("photo"))
    assert isinstance(kept, StagedSource)
    for actor, source in (
        (Actor(200, 1, 10), kept),
        (Actor(100, 2, 10), kept),
        (ALICE, StagedSource(kept.sha256, "0" * 16)),
    ):
        spec = InputSpec(Mode.IMAGE, (source,))
        refused = await harness.app.services.image_to_image.plan(
            actor, GenerationParams("a lake"), spec
        )
        assert refused == Refused(StagedPictureGone())


@pytest.mark.parametrize("damage", ["gone", "damaged"])
async def test_what_was_put_aside_may_be_lost(harness: ImageToImageHarness, damage: str):
    """A staged picture that is missing or damaged is refused, never replaced by another one."""
    kept = await harness.app.services.image_to_image.stage(ALICE, UrlSource("photo"))
    assert isinstance(kept, StagedSource)
    path = InputFiles(harness.app.settings.storage.data_dir).path(kept.sha256)
    path.unlink()
    if damage == "damaged":
        path.write_bytes(a_picture())
    assert await harness.paint(kept) == StagedPictureGone()


@pytest.mark.parametrize("damage", ["gone", "damaged"])
async def test_a_picture_of_ours_may_have_lost_its_file(harness: ImageToImageHarness, damage: str):
    """A picture of the bot whose file is missing or damaged is refused as removed."""
    accepted = await harness.paint()
    assert isinstance(accepted, Accepted)
    services = harness.app.services
    await until(lambda: services.engine_jobs.handle_of(accepted.job_id) is None)
    original = await harness.app.stores.history.latest(ALICE.user_id, ALICE.guild_id)
    assert original is not None
    plan = await harness.plan(PictureSource(str(original.id)))
    path = harness.app.settings.storage.data_dir / original.file
    path.unlink()
    if damage == "damaged":
        path.write_bytes(b"damaged")
    outcome = await harness.app.services.image_to_image.paint(ALICE, plan)
    assert outcome == Refused(FileRemoved(original.id, original.seed))


async def test_private_offspring_of_a_private_picture(harness: ImageToImageHarness):
    """A result of a private picture is always private."""
    accepted = await harness.paint(private=True)
    assert isinstance(accepted, Accepted) and accepted.private
    services = harness.app.services
    await until(lambda: services.engine_jobs.handle_of(accepted.job_id) is None)
    plan = await harness.plan(PictureSource("1"))
    assert plan.private
    bob = Actor(200, 1, 10)
    spec = InputSpec(Mode.IMAGE, (PictureSource("1", anyones=True),))
    refused = await harness.app.services.image_to_image.plan(bob, GenerationParams("a lake"), spec)
    assert isinstance(refused, Refused)


@given(st.text(max_size=12) | st.floats().map(str) | st.integers().map(lambda n: f"{n}%"))
def test_any_text_is_a_strength_or_none(text: str):
    """Any text is parsed to a strength within bounds, or refused; nothing raises."""
    found = parse_strength(text)
    if isinstance(found, Refused):
        assert isinstance(found.reason, OutOfRange)
    else:
        assert found is None or 0.01 <= found <= 1


@pytest.mark.parametrize(
    ("text", "strength"),
    [("", None), (" ", None), ("0.5", 0.5), ("0,5", 0.5), (".5", 0.5), ("1", 1.0), ("1.", 1.0),
     ("75%", 0.75), ("75 %", 0.75), ("０．５", 0.5), (" 0.01 ", 0.01)],
)  # fmt: skip
def test_ways_to_write_a_strength(text: str, strength: float | None):
    """A strength may have a point, a comma, a percent sign or full-width digits."""
    assert parse_strength(text) == strength


PHOTO, MASK = UrlSource("photo"), UrlSource("mask")


@pytest.mark.parametrize(
    ("prompt", "spec", "region"),
    [
        ("a lake --region left", InputSpec(Mode.INPAINT, (PHOTO,)), Region.LEFT),
        ("a lake --区域 右边", InputSpec(Mode.INPAINT, (PHOTO,)), Region.RIGHT),
        ("a lake --region top", InputSpec(Mode.IMAGE, (PHOTO,), 0.5), Region.TOP),
        (
            "a lake --region left",
            InputSpec(Mode.INPAINT, (PHOTO,), None, Region.LEFT),
            Region.LEFT,
        ),
        ("a lake", InputSpec(Mode.INPAINT, (PHOTO,), None, Region.TOP), Region.TOP),
    ],
)
async def test_a_region_is_a_flag_of_a_picture(
    harness: ImageToImageHarness, prompt: str, spec: InputSpec, region: Region
):
    """--region repaints that part of one given picture, as the option of /inpaint does."""
    plan = await harness.plan_prompt(prompt, spec)
    assert isinstance(plan, ImageToImagePlan), plan
    assert plan.spec.region is region and plan.spec.mode is Mode.INPAINT
    accepted = await harness.app.services.image_to_image.paint(ALICE, plan)
    assert isinstance(accepted, Accepted), accepted
    request = accepted.resolved.request
    assert request.mode is Mode.INPAINT and request.prompt == "a lake"
    assert request.strength == (0.5 if spec.strength else 1.0) and len(request.inputs) == 2


@pytest.mark.parametrize(
    ("prompt", "spec", "sentence"),
    [
        (
            "a lake --region left",
            InputSpec(Mode.BLEND, (PHOTO, MASK)),
            "give one picture for it",
        ),
        (
            "a lake --region left",
            InputSpec(Mode.INPAINT, (PHOTO, MASK)),
            "leave out the mask or the region",
        ),
        (
            "a lake --region left",
            InputSpec(Mode.INPAINT, (PHOTO,), None, Region.TOP),
            "`--region left` and `region: top` contradict",
        ),
        ("a lake --region corner", InputSpec(Mode.INPAINT, (PHOTO,)), "`corner` is not a valid"),
    ],
)
async def test_a_region_that_cannot_apply_is_named(
    harness: ImageToImageHarness, prompt: str, spec: InputSpec, sentence: str
):
    """With several pictures, a mask or another region the flag is refused, and can be left out."""
    refused = await harness.plan_prompt(prompt, spec)
    assert isinstance(refused, Refused) and isinstance(refused.reason, FlagProblem)
    assert sentence in refusal(refused, words(), str)
    assert without_flags(prompt, refused.reason) == "a lake"


async def test_a_region_needs_a_picture(harness: ImageToImageHarness):
    """Without a picture --region is named and costs nothing."""
    outcome = await harness.app.services.generation.imagine(
        ALICE, GenerationParams("a lake --region left --seed 5")
    )
    assert isinstance(outcome, Refused)
    assert outcome.reason == FlagProblem((), (RegionUnused(),), frozenset({"region"}))
    assert "give one picture for it" in refusal(outcome, words(), str)
