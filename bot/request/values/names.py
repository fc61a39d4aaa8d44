"""Names as people write them in a prompt: `--model turbo`, `--preset "soft ink"`. Pure."""

from __future__ import annotations

import re

from bot.request.values.flag_values import InvalidValue, ParsedValue
from bot.request.values.style_names import QUOTES

_QUOTED = re.compile(rf"\s*[{QUOTES}]([^{QUOTES}\n]{{1,100}})[{QUOTES}]")
_PLAIN = re.compile(r"\s*([^\s,，。；、;！？!:：<>()（）]+)")


def read_name(text: str) -> ParsedValue | InvalidValue:
    """Read the value of a flag at the beginning of a text: a name, in quotation marks or without.

    What has such a name is asked later; a full stop behind a name is of the prompt.
    """
    if (quoted := _QUOTED.match(text)) is not None:
        return ParsedValue(" ".join(quoted[1].split()), quoted.end())
    plain = _PLAIN.match(text)
    name = "" if plain is None else plain[1].rstrip(".")
    if plain is None or not name:
        return InvalidValue(text.split(maxsplit=1)[0] if text.strip() else "")
    return ParsedValue(name, plain.start(1) + len(name))
