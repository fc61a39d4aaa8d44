"""What admins and moderators decide during the day, and what they are told."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from tests.day.members import FORBIDDEN, Job, Members
from tests.day.town import Person, Town
from tests.storage.reference import Allowance, QuotaBook

HOURS: Final = (1, 3, 6, 24)
_USED: Final = re.compile(r"Used: ([0-9]+)\.(?: Left: ([0-9]+)\.)?")
_GRANTED: Final = re.compile(r"([0-9]+) more (?:was|were) granted")
BLOCKS: Final = {"30m": timedelta(minutes=30), "2h": timedelta(hours=2), "1d": timedelta(days=1)}


class Admins:
    """Decides by commands, and keeps the reference in step with them."""

    def __init__(self, town: Town, members: Members) -> None:
        self.town = town
        self.members = members
        self._acts: tuple[tuple[int, Callable[[], Awaitable[object]]], ...] = (
            (5, self.set_own),
            (2, self.set_role),
            (1, self.set_server),
            (3, self.clear),
            (5, self.grant),
            (3, self.reset),
            (1, self.weights),
            (4, self.block),
            (3, self.unblock),
            (2, self.allow),
            (4, self.show),
        )

    async def begin(self) -> None:
        """Decide what holds for the whole day."""
        town = self.town
        decided, places, roles = town.decisions, town.places, town.roles
        for event in ("audit", "reports"):
            await town.decide("admin log", event=event, channel=places["mods"])
        await town.decide("admin filter add", words=FORBIDDEN)
        for what, value, place in (
            ("paint", "block", "lounge"),
            ("count", "2", "few"),
            ("cooldown", "600", "slow"),
            ("pending", "2", "calm"),
            ("private", "on", "whispers"),
        ):
            await self.rule(what, value, where=places[place])
        await self.rule("paint", "block", who=roles["muted"])
        decided.paint |= {("channel", places["lounge"].id): False}
        decided.paint |= {("role", roles["muted"].id): False}
        decided.count[places["few"].id] = 2
        decided.cooldown_s[places["slow"].id] = 600
        decided.pending[places["calm"].id] = 2
        # No quota of the day counts longer than this one.
        for name, allowance in (("artists", (9, None)), ("patrons", (12, 6)), ("muted", (1, 24))):
            await self._set(roles[name], allowance)
            town.ledger.of_roles[roles[name].id] = allowance

    async def act(self) -> None:
        """Decide something."""
        weights, acts = zip(*self._acts, strict=True)
        await self.town.rng.choices(acts, weights)[0]()

    async def rule(self, what: str, value: str, **subject: Any) -> None:
        """Set a rule."""
        said = await self.town.decide("admin rules set", what=what, value=value, **subject)
        self.town.expect("From now on" in said, f"rule {what}: {said!r}")

    def person(self) -> Person:
        """Return somebody about whom something lasting may be decided."""
        staying = [each for each in self.town.people if not each.fated]
        return self.town.rng.choice(staying)

    def allowance(self) -> Allowance:
        """Return a quota that could be set."""
        rng = self.town.rng
        pictures = rng.choices((None, 0, rng.randint(1, 15)), (1, 1, 8))[0]
        return (pictures, None if rng.random() < 0.4 else rng.choice(HOURS))

    async def _set(self, who: Any, allowance: Allowance) -> None:
        pictures, hours = allowance
        options: dict[str, Any] = {} if who is None else {"who": who}
        match pictures:
            case None:
                options["limit"] = "unlimited"
            case 0:
                options["limit"] = "none"
            case _:
                options["pictures"] = pictures
        options |= {"per": "day"} if hours is None else {"hours": hours}
        await self.town.decide("admin quota set", **options)

    async def set_own(self) -> None:
        """Give a member a quota of their own."""
        person, allowance = self.person(), self.allowance()
        await self._set(person.actor, allowance)
        self.town.ledger.own[person.id] = allowance
        self.town.ledger.looked_at(person.id, self.town.now)  # the answer shows it

    async def set_role(self) -> None:
        """Give a role another quota."""
        role, allowance = self.town.roles["artists"], self.allowance()
        await self._set(role, allowance)
        self.town.ledger.of_roles[role.id] = allowance

    async def set_server(self) -> None:
        """Change the quota of everybody, as a number of hours or of a day."""
        pictures, hours = self.town.rng.randint(4, 8), self.town.rng.choice(HOURS)
        await self.town.decide("admin quota set", pictures=pictures, hours=hours)
        self.town.ledger.of_server = (pictures, hours)

    async def clear(self) -> None:
        """Take a quota of somebody's own back."""
        own = self.town.ledger.own
        if own:
            user_id = self.town.rng.choice(sorted(own))
            person = next(each for each in self.town.people if each.id == user_id)
            await self.town.decide("admin quota clear", who=person.actor)
            del own[user_id]
            self.town.ledger.looked_at(user_id, self.town.now)

    async def grant(self, person: Person | None = None) -> None:
        """Give a member pictures on top."""
        town, person = self.town, person or self.person()
        pictures, calendar = town.rng.randint(1, 5), town.ledger.calendar
        day = calendar.day_of(town.now) + timedelta(days=town.rng.randint(0, 1))
        expires = None if town.rng.random() < 0.4 else calendar.end_of(day)
        options = {} if expires is None else {"expires": day.isoformat()}
        said = await town.decide(
            "admin quota grant", who=person.actor, pictures=pictures, **options
        )
        if "too many" in said or "already has" in said:
            return
        town.ledger.books[person.id].grant(pictures, town.now, expires)
        book = town.ledger.looked_at(person.id, town.now)
        self.compare(person, book, said)

    async def reset(self, person: Person | None = None) -> None:
        """Let nothing count that a member has used."""
        person = person or self.person()
        said = await self.town.decide("admin quota reset", who=person.actor)
        book = self.town.ledger.looked_at(person.id, self.town.now)
        book.reset()
        self.compare(person, book, said)

    async def weights(self) -> None:
        """Let large pictures count more, or not any more."""
        weighted = not self.town.ledger.weighted
        await self.town.decide("admin quota weights", weighted=weighted)
        self.town.ledger.weighted = weighted

    async def block(self) -> None:
        """Block a member for a while; what they have waiting is refunded."""
        town, person = self.town, self.town.rng.choice(self.town.present())
        duration = town.rng.choice(sorted(BLOCKS))
        if person.fated:
            duration = "30m"
        by = town.rng.choice((town.admin, town.harness.moderator))
        name = "admin block" if by is town.admin else "moderation block"
        await town.decide(
            name, by, who=person.actor, reason=person.words("spam"), **{"for": duration}
        )
        town.decisions.blocks[person.id] = town.now + BLOCKS[duration]
        for job in self.members.unfinished:
            if job.person is person:
                self.members.refund(job, "cancelled by a block")

    async def unblock(self) -> None:
        """Let a blocked member paint again."""
        town = self.town
        for user_id, until in sorted(town.decisions.blocks.items()):
            if until is None or until > town.now:
                person = next(each for each in town.people if each.id == user_id)
                said = await town.decide("admin unblock", who=person.actor)
                town.expect("can paint on this server again" in said, said)
                del town.decisions.blocks[user_id]
                return

    async def allow(self) -> None:
        """Let a member paint wherever they are, or nowhere."""
        town, person = self.town, self.person()
        paint = town.rng.random() < 0.6
        await self.rule("paint", "allow" if paint else "block", who=person.actor)
        town.decisions.paint[("user", person.id)] = paint

    async def show(self, person: Person | None = None) -> None:
        """Look at a member's quota."""
        person = person or self.town.rng.choice(self.town.present())
        name = self.town.rng.choice(("admin quota show", "admin quota why"))
        said = await self.town.decide(name, who=person.actor)
        self.compare(person, self.town.ledger.looked_at(person.id, self.town.now), said)

    async def pause(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Pause the server while members ask."""
        await self.town.decide("admin pause", reason="a tea break")
        self.town.decisions.paused = True
        await ask()
        await self.town.decide("admin resume")
        self.town.decisions.paused = False

    async def cancel_all_of(self, person: Person, begun: Job | None) -> None:
        """Cancel what a member has waiting; what is being painted goes on."""
        town, harness = self.town, self.town.harness
        waiting = [e for e in self.members.unfinished if e.person is person and e is not begun]
        asked = await town.admin.slash(harness.channel, "admin cancel user", who=person.actor)
        if not waiting:
            text = harness.texts(asked.response)
            town.expect("no job waiting" in text, f"nothing to cancel: {text!r}")
            return
        number = len(waiting)
        label = f"Cancel {number} job{'s' if number > 1 else ''}"
        await town.admin.click(asked.response.message, label=label)
        for job in waiting:
            self.members.refund(job, "cancelled by an admin")

    async def ask_quota(self, person: Person) -> None:
        """Let a member look at their own quota."""
        answer = await self.town.asker.ask(person.actor, "quota")
        self.compare(person, self.town.ledger.looked_at(person.id, self.town.now), answer.text)

    def compare(self, person: Person, book: QuotaBook, said: str) -> None:
        """Compare a quota that was shown with the reference."""
        town, limit = self.town, book.allowance()[0]
        used, granted = book.used(town.now), book.granted(town.now)
        left = None if limit is None else max(0, limit - used)
        shown, more = _USED.search(said), _GRANTED.search(said)
        told = None
        if shown is not None:
            told = (int(shown[1]), None if shown[2] is None else int(shown[2]))
        told_granted = 0 if more is None else int(more[1])
        town.counts["quotas compared"] += 1
        town.expect(
            (told, told_granted) == ((used, left), granted),
            f"{person.name}: used {used}, left {left}, granted {granted}; told {said!r}",
        )
