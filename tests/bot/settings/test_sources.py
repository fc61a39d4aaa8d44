"""Which line or variable a setting is from."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bot.settings.sources import key_lines, line_of, variable_of

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"


def test_every_line_of_the_example_is_found():
    """Each section and key of the example, with what is commented out there, is where it says."""
    text = re.sub(r"(?m)^# (\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"))
    lines, found = text.split("\n"), key_lines(text)
    for section, keys in tomllib.loads(text).items():
        assert lines[found[(section,)] - 1] == f"[{section}]"
        for key in keys:
            assert lines[found[(section, key)] - 1].startswith(f"{key} = ")


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("quota.pictures = 5\n", ("quota", "pictures"), 1),
        ("\n\nquota = { hours = 3, pictures = 5 }\n", ("quota", "pictures"), 3),
        ("[discord]\nowners = [\n  1,\n  # two\n  2,\n]\nprevious = 1\n", ("discord", "owners"), 2),
        ("[discord]\nowners = [\n  1,\n]\nguilds = [2]\n", ("discord", "guilds"), 5),
        ('[a]\nx = """\n[b]\ny = 1\n"""\n[b]\ny = 2\n', ("b", "y"), 7),
        ("[engine.models]\n\n[engine.models.x]\r\nsource = 'a'\r\n", ("engine", "models", "x"), 3),
        ("[quota]\npictures = 5\n[quota\n", ("quota", "pictures"), 2),
    ],
)
def test_lines_in_other_ways_to_write_it(text: str, path: tuple[str, ...], line: int):
    """Dotted keys, tables in one line, lists and texts over several lines, and a broken rest."""
    assert key_lines(text)[path] == line


def test_what_is_not_written_down_is_where_its_table_is():
    """A key that is missing is looked for in the innermost table around it."""
    lines = key_lines("[engine.models]\nx = {}\n")
    assert line_of(("engine", "models", "x", "source"), lines) == 2
    assert line_of(("quota", "pictures"), lines) is None


@pytest.mark.parametrize(
    ("environment", "variable"),
    [
        ({}, None),
        ({"zimagine_quota__pictures": "5"}, "zimagine_quota__pictures"),
        ({"ZIMAGINE_QUOTA": '{"pictures": 5}'}, "ZIMAGINE_QUOTA"),
        ({"ZIMAGINE_QUOTA": '{"hours": 5}'}, None),
        ({"ZIMAGINE_QUOTA": "no JSON"}, None),
        (
            {"ZIMAGINE_QUOTA": '{"pictures": 5}', "ZIMAGINE_QUOTA__PICTURES": "6"},
            "ZIMAGINE_QUOTA__PICTURES",
        ),
    ],
)
def test_variables(environment: dict[str, str], variable: str | None):
    """The variable of a key goes before that of its section, and is named as it is spelt."""
    assert variable_of("quota", "pictures", environment) == variable


def test_variables_of_the_token():
    """DISCORD_TOKEN counts unless it is empty, or there is one of zimagine's own."""
    both = {"DISCORD_TOKEN": "a", "ZIMAGINE_DISCORD__TOKEN": "b"}
    assert variable_of("discord", "token", both) == "ZIMAGINE_DISCORD__TOKEN"
    assert variable_of("discord", "token", {"DISCORD_TOKEN": "a"}) == "DISCORD_TOKEN"
    assert variable_of("discord", "token", {"DISCORD_TOKEN": ""}) is None
