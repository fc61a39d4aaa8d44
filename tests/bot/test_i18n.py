"""All texts go through gettext."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from structlog.testing import capture_logs

from bot.cli.common.language import terminal_language, terminal_words
from bot.i18n import LANGUAGES, LOCALES, Words, paragraph, words
from bot.playground.shapes import guild_json
from bot.playground.standin_server import build_standin
from bot.wording.names import COMMANDS
from setup import compile_catalogues
from tests.bot.catalogues import chinese_problems, files, problems, renewed, translations
from tests.bot.messages import BOT, call_texts, marked_calls, messages, names, template

CHINESE = LOCALES / "zh" / "LC_MESSAGES" / "zimagine.po"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the catalogues of another installation, which has one for Chinese."""
    monkeypatch.setattr("bot.i18n.LOCALES", tmp_path)
    inside = tmp_path / "zh" / "LC_MESSAGES"
    inside.mkdir(parents=True)
    words.cache_clear()
    yield inside
    words.cache_clear()


def read(file: Path) -> Catalog:
    """Return a catalogue."""
    with file.open("rb") as opened:
        return read_po(opened, abort_invalid=True)


def test_the_template_is_up_to_date():
    """bot/locales/zimagine.pot has every message in the code; `make messages` updates it."""
    assert (LOCALES / "zimagine.pot").read_bytes() == template()


def test_values_are_put_in_after_translation():
    """Braces in a member's text are never taken for a placeholder."""
    say = words("en-US")
    assert say("Added: {words}", words="{0} {x} {{") == "Added: {0} {x} {{"


def test_sentences_follow_each_other():
    """There is a space between them, but not behind what is full width; empty ones are left out."""
    assert paragraph("A.", "", "B?", "C.") == "A. B? C."
    assert paragraph("甲。", "乙！", "C.", "丁。") == "甲。乙！C. 丁。"
    assert paragraph() == ""


def test_plurals():
    """Singular and plural have their own forms."""
    say = words()
    forms = [say.plural("{n} step", "{n} steps", n) for n in (1, 2)]
    assert forms == ["1 step", "2 steps"]


def test_an_unknown_language_speaks_english():
    """A locale without a catalogue falls back to English."""
    assert words("xx-YY")("Reroll") == "Reroll"


def test_every_catalogue_has_exactly_the_messages():
    """No message is missing or left over; `make messages` renews the catalogues."""
    assert CHINESE in files()
    for file in files():
        text = file.read_text(encoding="utf-8")
        assert text == renewed(text), file


def test_every_translation_fits_its_message():
    """Each message is translated, with the placeholders, Markdown, links and code of the English
    one, and as many plural forms as the language has."""
    for file in files():
        catalogue = read(file)
        assert not catalogue.obsolete and not catalogue.fuzzy
        found = {each.id: [*problems(each)] for each in catalogue if each.id}
        assert {message: wrong for message, wrong in found.items() if wrong} == {}
        forms = {len(translations(each)) for each in catalogue if each.pluralizable}
        assert forms == {catalogue.num_plurals}


@pytest.mark.parametrize(
    ("source", "text", "wrong"),
    [
        ("{n} of {limit}", "{n}", "other placeholders"),
        ("{n}", "{m}", "other placeholders"),
        ("write {{a}}", "{a}", "other placeholders"),
        ("**a**", "a", "other Markdown"),
        ("`a`", "`b`", "other Markdown"),
        ("<t:1:R>", "<t:1>", "other links"),
        ("Try /imagine", "/imagines", "other code"),
        ("set a_b = true", "a_b = false", "other code"),
        ("docs/a.md", "docs/zh-CN/a.md", None),
        ("docs/a.md", "docs/zh-CN/b.md", "other code"),
        ("a", "", "not translated"),
        ("a", "b\n", "other lines"),
        (("{n} a", "{n} b"), ("",), "not translated"),
        (("a", "{n} b"), ("{n} c",), None),
    ],
)
def test_what_does_not_fit_is_noticed(
    source: str | tuple[str, str], text: str | tuple[str, ...], wrong: str | None
):
    """Each kind of mistake is found; a form without the number beside one that has it is none."""
    assert [*problems(Message(source, text))] == ([wrong] if wrong else [])


