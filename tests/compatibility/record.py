"""Writes what the tests beside it open: `python -m tests.compatibility.record`.

It was run once, at commit dcd8f43 (2026-11-28), before the modules of `bot` were moved. What it
wrote is the promise, and is not to be written anew by a later build: that would prove nothing.
"""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bot.accounts.permissions import Person
from bot.discord.views.custom_ids import Act, custom_id, parse_kept
from bot.discord.views.start_modal import kept_layout
from bot.i18n import words
from bot.jobs.permutations import Proposed, Taken
from bot.request.outcomes import ManyChoices
from bot.request.params import Start, Wish
from engine.diffusion.families import Speed
from engine.errors import NonFinite
from engine.prompts import Level, PictureStyle
from engine.renderer import Outcome, RenderTask
from engine.types import Mode, Painted
from storage.database import FILE_NAME, Database
from tests.bot.discord.commands.test_reroll import paint
from tests.bot.discord.handlers.test_image_to_image import MENU, PHOTO
from tests.bot.discord.handlers.test_moderation import report, shown
from tests.bot.pictures import a_mask, a_picture
from tests.compatibility import accounts
from tests.compatibility.aftermath import leave_work
from tests.compatibility.home import (
    CUSTOM_IDS,
    DATA,
    RECORDED_S,
    TOKEN,
    TOLD,
    Home,
    open_home,
)
from tests.fakes import EPOCH, FakeClock, ScriptedRenderer

SMALL = ("small.png", a_picture(300, 200, "navy"))
KEPT_FILES = (FILE_NAME, "commands.synced")


class Steady(ScriptedRenderer):
    """Takes 1.5 s for each picture, whatever the machine."""

    def render(
        self, batch: Sequence[RenderTask], *, on_step: Callable[[int, Any], None]
    ) -> list[Outcome]:
        """Paint."""
        outcomes = super().render(batch, on_step=on_step)
        for outcome in outcomes:
            if isinstance(outcome, Painted):
                object.__setattr__(outcome, "duration_s", 1.5)
        return outcomes


async def make_pictures(home: Home, painter: Steady) -> None:
    """Pictures on every road, from everything that one can begin with."""
    home.clock.now = EPOCH - timedelta(days=2)
    await paint(home, prompt="an old lake", seed=1)  # picture 1: retention takes its file
    home.clock.now = EPOCH
    await paint(home, prompt="a lake at dawn", seed=2)
    await paint(home, prompt="a red boat two --no fog --strict", seed=3, count=3)
    await paint(home, prompt="一只红船在湖上 🎨", style="watercolour", enhance="off", aspect="16:9")
    await paint(home, prompt="a fine house --chaos 30 --refine", speed="fine", seed=4)
    await paint(home, prompt="hush", private=True, seed=5)
    await home.alice.slash(home.channel, "imagine", prompt="from a photo", picture=PHOTO, seed=6)
    await home.settled()
    await home.alice.slash(
        home.channel, "blend", first=SMALL, second=("b.png", a_picture()), prompt="both"
    )
    await home.settled()
    mask = ("mask.png", a_mask(300, 200))
    await home.alice.slash(home.channel, "inpaint", prompt="a tree", picture=SMALL, mask=mask)
    await home.settled()
    for command in ("vary", "upscale", "reroll"):
        await home.alice.slash(home.channel, command, picture="2")
        await home.settled()
    painter.hold()  # more than half a minute: a message of its own
    await home.alice.slash(home.channel, "imagine", prompt="a slow lake", seed=7)
    await home.state(last(home), "painting")
    home.clock.advance(40)
    painter.release()
    await home.settled()
    for way in ("thread", "direct"):
        await home.bob.slash(home.channel, "settings", delivery=way, spoiler="on", quiet="on")
        await paint(home, home.bob, prompt=f"bob's way: {way}", seed=8)
    await home.bob.slash(home.channel, "settings", delivery="channel")
    painter.failures["an impossible lake"] = NonFinite("step 3")
    await paint(home, prompt="an impossible lake", seed=9)
    painter.flaws[11] = NonFinite("step 3")
    await paint(home, prompt="some of these", seed=10, count=3)


def last(home: Home) -> int:
    """The newest job."""
    return home.rows("SELECT max(id) FROM jobs")[0][0]


async def make_favourites(home: Home) -> None:
    """More than a page of them, and one that is none any more."""
    pictures = home.rows("SELECT id FROM pictures WHERE user_id = ? ORDER BY id", home.alice.id)
    album = home.house.services.album
    alice = person(home, home.alice)
    for (picture_id,) in pictures[1:13]:
        await album.favour(alice, picture_id, favourite=True)
    await album.favour(alice, 3, favourite=False)


