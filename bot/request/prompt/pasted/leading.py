"""Addresses of pictures in a prompt, above all in front of a pasted one. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote

from bot.request.prompt.pasted.command import without_command
from bot.request.quotations import quotations
from engine.prompts import visible

_ADDRESS = re.compile(
    r"\s*<?((?:[a-z][a-z0-9+.-]{1,20}://|www\.|data:image/)[^\s<>，。、]+)>?[\s,;，；、]*",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"(?<!\()<?(https://(?:cdn\.discordapp\.com|media\.discordapp\.net)/[^\s<>，。、“”「」\"]+)>?",
    re.IGNORECASE,
)
_FLAG_BEFORE = re.compile(r"[-–—－]{1,2}[^\W\d_][\w-]*[\s=:：]+\Z")
_STOPS = tuple(",.;:!?，。；：！？、")
_ATTACHMENT = re.compile(
    r"https://(?:cdn\.discordapp\.com|media\.discordapp\.net)/(?:ephemeral-)?attachments"
    r"/[0-9]{1,20}/[0-9]{1,20}/([\w.%~()+-]{1,300})(?:\?[\w.%~=&+-]*)?",
    re.ASCII,
)


def picture_addresses(prompt: str) -> tuple[tuple[str, ...], str]:
    """Return the addresses in front of a prompt, as in Midjourney's prompts, and what is left.

    The address of an attachment of Discord's is found anywhere but in quotations and behind a flag;
    others that are not in front are part of the prompt. A command in front is dropped; a prompt
    without addresses is returned as it is.
    """
    rest = visible(without_command(prompt))
    addresses: list[str] = []
    while (found := _ADDRESS.match(rest)) is not None:
        addresses.append(found[1].rstrip(",;"))
        rest = rest[found.end() :]
    parts, last = list[str](), 0
    quoted = [*quotations(rest)]
    for match in _LATER.finditer(rest):
        address = match[1].rstrip(".,;!?:)")
        hidden = any(start < match.start() < end for start, end in quoted)
        if hidden or not is_attachment(address) or _FLAG_BEFORE.search(rest[: match.start()]):
            continue
        addresses.append(address)
        parts.append(rest[last : match.start()].strip())
        last = match.end() if match[0].startswith("<") else match.start(1) + len(address)
    if not addresses:
        return (), prompt
    tail = rest[last:]
    gap = "" if not parts or tail[:1] in _STOPS else " "
    left = f"{' '.join(parts)}{gap}{tail.lstrip()}" if parts else tail
    return tuple(addresses), left.strip() if parts else left


def is_attachment(address: str) -> bool:
    """Return whether an address is that of a file on Discord's own servers, and nothing else.

    Only the hosts and folders of attachments count; a path cannot lead out of them.
    """
    match = _ATTACHMENT.fullmatch(address)
    if match is None:
        return False
    name = unquote(match[1])
    return name not in {".", ".."} and not set(name) & set("/\\")
