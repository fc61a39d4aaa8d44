"""Why somebody cannot paint: everything that is asked about a request, one after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.accounts.permissions import Actor
from bot.accounts.rules.books import RuleBooks
from bot.accounts.rules.decision import MemberFacts
from bot.jobs.painting_control import PaintingControl
from bot.operation.control import OperationService
from bot.request.outcomes import Refused, StorageUnavailable
from engine.engine_states import EngineState
from engine.errors import QueueClosed, QueueFull
from engine.service import Engine
from storage.blocks import Blocks
from storage.filters import FilterAction, Filters
from storage.pauses import Pauses
from storage.quotas import Quotas
from storage.recent_work import RecentWork
from storage.types import Block, Job, Place, QuotaExceeded, QuotaPolicy, QuotaStatus


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What Discord says of a member on a server.

    served: the settings let the bot work there. member: None if Discord did not say it. role_ids:
    of the member. channels: those that the member sees; usable: where they may use commands and the
    bot may post pictures; closed: names of others of them.
    """

    guild_id: int
    name: str
    served: bool
    member: bool | None
    role_ids: frozenset[int] = frozenset()
    channels: int = 0
    usable: int = 0
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberDiagnosis:
    """What would become of a request of this member now.

    server_paused: its admins paused painting there. ruled_out: its rules let the member paint in no
    channel. queue: the limit that is reached, None if there is a place. refusing_rules: those of
    the server's filter that concern the member. last: their newest request there.
    """

    user_id: int
    server: ServerFacts
    state: EngineState
    loading: bool
    paused: bool
    accepting: bool
    server_paused: bool
    block: Block | None
    ruled_out: bool
    quota: QuotaStatus
    over_quota: QuotaExceeded | None
    queue: QueueFull | None
    refusing_rules: int
    last: Job | None


class MemberDiagnosisService:
    """Answers owners. fallback: returns the quota where no admin has set one."""

    def __init__(
        self,
        operation: OperationService,
        control: PaintingControl,
        engine: Engine,
        *,
        blocks: Blocks,
        pauses: Pauses,
        rule_books: RuleBooks,
        quotas: Quotas,
        filters: Filters,
        recent: RecentWork,
        fallback: Callable[[], QuotaPolicy],
    ) -> None:
        self._operation = operation
        self._control = control
        self._engine = engine
        self._blocks = blocks
        self._pauses = pauses
        self._rule_books = rule_books
        self._quotas = quotas
        self._filters = filters
        self._recent = recent
        self._fallback = fallback

    async def diagnose(
        self, actor: Actor, user_id: int, server: ServerFacts
    ) -> MemberDiagnosis | Refused:
        """Ask everything; nothing is charged and nothing changes. Raises StorageError."""
        if (refused := await self._operation.refusal(actor.user_id)) is not None:
            return refused
        guild_id, roles = server.guild_id, server.role_ids
        over = await self._quotas.refusal(Place(guild_id, 0, user_id), self._fallback(), 1, roles)
        rules = (await self._filters.of(guild_id)).rules
        try:
            book = await self._rule_books.of(guild_id)
        except TimeoutError:
            return Refused(StorageUnavailable())
        return MemberDiagnosis(
            user_id=user_id,
            server=server,
            state=self._engine.state,
            loading=self._engine.info is None,
            paused=self._control.paused,
            accepting=self._control.accepting,
            server_paused=await self._pauses.of(guild_id) is not None,
            block=await self._blocks.is_blocked(guild_id, user_id),
            ruled_out=not book.may_paint_anywhere(MemberFacts(user_id, roles, ())),
            quota=await self._quotas.status(guild_id, user_id, self._fallback(), roles),
            over_quota=over,
            queue=self._limit_reached(user_id, guild_id),
            refusing_rules=sum(
                each.action is FilterAction.REFUSE and not roles.intersection(each.roles)
                for each in rules
            ),
            last=await self._recent.last_of(user_id, guild_id),
        )

    def _limit_reached(self, user_id: int, guild_id: int) -> QueueFull | None:
        """Try whether there is a place, and give it back at once."""
        try:
            with self._engine.reserve(user_id, guild_id):
                return None
        except QueueFull as error:
            return error
        except QueueClosed:  # the state says so
            return None
