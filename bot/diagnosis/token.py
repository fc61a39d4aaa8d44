"""The form of the bot's token; the token itself is in no finding."""

from __future__ import annotations

import base64
import binascii
import re

from bot.diagnosis.findings import Code, Finding, broken, note, ok
from bot.setting_names import misspelt_token

_PART = r"[\w-]+"
_FORM = re.compile(rf"{_PART}\.{_PART}\.{_PART}")


def application_id(token: str) -> int | None:
    """Return the id that a bot token begins with (base64 of its digits); None if there is none."""
    head = token.partition(".")[0]
    try:
        digits = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return int(digits) if digits.isdigit() else None


def check_token(token: str | None, variables: list[str]) -> Finding:
    """Return whether there is a token, and whether it has the form of one.

    variables: names in the environment, among which may be a misspelt one.
    """
    if token is None or not token.strip():
        similar = misspelt_token(variables)
        if similar is not None:
            return broken(Code.TOKEN_MISSPELT, variable=similar)
        return note(Code.NO_TOKEN)
    application = application_id(token)
    if application is None or _FORM.fullmatch(token) is None:
        return broken(Code.TOKEN_MALFORMED)
    return ok(Code.TOKEN, application=application)
