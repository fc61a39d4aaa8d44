"""/admin quota: who may paint how much, and why."""

from __future__ import annotations

from datetime import timedelta
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
    reply_outcome,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.quotas import granted_text, quota_reasons_text, quota_text
from bot.i18n import Words
from bot.request.outcomes import Refused
from bot.request.reasons.quotas import RoleGone
from bot.wording.quotas import quota_cleared, quota_listing, quota_set, usage_chart, weights_now
from storage.types import PolicySource

Pictures = Range[int, 0, MAX_PICTURES]
Hours = Range[int, 1, MAX_HOURS]
Who = discord.User | discord.Role

_DAY: Final = "day"
_DAYS_AHEAD: Final = (0, 1, 3, 7, 14, 30, 90, 365)
"""Last days that are suggested for grants. Chosen by hand."""
_LIMITS: Final = ("unlimited", "none")
_WHO = locale_str("A member or a role (default: everybody on this server)")
_MEMBER = locale_str("The member")
_PICTURES = locale_str("Pictures allowed within the window")
_HOURS = locale_str("Hours of the rolling window (default: the bot's)")


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
        per=locale_str("In place of hours, in the server's time zone"),
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
        subject = services.quotas.set_refusal(actor_of(interaction)) or _subject(who)
        if isinstance(subject, Refused):
            await refuse(interaction, subject)
            return
        chosen = cast('Literal["unlimited", "none"]', limit) if limit in _LIMITS else None
        typed = TypedQuota(pictures, chosen, hours, daily=per == _DAY)
        outcome = await services.quotas.set(actor_of(interaction), subject, typed)
        await _answer_set(interaction, outcome)

    @quota.command(
        name="clear",
        description=locale_str("Remove a quota, so that the next one applies"),
    )
    @app_commands.describe(who=_WHO)
    async def clear(interaction: Interaction, who: Who | None = None) -> None:
        subject = services.quotas.set_refusal(actor_of(interaction)) or _subject(who)
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
        await reply_outcome(
            interaction, outcome, lambda found, say: quota_text(found, who.mention, say)
        )

    @quota.command(
        name="why", description=locale_str("See which quota a member has, and why this one")
    )
    @app_commands.describe(who=_MEMBER)
    async def why(interaction: Interaction, who: discord.User) -> None:
        member = Member(who.id, _roles_of(who))
        outcome = await services.quotas.why(actor_of(interaction), member)
        await reply_outcome(
            interaction, outcome, lambda found, say: quota_reasons_text(found, who.mention, say)
        )

    @quota.command(
        name="grant", description=locale_str("Give a member pictures on top of their quota")
    )
    @app_commands.describe(
        who=_MEMBER,
        pictures=locale_str("How many; they are taken once the quota is used up"),
        expires=locale_str("Their last day, such as 2026-03-31"),
    )
    async def grant(
        interaction: Interaction,
        who: discord.User,
        pictures: Range[int, 1, MAX_PICTURES],
        expires: Range[str, 1, 40] | None = None,
    ) -> None:
        actor, member = actor_of(interaction), Member(who.id, _roles_of(who))
        outcome = await services.quotas.grant(actor, member, pictures, expires)
        await reply_outcome(
            interaction, outcome, lambda found, say: granted_text(found, who.mention, say)
        )

    @grant.autocomplete("expires")
    async def suggest_days(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        today, say = await services.quotas.today(actor_of(interaction)), words_of(interaction)
        found: list[Choice[str]] = []
        for ahead in _DAYS_AHEAD:
            day = (today + timedelta(days=ahead)).isoformat()
            label = say.plural("{day} (in {n} day)", "{day} (in {n} days)", ahead, day=day)
            found.append(Choice(name=label, value=day))
        return [each for each in found if current.strip() in each.name]

    @quota.command(
        name="reset",
        description=locale_str("Let nothing count that a member has used so far"),
    )
    @app_commands.describe(who=_MEMBER)
    async def reset(interaction: Interaction, who: discord.User) -> None:
        member = Member(who.id, _roles_of(who))
        outcome = await services.quotas.reset(actor_of(interaction), member)
        await reply_outcome(
            interaction, outcome, lambda found, say: quota_text(found, who.mention, say)
        )

    @quota.command(
        name="weights",
        description=locale_str("Choose whether large pictures count as more than one"),
    )
    @app_commands.describe(
        weighted=locale_str("By pixels and steps, compared with the model's usual ones")
    )
    async def weights(interaction: Interaction, weighted: bool | None = None) -> None:
        outcome = await services.quotas.weights(actor_of(interaction), weighted)
        await reply_outcome(interaction, outcome, weights_now)

    @quota.command(name="usage", description=locale_str("See who painted how much here"))
    @app_commands.describe(hours=locale_str("Within the last hours (default: 24)"))
    async def usage(interaction: Interaction, hours: Hours = 24) -> None:
        outcome = await services.quotas.usage(actor_of(interaction), hours)
        await reply_outcome(interaction, outcome, usage_chart)

    @quota.command(name="list", description=locale_str("See all quotas that were set here"))
    @app_commands.describe(page=locale_str("The page of a long list"))
    async def list_(interaction: Interaction, page: Range[int, 1, 100_000] = 1) -> None:
        guild = interaction.guild
        known = None if guild is None or guild.unavailable else {each.id for each in guild.roles}
        outcome = await services.quotas.listing(actor_of(interaction), known)
        await reply_outcome(
            interaction, outcome, lambda rules, say: quota_listing(rules, page, say)
        )

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
    def text_of(changed: QuotaSet | QuotaCleared, say: Words) -> str:
        if changed.status is not None:
            return quota_text(changed.status, f"<@{changed.subject.id}>", say)
        return (
            quota_set(changed, say)
            if isinstance(changed, QuotaSet)
            else quota_cleared(changed, say)
        )

    await reply_outcome(interaction, outcome, text_of)
