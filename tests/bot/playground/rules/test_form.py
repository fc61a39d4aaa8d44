"""The JSON of a refusal."""

from __future__ import annotations

import discord
import pytest

from bot.playground import errors
from bot.playground.errors import ApiError, Form, Refusal


def test_a_form_without_problems_passes():
    """A form without problems raises nothing."""
    Form().check()


def test_all_problems_are_nested_under_their_paths():
    """Indexes become strings, problems of one field share a list, and roots come first."""
    form = Form(("data",))
    form.add(("components", 0, "label"), "A", "one")
    form.add(("components", 0, "label"), "B", "two")
    form.add(("components",), "C", "three")
    with pytest.raises(ApiError) as caught:
        form.check()
    assert caught.value.body() == {
        "message": "Invalid Form Body",
        "code": 50035,
        "errors": {
            "data": {
                "components": {
                    "0": {
                        "label": {
                            "_errors": [
                                {"code": "A", "message": "one"},
                                {"code": "B", "message": "two"},
                            ]
                        }
                    },
                    "_errors": [{"code": "C", "message": "three"}],
                }
            }
        },
    }


def test_other_refusals_have_no_errors():
    """Only forms have the key `errors`."""
    assert errors.UNKNOWN_MESSAGE.error().body() == {"message": "Unknown Message", "code": 10008}
    assert errors.UNAUTHORIZED.error().body() == {"message": "401: Unauthorized", "code": 0}


def test_every_known_refusal_has_a_code_and_a_status_of_its_own():
    """No code occurs twice, and each status is an HTTP error."""
    known = [each for each in vars(errors).values() if isinstance(each, Refusal)]
    codes = [each.code for each in known if each.code]
    assert len(codes) == len(set(codes)) > 20
    assert all(400 <= each.status < 500 and each.message for each in known)


class _Response:
    status, reason = 400, "Bad Request"


def test_discord_py_reads_it():
    """discord.py shows each problem with its path."""
    form = Form()
    form.add(("embeds", 0, "title"), "BASE_TYPE_MAX_LENGTH", "Must be 256 or fewer in length.")
    with pytest.raises(ApiError) as caught:
        form.check()
    shown = discord.HTTPException(_Response(), caught.value.body())  # pyright: ignore[reportArgumentType]
    assert shown.code == 50035
    assert "In embeds.0.title: Must be 256 or fewer in length." in str(shown)