def test_a_renewed_catalogue_keeps_what_was_translated():
    """New messages come without a translation, and what is not in the code any more goes."""
    head = 'msgid ""\nmsgstr ""\n"Language: zh\\n"\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
    text = renewed(f'{head}msgid "Reroll"\nmsgstr "重抽"\n\nmsgid "gone"\nmsgstr "没了"\n')
    assert text.startswith(head) and 'msgid "gone"' not in text
    assert 'msgid "Reroll"\nmsgstr "重抽"\n' in text and 'msgid "Remix"\nmsgstr ""\n' in text


def test_chinese_is_set_as_chinese():
    """Punctuation is full width, and there are spaces only beside other scripts."""
    texts = {text for each in read(CHINESE) if each.id for text in translations(each)}
    found = {text: [*chinese_problems(text)] for text in texts}
    assert {text: wrong for text, wrong in found.items() if wrong} == {}
    bad = ("你好,世界。", "你好 世界", "你好， 世界", "GPU显卡", "（a） 你好", "你好(a)")
    assert [text for text in bad if not [*chinese_problems(text)]] == []


@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "zh"])
def test_all_chinese_is_simplified(locale: str):
    """Discord's two kinds of Chinese have the same catalogue."""
    assert words(locale)("Reroll") == "重抽"
    assert words(locale).plural("{n} picture", "{n} pictures", 1) == "1 张图片"


@pytest.mark.parametrize("language", ["zh_CN.UTF-8", "zh_TW", "zh_CN.UTF-8@pinyin", "zh"])
def test_the_terminal_speaks_chinese(language: str):
    """What POSIX calls Chinese is."""
    assert terminal_words({"LANG": language})("Reroll") == "重抽"


@pytest.mark.parametrize(
    ("language", "locale"),
    [("zh_CN.UTF-8", "zh-CN"), ("zh_TW", "zh-CN"), ("en_GB", "en-US"), ("de_DE", "en-US")],
)
def test_the_playground_has_a_server_of_the_terminals_language(
    tmp_path: Path, language: str, locale: str
):
    """Its records say so, so that a newcomer with a Chinese terminal sees public answers in it."""
    assert terminal_language({"LANG": language}) == locale and locale in LANGUAGES
    standin = build_standin(tmp_path, locale=locale)
    (guild,) = standin.world.guilds.values()
    assert guild_json(guild)["preferred_locale"] == locale


def test_without_a_compiled_catalogue_all_is_english(folder: Path):
    """A source checkout has none until it is installed."""
    (folder / "zimagine.po").write_bytes(CHINESE.read_bytes())
    assert words("zh-CN")("Reroll") == "Reroll"


@pytest.mark.parametrize("damage", [b"", b"\xde\x12\x04\x95", b"no catalogue at all", None])
def test_a_damaged_catalogue_leaves_english(folder: Path, damage: bytes | None):
    """What cannot be read is logged, and nobody sees an error. None: the end is missing."""
    whole = CHINESE.with_suffix(".mo").read_bytes()
    (folder / "zimagine.mo").write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    with capture_logs() as logs:
        assert words("zh-CN")("Reroll") == "Reroll"
    assert [each["event"] for each in logs] == ["catalogue unreadable"]


class Unfit(gettext.NullTranslations):
    """A catalogue with placeholders that the messages do not have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def gettext(self, message: str) -> str:
        """Return the same text for all messages."""
        return self.text

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the same text for all messages."""
        return self.text


@pytest.mark.parametrize("text", ["{other}", "{0}", "{", "}", "{seed.x}", "{seed[0]}", "{seed:q}"])
def test_a_translation_that_does_not_fit_is_not_shown(text: str):
    """The English message is, and the log has it once."""
    say = Words(Unfit(text))
    with capture_logs() as logs:
        assert [say("Seed {seed}", seed=5) for _ in range(2)] == ["Seed 5"] * 2
        assert say.plural("{n} step", "{n} steps", 2, seed=1) == "2 steps"
    assert [each["event"] for each in logs] == ["translation unusable"]


def test_no_sentence_spells_out_a_command():
    """Sentences get the names of commands as values, because readers see them translated."""
    spelled = re.compile(rf"(?<![\w/])/(?:{'|'.join(COMMANDS)})\b")
    found = [each.id for each in read(LOCALES / "zimagine.pot") if spelled.search(str(each.id))]
    assert found == [] and spelled.search("Try /imagine.")


