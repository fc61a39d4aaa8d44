"""What is written about the project is true of it."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from bot.cli import group
from bot.settings import Settings, load

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "config.example.toml"


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


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md"])
def test_every_command_line_in_the_documents_parses(document: str):
    """Each `zimagine …` in a code block names a command and options that exist."""
    found = code_lines((ROOT / document).read_text(encoding="utf-8"), "zimagine ")
    for line in found:
        name, *arguments = shlex.split(line.removeprefix("zimagine "), comments=True)
        command = group.get_command(click.Context(group), name)
        assert command is not None, line
        command.make_context(name, arguments, resilient_parsing=False)


def test_every_make_target_in_the_readme_exists():
    """Each `make …` in the README is a target of the Makefile."""
    targets = set(re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
    found = code_lines((ROOT / "README.md").read_text(encoding="utf-8"), "make ")
    assert found
    for line in found:
        assert shlex.split(line)[1] in targets, line


def code_lines(text: str, start: str) -> list[str]:
    """Lines of code blocks that begin with `start`."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.S)
    lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(start)]


def test_links_between_the_documents_lead_somewhere():
    """Every relative link in a document names a file of the repository."""
    for document in ROOT.glob("*.md"):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8")):
            assert (ROOT / target).exists(), f"{document.name}: {target}"
