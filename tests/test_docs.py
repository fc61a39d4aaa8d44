"""The documents are true of the project."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from bot.cli import group
from bot.i18n import words
from bot.settings import Settings, load
from bot.settings.current import TAKES_EFFECT, TakesEffect
from bot.wording.names import COMMANDS, OPTIONS

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "config.example.toml"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
INSTALLED = ".venv/bin/zimagine "
INSTALLED_ON_WINDOWS = ".venv\\Scripts\\zimagine "


def settings_keys() -> set[tuple[str, str]]:
    """Every section and key there is."""
    return {
        (section, key)
        for section, field in Settings.model_fields.items()
        for key in getattr(field.annotation, "model_fields", {})
    }


def test_the_example_is_the_defaults():
    """config.example.toml parses, and what it sets is what holds without it."""
    assert load(EXAMPLE) == load(None)


def test_the_example_names_every_setting():
    """No setting is missing from config.example.toml, and none in it is unknown."""
    text = re.sub(r"(?m)^# (\w+ = )", r"\1", EXAMPLE.read_text(encoding="utf-8"))
    named = {(section, key) for section, keys in tomllib.loads(text).items() for key in keys}
    assert named == settings_keys()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_line_in_the_documents_parses(document: Path):
    """Each `zimagine …` in a code block names a command and options that exist.

    Those in the README work as typed: nobody has activated the environment there.
    """
    text = document.read_text(encoding="utf-8")
    bare, installed = code_lines(text, "zimagine "), code_lines(text, INSTALLED)
    assert not (document.name.startswith("README") and bare)
    installed += code_lines(text, INSTALLED_ON_WINDOWS)
    for line in bare + installed:
        words = shlex.split(line, comments=True)[1:]
        parent = click.Context(group)
        command: click.Command = group
        while isinstance(command, click.Group):
            name, *words = words
            found = command.get_command(parent, name)
            assert found is not None, line
            command, parent = found, click.Context(found, parent=parent)
        command.make_context(command.name, words, resilient_parsing=False)


def test_the_readme_says_the_same_in_chinese():
    """It has the same headings, links, pictures' places and commands, in the same order."""
    english, chinese = (
        (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")
    )
    for pattern in (r"(?m)^#+ ", r"\]\((?!#|README)([^)#]*)", r"(?m)^\|", r"```\w*"):
        found = [re.findall(pattern, text) for text in (english, chinese)]
        pictures = ("docs/pictures/playground.png", "docs/pictures/playground-light-zh.png")
        plain = [[each for each in some if each not in pictures] for some in found]
        assert plain[0] == plain[1], pattern
    prompts = re.compile(r'"[^"\n]*"')
    blocks = [re.findall(r"```\w*\n(.*?)```", text, re.S) for text in (english, chinese)]
    assert [prompts.sub("", each) for each in blocks[0]] == [
        prompts.sub("", each) for each in blocks[1]
    ]


def test_the_chinese_readme_names_commands_as_discord_shows_them():
    """In its tables, every command and option has its Chinese name."""
    say = words("zh-CN")
    known = {say.name(each) for each in (*COMMANDS, *OPTIONS)} | {"…"}
    text = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `/")]
    named = [
        each for row in rows for code in re.findall(r"`([^`]+)`", row) for each in code.split()
    ]
    assert len(named) > 60 and {each.strip("/[]") for each in named} <= known


def test_every_make_target_in_the_readme_exists():
    """Each `make …` in the documents is a target of the Makefile."""
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        named = [line.split()[1] for line in code_lines(text, "make ")]
        named += re.findall(r"`make ([a-z-]+)[^`]*`", text)
        assert set(named) <= targets, document.name


def code_lines(text: str, start: str) -> list[str]:
    """Lines of code blocks that begin with `start`."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.S)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(start)]


def test_links_between_the_documents_lead_somewhere():
    """Every relative link in a document names a file of the repository."""
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
            file = document.parent / target if target else document
            assert file.exists(), f"{document.name}: {target}"
            if anchor:
                assert anchor in anchors(file), f"{document.name}: {target}#{anchor}"
        for target in re.findall(r'<img src="([^"]+)"', text):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def anchors(document: Path) -> set[str]:
    """Return the anchors that a renderer of Markdown makes of the headings of a document."""
    headings = re.findall(r"(?m)^#+ (.+)$", document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_page_of_settings_says_what_a_reload_takes_up():
    """Every setting has a row in docs/configuration.md with when a change of it holds."""
    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    told: dict[str, str] = {}
    for line in text.splitlines():
        if (row := re.match(r"\| `\[(\w+)\] (\w+)`(.*?) \|.* \| (\w+) \|$", line)) is not None:
            section, first, others, when = row.groups()
            told |= {f"{section}.{key}": when for key in (first, *re.findall(r"`(\w+)`", others))}
    names = {TakesEffect.LIVE: "reload", TakesEffect.RESTART: "restart"}
    assert told == {setting: names[effect] for setting, effect in TAKES_EFFECT.items()}
