"""Collect all translatable texts: `python -m tests.bot.messages` prints the template."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

BOT = Path(__file__).parents[2] / "bot"
KEYWORDS = {"say": None, "plural": (1, 2), "locale_str": None, "translatable": None}


def template() -> bytes:
    """Return the template of all messages in `bot`, in a stable order and without dates."""
    catalog = Catalog(project="zimagine", charset="utf-8")
    found = extract_from_dir(BOT, [("**.py", "python")], keywords=KEYWORDS)
    for file, _line, message, comments, context in sorted(found, key=lambda each: str(each[:3])):
        catalog.add(message, None, [(f"bot/{file}", 0)], auto_comments=comments, context=context)
    out = io.BytesIO()
    write_po(out, catalog, omit_header=True, include_lineno=False, sort_output=True)
    return out.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(template())
