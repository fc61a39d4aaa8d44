"""Read the texts in XMP metadata, where Draw Things keeps a picture's recipe. Pure; never raises.

A packet is XML. It is not parsed but searched, each of its texts once: what a stranger's XML may
define and repeat takes no time and no memory.
"""

from __future__ import annotations

import html
import re
from typing import Final

_TEXTS: Final = (("exif:UserComment", "usercomment"), ("xmp:CreatorTool", "software"))
"""The properties with texts of programs that paint, and the keywords they get here, as in EXIF."""
_ITEM: Final = re.compile(r"<rdf:li[^>]{0,200}>")


def xmp_texts(packet: str) -> dict[str, str]:
    """Return the texts by keyword. packet: the XML."""
    found = ((keyword, _property(packet, name)) for name, keyword in _TEXTS)
    return {keyword: text for keyword, text in found if text}


def _property(packet: str, name: str) -> str:
    """Return the first text of a property, which is an element or an attribute."""
    start = packet.find(f"<{name}")
    end = packet.find(f"</{name}>", start)
    if 0 <= start < end:
        inner = packet[packet.find(">", start, end) + 1 : end]
        item = _ITEM.search(inner)
        text = inner if item is None else inner[item.end() :].partition("</rdf:li>")[0]
    else:
        text = packet.partition(f'{name}="')[2].partition('"')[0]
    return html.unescape(text).strip()
