"""The codes in which Discord writes mentions and emoji, and the words in names. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_DISCORD = r"https?://(?:(?:www|ptb|canary)\.)?discord(?:app)?\.com"
CODES = re.compile(
    rf"""
    \\?<@!?(?P<person>[0-9]{{1,20}})>
    | \\?<@&(?P<role>[0-9]{{1,20}})>
    | \\?<\#(?P<channel>[0-9]{{1,20}})>
    | \\?<t:(?P<time>-?[0-9]{{1,30}})(?::(?P<style>[A-Za-z]))?>
    | \\?</(?P<command>[^<>:\n]{{1,100}}):[0-9]+>
    | \\?<id:(?P<place>[a-z-]{{2,40}})(?::[0-9]+)?>
    | \\?<a?:(?P<emoji>[^\s:<>]{{1,64}}):[0-9]+>
    | (?<![\w:])(?:<a|a|<)?:(?P<loose>\w{{2,32}}):[0-9]{{17,20}}>?
    | \\?<(?P<other>[a-z_-]{{2,20}}):[0-9:]*[0-9]{{15,}}>
    | <?{_DISCORD}/users/(?P<profile>[0-9]{{1,20}})/?>?
    | <?{_DISCORD}/channels/(?:@me|[0-9]+)/(?P<linked>[0-9]{{1,20}})(?:/[0-9]*)*>?
    | (?:\[(?P<label>[^\[\]\n]{{1,64}})\]\()?
      <?https?://(?:cdn|media)\.discordapp\.(?:com|net)/emojis/[0-9]+[^\s<>()]*>?(?(label)\))
    | (?<![\w:/<]):(?P<shortcode>[A-Za-z][\w+~-]{{1,31}}):(?![\w:])
    """,
    re.VERBOSE,
)
"""Every code of https://discord.com/developers/docs/reference#message-formatting, links to people,
channels, messages and emoji, and emoji whose code was not pasted as a whole. A backslash before a
code, which shows it as text, belongs to it."""

BARE_IDS = re.compile(
    r"<?(?P<sign>\#|@[!&]?|)(?<![0-9])(?<![0-9]\.)(?P<id>[0-9]{17,20})(?![0-9])>?"
)
"""Ids as “Copy ID” gives them: Discord's have 17 to 20 digits."""
_LINK = re.compile(r"https?://[^\s<>]+")
_LINK_NAME = re.compile(r"[?&]name=(\w{1,64})")
_LONG_NUMBER = re.compile(r"[0-9]{17,}")
_INSIDE_WORDS = re.compile(r"(?<=\w)['’](?=\w)")
_MARKS_IN_A_ROW = 2
"""Accents on one letter that are kept of a name: Vietnamese and Thai have two. Chosen by hand."""


def as_words(name: str) -> str:
    """Return a name in words that cannot be taken for syntax: letters, digits, single spaces.

    "red_house" becomes "red house", "💬・general-chat" "general chat". Letters of other alphabets
    stay; letters in fancy type become plain ones. "" where no word is left.
    """
    plain = unicodedata.normalize("NFKC", name.split("~", 1)[0])
    kept: list[str] = []
    marks = 0
    for at, character in enumerate(plain):
        is_mark = unicodedata.category(character).startswith("M")
        marks = marks + 1 if is_mark else 0
        if is_mark and kept and not kept[-1].isspace():
            kept.append(character if marks <= _MARKS_IN_A_ROW else "")
        elif character.isalnum() or _INSIDE_WORDS.match(plain, at):
            kept.append(character)
        elif not is_mark:
            kept.append(" ")
    return " ".join(_LONG_NUMBER.sub(" ", "".join(kept)).split())


def links_with_ids(text: str) -> Iterator[re.Match[str]]:
    """Yield the links with a number in them that is as long as an id."""
    return (link for link in _LINK.finditer(text) if _LONG_NUMBER.search(link[0]))


def link_name(link: str) -> str:
    """Return the name that a link to an emoji gives; "" if it gives none."""
    found = _LINK_NAME.search(link)
    return as_words(found[1]) if found else ""


def command_words(name: str, unnamed: str) -> str:
    """Return a slash command as it is shown: "/quota set". unnamed: where no word is left."""
    return f"/{as_words(name) or unnamed}"
