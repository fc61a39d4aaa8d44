"""Members who leave something everywhere, are erased, and are looked for in every byte."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from storage import backup
from tests.bot.discord.images import PHOTO
from tests.bot.discord.reports import reports_shown
from tests.day.admins import Admins
from tests.day.decisions import Wish
from tests.day.members import Job, Members
from tests.day.town import SETTLE_S, Person, Town
from tests.day.traces import traces


class Erasures:
    """Erases members at their own wish or at an admin's, and looks for what is left."""

    def __init__(self, town: Town, members: Members, admins: Admins) -> None:
        self.town = town
        self.members = members
        self.admins = admins

    async def live(self, person: Person) -> None:
        """Let a member use what stores something, and let others decide about them."""
        town, actor = self.town, person.actor
        channel, decide = town.harness.channel, town.decide
        town.ledger.looked_at(person.id, town.now)
        await decide("preset save", actor, name=person.secret, settings="--steps 4")
        await decide("settings", actor, spoiler="on")
        await decide("settings", actor, spoiler="default")
        await actor.slash(channel, "explain", prompt=person.words())
        await actor.slash(channel, "history", search=person.secret)
        await actor.slash(channel, "imagine", prompt=person.words("a {red, blue, green, grey}"))
        await self._from_a_photo(person)
        await self._judged(person)
        await self.admins.grant(person)
        await self.admins.reset(person)
        await decide("admin quota set", who=actor, pictures=500)
        await decide("admin quota clear", who=actor)
        await decide("admin rules set", what="count", value="4", who=actor)
        await decide("admin rules remove", who=actor)
        await self._blocked(person)
        town.counts["members who left something everywhere"] += 1

    async def forget_preset(self, person: Person) -> None:
        """Let a member delete what they saved."""
        said = await self.town.decide("preset delete", person.actor, name=person.secret)
        self.town.expect(person.secret in said, f"preset delete: {said!r}")

    async def _blocked(self, person: Person) -> None:
        """Lift a block that holds, or block a member and lift that; one that has ended is left."""
        town, blocks = self.town, self.town.decisions.blocks
        until = blocks.get(person.id, town.now)
        if until is None or until > town.now:
            await town.decide("admin unblock", who=person.actor)
            del blocks[person.id]
        elif person.id not in blocks:
            reason = person.words("spam")
            await town.decide("admin block", who=person.actor, reason=reason)
            await town.decide("admin unblock", who=person.actor)

    async def _from_a_photo(self, person: Person) -> None:
        """Let a member paint from a picture of theirs, as far as they may."""
        town = self.town
        wish = Wish(person.id, town.harness.channel.id, person.words("from a photo"))
        options = {"prompt": wish.prompt, "picture": PHOTO, "seed": town.rng.randrange(1 << 30)}
        town.renderer.hold()
        answer = await town.asker.ask(person.actor, "imagine", **options)
        self.members.judge([((person, "open", wish), answer)])
        await self.members.finish()

    async def _judged(self, person: Person) -> None:
        """Let a member report a picture and give it a star, and let others do that to theirs."""
        staying = [each for each in self.town.present() if not each.fated]
        other = self.town.rng.choice(staying)
        await self._report(person, self._shown(lambda job: not job.person.fated))
        await self._report(other, self._shown(lambda job: job.person is person))

    def _shown(self, wanted: Callable[[Job], bool]) -> Any:
        """Return a message that shows everybody a picture; None if there is none."""
        open_id = self.town.harness.channel.id
        for job in reversed(self.members.jobs.values()):
            if job.end == "painted" and job.wish.channel_id == open_id and wanted(job):
                return job.answer.message
        return None

    async def _report(self, by: Person, message: Any) -> None:
        """Let a member report a picture, in their own words, and give it a star."""
        if message is None:
            return
        harness = self.town.harness
        form = await by.actor.context_menu(harness.channel, "Report", message.message)
        if form.modal is not None:
            await by.actor.submit_modal(form, {"reason": by.words("ugly")})
        await reports_shown(harness)
        several = "Favourite 1" in str(message.components)
        await by.actor.click(message, label="Favourite 1" if several else "Favourite")

    async def erase(self, person: Person, *, own: bool) -> None:
        """Erase a member, with what waits and is being painted, and look for what is left.

        own: at their own wish, not at an admin's.
        """
        town, harness = self.town, self.town.harness
        self._was_there(person)
        begun = await self.members.begun()
        by = person.actor if own else town.admin
        options = {} if own else {"who": person.actor}
        name = "privacy erase" if own else "admin erase user"
        asked = await by.slash(harness.channel, name, **options)
        erasing = asyncio.create_task(by.click(asked.response.message, label="Erase"))
        live = [each for each in self.members.unfinished if each.person is person]
        for job in live:
            await harness.state(job.id, "cancelled")
        town.renderer.release()
        await erasing
        for job in live:
            if job is begun:  # charged as if they had cancelled it
                town.ledger.books[person.id].lower(job.charge, 1)
                self.members.end(job, "erased, charged")
            else:
                self.members.refund(job, "erased")
        town.ledger.erase(person.id)
        # A block that has ended goes with them: a clock that is set back later does not revive it.
        until = town.decisions.blocks.get(person.id)
        if until is not None and until <= town.now:
            del town.decisions.blocks[person.id]
        person.erased = True
        town.counts["erased at their own wish" if own else "erased by an admin"] += 1
        text = harness.texts(asked.response.message)
        town.expect("erased" in text, f"{person.name} was told {text!r}")
        await self.members.finish()
        await self.purged()
        self.nothing_is_left(person)

    async def come_back(self, person: Person) -> None:
        """Let somebody who was erased ask again: what they had used still counts."""
        town, members = self.town, self.members
        await self.admins.ask_quota(person)
        town.renderer.hold()
        wish = Wish(person.id, town.harness.channel.id, person.words())
        await members.ask_all([(person, "open", wish)])
        person.erased = not any(each.wish is wish for each in members.unfinished)
        await members.finish()
        await self.admins.ask_quota(person)
        town.counts["erased members who came back"] += not person.erased

    async def look(self) -> None:
        """Let admins look at somebody who was erased; that must not bring anything back."""
        erased = [each for each in self.town.people if each.erased]
        if erased:
            person = self.town.rng.choice(erased)
            for name in ("admin quota show", "admin quota why", "admin rules why", "admin audit"):
                await self.town.decide(name, who=person.actor)
            self.nothing_is_left(person)

    async def purged(self) -> None:
        """Wait until what erasures left to be done is done."""
        app = self.town.harness.app
        async with asyncio.timeout(SETTLE_S):
            while not (app.purging.idle and app.message_remover.idle):
                await asyncio.sleep(0.02)
        await self.town.harness.env.settle()

    def _was_there(self, person: Person) -> None:
        """The search finds the member before: otherwise finding nothing would prove nothing."""
        found = traces(self.data_dir, {person.name: person.spellings()})
        self.town.expect(person.written == 0 or found, f"{person.name} was not found before")
        backups = backup.nightlies(self.data_dir)
        self.town.counts["erasures with a backup"] += bool(backups)

    def nothing_is_left(self, *people: Person) -> None:
        """Look for erased members in every byte of the data folder."""
        found = traces(self.data_dir, {each.name: each.spellings() for each in people})
        for file, names in found.items():
            self.town.violation(f"{file} has something of {', '.join(sorted(names))}")

    @property
    def data_dir(self) -> Any:
        """The data folder."""
        return self.town.harness.settings.storage.data_dir
