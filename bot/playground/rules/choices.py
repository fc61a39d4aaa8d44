"""Rules for autocomplete choices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.playground.errors import Form
from bot.playground.rules.grammar import (
    Field,
    check,
    integer,
    list_of,
    number,
    object_with,
    required,
    text,
)
from bot.playground.rules.names import localized

MAX_WHOLE: Final = 2**53 - 1
MAX_NUMBER: Final = 2**53
MAX_CHOICES: Final = 25

_VALUES: Final[Mapping[int, Field]] = {
    3: text(high=100),
    4: integer(-MAX_WHOLE, MAX_WHOLE),
    10: number(-MAX_NUMBER, MAX_NUMBER),
}
CHOICES: Final[Mapping[int, Field]] = {
    option_type: list_of(
        object_with(
            {
                "name": required(text(1, 100, trim=True)),
                "name_localizations": localized(text(1, 100, trim=True)),
                "value": required(value),
            }
        ),
        high=MAX_CHOICES,
    )
    for option_type, value in _VALUES.items()
}
"""Choices by option type: 3 string, 4 integer, 10 number."""


def check_choices(data: Any, option_type: int) -> None:
    """Check the data of an interaction response of type 8.

    option_type: 3, 4 or 10, of the option that was being typed. Raises ApiError; paths begin with
    `data`.
    """
    form = Form(("data",))
    check(data, required(object_with({"choices": CHOICES[option_type]})), (), form)
    form.check()
