"""Pure: quotas as text, with times that Discord keeps up to date."""

from __future__ import annotations

from bot.accounts.quota_settings import QuotaGranted, QuotaReasons
from bot.discord.views.markdown import timestamp
from bot.i18n import Words
from bot.wording.quotas import allowed_pictures, policy_source, quota_reasons
from storage.types import QuotaStatus


def quota_text(status: QuotaStatus, who: str | None, say: Words) -> str:
    """Return a quota as text. who: a mention; None for the reader's own quota."""
    allowed, source = allowed_pictures(status.policy, say), policy_source(status.policy, say)
    head = say("Your quota") if who is None else say("Quota of {who}", who=who)
    lines = [say("**{quota}**: {allowed} ({source})", quota=head, allowed=allowed, source=source)]
    if status.remaining is None:
        lines.append(say("Used: {used}.", used=status.used))
    else:
        lines.append(say("Used: {used}. Left: {left}.", used=status.used, left=status.remaining))
    if status.granted:
        lines.append(
            say.plural(
                "{n} more was granted on top, and is taken once nothing is left.",
                "{n} more were granted on top, and are taken once nothing is left.",
                status.granted,
            )
        )
    if status.next_return_at is not None and status.remaining is not None:
        when = timestamp(status.next_return_at)
        if status.policy.hours is None:
            lines.append(say("All of it becomes available {when}.", when=when))
        else:
            lines.append(say("One more becomes available {when}.", when=when))
    return "\n".join(lines)


def granted_text(done: QuotaGranted, who: str, say: Words) -> str:
    """Say what was granted and for how long, with the quota as it is now. who: a mention."""
    if done.expires_at is None:
        granted = say.plural(
            "{who} can paint {n} picture on top of their quota, whenever they like.",
            "{who} can paint {n} pictures on top of their quota, whenever they like.",
            done.pictures,
            who=who,
        )
    else:
        granted = say.plural(
            "{who} can paint {n} picture on top of their quota; what is left of it expires {when}.",
            "{who} can paint {n} pictures on top of their quota; what is left of them expires "
            "{when}.",
            done.pictures,
            who=who,
            when=timestamp(done.expires_at),
        )
    return f"{granted}\n{quota_text(done.status, who, say)}"


def quota_reasons_text(found: QuotaReasons, who: str, say: Words) -> str:
    """Return a quota, and why it is this one. who: a mention."""
    return f"{quota_text(found.status, who, say)}\n{quota_reasons(found, say)}"
