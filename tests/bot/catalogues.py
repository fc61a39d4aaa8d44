"""Renew all catalogues from the messages in the code: `python -m tests.bot.catalogues`.

Translations stay with their messages; new messages come without one, and what is no longer in the
code goes. `problems` says what is wrong with a catalogue.
"""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from bot.i18n import LOCALES
from tests.bot.messages import template

_FIELD = re.compile(r"\{\{|\}\}|\{[^{}]*\}")
_LINK = re.compile(r"\]\(\S*?\)|https?://\S+|<t:[^>]*>|</[^>]*>")
_MARK = re.compile(r"\*\*|__|~~|\|\||`[^`]*`|^(?:-#|#+|>|-) ", re.MULTILINE)
_VERBATIM = re.compile(
    r"(?<![\w/])/[a-z][a-z-]*"  # a slash command
    r"|--[a-z][a-z-]*|\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b|\b\w+/\w+\.md\b|\[[a-z]+\]"
    r"|\b[a-z_]+ = (?:\"[^\"]*\"|true)"
)
"""What is typed as it stands: flags, variables, files, sections and values of settings."""
_TRANSLATED_PAGE = re.compile(r"\bdocs/[a-z]+-[A-Z]+/")
"""The folder of the documents in a language, which stands for the English ones."""
_HAN = "[\u3400-\u9fff]"
_HALF_WIDTH = re.compile(rf"{_HAN}[,.:;!?]|[,:;!?]{_HAN}|{_HAN}\(|\({_HAN}|{_HAN}\)|\){_HAN}")
_STRAY_SPACE = re.compile(rf"{_HAN} +{_HAN}|[，。：；！？、（）“”] | [，。：；！？、（）”]")
_LACKING_SPACE = re.compile(rf"{_HAN}[A-Za-z0-9]|[A-Za-z0-9]{_HAN}")


def files() -> list[Path]:
    """Return the catalogues."""
    return sorted(LOCALES.glob("*/LC_MESSAGES/*.po"))


def header(text: str) -> str:
    """Return what a catalogue has before its messages."""
    return text[: text.index("\n\n") + 2]


def renewed(text: str) -> str:
    """Return a catalogue with exactly the messages of the template, in its order."""
    old, new = read_po(io.StringIO(text)), read_po(io.BytesIO(template()))
    catalogue = Catalog(locale=old.locale, charset="utf-8")
    # Those of its own header, which the library may count otherwise: French has two, or three.
    catalogue.mime_headers = [("Plural-Forms", old.plural_forms)]
    for message in new:
        if not message.id:
            continue
        singular = message.id if isinstance(message.id, str) else message.id[0]
        known = old.get(singular, message.context)
        same = known is not None and known.id == message.id
        string = known.string if known is not None and same else None
        catalogue.add(message.id, string, message.locations, context=message.context)
    out = io.BytesIO()
    write_po(out, catalogue, omit_header=True, include_lineno=False, sort_output=True)
    return header(text) + out.getvalue().decode()


def translations(message: Message) -> list[str]:
    """Return the translations of a message, one for each plural form; empty ones for none."""
    string = message.string
    return [string] if isinstance(string, str) else [*(string or ("",))]


def problems(message: Message) -> Iterator[str]:
    """Yield what is wrong with the translation of one message."""
    sources = [message.id] if isinstance(message.id, str) else list(message.id)
    texts = translations(message)
    if message.fuzzy or not all(texts):
        yield "not translated"
        return
    fields = [set(_FIELD.findall(one)) for one in sources]
    # One form alone stands for all numbers, so that it has what the plural has.
    fitting = [set[str]().union(*fields), *(fields if len(texts) > 1 else fields[-1:])]
    for text in texts:
        if set(_FIELD.findall(text)) not in fitting:
            yield "other placeholders"
        for what, pattern in (("Markdown", _MARK), ("links", _LINK), ("code", _VERBATIM)):
            found = Counter(pattern.findall(_TRANSLATED_PAGE.sub("docs/", text)))
            if all(found != Counter(pattern.findall(one)) for one in sources):
                yield f"other {what}"
        if text.strip() != text or text.count("\n") != sources[0].count("\n"):
            yield "other lines"


def chinese_problems(text: str) -> Iterator[str]:
    """Yield what is wrong with the punctuation and the spaces of a Chinese text."""
    if _HALF_WIDTH.search(text):
        yield "half-width punctuation"
    if _STRAY_SPACE.search(text):
        yield "a space that does not belong"
    if _LACKING_SPACE.search(text):
        yield "no space between scripts"


if __name__ == "__main__":
    for file in files():
        file.write_text(renewed(file.read_text(encoding="utf-8")), encoding="utf-8")
