"""Tables of every component: its fields, their bounds, and what may stand inside it."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from bot.playground.rules.grammar import (
    ATTACHMENT,
    MEDIA,
    WEB,
    Field,
    Fields,
    known,
    listing,
    must,
    one_of,
    record,
    snowflake,
    text,
    truth,
    union,
    url,
    whole,
)


class ComponentType(IntEnum):
    """Discord's numbers of the components."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    USER_SELECT = 5
    ROLE_SELECT = 6
    MENTIONABLE_SELECT = 7
    CHANNEL_SELECT = 8
    SECTION = 9
    TEXT_DISPLAY = 10
    THUMBNAIL = 11
    MEDIA_GALLERY = 12
    FILE = 13
    SEPARATOR = 14
    CONTAINER = 17
    LABEL = 18
    FILE_UPLOAD = 19
    RADIO_GROUP = 21
    CHECKBOX_GROUP = 22
    CHECKBOX = 23


class ButtonStyle(IntEnum):
    """Discord's numbers of the styles of buttons that differ in more than colour."""

    LINK = 5
    PREMIUM = 6


MAX_PARTS: Final = 40
MAX_ROWS: Final = 5
MAX_FORM_PARTS: Final = 5

CUSTOM_ID: Final = text(1, 100)
EMOJI: Final = record({"id": snowflake(), "name": must(text(high=32)), **known("animated")})
CHANNEL_TYPES: Final = listing(one_of(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16), unique=True)
_BASE: Final[Fields] = {"type": must(whole()), "id": whole(0, 2**31 - 1)}
_ALT_TEXT: Final = text(1, 1024)
_UNFURLED: Final = known(
    "proxy_url",
    "height",
    "width",
    "placeholder",
    "placeholder_version",
    "content_type",
    "flags",
    "attachment_id",
    "loading_state",
)
"""What Discord says of media and ignores when it is told it."""
_MEDIA: Final = record({"url": must(url(*MEDIA)), **_UNFURLED})
_OWN_FILE: Final = record({"url": must(url(ATTACHMENT.removesuffix("://"))), **_UNFURLED})

BUTTON: Final[Fields] = _BASE | {
    "style": must(one_of(1, 2, 3, 4, 5, 6)),
    "label": text(high=80),
    "emoji": EMOJI,
    "custom_id": CUSTOM_ID,
    "sku_id": snowflake(),
    "url": url(*WEB, "discord", high=512),
    "disabled": truth(),
}

_OPTION: Final[Fields] = {
    "label": must(text(1, 100)),
    "value": must(text(1, 100)),
    "description": text(high=100),
    "default": truth(),
}
_SELECT: Final[Fields] = _BASE | {
    "custom_id": must(CUSTOM_ID),
    "placeholder": text(high=150),
    "min_values": whole(0, 25),
    "max_values": whole(1, 25),
    "disabled": truth(),
    "required": truth(),
}


def _entity_select(*entities: str) -> Fields:
    default = record({"id": must(snowflake()), "type": must(one_of(*entities))})
    # A list of options is refused elsewhere; here it is only a field that has a name.
    return _SELECT | {"default_values": listing(default, high=25)} | known("options")


SELECTS: Final[dict[int, Fields]] = {
    ComponentType.STRING_SELECT: _SELECT
    | {"options": must(listing(record(_OPTION | {"emoji": EMOJI}), 1, 25))},
    ComponentType.USER_SELECT: _entity_select("user"),
    ComponentType.ROLE_SELECT: _entity_select("role"),
    ComponentType.MENTIONABLE_SELECT: _entity_select("user", "role"),
    ComponentType.CHANNEL_SELECT: _entity_select("channel") | {"channel_types": CHANNEL_TYPES},
}

