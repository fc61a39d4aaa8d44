"""Recognise prompts that ask for a nearly empty picture, for which a blank one is right."""

from __future__ import annotations

import re

_COLOUR = r"(?:black|white|gr[ae]y|red|green|blue|yellow|orange|purple|pink|brown|beige)"
_SURFACE = r"(?:square|background|screen|canvas|page|paper|rectangle|frame|void|wall|image|picture)"
_ENGLISH = re.compile(
    r"\b(?:blank|featureless|nothing(?:ness)?|void|darkness|pitch[- ](?:dark|black)|flat colou?r)\b"
    r"|\b(?:empty|plain|solid|uniform|pure|all|only|completely|entirely)\s+"
    rf"(?:{_COLOUR}|{_SURFACE}|colou?r)\b"
    rf"|\b{_COLOUR}\s+{_SURFACE}\b|\b{_COLOUR} on {_COLOUR}\b",
    re.IGNORECASE,
)
_CHINESE = re.compile(
    r"空白|纯[色黑白]|单色|虚无|漆黑|全[黑白]|[黑白灰]色?(?:的)?(?:方块|背景|屏幕|画布|墙|纸)|白墙|白纸"
)


def asks_for_blank(prompt: str) -> bool:
    """True for "a black square on black": a picture in one colour may be right."""
    return bool(_ENGLISH.search(prompt) or _CHINESE.search(prompt))
