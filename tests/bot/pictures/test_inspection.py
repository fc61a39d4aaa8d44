"""Who may look at what, and what is found of it."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.accounts.permissions import Actor, Permissions
from bot.jobs.active import ActiveJobs
from bot.pictures.embedded_recipe import UnreadableReason, UnreadableRecipe
from bot.pictures.inspection import (
    FETCH_LIMIT_S,
    NEXT_SHOWN,
    InspectionService,
    PictureDetails,
    PromptExplanation,
    RecipeFile,
)
from bot.request.flags import ParsedPrompt, parse
from bot.request.outcomes import EmptyPrompt, NoPictures, Refused, UnknownPicture
from engine.diffusion.families import Z_IMAGE_TURBO
from engine.encode import encode_png
from engine.job import JobSpec
from engine.queue import Bounds
from engine.service import Engine
from engine.types import ImageRequest, request_to_json
from engine.uploads import UploadTooLarge
from storage.database import Database
from storage.deliveries import Deliveries
from storage.history import History
from storage.jobs import Jobs
from storage.types import Job, NewJob, NewPicture, Place, PolicySource, QuotaPolicy, StoredPicture
from tests.fakes import FakeClock, ScriptedRenderer, a_request, fake_recipe, gradient

GUILD, HERE, HIDDEN = 1, 10, 11
ALICE, BOB = Actor(100, GUILD, HERE), Actor(200, GUILD, HERE)
ADA = Actor(300, GUILD, HERE, manages_server=True)
POLICY = QuotaPolicy(1000, 24, PolicySource.CONFIG)


class Room:
    """The lookup over a real database, with an engine whose model never loads."""

    def __init__(self, db: Database) -> None:
        self.clock = FakeClock()
        self.jobs = Jobs(db, self.clock, iter(map(str, range(10_000))).__next__)
        self.history, self.deliveries = History(db, self.clock), Deliveries(db, self.clock)
        self.live = ActiveJobs()
        self.engine = Engine(ScriptedRenderer().load, bounds=Bounds(1000))
        self.lookup = InspectionService(
            engine=self.engine,
            family=Z_IMAGE_TURBO,
            jobs=self.jobs,
            history=self.history,
            deliveries=self.deliveries,
            live=self.live,
            permissions=Permissions(),
            clock=self.clock,
        )

    async def job(
        self,
        actor: Actor,
        request: ImageRequest,
        *,
        private: bool = False,
        channel: int = HERE,
        parent: int | None = None,
    ) -> int:
        """A job that is accepted, and no more."""
        new = NewJob(
            Place(actor.guild_id, channel, actor.user_id),
            request_to_json(request),
            request.prompt,
            request.seed,
            private=private,
            parent_picture_id=parent,
        )
        job = await self.jobs.accept(new, POLICY)
        assert isinstance(job, Job)
        return job.id

    async def wait(self, actor: Actor, prompt: str, *, private: bool = False) -> int:
        """A job that waits in the queue."""
        request = a_request(prompt)
        job_id = await self.job(actor, request, private=private)
        row = await self.jobs.get(job_id)
        assert row is not None
        with self.engine.reserve(actor.user_id, actor.guild_id) as slot:
            self.live.add(row, self.engine.submit(slot, JobSpec(job_id, request)))
        return job_id

    async def painted(
        self,
        actor: Actor,
        request: ImageRequest,
        *,
        private: bool = False,
        channel: int = HERE,
        parent: int | None = None,
    ) -> StoredPicture:
        """A picture that is there."""
        job_id = await self.job(actor, request, private=private, channel=channel, parent=parent)
        await self.jobs.painting(job_id)
        new = NewPicture(
            file=f"pictures/2026/01/zimagine-{job_id}-{request.seed}.png",
            sha256="0" * 64,
            recipe=fake_recipe(request).to_json(),
            seed=request.seed,
            width_px=request.width_px,
            height_px=request.height_px,
            duration_s=1.5,
        )
        await self.jobs.painted(job_id, [new])
        (picture,) = await self.history.of_job(job_id)
        return picture


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    """An empty database."""
    async with await Database.open(tmp_path / "data" / "zimagine.db") as db:
        yield Room(db)


# Pictures


async def test_a_public_picture_is_anyones_where_it_was_posted(room: Room):
    """Its number is enough for whoever is in its channel, or sees that."""
    picture = await room.painted(ALICE, a_request())
    elsewhere = dataclasses.replace(BOB, channel_id=HIDDEN)
    for actor in (ALICE, BOB):
        found = await room.lookup.details(actor, f" #{picture.id} ")
        assert isinstance(found, PictureDetails) and found.picture == picture
    assert isinstance(await room.lookup.details(elsewhere, picture.id), Refused)
    seen = await room.lookup.details(elsewhere, picture.id, lambda channel: channel == HERE)
    assert isinstance(seen, PictureDetails)


async def test_what_is_private_hidden_or_of_another_server_is_unknown(room: Room):
    """Nobody reads prompts by counting: the answer is as if there were no such picture."""
    private = await room.painted(ALICE, a_request("hush"), private=True)
    hidden = await room.painted(ALICE, a_request("psst"), channel=HIDDEN)
    erased = await room.painted(ALICE, a_request("gone"))
    await room.history.erase(erased.id)
    elsewhere = dataclasses.replace(ALICE, guild_id=2)
    for actor, picture in [(BOB, private), (BOB, hidden), (ADA, private), (elsewhere, hidden)]:
        refused = await room.lookup.details(actor, picture.id)
        assert refused == Refused(UnknownPicture(str(picture.id)))
    assert isinstance(await room.lookup.details(ALICE, hidden.id), PictureDetails)
    assert isinstance(await room.lookup.details(ALICE, private.id), PictureDetails)
    for typed in (str(erased.id), "9" * 18, "9" * 19, "٣", "-1", "", "x"):
        assert await room.lookup.details(ALICE, typed) == Refused(UnknownPicture(typed))


async def test_details_know_where_a_picture_comes_from(room: Room):
    """The parent's number, the recipe, and a line that asks for the same again."""
    first = await room.painted(ALICE, a_request("a {red} boat --ar", negative_prompt="fog"))
    again = await room.painted(BOB, a_request(), parent=first.id)
    found = await room.lookup.details(ALICE, again.id)
    assert isinstance(found, PictureDetails) and found.parent_id == first.id
    of_first = await room.lookup.details(ALICE, first.id)
    assert isinstance(of_first, PictureDetails) and of_first.parent_id is None
    parsed = parse(of_first.line)
    assert isinstance(parsed, ParsedPrompt)
    assert (parsed.prompt, parsed.seed, parsed.negative) == ("a {red} boat --ar", 7, "fog")


