"""What a quota allows and where it comes from, as parts of sentences and as lists."""

from __future__ import annotations

from bot.accounts.quota_settings import (
    QuotaCleared,
    QuotaListing,
    QuotaReasons,
    QuotaSet,
    ServerUsage,
)
from bot.i18n import Words
from bot.wording.reasons.limits import window_length
from storage.quota_policies import QuotaRule
from storage.types import PolicySource, QuotaPolicy

USERS_SHOWN = 15
"""Members that a chart of usage names. Chosen by hand."""
BAR_CELLS = 10
"""The longest bar of a chart; short, for screen readers name every cell of it."""
RULES_PER_PAGE = 20
"""As many lines as one message has room for in every language. Chosen by hand."""


def allowed_pictures(policy: QuotaPolicy, say: Words) -> str:
    """Return how much a policy allows: "20 pictures in 24 hours"."""
    if policy.pictures is None:
        return say("any number of pictures")
    allowed = say.plural(
        "{n} picture in {window}",
        "{n} pictures in {window}",
        policy.pictures,
        window=window_length(policy.hours, say),
    )
    if policy.hours is not None:
        return allowed
    return say("{allowed}, by the clocks of {zone}", allowed=allowed, zone=policy.zone)


def policy_source(policy: QuotaPolicy, say: Words) -> str:
    """Return where a policy comes from, to stand in brackets."""
    match policy.source:
        case PolicySource.CONFIG:
            return say("the bot's default")
        case PolicySource.SERVER:
            return say("this server's default")
        case PolicySource.ROLE:
            return say("set for the role {role}", role=f"<@&{policy.role_id}>")
        case PolicySource.USER:
            return say("set for this member")


def quota_set(done: QuotaSet, say: Words) -> str:
    """Say what holds from now on for a role or for everybody."""
    allowed = allowed_pictures(done.policy, say)
    if done.subject.source is PolicySource.ROLE:
        return say(
            "From now on, each member with the role {role} can paint {allowed}, unless they have a "
            "quota of their own or a role that allows more.",
            role=f"<@&{done.subject.id}>",
            allowed=allowed,
        )
    return say(
        "From now on, each member here can paint {allowed}, unless they or one of their roles "
        "have a quota of their own.",
        allowed=allowed,
    )


def quota_cleared(done: QuotaCleared, say: Words) -> str:
    """Say what a role or the server had, and what holds instead."""
    if done.subject.source is PolicySource.ROLE:
        role = f"<@&{done.subject.id}>"
        if not done.existed:
            return say("The role {role} has no quota.", role=role)
        return say("The role {role} has no quota of its own any more.", role=role)
    if not done.existed:
        return say("This server has no quota of its own; the bot's default holds.")
    return say("This server has no quota of its own any more; the bot's default holds.")


def quota_reasons(found: QuotaReasons, say: Words) -> str:
    """List the policies that match a member; the first of them holds."""
    head = say(
        "The first of these holds: a quota of one's own before those of roles, of which the one "
        "that allows most per hour comes first, before that of the server."
    )
    lines = [
        say("{number}. {source}: {allowed}", number=number, source=source, allowed=allowed)
        for number, (source, allowed) in enumerate(
            ((policy_source(each, say), allowed_pictures(each, say)) for each in found.policies), 1
        )
    ]
    return "\n".join([head, *lines])


def quota_listing(listing: QuotaListing, page: int, say: Words) -> str:
    """List the policies of a server. page: from 1 on; beyond the last one, the last."""
    pages = max(1, -(-len(listing.rules) // RULES_PER_PAGE))
    page = min(page, pages)
    rules = listing.rules[(page - 1) * RULES_PER_PAGE : page * RULES_PER_PAGE]
    head = say("Quotas on this server")
    if pages > 1:
        place = say("page {page} of {pages}", page=page, pages=pages)
        head = say("{heading} ({place})", heading=head, place=place)
    rows = [_row(_subject(each, say), each.policy, say) for each in rules]
    rows.append(_row(say("everybody else"), listing.fallback, say))
    lines = [f"**{head}**", *(f"- {row}" for row in rows)]
    if listing.removed:
        lines.append(
            say.plural(
                "{n} quota of a role that was deleted was removed.",
                "{n} quotas of roles that were deleted were removed.",
                listing.removed,
            )
        )
    return "\n".join(lines)


def usage_chart(usage: ServerUsage, say: Words) -> str:
    """List who painted how much as numbers, each with a bar that says nothing new."""
    window = window_length(usage.hours, say)
    if not usage.users:
        return say("Nobody has painted here within {window}.", window=window)
    head = say.plural(
        "{n} picture was painted here within {window}",
        "{n} pictures were painted here within {window}",
        usage.total,
        window=window,
    )
    lines = [f"**{head}**"]
    most = usage.users[0].cost
    for number, each in enumerate(usage.users[:USERS_SHOWN], 1):
        row = say.plural(
            "{number}. {who}: {n} picture, {percent} %",
            "{number}. {who}: {n} pictures, {percent} %",
            each.cost,
            number=number,
            who=f"<@{each.user_id}>",
            percent=round(100 * each.cost / usage.total),
        )
        lines.append(f"{row} {'▰' * max(1, round(BAR_CELLS * each.cost / most))}")
    rest = usage.users[USERS_SHOWN:]
    if rest:
        others = say.plural("{n} other member", "{n} other members", len(rest))
        pictures = say.plural("{n} picture", "{n} pictures", sum(each.cost for each in rest))
        lines.append(say("{name}: {value}", name=others, value=pictures))
    return "\n".join(lines)


def weights_now(weighted: bool, say: Words) -> str:
    """Say how large pictures count on a server."""
    if not weighted:
        return say("Every picture counts as one on this server, however large it is.")
    return say(
        "Pictures with more pixels × steps than is usual for their model count as more than one on "
        "this server. Before that is charged, members are shown how many it is."
    )


def _row(subject: str, policy: QuotaPolicy, say: Words) -> str:
    return say("{name}: {value}", name=subject, value=allowed_pictures(policy, say))


def _subject(rule: QuotaRule, say: Words) -> str:
    match rule.subject.source:
        case PolicySource.USER:
            return f"<@{rule.subject.id}>"
        case PolicySource.ROLE:
            return f"<@&{rule.subject.id}>"
        case _:
            return say("this server")
