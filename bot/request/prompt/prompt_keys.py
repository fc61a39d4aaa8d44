"""Short texts that stand for long prompts where a choice can hold only so much. Pure."""

from __future__ import annotations

import hashlib
import re
from typing import Final

KEY_CHARS: Final = 100
"""What Discord takes as the value of a choice."""

_BEGINNING_CHARS: Final = 70
_KEY: Final = re.compile(r"(?P<beginning>.*)… ⟨(?P<prompt>[0-9a-f]{12})(?P<check>[0-9a-f]{8})⟩")


def fits(text: str) -> bool:
    """Return whether a text can be chosen as it is: short, and on one line."""
    return len(text) <= KEY_CHARS and text.isprintable()


def key_of(text: str) -> str:
    """Return the key of a text: how it begins, with digests of the whole and of the key itself.

    The second one is why nobody types a key by chance: one text in 2^32 that looks like a key is
    one.
    """
    beginning = text[:_BEGINNING_CHARS]
    shown = "".join(sign if sign.isprintable() else " " for sign in beginning)
    beginning = " ".join(shown.split())
    digest = _digest(text, 12)
    return f"{beginning}… ⟨{digest}{_digest(beginning + digest, 8)}⟩"


def is_key(text: str) -> bool:
    """Return whether a text was made by `key_of`, whoever's prompt it stands for."""
    found = _KEY.fullmatch(text)
    if found is None:
        return False
    return _digest(found["beginning"] + found["prompt"], 8) == found["check"]


def _digest(text: str, digits: int) -> str:
    # Discord sends whatever was typed, half an emoji as well.
    data = text.encode(errors="surrogatepass")
    return hashlib.blake2s(data, digest_size=digits // 2).hexdigest()