async def test_the_last_picture_needs_no_number(room: Room):
    """Without any, that is said."""
    assert await room.lookup.latest(ALICE) == Refused(NoPictures())
    await room.painted(ALICE, a_request("one"))
    last = await room.painted(ALICE, a_request("two"))
    found = await room.lookup.latest(ALICE)
    assert isinstance(found, PictureDetails) and found.picture == last


async def test_a_message_is_known_by_its_number_not_by_its_files_name(room: Room):
    """Anybody can call a file like ours; only the message that carried the result counts."""
    picture = await room.painted(ALICE, a_request())
    await room.deliveries.placed(picture.job_id, 500)
    await room.deliveries.delivered(picture.job_id, 501)
    name = f"zimagine-{picture.job_id}-7.webp"
    for message_id in (500, 501):
        found = await room.lookup.of_message(BOB, message_id, ["x.png", name])
        assert isinstance(found, PictureDetails) and found.series == (picture.id,)
    assert await room.lookup.of_message(BOB, 502, [name]) is None
    assert await room.lookup.of_message(BOB, 501, ["cat.png", "zimagine-9-1.png"]) is None
    await room.history.erase(picture.id)
    assert await room.lookup.of_message(BOB, 501, [name]) == Refused(UnknownPicture(name))


# Files


async def test_a_file_of_ours_is_found_again(room: Room):
    """By its name or by its prompt among one's own; another's only where that may be seen."""
    request = a_request("a lake at dawn")
    data = encode_png(gradient(request), fake_recipe(request))
    unknown = await room.lookup.read_recipe(data, ALICE)
    assert isinstance(unknown, PictureDetails) and unknown.picture is None and unknown.from_file
    picture = await room.painted(ALICE, request, private=True)
    own = await room.lookup.read_recipe(data, ALICE, "renamed.png")
    assert isinstance(own, PictureDetails) and own.picture == picture and own.from_file
    name = picture.file.rpartition("/")[2]
    others = await room.lookup.read_recipe(data, BOB, name)
    assert isinstance(others, PictureDetails) and others.picture is None
    public = await room.painted(ALICE, request)
    name = public.file.rpartition("/")[2]
    seen = await room.lookup.read_recipe(data, BOB, name)
    assert isinstance(seen, PictureDetails) and seen.picture == public


