"""The reference for quotas: what one member was charged and granted, added up anew every time.

It is written as plainly as possible, and uses nothing of the code that it is compared with.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

Allowance = tuple[int | None, int | None]
"""Pictures, None for any number, and the hours in which they count, None for a calendar day."""


@dataclass
class Charge:
    """A request that was charged: when, and what of it counts against the quota."""

    at: datetime
    pictures: int
    weight: int
    counted: int
    taken: dict[int, int]
    """Grants that it took from, in order."""
    refunded: bool = False

    @property
    def cost(self) -> int:
        """What it costs the whole server."""
        return 0 if self.refunded else self.pictures * self.weight


@dataclass
class Granted:
    """What is left of pictures on top of the quota."""

    left: int
    made_at: datetime
    expires_at: datetime | None


@dataclass
class QuotaBook:
    """Every charge and grant of one member.

    day_of: the calendar day that an instant belongs to on the server. allowance: what holds for the
    member now.
    """

    day_of: Callable[[datetime], date]
    allowance: Callable[[], Allowance]
    charges: list[Charge] = field(default_factory=list[Charge])
    grants: list[Granted] = field(default_factory=list[Granted])

    def counts(self, charge: Charge, now: datetime) -> bool:
        """Return whether a charge counts at an instant."""
        hours = self.allowance()[1]
        if hours is None:
            return self.day_of(charge.at) == self.day_of(now)
        return charge.at + timedelta(hours=hours) > now

    def used(self, now: datetime) -> int:
        """Return how much of the quota is used."""
        return sum(
            each.counted for each in self.charges if not each.refunded and self.counts(each, now)
        )

    def granted(self, now: datetime) -> int:
        """Return how much is left of grants."""
        return sum(each.left for each in self.usable(now))

    def usable(self, now: datetime) -> list[Granted]:
        """Return the grants that are left, in the order in which they are used up."""
        live = [each for each in self.grants if each.expires_at is None or each.expires_at > now]
        return sorted(live, key=lambda each: (each.expires_at is None, each.expires_at or now))

    def fits(self, cost: int, now: datetime) -> bool:
        """Return whether so much may be charged."""
        limit = self.allowance()[0]
        return limit is None or cost <= max(0, limit - self.used(now)) + self.granted(now)

    def retry_at(self, cost: int, instants: Iterable[datetime]) -> datetime | None:
        """Return the first of these instants at which so much fits."""
        return next((at for at in instants if self.fits(cost, at)), None)

    def notice_clock(self, now: datetime) -> None:
        """Take what a clock that was ahead wrote as written now, the rest at its distance."""
        ahead = [each for each in self.charges if each.at > now and not each.refunded]
        by = max((each.at for each in ahead), default=now) - now
        for charge in ahead:
            charge.at -= by
        for grant in self.grants:
            if grant.made_at > now and grant.left:
                if grant.expires_at is not None:
                    grant.expires_at -= grant.made_at - now
                grant.made_at = now

    def charge(self, pictures: int, weight: int, now: datetime) -> Charge:
        """Charge a request that fits."""
        limit = self.allowance()[0]
        cost = pictures * weight
        counted = cost if limit is None else min(cost, max(0, limit - self.used(now)))
        beyond, taken = cost - counted, dict[int, int]()
        for grant in self.usable(now):
            part = min(beyond, grant.left)
            if part:
                taken[self.grants.index(grant)] = part
                grant.left -= part
                beyond -= part
        assert beyond == 0
        self.charges.append(Charge(now, pictures, weight, counted, taken))
        return self.charges[-1]

    def lower(self, charge: Charge, pictures: int) -> None:
        """Charge for fewer pictures: what was taken from grants goes back first, the last first."""
        cost = pictures * charge.weight
        charge.pictures, charge.counted = pictures, min(charge.counted, cost)
        self._give_back(charge, cost - charge.counted)

    def refund(self, charge: Charge) -> None:
        """Take a charge back."""
        charge.refunded = True
        self._give_back(charge, 0)

    def grant(self, pictures: int, now: datetime, expires_at: datetime | None) -> None:
        """Give pictures on top of the quota."""
        self.grants.append(Granted(pictures, now, expires_at))

    def reset(self) -> None:
        """Let nothing count that was charged so far."""
        for charge in self.charges:
            if not charge.refunded:
                charge.counted = 0

    def _give_back(self, charge: Charge, keep: int) -> None:
        for index, part in list(charge.taken.items()):
            kept = min(keep, part)
            keep -= kept
            self.grants[index].left += part - kept
            charge.taken[index] = kept
