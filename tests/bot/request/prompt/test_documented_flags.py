"""The table of flags in docs/commands.md."""

from __future__ import annotations

import re
from pathlib import Path

from bot.request.options import OPTIONS
from bot.request.outcomes import Refused
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import apply_flags_to_each
from bot.request.prompt.flag_names import FLAGS

PAGE = Path(__file__).parents[4] / "docs" / "commands.md"
TABLE = PAGE.read_text(encoding="utf-8").split("| flag | what it sets |")[1].split("\n\n")[0]
WRITTEN = re.findall(r"`(--[^`]+)`", "".join(line.split("|")[1] for line in TABLE.splitlines()[2:]))


def test_every_flag_is_in_the_table() -> None:
    """Under the first of its names, or under another one."""
    named = {each.removeprefix("--").split()[0] for each in WRITTEN}
    assert named <= FLAGS.keys()
    for option in OPTIONS:
        for flag in option.flags:
            assert named & set(flag.names), flag.names


def test_each_is_accepted_as_written() -> None:
    """With the value that the table shows; those for a source image are about one."""
    for each in WRITTEN:
        params = GenerationParams(f"a red house {each}")
        done = apply_flags_to_each(params, 1, private=False)
        about_a_picture = each.split()[0] in ("--strength", "--iw", "--region")
        assert about_a_picture or not isinstance(done, Refused), (each, done)
