"""What stands in front of a pasted prompt: the name of a command, addresses of pictures. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote

from engine.prompts import visible

_COMMAND = re.compile(
    r"\s*(?:/imagine\b(?:\s*prompt\s*[:：]|\s+prompt\b)?|imagine\s+prompt\s*[:：])\s*",
    re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"\s*<?((?:[a-z][a-z0-9+.-]{1,20}://|www\.|data:image/)[^\s<>，。、]+)>?[\s,;，；、]*",
    re.IGNORECASE,
)
_ATTACHMENT = re.compile(
    r"https://(?:cdn\.discordapp\.com|media\.discordapp\.net)/(?:ephemeral-)?attachments"
    r"/[0-9]{1,20}/[0-9]{1,20}/([\w.%~()+-]{1,300})(?:\?[\w.%~=&+-]*)?",
    re.ASCII,
)


def without_command(prompt: str) -> str:
    """Return a prompt without "/imagine prompt:" in front, once or repeated."""
    rest = visible(prompt)
    if _COMMAND.match(rest) is None:
        return prompt
    while (found := _COMMAND.match(rest)) is not None:
        rest = rest[found.end() :]
    return rest


def leading_addresses(prompt: str) -> tuple[tuple[str, ...], str]:
    """Return the addresses in front of a prompt, as in Midjourney's prompts, and what follows.

    A command in front of them is dropped; a prompt without addresses is returned as it is.
    """
    rest = visible(without_command(prompt))
    addresses: list[str] = []
    while (found := _ADDRESS.match(rest)) is not None:
        addresses.append(found[1].rstrip(",;"))
        rest = rest[found.end() :]
    return (tuple(addresses), rest) if addresses else ((), prompt)


def is_attachment(address: str) -> bool:
    """Return whether an address is that of a file on Discord's own servers, and nothing else.

    Only the hosts and folders of attachments count; a path cannot lead out of them.
    """
    match = _ATTACHMENT.fullmatch(address)
    if match is None:
        return False
    name = unquote(match[1])
    return name not in {".", ".."} and not set(name) & set("/\\")