def test_names_are_collected_apart():
    """A name is no message, however it is written."""
    assert names("typed_name('seed'); f(typed_name('a')); say('seed')") == {"seed", "a"}
    assert [*messages("typed_name('seed')")] == []
    assert (
        words("zh-CN").name("seed") == "种子" and words("zh-CN").name("unheard-of") == "unheard-of"
    )


def test_an_error_in_the_code_is_not_hidden():
    """A value that the English message lacks is a mistake in the code."""
    with pytest.raises(KeyError):
        words("zh-CN")("Seed {seed}")


def test_catalogues_are_compiled(tmp_path: Path):
    """A new .mo file has what the .po file has; one that is newer can stay."""
    file = tmp_path / "zh" / "LC_MESSAGES" / "zimagine.po"
    file.parent.mkdir(parents=True)
    file.write_text(
        'msgid ""\nmsgstr "Language: zh\\n"\n\nmsgid "a"\nmsgstr "甲"\n', encoding="utf-8"
    )
    compile_catalogues(tmp_path)
    compiled = file.with_suffix(".mo")
    with compiled.open("rb") as opened:
        assert gettext.GNUTranslations(opened).gettext("a") == "甲"
    assert [*file.parent.iterdir()] and len([*file.parent.iterdir()]) == 2
    compiled.write_bytes(b"")
    compile_catalogues(tmp_path, only_older=True)
    assert compiled.read_bytes() == b""


def test_every_plural_in_the_code_is_in_the_template():
    """Each call of `plural` has its singular and its plural in bot/locales/zimagine.pot."""
    with (LOCALES / "zimagine.pot").open("rb") as file:
        collected = [message.id for message in read_po(file)]
    calls = [
        call
        for file in BOT.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "plural"
    ]
    forms = [tuple(ast.literal_eval(text) for text in call.args[:2]) for call in calls]
    assert forms and [each for each in forms if each not in collected] == []


NESTED = {
    "say('a')": ["a"],
    "say('a' 'b')": ["ab"],
    "self.say.plural('a', 'b', n)": [("a", "b")],
    "say.plural('a', 'b', n, x=size(y, say))": [("a", "b")],
    "say.plural('a', 'b', n, x=say('c'))": [("a", "b"), "c"],
    "say.plural('a', 'b', n, x=size(say('c')))": [("a", "b"), "c"],
    "say('a', x=say.plural('b', 'c', n))": ["a", ("b", "c")],
    "say('a', x=size(say.plural('b', 'c', n), say))": ["a", ("b", "c")],
    "say('a', x=[plural('b', 'c', n) for n in say])": ["a", ("b", "c")],
    "say.plural('a', 'b', len([say('c')]))": [("a", "b"), "c"],
    "locale_str('a', x=translatable('b'))": ["a", "b"],
    """f'{say("a")} {0:{say.plural("b", "c", 2)}}'""": ["a", ("b", "c")],
    "say(text); told('a'); say.other('a')": [],
    "def say(text='a'): ...": [],
}


@pytest.mark.parametrize("source", NESTED)
def test_messages_are_found_however_deep(source: str):
    """A message is collected with its plural, also in another message's call and in f-strings."""
    assert sorted(messages(source), key=str) == sorted(NESTED[source], key=str)


def test_no_message_is_computed():
    """What is translated is a literal or a variable; a text put together would not be collected."""
    files = sorted(BOT.rglob("*.py"))
    found = {file.relative_to(BOT): computed(file.read_text(encoding="utf-8")) for file in files}
    assert files and {name: texts for name, texts in found.items() if texts} == {}


def test_a_computed_message_would_be_noticed():
    """A text that is put together or chosen inside the call is noticed, a literal is not."""
    assert len(computed("say(f'{a}'); say('a' + b); say.plural('a', 'b' if c else 'd', n)")) == 3
    assert len(computed("say('{}'.format(a)); locale_str(f'a{b}'); say('a' % b)")) == 3
    assert computed("say('a' 'b', x=f'{a}'); say(text); say(texts[kind]); say(label(row))") == []


def computed(source: str) -> list[str]:
    """Return the source of all messages that are put together or chosen inside their call."""
    texts = [text for call in marked_calls(source) for text in call_texts(call)]
    return [
        ast.unparse(text)
        for text in texts
        if not isinstance(text, ast.Constant) and any(map(_is_text, ast.walk(text)))
    ]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
