"""Whom a message notifies."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from bot.playground.model import Message

_MENTION: Final = re.compile(r"<@!?(\d+)>")
_ROLE_MENTION: Final = re.compile(r"<@&(\d+)>")


def set_mentions(
    message: Message, allowed: Mapping[str, Any] | None, users: Collection[int]
) -> None:
    """Store whom a message notifies: those it mentions, as far as it may.

    allowed: Discord's allowed_mentions; None allows everything. users: the accounts that exist.
    """
    text = "\n".join(_texts(message))
    named_users = list(dict.fromkeys(int(each) for each in _MENTION.findall(text)))
    roles = list(dict.fromkeys(int(each) for each in _ROLE_MENTION.findall(text)))
    everyone = "@everyone" in text or "@here" in text
    if allowed is not None:
        parse = allowed.get("parse") or ()
        if "users" not in parse:
            named = {int(each) for each in allowed.get("users") or ()}
            named_users = [each for each in named_users if each in named]
        if "roles" not in parse:
            named = {int(each) for each in allowed.get("roles") or ()}
            roles = [each for each in roles if each in named]
        everyone = everyone and "everyone" in parse
    message.mentions = tuple(each for each in named_users if each in users)
    message.mention_roles = tuple(roles)
    message.mention_everyone = everyone


def _texts(message: Message) -> Iterable[str]:
    yield message.content
    todo: list[Any] = list(message.components)
    while todo:
        part = todo.pop()
        if part.get("type") == 10:
            yield str(part.get("content", ""))
        todo.extend(part.get("components") or ())
