"""The documents are true of the project."""

from __future__ import annotations

import io
import re
import shlex
import tomllib
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from babel.messages.pofile import read_po

from bot.cli import group
from bot.i18n import words
from bot.request.prompt.flag_names import FLAGS
from bot.settings import Settings, load
from bot.settings.current import TAKES_EFFECT, TakesEffect
from bot.wording.names import COMMANDS, OPTIONS
from tests.bot.catalogues import files

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "config.example.toml"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
IN_CHINESE = {ROOT / "README.zh-CN.md": ROOT / "README.md"} | {
    document: ROOT / "docs" / document.name for document in (ROOT / "docs/zh-CN").glob("*.md")
}
"""The English original of each Chinese document."""
CHINESE_PICTURES = {"playground-light-zh.png": "playground.png"}
DOCUMENTS = sorted({*DOCUMENTS, *IN_CHINESE})
HAN = r"[\u4e00-\u9fff]"
NUMBER = re.compile(r"(?<![A-Za-z\d.])(\d[\d,]*(?:\.\d+)*)(?! 月|\d)(?: ([万亿]))?")
"""A number and its Chinese unit; not that of a month, which is a word in English."""
IN_ENGLISH_UNITS = {"万": 0.01, "亿": 0.1}
"""The Chinese units in those that the English documents use: megapixels and billions."""
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


@pytest.mark.parametrize("chinese", sorted(IN_CHINESE), ids=lambda path: path.name)
def test_a_document_says_the_same_in_chinese(chinese: Path):
    """It has the headings, code, tables, lists and links of the English one."""
    for part, found in outline(chinese).items():
        assert found == outline(IN_CHINESE[chinese])[part], part


@pytest.mark.parametrize("chinese", sorted(IN_CHINESE), ids=lambda path: path.name)
def test_a_document_and_its_chinese_version_lead_to_each_other(chinese: Path):
    """The first link of each is the one to the other."""
    english = IN_CHINESE[chinese]
    for document, other in ((english, chinese), (chinese, english)):
        text = document.read_text(encoding="utf-8")
        first = re.search(r"\]\(([^)]*)\)", text)
        assert first is not None and (document.parent / first[1]).resolve() == other


def test_a_chinese_document_leads_to_chinese_ones():
    """Its links name the Chinese version wherever there is one."""
    translated = {english: chinese for chinese, english in IN_CHINESE.items()}
    for chinese, english in IN_CHINESE.items():
        for target, _ in links(chinese):
            assert target == english or target not in translated, f"{chinese.name}: {target.name}"


def outline(document: Path) -> dict[str, Sequence[object]]:
    """Return what a document and its translation have in common, by kind.

    Of code, without quoted text and comments, which may be translated; of each section the number
    of paragraphs and the numbers in them; of a link, the English document and the position of the
    heading there.
    """
    text = document.read_text(encoding="utf-8")
    fenced = re.findall(r"(?ms)^ *```(\w*)\n(.*?)```", text)
    prose = re.sub(r"(?ms)^ *```.*?```", "", text)
    examples = [re.findall(r"--([\w-]+)", line) for line in re.findall(r"(?m)^    \S.*", prose)]
    led_to = [(IN_CHINESE.get(target, target), heading) for target, heading in links(document)]
    sections = re.split(r"(?m)^#+ .*", re.sub(r"\]\([^)]*\)|<img[^>]*>", "]", prose))
    return {
        "headings": re.findall(r"(?m)^#+(?= )", prose),
        "code": [(kind, re.sub(r'"[^"\n]*"| *#.*', "", code)) for kind, code in fenced],
        "examples": [[FLAGS.get(each) for each in line] for line in examples],
        "paragraphs": [len(re.findall(r"\n\s*\n(?=.)", section)) for section in sections],
        "rows": [numbers(row) for row in re.findall(r"(?m)^\|.*", prose)],
        "numbers": [numbers(section) for section in sections],
        "lists": re.findall(r"(?m)^ *(?:-|\d+\.)(?= )", prose),
        "links": sorted(map(str, led_to)),
        "addresses": sorted(re.findall(r"\]\((https?:[^)]*)\)", prose)),
    }


def numbers(text: str) -> list[str]:
    """Return the numbers in a text of either language, sorted."""
    found = [(each.replace(",", ""), unit) for each, unit in NUMBER.findall(text)]
    return sorted(
        f"{float(each) * IN_ENGLISH_UNITS[unit]:g}" if unit else each for each, unit in found
    )


def links(document: Path) -> list[tuple[Path, int]]:
    """Return the files that a document leads to, and the position of the heading (0: none)."""
    text = document.read_text(encoding="utf-8")
    found: list[tuple[Path, int]] = []
    for link in re.findall(r"(?:\]\(|<img src=\")(?!https?:)([^)\"]*)[)\"]", text):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        target = target.with_name(CHINESE_PICTURES.get(target.name, target.name))
        found.append((target, anchors(target).index(anchor) + 1 if anchor else 0))
    return found


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


def test_chinese_documents_give_the_names_that_discord_shows():
    """A name with the English one in parentheses is its translation, and every command exists."""
    say = words("zh-CN")
    known = {say.name(each) for each in COMMANDS}
    pairs = 0
    for document in sorted(IN_CHINESE):
        text = document.read_text(encoding="utf-8")
        assert set(re.findall(rf"`/({HAN}[^ `]*)", text)) <= known, document.name
        for chinese, english in re.findall(rf"`([^`]*{HAN}[^`]*)`（`([a-z/-][^`]*)", text):
            pairs += 1
            if english.startswith("--"):
                name = chinese.removeprefix("--").split()[0]
                assert FLAGS[name] == FLAGS[english.removeprefix("--")], chinese
            else:
                path = english.removeprefix("/").split()
                assert chinese.removeprefix("/").split() == [say.name(each) for each in path]
                assert set(path) <= COMMANDS | OPTIONS, english
    assert pairs > 60


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


def anchors(document: Path) -> list[str]:
    """Return the anchors that a renderer of Markdown makes of the headings of a document."""
    text = re.sub(r"(?ms)^ *```.*?```", "", document.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_the_documents_that_messages_name_exist():
    """So do their sections, in English and in Chinese."""
    named = 0
    for catalogue in files():
        for message in read_po(io.BytesIO(catalogue.read_bytes())):
            for text in (str(message.id), str(message.string)):
                pages = re.findall(r"docs/[\w/-]+\.md", text)
                assert {ROOT / page for page in pages} <= set(DOCUMENTS), text
                for page, section in re.findall(r"(docs/\S+\.md)(?:, | 的)“([^”]+)”", text):
                    assert f"\n## {section}\n" in (ROOT / page).read_text(encoding="utf-8"), text
                named += len(pages)
    assert named > 10


@pytest.mark.parametrize(
    ("page", "live", "restart"),
    [("configuration.md", "reload", "restart"), ("zh-CN/configuration.md", "重新加载", "重启")],
)
def test_the_page_of_settings_says_what_a_reload_takes_up(page: str, live: str, restart: str):
    """Every setting has a row in docs/configuration.md with when a change of it holds."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    told: dict[str, str] = {}
    for line in text.splitlines():
        if (row := re.match(r"\| `\[(\w+)\] (\w+)`(.*?) \|.* \| (\w+) \|$", line)) is not None:
            section, first, others, when = row.groups()
            told |= {f"{section}.{key}": when for key in (first, *re.findall(r"`(\w+)`", others))}
    names = {TakesEffect.LIVE: live, TakesEffect.RESTART: restart}
    assert told == {setting: names[effect] for setting, effect in TAKES_EFFECT.items()}