TEXT_DISPLAY: Final[Fields] = _BASE | {"content": must(text(1, 4000))}
THUMBNAIL: Final[Fields] = _BASE | {
    "media": must(_MEDIA),
    "description": _ALT_TEXT,
    "spoiler": truth(),
}
MEDIA_GALLERY: Final[Fields] = _BASE | {
    "items": must(
        listing(
            record({"media": must(_MEDIA), "description": _ALT_TEXT, "spoiler": truth()}), 1, 10
        )
    )
}
FILE: Final[Fields] = _BASE | {
    "file": must(_OWN_FILE),
    "spoiler": truth(),
    **known("name", "size"),
}
SEPARATOR: Final[Fields] = _BASE | {"divider": truth(), "spacing": one_of(1, 2)}
SECTION: Final[Fields] = _BASE | {
    "components": must(listing(union({ComponentType.TEXT_DISPLAY: TEXT_DISPLAY}), 1, 3)),
    "accessory": must(union({ComponentType.BUTTON: BUTTON, ComponentType.THUMBNAIL: THUMBNAIL})),
}
ACTION_ROW: Final[Fields] = _BASE | {
    "components": must(listing(union({ComponentType.BUTTON: BUTTON} | SELECTS), 1, 5))
}
_INSIDE: Final[dict[int, Fields]] = {
    ComponentType.ACTION_ROW: ACTION_ROW,
    ComponentType.SECTION: SECTION,
    ComponentType.TEXT_DISPLAY: TEXT_DISPLAY,
    ComponentType.MEDIA_GALLERY: MEDIA_GALLERY,
    ComponentType.FILE: FILE,
    ComponentType.SEPARATOR: SEPARATOR,
}
CONTAINER: Final[Fields] = _BASE | {
    "components": must(listing(union(_INSIDE), 1, MAX_PARTS)),
    "accent_color": whole(0, 0xFFFFFF),
    "spoiler": truth(),
}

LEGACY: Final[Field] = listing(union({ComponentType.ACTION_ROW: ACTION_ROW}), high=MAX_ROWS)
"""The components of a message without the flag IS_COMPONENTS_V2."""
LAYOUT: Final[Field] = listing(
    union(_INSIDE | {ComponentType.CONTAINER: CONTAINER}), high=MAX_PARTS
)
"""The components of a message with the flag IS_COMPONENTS_V2."""

TEXT_INPUT: Final[Fields] = _BASE | {
    "custom_id": must(CUSTOM_ID),
    "style": must(one_of(1, 2)),
    "label": text(1, 45),
    "min_length": whole(0, 4000),
    "max_length": whole(1, 4000),
    "required": truth(),
    "value": text(high=4000),
    "placeholder": text(high=100),
}
FILE_UPLOAD: Final[Fields] = _BASE | {
    "custom_id": must(CUSTOM_ID),
    "min_values": whole(0, 10),
    "max_values": whole(1, 10),
    "required": truth(),
}
RADIO_GROUP: Final[Fields] = _BASE | {
    "custom_id": must(CUSTOM_ID),
    "options": must(listing(record(_OPTION), 2, 10)),
    "required": truth(),
}
CHECKBOX_GROUP: Final[Fields] = FILE_UPLOAD | {"options": must(listing(record(_OPTION), 1, 10))}
CHECKBOX: Final[Fields] = _BASE | {"custom_id": must(CUSTOM_ID), "default": truth()}
LABEL: Final[Fields] = _BASE | {
    "label": must(text(1, 45)),
    "description": text(1, 100),
    "component": must(
        union(
            SELECTS
            | {
                ComponentType.TEXT_INPUT: TEXT_INPUT,
                ComponentType.FILE_UPLOAD: FILE_UPLOAD,
                ComponentType.RADIO_GROUP: RADIO_GROUP,
                ComponentType.CHECKBOX_GROUP: CHECKBOX_GROUP,
                ComponentType.CHECKBOX: CHECKBOX,
            }
        )
    ),
}
FORM_ROW: Final[Fields] = _BASE | {
    "components": must(listing(union({ComponentType.TEXT_INPUT: TEXT_INPUT}), 1, 5))
}
FORM: Final[Field] = listing(
    union(
        {
            ComponentType.ACTION_ROW: FORM_ROW,
            ComponentType.TEXT_DISPLAY: TEXT_DISPLAY,
            ComponentType.LABEL: LABEL,
        }
    ),
    1,
    MAX_FORM_PARTS,
)
"""The components of a modal."""
