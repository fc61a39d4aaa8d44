"""Rules for modals: the data of an interaction response of type 9."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bot.playground.errors import Form
from bot.playground.rules.components import check_parts
from bot.playground.rules.grammar import Field, check, object_with, required, text
from bot.playground.rules.parts import CUSTOM_ID, FORM

_OUTSIDE: Final = {"title": required(text(1, 45)), "custom_id": required(CUSTOM_ID)}
MODAL: Final[Field] = object_with(_OUTSIDE | {"components": required(FORM)})


def check_modal(data: Any) -> None:
    """Check a modal. Raises ApiError; its paths begin with `data`."""
    form = Form(("data",))
    check(data, required(object_with(_OUTSIDE)), (), form)
    if isinstance(data, Mapping):
        check_parts(form, data.get("components"), ("components",), required(FORM))
    form.check()