async def test_a_file_name_does_not_open_another_picture(room: Room):
    """A file that is called like somebody's picture, and is another one, shows only itself."""
    picture = await room.painted(ALICE, a_request("a secret lake"))
    other = a_request("a decoy", seed=8)
    data = encode_png(gradient(other), fake_recipe(other))
    found = await room.lookup.read_recipe(data, BOB, picture.file.rpartition("/")[2])
    assert isinstance(found, PictureDetails) and found.picture is None
    assert found.recipe.request.prompt == "a decoy"


async def test_a_files_texts_are_made_harmless(room: Room):
    """Control and zero-width characters that somebody wrote into a recipe are not shown."""
    request = a_request("a\x00 b\u202e\n c", effective_prompt="a\x00 b\u202e\n c, sharp")
    data = encode_png(gradient(request), fake_recipe(request))
    found = await room.lookup.read_recipe(data, ALICE)
    assert isinstance(found, PictureDetails)
    assert found.recipe.request.prompt == "a b c" and "\x00" not in found.line


async def test_a_large_file_is_not_even_fetched(room: Room):
    """The declared size decides; and what cannot be fetched is a sentence, not an error."""

    async def never() -> bytes:
        raise AssertionError("fetched")

    async def broken() -> bytes:
        raise TimeoutError

    refused = await room.lookup.read_file(ALICE, RecipeFile("x.png", 2**40, never))
    assert isinstance(refused, UploadTooLarge)
    found = await room.lookup.read_file(ALICE, RecipeFile("x.png", 5, broken))
    assert found == UnreadableRecipe(UnreadableReason.UNREACHABLE)
    assert FETCH_LIMIT_S < 900  # an interaction can be answered for so long


# The queue


async def test_the_queue_in_the_order_of_painting(room: Room):
    """One's own jobs here, the first ones in full, all of them counted."""
    for number in range(NEXT_SHOWN + 2):
        await room.wait(ALICE, f"wish {number}")
    await room.wait(BOB, "bob's")
    own = room.lookup.queue_of(ALICE)
    assert own.total == NEXT_SHOWN + 2
    assert [each.prompt for each in own.jobs] == [f"wish {n}" for n in range(NEXT_SHOWN)]
    assert [each.ahead for each in own.jobs] == [0, 2, 3, 4, 5]
    assert own.jobs[0].ready_at is None  # nothing was painted yet
    elsewhere = dataclasses.replace(ALICE, guild_id=2)
    assert room.lookup.queue_of(elsewhere).total == 0


async def test_times_by_the_measured_speed(room: Room):
    """Each job's moment, and when nothing is left; before the first picture nothing is said."""
    first, second = await room.wait(ALICE, "one"), await room.wait(ALICE, "two")
    assert room.lookup.everybodys_queue(ALICE).empty_at is None
    room.engine.estimator.record(a_request(), 10.0)
    now = room.clock()
    own = room.lookup.queue_of(ALICE)
    expected = {first: now + timedelta(seconds=10), second: now + timedelta(seconds=20)}
    assert {each.id: each.ready_at for each in own.jobs} == expected
    whole = room.lookup.everybodys_queue(ALICE)
    assert (whole.waiting, whole.people, whole.painting) == (2, 1, 0)
    assert whole.empty_at == now + timedelta(seconds=20)


async def test_only_who_may_cancel_sees_others_jobs(room: Room):
    """Members see numbers; an admin the next jobs of others here, never a private prompt."""
    await room.wait(ALICE, "open")
    await room.wait(BOB, "hush", private=True)
    await room.wait(dataclasses.replace(ALICE, guild_id=2), "far away")
    whole = room.lookup.everybodys_queue(ALICE)
    assert (whole.waiting, whole.people, whole.following) == (3, 2, None)
    following = room.lookup.everybodys_queue(ADA).following
    assert following is not None
    assert {(each.user_id, each.prompt) for each in following} == {(100, "open"), (200, None)}
    own = room.lookup.queue_of(BOB)
    assert [each.prompt for each in own.jobs] == ["hush"]


# A prompt


def test_explaining_spends_nothing(room: Room):
    """What is read out of a prompt and what the usual level adds; an empty one is refused."""
    found = room.lookup.explain("  an oil painting of a\u200b fox  at dusk ")
    assert isinstance(found, PromptExplanation)
    assert found.prompt == "an oil painting of a fox at dusk"
    assert found.analysis.times and found.enhancement.added and found.analysis.tokens is None
    assert room.lookup.explain("\u200b") == Refused(EmptyPrompt())
