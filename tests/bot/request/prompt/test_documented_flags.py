"""The tables of flags in docs/commands.md and its Chinese version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.request.options import OPTIONS
from bot.request.outcomes import Refused
from bot.request.params import GenerationParams
from bot.request.prompt.apply_flags import apply_flags_to_each
from bot.request.prompt.flag_names import FLAGS

DOCS = Path(__file__).parents[4] / "docs"


def written(page: Path, heading: str) -> list[str]:
    """Return the flags in the first column of a table, without English names in parentheses."""
    table = page.read_text(encoding="utf-8").split(heading)[1].split("\n\n")[0]
    cells = "".join(line.split("|")[1] for line in table.splitlines()[2:])
    return re.findall(r"`(--[^`]+)`", re.sub(r"（[^）]*）", "", cells))


ABOUT_A_PICTURE = {"--strength", "--iw", "--region", "--强度", "--图片权重", "--区域"}
WRITTEN = {
    "en": written(DOCS / "commands.md", "| flag | what it sets |"),
    "zh": written(DOCS / "zh-CN" / "commands.md", "| 参数 | 设置什么 |"),
}


@pytest.mark.parametrize("language", WRITTEN)
def test_every_flag_is_in_the_table(language: str) -> None:
    """Under the first of its names, or under another one."""
    named = {each.removeprefix("--").split()[0] for each in WRITTEN[language]}
    assert named <= FLAGS.keys()
    for option in OPTIONS:
        for flag in option.flags:
            assert named & set(flag.names), flag.names


@pytest.mark.parametrize("language", WRITTEN)
def test_each_is_accepted_as_written(language: str) -> None:
    """With the value that the table shows; those for a source image are about one."""
    for each in WRITTEN[language]:
        params = GenerationParams(f"a red house {each}")
        done = apply_flags_to_each(params, 1, private=False)
        about_a_picture = each.split()[0] in ABOUT_A_PICTURE
        assert about_a_picture or not isinstance(done, Refused), (each, done)
