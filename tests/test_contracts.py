"""The import rules know every package of bot: a new one is under them from its first day."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FRONT_ENDS = {"bot.benchmarks", "bot.cli", "bot.runtime", "bot.discord", "bot.playground"}


def contract(name: str) -> dict[str, Any]:
    """One rule of pyproject.toml by its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = project["tool"]["importlinter"]["contracts"]
    return next(each for each in found if each["name"] == name)


def modules() -> set[str]:
    """The modules and packages directly in bot."""
    found = {each.stem for each in (ROOT / "bot").glob("*.py")} - {"__init__", "__main__"}
    found |= {each.parent.name for each in (ROOT / "bot").glob("*/__init__.py")}
    return {f"bot.{name}" for name in found}


def test_every_module_is_kept_from_discord():
    """Only bot.discord, what wires the parts together and what launches them may know more."""
    kept = set(contract("only bot.discord imports discord")["source_modules"])
    assert kept == modules() - FRONT_ENDS


def test_the_playground_imports_none_of_them():
    """It has to judge the bot from outside."""
    rule = contract("the playground launches the bot and imports nothing of it")
    assert modules() - {"bot.playground"} <= set(rule["forbidden_modules"])