async def make_cases(home: Home) -> None:
    """Every verdict, open cases for every button, somebody who is blocked by each way."""
    await home.admin.slash(home.channel, "admin reports channel", channel=home.mods)
    await shown(home)
    ends = (
        (home.carol, "carol's insult", "Delete and block"),
        (home.bob, "bob's joke", "Delete"),
        (home.bob, "bob's harmless lake", "Dismiss"),
    )
    for who, prompt, verdict in ends:
        await paint(home, who, prompt=prompt, seed=20)
        await report(home, home.alice, f"about {prompt}")
        await home.moderator.click(home.mods.last_message, label=verdict)
        await shown(home)
    for number in range(3):
        await paint(home, home.dave, prompt=f"dave's picture {number}", seed=30 + number)
        await report(home, home.alice, "" if number else "it is mine")
        await report(home, home.bob, "me too")
    listed = await home.admin.slash(home.channel, "admin reports list")
    dave = home.rows("SELECT id FROM pictures WHERE user_id = ?", home.dave.id)
    await home.admin.click(listed.response.message, custom_id=custom_id(Act.CASE, dave[0][0]))
    await home.admin.slash(home.channel, "admin block", who=home.carol, reason="spam")


async def make_settings(home: Home) -> None:
    """Quotas and settings of every level."""
    slash = home.admin.slash
    await slash(home.channel, "admin quota default", pictures=400, hours=48)
    await slash(home.channel, "admin quota set", who=home.alice, pictures=300, hours=12)
    await slash(home.channel, "admin quota set", who=home.dave, pictures=0, hours=1)
    await slash(home.channel, "admin settings server", delivery="channel", spoiler="off")
    await slash(home.channel, "admin settings channel", channel=home.mods, quiet="on")
    await slash(home.channel, "admin settings channel", channel=home.channel, spoiler="off")
    await home.alice.slash(home.channel, "settings", quiet="off")


async def show_everything(home: Home) -> None:
    """Put every button, menu and form on some message."""
    single, series = message_of(home, 2), message_of(home, 3)
    own, others = await home.more(home.alice, single), await home.more(home.bob, single)
    await home.more(home.alice, series)
    await home.more(home.bob, series)
    await home.more(home.alice, message_of(home, 13))
    await home.alice.click(own, label="Remix")
    await home.bob.click(others, label="Report")
    details = await home.bob.click(others, label="Details")
    assert details.response is not None
    for arguments in ({}, {"favourites": True}):
        page = (await home.alice.slash(home.channel, "history", **arguments)).response.message
        await home.alice.click(page, label="Older")
    found = await home.alice.slash(home.channel, "history", search="lake")
    await home.alice.click(found.response.message, custom_id=custom_id(Act.SHOW, 2))
    await home.alice.context_menu(home.channel, MENU, single)
    await home.alice.context_menu(home.channel, MENU, series)
    await home.alice.context_menu(home.channel, "Recipe", series)
    sent = await home.bob.send(home.channel, "look", attachments=[SMALL])
    await home.alice.context_menu(home.channel, MENU, sent)


def message_of(home: Home, job_id: int) -> Any:
    """The message that shows a job's pictures."""
    sql = "SELECT result_message_id FROM deliveries WHERE job_id = ?"
    return home.message(home.rows(sql, job_id)[0][0])


def person(home: Home, who: Any) -> Person:
    """Somebody as the use cases know them."""
    return Person(who.id, home.guild.id, home.channel.id)


async def make_questions(home: Home) -> None:
    """Open, taken and declined ones, with everything that a wish can hold."""
    ask = home.alice.slash
    for label in ("Don't", "Paint 2 pictures"):
        asked = await ask(home.channel, "imagine", prompt="{a, b} lake", seed=40)
        await home.alice.click(asked.response.message, label=label)
        await home.settled()
    await ask(
        home.channel,
        "imagine",
        prompt="{red, blue} house",
        aspect="16:9",
        count=2,
        style="photo",
        private=True,
        seed=41,
        speed="fast",
        guidance=2.5,
        negative="fog",
        enhance="full",
    )
    flags = "--size 256x192 --steps 3 --strict --chaos 20 --refine 0.3 --style anime --seed 42"
    await ask(home.channel, "imagine", prompt=f"{{一只, two}} cats {flags} --r 2")
    form = await home.alice.click(await home.more(home.alice, message_of(home, 2)), label="Remix")
    typed = {"prompt": "{dusk, night} lake", "negative": "", "seed": "43"}
    await home.alice.submit_modal(form, typed)
    # The commands offer no such wishes, but what is stored has a place for them.
    photo, *size = home.rows(
        "SELECT job_inputs.sha256, width_px, height_px "
        "FROM job_inputs JOIN pictures USING (job_id) ORDER BY job_id"
    )[0]
    start = Start(Mode.IMAGE, (photo,), 0.5)
    whole = Wish(
        "{sun, rain} over all",
        size=(size[0], size[1]),
        seed=44,
        steps=2,
        guidance=1.5,
        negative="mist",
        enhance=Level.OFF,
        variety=0.1,
        refine=0.2,
        start=start,
        style=PictureStyle.ANIME,
    )
    quick = Wish("{sun, rain} again", aspect="1:1", speed=Speed.FINE, strict=True, seed=45)
    for wish in (whole, quick):
        many = ManyChoices(2, wish, 1, False)
        proposed = await home.house.services.choices.propose(person(home, home.alice), many)
        assert isinstance(proposed, Proposed), proposed


