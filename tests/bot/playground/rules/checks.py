"""Run a rule and return what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.playground.errors import ApiError


def refusal(check: Callable[..., None], *args: Any, **options: Any) -> ApiError:
    """Return the error that a check raises."""
    with pytest.raises(ApiError) as caught:
        check(*args, **options)
    return caught.value


def problems(check: Callable[..., None], *args: Any, **options: Any) -> set[str]:
    """Return the problems a check finds, as "path CODE", from the error's nested `errors`."""
    error = refusal(check, *args, **options)
    assert (error.status, error.code) == (400, 50035), error
    return set(_flat(error.errors or {}, ""))


def _flat(node: dict[str, Any], path: str) -> list[str]:
    found = [f"{path} {each['code']}".strip() for each in node.get("_errors", ())]
    for name, child in node.items():
        if name != "_errors":
            found += _flat(child, f"{path}.{name}".lstrip("."))
    return found
