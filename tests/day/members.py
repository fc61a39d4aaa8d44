"""What members ask for, and whether it was accepted or refused for a reason that holds."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from engine.errors import NonFinite
from tests.day.asking import Answer, posted_elsewhere
from tests.day.decisions import Wish, reasons_said
from tests.day.town import QUEUE, SETTLE_S, Person, Town
from tests.storage.reference import Charge

AT_ONCE: Final = 25
"""Members who ask at the same moment."""
LARGE: Final = " --steps 20"
LARGE_WEIGHT: Final = 3
"""Two and a half times the usual steps."""
FORBIDDEN: Final = "zebra"
BEGINNINGS: Final = ("a lake", "雨中的城市", "Ein Fuchs im Schnee", "a red boat, at dawn")
SEED_LIMIT: Final = 1 << 31
_RETRY: Final = re.compile(r"<t:([0-9]+)(?::[a-zA-Z])?>")
_COST: Final = re.compile(r"counts as ([0-9]+) picture")
_KEPT: Final = re.compile(r"Cancelled, but ([0-9]+) picture")


@dataclass
class Job:
    """A request that was accepted. end: how it ended, "" while it has not. survived_kill: it may
    have been painted twice."""

    id: int
    person: Person
    wish: Wish
    answer: Answer
    charge: Charge
    end: str = ""
    survived_kill: bool = False


class Members:
    """Asks for members, and keeps the reference in step with what they are answered."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.jobs: dict[int, Job] = {}
        self._live: dict[int, Job] = {}
        self.silent: list[tuple[Person, Wish, Answer, datetime]] = []
        """Requests that were not answered, for the bot was killed."""
        self.made: dict[str, Counter[int]] = {}
        """How often the painter finished each seed of a prompt."""
        self._asking = 0
        self.dying = False
        """Whether the bot is killed while members wait for answers."""

    @property
    def unfinished(self) -> list[Job]:
        """The jobs that have not ended."""
        return list(self._live.values())

    def wish(self, person: Person, *, private: bool = True) -> tuple[str, Wish]:
        """Return something that a member could ask for, and the name of the channel.

        private: it may be in the channel where only they see it.
        """
        rng = self.town.rng
        weights = {"open": 9, "lounge": 1, "slow": 1, "few": 1, "calm": 1, "whispers": private}
        place = rng.choices(list(weights), list(weights.values()))[0]
        count = rng.choices((1, 2, 3, 4), (8, 2, 1, 1))[0]
        forbidden, large = rng.random() < 0.03, rng.random() < 0.06
        beginning = "a zebra" if forbidden else rng.choice(BEGINNINGS)
        channel_id = self.town.places[place].id
        weight = LARGE_WEIGHT if large else 1
        return place, Wish(person.id, channel_id, person.words(beginning), count, weight, forbidden)

    async def ask_all(self, wishes: Sequence[tuple[Person, str, Wish]]) -> None:
        """Ask for all of this at once, while nothing is painted, and judge the answers."""
        now = self.town.now
        for person in {id(person): person for person, _, _ in wishes}.values():
            self.town.ledger.looked_at(person.id, now)
        self._asking = len(wishes)
        answers = await asyncio.gather(*(self._ask(*each) for each in wishes))
        self.judge(list(zip(wishes, answers, strict=True)))

    async def _ask(self, person: Person, place: str, wish: Wish) -> Answer:
        rng, options = self.town.rng, {"prompt": wish.prompt + LARGE * (wish.weight > 1)}
        seed = rng.randrange(SEED_LIMIT)
        self._may_fail(wish, seed)
        asked = options | {"count": wish.count, "seed": seed}
        asker = self.town.askers[place]
        answer = await asker.ask(person.actor, "imagine", **asked)
        if (shown := _COST.search(answer.text)) and answer.job_id is None:
            weighed = self.town.ledger.weighted and wish.weight > 1
            cost = wish.count * wish.weight
            said = f"{answer.text!r} for {cost}"
            self.town.expect(weighed and int(shown[1]) == cost, said)
            answer = await asker.ask(person.actor, "imagine", **asked)
        return answer

    def _may_fail(self, wish: Wish, seed: int) -> None:
        """Let painting it fail now and then, as a whole or one of its pictures."""
        chance = self.town.rng.random()
        if chance < 0.04:
            self.town.renderer.failures[wish.prompt] = NonFinite("step 1")
        elif chance < 0.12 and wish.count > 1:
            self.town.renderer.flaws[seed + 1] = NonFinite("step 1")

    def judge(self, asked: Sequence[tuple[tuple[Person, str, Wish], Answer]]) -> None:
        """Compare the answers with the reference: first who was accepted, in the order of their
        numbers, then who was refused, by what holds after all of them."""
        now, ledger = self.town.now, self.town.ledger
        together = ledger.used_together(now)
        accepted = [(answer.job_id, each, answer) for each, answer in asked if answer.job_id]
        for job_id, (person, _, wish), answer in sorted(accepted, key=lambda each: each[0] or 0):
            assert job_id is not None
            if reasons := self._reasons(person, wish, now, together):
                self.town.violation(f"job {job_id} was accepted in spite of {sorted(reasons)}")
                if reasons & {"quota"}:
                    continue
            charge = ledger.charge(person.id, wish.count, wish.weight, now)
            together += charge.cost
            self.jobs[job_id] = self._live[job_id] = Job(job_id, person, wish, answer, charge)
            self.town.counts["accepted"] += 1
        alone = Counter(person.id for (person, _, _), _ in asked)
        for (person, _, wish), answer in asked:
            if not answer.job_id:
                self._refused(person, wish, answer, together, alone=alone[person.id] == 1)

    def _refused(
        self, person: Person, wish: Wish, answer: Answer, together: int, *, alone: bool
    ) -> None:
        town = self.town
        if not answer.given:
            self.silent.append((person, wish, answer, town.now))
            return
        if answer.shows_picture:
            town.violation(f"painted at once, although nothing is painted: {answer.text[:80]!r}")
            return
        said = reasons_said(answer.text)
        hold = self._reasons(person, wish, town.now, together)
        town.counts.update(f"refused: {each}" for each in said or {"nothing"})
        if "queue" in said and len(self.unfinished) + self._asking > QUEUE:
            hold |= {"queue"}
        if self.dying:  # what is not answered is charged until the next start, and counts together
            hold |= {"restarting", "ceiling"}
        if not said or not said <= hold:
            town.violation(f"refused with {answer.text!r}, and {sorted(hold)} holds; {wish}")
        if said == {"quota"} and alone:
            cost = town.ledger.cost(wish.count, wish.weight)
            at, told = town.ledger.retry_at(person.id, cost, town.now), _RETRY.search(answer.text)
            when = None if told is None else int(told[1])
            expected = None if at is None else int(at.timestamp())
            town.expect(when == expected, f"{answer.text!r}, but it fits at {at}")

    def _reasons(self, person: Person, wish: Wish, now: datetime, together: int) -> set[str]:
        """Return why this cannot be painted now, by the reference."""
        town, ledger = self.town, self.town.ledger
        found = town.decisions.forbidding(wish, person.roles, now)
        book = ledger.books[person.id]
        cost = ledger.cost(wish.count, wish.weight)
        if not book.fits(cost, now):
            found.add("quota")
        if ledger.beyond_ceiling(together, cost):
            found.add("ceiling")
        charged = (each.at for each in book.charges if not each.refunded)
        if town.decisions.cools_down(wish, charged, now):
            found.add("cooldown")
        waiting = sum(each.person is person for each in self.unfinished)
        if town.decisions.is_full(wish, waiting):
            found.add("pending")
        return found

    async def cancel(self, job: Job) -> None:
        """Let a member cancel a job of theirs that waits or has begun."""
        answer = await self.town.asker.ask(job.person.actor, "cancel", job=str(job.id))
        text = answer.text
        if kept := _KEPT.search(text):
            charged = int(kept[1])
            self.town.expect(charged == 1, f"{text!r}, although one picture had begun")
            self.town.ledger.books[job.person.id].lower(job.charge, charged)
            self.end(job, "cancelled, charged")
        elif "not charged" in text:
            self.refund(job, "cancelled")
        else:
            self.town.violation(f"job {job.id} was cancelled with {text!r}")

    def refund(self, job: Job, end: str) -> None:
        """Note that a job ended without a picture and without a charge."""
        self.town.ledger.books[job.person.id].refund(job.charge)
        self.end(job, end)

    def end(self, job: Job, end: str) -> None:
        """Note how a job ended."""
        job.end = end
        del self._live[job.id]
        self.town.counts[end] += 1

    async def finish(self) -> None:
        """Let everything be painted and delivered, and see what came of each job."""
        self.town.renderer.release()
        await self.town.settled()
        self._look_at_painter()
        for job in self.unfinished:
            await self._look_at(job)
        self._look_at_silent()

    async def _look_at(self, job: Job) -> None:
        painted, harness = self._painted(job.wish), self.town.harness
        if not job.answer.shows_picture and not (
            painted and posted_elsewhere(harness, job.wish.channel_id, job.id)
        ):
            self.town.expect(
                job.answer.message is not None and job.answer.text,
                f"job {job.id} has no message",
            )
            self.refund(job, "failed")
            return
        self.town.expect(painted, f"job {job.id} shows what was never painted")
        if painted < job.charge.pictures:
            self.town.ledger.books[job.person.id].lower(job.charge, painted)
        self.end(job, "painted")

    def _look_at_painter(self) -> None:
        renderer = self.town.renderer
        for each in renderer.painted:
            self.made.setdefault(each.prompt, Counter())[each.seed] += 1
        for seen in (renderer.painted, renderer.inputs, renderer.previews):
            seen.clear()

    def _painted(self, wish: Wish) -> int:
        """Return how many different pictures the painter made of a request."""
        return len(self.made.get(wish.prompt, ()))

    def painted_twice(self) -> list[str]:
        """Return what was painted more than once without a kill in between."""
        killed = {each.wish.prompt for each in self.jobs.values() if each.survived_kill}
        return [
            prompt
            for prompt, seeds in self.made.items()
            if prompt not in killed and max(seeds.values()) > 1
        ]

    def _look_at_silent(self) -> None:
        """Who was not answered was charged nothing, unless a picture arrived all the same."""
        for person, wish, answer, at in self.silent:
            if answer.shows_picture:
                book = self.town.ledger.books[person.id]
                charge = book.charge(wish.count, self.town.ledger.cost(1, wish.weight), at)
                if (painted := self._painted(wish)) < charge.pictures:
                    book.lower(charge, painted)
                self.town.counts["painted without an answer"] += 1
            else:
                self.town.counts["killed before the answer"] += 1
        self.silent.clear()

    async def crowd(self, person: Person, requests: int) -> None:
        """Let one member ask many times at the same moment."""
        wishes: list[tuple[Person, str, Wish]] = []
        for _ in range(requests):
            wish = Wish(person.id, self.town.places["open"].id, person.words())
            wishes.append((person, "open", wish))
        await self.ask_all(wishes)
        self.town.counts["crowds"] += 1

    async def begun(self) -> Job | None:
        """Wait until a job is being painted; return it, None if none waits."""
        if not self.unfinished:
            return None
        sql = "SELECT id FROM jobs WHERE state = 'painting'"
        async with asyncio.timeout(SETTLE_S):
            while not (found := self.town.harness.rows(sql)):
                await asyncio.sleep(0.01)
        return self.jobs.get(found[0][0])
