"""`--help` and click's own sentences are in the language of the terminal."""

from __future__ import annotations

import ast
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bot.cli import group
from bot.cli.common.language import width
from bot.cli.common.spoken_help import FORMS_OF_CLICK, OF_CLICK

COLUMNS = 80


def said(*arguments: str, language: str = "zh_CN.UTF-8") -> Result:
    """Run `zimagine` in a terminal of this language."""
    return CliRunner().invoke(group, arguments, env={"LC_ALL": language}, terminal_width=COLUMNS)


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["--help"], ("用法：", "自行托管的", "选项", "命令", "显示版本并退出。", "运行机器人。")),
        (
            ["db", "--help"],
            ("检查、备份或恢复数据库，或抹除某个人或服务器的数据。", "从 FILE 恢复数据库"),
        ),
        (["db", "check", "-h"], ("机器人可以正在运行", "读取每张图片", "显示此帮助并退出。")),
        (["imagine", "--help"], ("画什么", "以图片为起点", "花括号选项", "不写数值则为 0.25")),
    ],
)
def test_help_is_in_the_language_of_the_terminal(arguments: list[str], texts: tuple[str, ...]):
    """All of it, in lines that fit; in English for everybody else."""
    told = said(*arguments)
    unwrapped = "".join(told.output.split())
    assert told.exit_code == 0 and all(each.replace(" ", "") in unwrapped for each in texts)
    assert max(map(width, told.output.splitlines())) <= COLUMNS
    english = said(*arguments, language="C").output
    assert "Usage: " in english and "Show this message" in english
    assert not any("一" <= sign <= "鿿" for sign in english)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["imagine", "x", "--steps", "many"], "'many' 不是有效的 integer。"),
        (["imagine", "x", "--steps"], "选项 '--steps' 需要 1 个值。"),
        (["imagine", "x", "--speed", "warp"], "不在可选值之中："),
        (["explain"], "缺少参数 'PROMPT"),
        (["stop", "now"], "多余的参数（now）"),
    ],
)
def test_errors_too(arguments: list[str], text: str):
    """What click itself refuses is said in the language of the terminal."""
    told = said(*arguments)
    assert told.exit_code == 2 and "错误：" in told.output and text in told.output, told.output


def test_click_still_says_so():
    """Each of its messages is one of the installed click; another version may say other things."""
    folder = Path(click.__file__).parent
    found = {
        node.value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    assert {*OF_CLICK, *(form for forms in FORMS_OF_CLICK for form in forms)} <= found