async def leave_waiting(home: Home, painter: Steady) -> None:
    """One picture is being painted and others wait; their panel is shown; then the bot dies."""
    painter.hold()
    for who, prompt in ((home.alice, "begun"), (home.alice, "waits"), (home.bob, "bob waits")):
        await who.slash(home.channel, "imagine", prompt=prompt, seed=50)
    await home.state(last(home) - 2, "painting")
    await home.alice.slash(home.channel, "queue")
    await home.admin.slash(home.channel, "queue")
    painter.release()
    await home.crash()
    await home.env.shutdown()


def ids_in(part: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(what bears it, custom_id, names of a form's fields) of all that a request shows."""
    if isinstance(part, list):
        for each in part:
            yield from ids_in(each)
        return
    if not isinstance(part, dict):
        return
    name = part.get("custom_id")
    if name is not None and "title" in part:
        fields = [label["component"]["custom_id"] for label in part["components"]]
        yield "form", name, tuple(fields)
        return
    if name is not None:
        yield ("button" if part["type"] == 2 else "menu"), name, ()
        for option in part.get("options", ()):
            yield "option", option["value"], ()
    for each in part.values():
        yield from ids_in(each)


def custom_ids(home: Home) -> dict[str, Any]:
    """Everything that was ever shown, and for whom pictures were put aside."""
    shown_ids = {each for request in home.env.http_requests for each in ids_in(request.json)}
    for kept in [parse_kept(name) for _, name, _ in shown_ids]:
        if kept is not None:  # what stands in place of its form, where reading takes long
            shown_ids |= set(ids_in(kept_layout(kept, words()).to_components()))
    return {
        "token": TOKEN,
        "ids": home.ids(),
        "shown": [
            {"on": on, "custom_id": name} | ({"fields": list(fields)} if fields else {})
            for on, name, fields in sorted(shown_ids)
        ],
    }


async def answers_taken(data_dir: Path, now: Any) -> dict[str, Any]:
    """What is painted when each open question is answered with Paint, by its id."""
    copy = data_dir.with_name("copy")
    shutil.copytree(data_dir, copy)
    painter, taken = ScriptedRenderer(), dict[str, Any]()
    async with open_home(copy, painter.load, now, at_s=RECORDED_S) as home:
        await home.settled()
        for (proposal_id,) in home.rows("SELECT id FROM proposals WHERE state = 'open'"):
            before = last(home)
            alice, services = person(home, home.alice), home.house.services
            outcome = await services.choices.take(alice, proposal_id)
            assert isinstance(outcome, Taken), outcome
            for job in outcome.jobs:
                services.delivery.unplaced(job.job_id)
            await home.settled()
            sql = "SELECT request, pictures, private, parent_picture_id FROM jobs WHERE id > ?"
            taken[str(proposal_id)] = home.rows(f"{sql} ORDER BY id", before)
    return taken


async def record(data_dir: Path) -> None:
    """All of it."""
    painter = Steady()
    home_ids: dict[str, int] = {}
    async with open_home(data_dir, painter.load, EPOCH, at_s=RECORDED_S) as home:
        await make_pictures(home, painter)
        await make_favourites(home)
        await make_cases(home)
        await make_settings(home)
        await make_questions(home)
        await show_everything(home)
        await leave_waiting(home, painter)
        home_ids = home.ids()
        found = custom_ids(home)
        clock = FakeClock(home.clock.now + timedelta(seconds=30))
    async with await Database.open(data_dir / FILE_NAME) as db:
        await leave_work(db, clock, home_ids)
        told = await accounts.told(db, clock, home_ids)
    told |= {"now": clock.now.isoformat(), "ids": home_ids}
    told["taken"] = await answers_taken(data_dir, clock.now)
    write(CUSTOM_IDS, found)
    write(TOLD, told)


def write(file: Path, value: Any) -> None:
    """JSON that can be read and compared line by line."""
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    file.write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Write the data folder and what belongs to it."""
    chance = random.Random(20261128)
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("secrets.randbelow", chance.randrange),
        patch("secrets.token_hex", lambda count: chance.randbytes(count).hex()),
    ):
        data_dir = Path(folder) / "data"
        asyncio.run(record(data_dir))
        if DATA.exists():
            shutil.rmtree(DATA)
        DATA.mkdir()
        for name in (*KEPT_FILES, "pictures", "inputs"):
            copy = shutil.copytree if (data_dir / name).is_dir() else shutil.copyfile
            copy(data_dir / name, DATA / name)


if __name__ == "__main__":
    main()
