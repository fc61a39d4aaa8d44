"""The reference: what the members of a server were charged, and what would fit.

It knows what members and admins were told, and nothing of the bot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final

from tests.day.calendar import MINUTE, Calendar
from tests.storage.reference import Allowance, Charge, QuotaBook

HORIZON: Final = timedelta(hours=30)
"""Longer than any window of the day."""
DAY_HOURS: Final = 24


class Ledger:
    """The quotas of a server and the charges of its members.

    roles: of each member. default: where nothing was set. ceiling: of all members together, and in
    how many hours of the clock it counts.
    """

    def __init__(
        self,
        calendar: Calendar,
        roles: Mapping[int, frozenset[int]],
        default: Allowance,
        ceiling: tuple[int, int],
    ) -> None:
        self.calendar = calendar
        self.own: dict[int, Allowance] = {}
        self.of_roles: dict[int, Allowance] = {}
        self.of_server: Allowance | None = None
        self.weighted = False
        self.books = {
            user_id: QuotaBook(calendar.day_of, lambda user_id=user_id: self.allowance(user_id))
            for user_id in roles
        }
        self.erased: set[int] = set()
        """Whose charges are nobody's until they ask again."""
        self._roles = roles
        self._default = default
        self._ceiling = ceiling

    def allowance(self, user_id: int) -> Allowance:
        """Return what holds for a member: their own, their most generous role's, the server's."""
        if user_id in self.own:
            return self.own[user_id]
        roles = [each for each in self._roles[user_id] if each in self.of_roles]
        if roles:
            return self.of_roles[max(roles, key=self._generosity)]
        return self.of_server or self._default

    def _generosity(self, role_id: int) -> tuple[bool, Fraction, int, int]:
        pictures, hours = self.of_roles[role_id]
        if pictures is None:
            return True, Fraction(), 0, -role_id
        return False, Fraction(pictures, hours or DAY_HOURS), pictures, -role_id

    def cost(self, pictures: int, weight: int) -> int:
        """Return what a request counts as."""
        return pictures * weight if self.weighted else pictures

    def looked_at(self, user_id: int, now: datetime) -> QuotaBook:
        """Return a member's book, as the bot sees it when it asks for it now."""
        self.erased.discard(user_id)
        book = self.books[user_id]
        book.notice_clock(now)
        return book

    def put_in_order(self, now: datetime) -> None:
        """Take into account that the bot looks, at its start and now and then, for charges of a
        later hour: they are dated back, and those of all who were erased together, as nobody's."""
        nobody = QuotaBook(self.calendar.day_of, lambda: self._default)
        nobody.charges = [e for user_id in self.erased for e in self.books[user_id].charges]
        others = (book for user_id, book in self.books.items() if user_id not in self.erased)
        for book in (nobody, *others):
            if any(_hour(e.at) > _hour(now) for e in book.charges if not e.refunded):
                book.notice_clock(now)

    def charge(self, user_id: int, pictures: int, weight: int, now: datetime) -> Charge:
        """Charge what fits."""
        return self.books[user_id].charge(pictures, weight if self.weighted else 1, now)

    def used_together(self, now: datetime) -> int:
        """Return what of the ceiling is used: by hours of the clock."""
        since = _hour(now) - self._ceiling[1] + 1
        charges = (each for book in self.books.values() for each in book.charges)
        return sum(each.cost for each in charges if _hour(each.at) >= since)

    def beyond_ceiling(self, used: int, cost: int) -> bool:
        """Return whether so much more would be more than the server may have."""
        return used + cost > self._ceiling[0]

    def retry_at(self, user_id: int, cost: int, now: datetime) -> datetime | None:
        """Return when so much fits; all charges are of whole minutes."""
        return self.books[user_id].retry_at(cost, _minutes(now))

    def erase(self, user_id: int) -> None:
        """Take into account that a member was erased: grants go, what was used stays used."""
        self.books[user_id].grants.clear()
        for charge in self.books[user_id].charges:
            charge.taken.clear()
        self.erased.add(user_id)


def _hour(at: datetime) -> int:
    return int(at.timestamp()) // 3600


def _minutes(now: datetime) -> Iterator[datetime]:
    at = now
    while at < now + HORIZON:
        yield at
        at += MINUTE
