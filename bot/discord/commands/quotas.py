"""/admin quota: who may paint how much, and why."""

from __future__ import annotations

from typing import Final, Literal, cast

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.accounts.quota_settings import (
    EVERYBODY,
    MAX_HOURS,
    MAX_PICTURES,
    Member,
    QuotaCleared,
    QuotaSet,
    QuotaSubject,
    TypedQuota,
)
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.quotas import quota_reasons_text, quota_text
from bot.request.outcomes import Refused
from bot.request.reasons.quotas import RoleGone
from bot.wording.quotas import quota_cleared, quota_listing, quota_set
from storage.types import PolicySource

Pictures = Range[int, 0, MAX_PICTURES]
Hours = Range[int, 1, MAX_HOURS]
Who = discord.User | discord.Role

_DAY: Final = "day"
_LIMITS: Final = ("unlimited", "none")
_WHO = locale_str("A member or a role (default: everybody on this server)")
_MEMBER = locale_str("The member")
_PICTURES = locale_str("Pictures allowed within the window")
_HOURS = locale_str("Length of the rolling window in hours (default: the bot's setting)")


def quota_commands(services: Services) -> app_commands.Group:
    """Return the group /admin quota, bound to these services."""
    quota = app_commands.Group(name="quota", description=locale_str("Quotas of this server"))

    @quota.command(
        name="set", description=locale_str("Set the quota of a member, a role or the server")
    )
    @app_commands.describe(
        who=_WHO,
        pictures=_PICTURES,
        hours=_HOURS,
        per=locale_str("In place of hours: from midnight to midnight in the server's time zone"),
        limit=locale_str("In place of a number of pictures"),
    )
    @app_commands.choices(
        per=[Choice(name=locale_str("calendar day"), value=_DAY)],
        limit=[
            Choice(name=locale_str("unlimited"), value="unlimited"),
            Choice(name=locale_str("none (no painting)"), value="none"),
        ],
    )
    async def set_(
        interaction: Interaction,
        who: Who | None = None,
        pictures: Pictures | None = None,
        hours: Hours | None = None,
        per: str | None = None,
        limit: str | None = None,
    ) -> None:
        subject = _subject(who)
        if isinstance(subject, Refused):
            await refuse(interaction, subject)
            return
        chosen = cast('Literal["unlimited", "none"]', limit) if limit in _LIMITS else None
        typed = TypedQuota(pictures, chosen, hours, daily=per == _DAY)
        outcome = await services.quotas.set(actor_of(interaction), subject, typed)
        await _answer_set(interaction, outcome)

    @quota.command(
        name="default",
        description=locale_str("Set the quota for members without one of their own"),
    )
    @app_commands.describe(pictures=_PICTURES, hours=_HOURS)
    async def default(
        interaction: Interaction, pictures: Pictures, hours: Hours | None = None
    ) -> None:
        typed = TypedQuota(pictures, hours=hours)
        outcome = await services.quotas.set(actor_of(interaction), EVERYBODY, typed)
        await _answer_set(interaction, outcome)

    @quota.command(
        name="clear",
        description=locale_str("Remove a quota, so that the next less specific one applies"),
    )
    @app_commands.describe(who=_WHO)
    async def clear(interaction: Interaction, who: Who | None = None) -> None:
        subject = _subject(who)
        if isinstance(subject, Refused):
            await refuse(interaction, subject)
            return
        roles = _roles_of(who)
        outcome = await services.quotas.clear(actor_of(interaction), subject, roles)
        await _answer_set(interaction, outcome)

    @quota.command(
        name="show", description=locale_str("See a member's quota and how much of it is left")
    )
    @app_commands.describe(who=_MEMBER)
    async def show(interaction: Interaction, who: discord.User) -> None:
        member = Member(who.id, _roles_of(who))
        outcome = await services.quotas.show(actor_of(interaction), member)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            text = quota_text(outcome, who.mention, words_of(interaction))
            await reply_privately(interaction, text)

    @quota.command(
        name="why", description=locale_str("See which quota a member has, and why this one")
    )
    @app_commands.describe(who=_MEMBER)
    async def why(interaction: Interaction, who: discord.User) -> None:
        member = Member(who.id, _roles_of(who))
        outcome = await services.quotas.why(actor_of(interaction), member)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            text = quota_reasons_text(outcome, who.mention, words_of(interaction))
            await reply_privately(interaction, text)

    @quota.command(name="list", description=locale_str("See all quotas that were set here"))
    @app_commands.describe(page=locale_str("The page of a long list"))
    async def list_(interaction: Interaction, page: Range[int, 1, 100_000] = 1) -> None:
        guild = interaction.guild
        known = None if guild is None or guild.unavailable else {each.id for each in guild.roles}
        outcome = await services.quotas.listing(actor_of(interaction), known)
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            text = quota_listing(outcome, page, words_of(interaction))
            await reply_privately(interaction, text)

    return quota


def _subject(who: discord.User | discord.Member | discord.Role | None) -> QuotaSubject | Refused:
    """Return for whom a quota is set: nobody chosen, or the role @everyone, is the server."""
    if who is None:
        return EVERYBODY
    if isinstance(who, discord.Role):
        if who.is_default():
            return EVERYBODY
        if not who.guild.unavailable and who.guild.get_role(who.id) is None:
            return Refused(RoleGone())
        return QuotaSubject(PolicySource.ROLE, who.id)
    if not isinstance(who, discord.User | discord.Member):  # Discord no longer knows it
        return Refused(RoleGone())
    return QuotaSubject(PolicySource.USER, who.id)


def _roles_of(who: discord.User | discord.Member | discord.Role | None) -> frozenset[int]:
    """Return the roles of a member of the server."""
    return (
        frozenset(each.id for each in who.roles) if isinstance(who, discord.Member) else frozenset()
    )


async def _answer_set(interaction: Interaction, outcome: QuotaSet | QuotaCleared | Refused) -> None:
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    say = words_of(interaction)
    if outcome.status is not None:
        text = quota_text(outcome.status, f"<@{outcome.subject.id}>", say)
    elif isinstance(outcome, QuotaSet):
        text = quota_set(outcome, say)
    else:
        text = quota_cleared(outcome, say)
    await reply_privately(interaction, text)
