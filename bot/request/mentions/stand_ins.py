"""What is read in a prompt where a name is not known, in the language of the prompt. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bot.request.mentions.codes import CODES
from engine.prompts import Language, language
from engine.prompts.language import is_foreign


@dataclass(frozen=True, slots=True)
class StandIns:
    """The words of one language. places: the pages of a server, by their name in `<id:…>`."""

    language: Language
    somebody: str
    role: str
    channel: str
    emoji: str
    link: str
    command: str
    places: Mapping[str, str]


ENGLISH: Final = StandIns(
    "en",
    somebody="somebody",
    role="a role",
    channel="a channel",
    emoji="an emoji",
    link="a link",
    command="command",
    places={
        "customize": "Channels and Roles",
        "browse": "Browse Channels",
        "guide": "Server Guide",
        "home": "Server Guide",
        "linked-roles": "Linked Roles",
    },
)
CHINESE: Final = StandIns(
    "zh",
    somebody="某人",
    role="某个身份组",
    channel="某个频道",
    emoji="一个表情",
    link="一个链接",
    command="命令",
    places={
        "customize": "频道和身份组",
        "browse": "浏览频道",
        "guide": "服务器指南",
        "home": "服务器指南",
        "linked-roles": "关联身份组",
    },
)


# Names of flags, options and addresses have Latin letters in a prompt of any language.
_NO_LANGUAGE: Final = re.compile(
    r"https?://\S+|(?:\A|(?<=\s))/[a-z][\w-]*|[a-z][\w-]*:(?=\S)"
    r"|[\-‐‑–—－]{1,2}\s?[a-z][\w-]*(?:[\s=:]+[\w.:-]+)?",
    re.IGNORECASE,
)


def stand_ins(text: str) -> StandIns:
    """Return the words in the language of what a text says besides its codes.

    A prompt in a language that is neither English nor Chinese gets English ones.
    """
    said = _NO_LANGUAGE.sub(" ", CODES.sub(" ", text))
    return CHINESE if language(said) == "zh" and not is_foreign(said) else ENGLISH
