"""Whether a person asked for a picture of next to nothing: then an empty one is what they want."""

from __future__ import annotations

import re

_ENGLISH = re.compile(
    r"\b(blank|empty|plain|solid|uniform|featureless|monochrome|flat colou?r|nothing(?:ness)?|void|"
    r"black|white|gr[ae]y|darkness|pitch[- ]dark)\b",
    re.IGNORECASE,
)
_CHINESE = re.compile(r"空白|纯色|单色|虚无|漆黑|全黑|全白|黑色|白色|黑|白|灰")


def asks_for_blank(prompt: str) -> bool:
    """True for "a black square on black": a picture in one colour may be right."""
    return bool(_ENGLISH.search(prompt) or _CHINESE.search(prompt))
