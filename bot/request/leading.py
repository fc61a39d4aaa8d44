"""What stands in front of a pasted prompt: the name of a command, addresses of pictures. Pure."""

from __future__ import annotations

import re

from engine.prompts import visible

_COMMAND = re.compile(
    r"\s*(?:/imagine\b(?:\s*prompt\s*[:：]|\s+prompt\b)?|imagine\s+prompt\s*[:：])\s*", re.I
)


def without_command(prompt: str) -> str:
    """Return a prompt without "/imagine prompt:" in front, once or repeated."""
    found = _COMMAND.match(visible(prompt))
    if found is None:
        return prompt
    rest = visible(prompt)
    while (found := _COMMAND.match(rest)) is not None:
        rest = rest[found.end() :]
    return rest
