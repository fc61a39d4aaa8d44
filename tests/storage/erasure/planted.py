"""A data folder with something of a person in every table, and a search for it in every byte."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.pictures.filenames import job_id_of, picture_name
from storage import backup, search
from storage.blocks import Blocks
from storage.cancelled_painting import BegunPainting, FreeCancelling
from storage.erasure.erase import Erased, Erasing
from storage.erasure.purge import Purge, Purged
from storage.files import PictureFiles
from storage.inputs import Inputs
from storage.lists import Lists
from storage.open_names import OpenLoras
from storage.preferences import Preferences, Threads
from storage.presets import Presets, RequestDefaults
from storage.proposals import Proposals
from storage.quota_reminders import QuotaReminders
from storage.report_messages import MessageState, ReportMessages
from storage.reports import Reports
from storage.search import PictureQuery
from storage.stars import Stars
from storage.types import DeliveryMode, Job, JobFilter, Place, Route, StoredPicture
from tests.storage.fakes import (
    ALICE,
    BOB,
    MODERATOR,
    PLENTY,
    OpenStores,
    filed,
    new_job,
    new_picture,
)

ELSEWHERE = Place(guild_id=11, channel_id=21, user_id=ALICE.user_id)
SECRETS = {
    name: f"{name}-zxqvsecret"
    for name in (
        *("prompt", "request", "recipe-prompt", "note", "preset", "presetname", "default"),
        *(
            "list",
            "proposal",
            "report",
            "reported",
            "block",
            "token",
            "detail",
            "waiting",
            "failed",
            "filter",
            "answer",
            "reply",
        ),
    )
}
"""What a person wrote or had painted, each of it nowhere else."""
PICTURE = b"\x89PNG pixels of zxqvsecret \x00\xff" * 20
INPUT = b"\x89PNG input of zxqvsecret \x00\xfe" * 20
HASHES = {name: f"{number:064x}" for number, name in enumerate(("own", "shared", "derived"), 0xA0)}
"""Of input images: the person's alone, of both, and of what another made from their picture."""


@dataclass
class Planted:
    """The data folder with its stores. picture: the person's; others: pictures of Bob. waiting,
    painting: the person's unfinished jobs."""

    stores: OpenStores
    picture: StoredPicture
    bobs: StoredPicture
    derived: StoredPicture
    waiting: Job
    painting: Job
    elsewhere: StoredPicture

    @property
    def data_dir(self) -> Path:
        return self.stores.db.path.parent

    @property
    def files(self) -> PictureFiles:
        return PictureFiles(self.data_dir, clock=self.stores.clock)

    def purge(self) -> Purge:
        return Purge(self.stores.db, self.files, self.stores.clock, job_of=job_id_of)

    def erasing(self, free_s: float = 600.0) -> Erasing:
        return Erasing(self.stores.db, self.stores.clock, lambda: FreeCancelling(free_s, PLENTY))

    async def erase(self, guild_id: int | None = None, free_s: float = 600.0) -> Erased:
        begun = {self.painting.id: BegunPainting(3.0, 1)}
        return await self.erasing(free_s).person(ALICE.user_id, guild_id, begun=begun)

    async def erase_all(self, guild_id: int | None = None) -> Purged:
        """Erase the person, and do what is left to be done."""
        await self.erase(guild_id)
        return await self.purge().run()


async def paint(stores: OpenStores, place: Place, data: bytes, **fields: Any) -> StoredPicture:
    """Paint a picture with a file, delivered in its channel."""
    job = await stores.painting(new_job(place, **fields))
    files = PictureFiles(stores.db.path.parent, clock=stores.clock)
    written = files.write(picture_name(job.id, job.seed), data)
    files.write_thumbnail(written.file, data)
    recipe = f'{{"model": "sketch", "words": "recipe-{job.prompt}"}}'
    values = {"file": written.file, "sha256": written.sha256, "size_bytes": written.size_bytes}
    (picture,) = await stores.jobs.painted(job.id, new_picture(recipe=recipe, **values))
    await stores.deliveries.placed(job.id, 1000 + job.id)
    await stores.deliveries.attempt(job.id, Route.POST)
    await stores.deliveries.delivered(job.id, 2000 + job.id)
    return picture


async def plant(stores: OpenStores) -> Planted:
    """Fill a new database and its folder."""
    db, clock, inputs = stores.db, stores.clock, Inputs(stores.db, stores.clock)
    for sha256 in HASHES.values():
        await inputs.write(INPUT if sha256 != HASHES["shared"] else b"shared", sha256)
    secret = f'{{"words": "{SECRETS["request"]}"}}'
    picture = await paint(
        stores,
        ALICE,
        PICTURE,
        prompt=SECRETS["prompt"],
        request=secret,
        inputs=(HASHES["own"], HASHES["shared"]),
        seed=4242,
    )
    bobs = await paint(
        stores, BOB, b"PNG of Bob", prompt="a boat of bob", inputs=(HASHES["shared"],)
    )
    derived = await paint(
        stores,
        BOB,
        b"PNG made by Bob",
        prompt="what bob made of it",
        parent_picture_id=picture.id,
        inputs=(HASHES["derived"],),
    )
    elsewhere = await paint(stores, ELSEWHERE, PICTURE + b"!", prompt="elsewhere zxqvsecret")
    await stores.history.favour(picture.id, ALICE.user_id)
    await stores.history.write_note(picture.id, ALICE.user_id, SECRETS["note"])
    gone = await paint(stores, ALICE, b"erased before", prompt="before zxqvsecret")
    await stores.history.erase(gone.id)
    failed = await stores.painting(new_job(ALICE, prompt=SECRETS["failed"]))
    await stores.jobs.failed(failed.id, "internal", SECRETS["detail"])
    await _settle(stores, failed)
    stars, presets, lists = Stars(db, clock), Presets(db, clock), Lists(db, clock)
    await stars.toggle(bobs.id, ALICE.user_id)
    await stars.toggle(picture.id, BOB.user_id)
    await presets.save(ALICE.user_id, SECRETS["presetname"], "x", SECRETS["preset"], "code1")
    await presets.save(BOB.user_id, "bob's", "bob's", "--steps 4", "code2")
    defaults = RequestDefaults(db, clock)
    for place in (ALICE, ELSEWHERE):
        await defaults.set(
            place.guild_id, SECRETS["default"], by=ALICE.user_id, user_id=ALICE.user_id
        )
    await defaults.set(10, "--steps 8", by=ALICE.user_id, channel_id=20)
    await lists.keep(ALICE.user_id, 10, PictureQuery(SECRETS["list"]), [0])
    await lists.keep(BOB.user_id, 10, PictureQuery("boat"), [0])
    await Proposals(db, clock).ask(ALICE, f'{{"words": "{SECRETS["proposal"]}"}}')
    preferences = Preferences(db, clock)
    await preferences.set_user(10, ALICE.user_id, by=ALICE.user_id, delivery=DeliveryMode.DIRECT)
    await preferences.set_server(10, by=ALICE.user_id, spoiler=True)
    await preferences.set_channel(10, 20, by=ALICE.user_id, quiet=True)
    await Threads(db, clock).remember_thread(10, 20, ALICE.user_id, 555)
    await OpenLoras(db, clock).open(10, None, ["one"], ALICE.user_id)
    await stores.quotas.set_user(10, ALICE.user_id, 500, 24, ALICE.user_id)
    await stores.quotas.set_default(10, 400, 24, ALICE.user_id)
    await stores.quotas.grant(10, ALICE.user_id, 5, None, ALICE.user_id)
    async with db.transaction() as transaction:
        await transaction.execute(
            "INSERT INTO grant_uses (job_id, grant_id, pictures) VALUES (?, 1, 1)",
            (picture.job_id,),
        )
        await transaction.execute(
            "UPDATE ledger SET waived = 1 WHERE job_id = ?", (picture.job_id,)
        )
    reports = Reports(db, clock)
    report = await filed(reports, picture.id, BOB.user_id, SECRETS["reported"])
    await reports.posted(report.id, 77, 3001)
    report = await filed(reports, bobs.id, ALICE.user_id, SECRETS["report"])
    await reports.posted(report.id, 77, 3002)
    messages = ReportMessages(db, clock)
    (answer_id,) = await messages.answer(bobs.id, MODERATOR, SECRETS["answer"])
    await messages.settle(answer_id, MessageState.DELIVERED, 3003)
    await messages.reply(bobs.id, ALICE.user_id, SECRETS["reply"])
    await messages.answer(picture.id, ALICE.user_id, SECRETS["answer"])
    await QuotaReminders(db, clock).add(ALICE, 1, clock(), locale="en-US", own_locale="")
    await Blocks(db, clock).block(10, ALICE.user_id, MODERATOR, SECRETS["block"])
    await Blocks(db, clock).unblock(10, ALICE.user_id)
    waiting = await stores.accept(
        new_job(
            ALICE,
            prompt=SECRETS["waiting"],
            reply_token=SECRETS["token"],
            pictures=2,
            filter=JobFilter((), SECRETS["filter"]),
        )
    )
    painting = await stores.painting(new_job(ALICE, prompt="painting zxqvsecret"))
    await Blocks(db, clock).block(10, ALICE.user_id, MODERATOR, SECRETS["block"])
    return Planted(stores, picture, bobs, derived, waiting, painting, elsewhere)


async def _settle(stores: OpenStores, job: Job) -> None:
    await stores.deliveries.placed(job.id, 1000 + job.id)
    await stores.deliveries.attempt(job.id, Route.EDIT)
    await stores.deliveries.delivered(job.id, 1000 + job.id)


def traces(data_dir: Path, extra: Iterable[bytes] = ()) -> dict[str, set[bytes]]:
    """Return what is found of the person in any file of the folder, by the file's name."""
    place = search.tokens(ALICE.guild_id, ALICE.user_id, "a").partition("u")[0] + "u"
    wanted = {b"zxqvsecret", place.encode(), *extra}
    found = {}
    for path in data_dir.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if there := {each for each in wanted if each in data}:
                found[path.relative_to(data_dir).as_posix()] = there
    return found


async def nightly(planted: Planted) -> Path:
    """Make a nightly backup now."""
    target = backup.nightly_path(planted.data_dir, planted.stores.clock())
    return (await backup.back_up(planted.stores.db.path, target)).path
