"""Tables of every component: its fields, their bounds, and what may be inside it."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from bot.playground.rules.grammar import (
    ATTACHMENT,
    MEDIA,
    WEB,
    Field,
    Fields,
    boolean,
    integer,
    known,
    list_of,
    object_with,
    one_of,
    required,
    snowflake,
    text,
    union,
    url,
)


class ComponentType(IntEnum):
    """Discord's numbers of component types."""

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
    """Discord's numbers of the button styles that differ in more than colour."""

    LINK = 5
    PREMIUM = 6


MAX_PARTS: Final = 40
MAX_ROWS: Final = 5
MAX_FORM_PARTS: Final = 5

CUSTOM_ID: Final = text(1, 100)
EMOJI: Final = object_with(
    {"id": snowflake(), "name": required(text(high=32)), **known("animated")}
)
CHANNEL_TYPES: Final = list_of(one_of(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15, 16), unique=True)
_BASE: Final[Fields] = {"type": required(integer()), "id": integer(0, 2**31 - 1)}
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
"""Fields of media that Discord returns, and ignores when it receives them."""
_MEDIA: Final = object_with({"url": required(url(*MEDIA)), **_UNFURLED})
_OWN_FILE: Final = object_with({"url": required(url(ATTACHMENT.removesuffix("://"))), **_UNFURLED})

BUTTON: Final[Fields] = _BASE | {
    "style": required(one_of(1, 2, 3, 4, 5, 6)),
    "label": text(high=80),
    "emoji": EMOJI,
    "custom_id": CUSTOM_ID,
    "sku_id": snowflake(),
    "url": url(*WEB, "discord", high=512),
    "disabled": boolean(),
}

_OPTION: Final[Fields] = {
    "label": required(text(1, 100)),
    "value": required(text(1, 100)),
    "description": text(high=100),
    "default": boolean(),
}
_SELECT: Final[Fields] = _BASE | {
    "custom_id": required(CUSTOM_ID),
    "placeholder": text(high=150),
    "min_values": integer(0, 25),
    "max_values": integer(1, 25),
    "disabled": boolean(),
    "required": boolean(),
}


def _entity_select(*entities: str) -> Fields:
    default = object_with({"id": required(snowflake()), "type": required(one_of(*entities))})
    # Options are refused for these elsewhere; here the field is merely known.
    return _SELECT | {"default_values": list_of(default, high=25)} | known("options")


SELECTS: Final[dict[int, Fields]] = {
    ComponentType.STRING_SELECT: _SELECT
    | {"options": required(list_of(object_with(_OPTION | {"emoji": EMOJI}), 1, 25))},
    ComponentType.USER_SELECT: _entity_select("user"),
    ComponentType.ROLE_SELECT: _entity_select("role"),
    ComponentType.MENTIONABLE_SELECT: _entity_select("user", "role"),
    ComponentType.CHANNEL_SELECT: _entity_select("channel") | {"channel_types": CHANNEL_TYPES},
}

TEXT_DISPLAY: Final[Fields] = _BASE | {"content": required(text(1, 4000))}
THUMBNAIL: Final[Fields] = _BASE | {
    "media": required(_MEDIA),
    "description": _ALT_TEXT,
    "spoiler": boolean(),
}
MEDIA_GALLERY: Final[Fields] = _BASE | {
    "items": required(
        list_of(
            object_with(
                {"media": required(_MEDIA), "description": _ALT_TEXT, "spoiler": boolean()}
            ),
            1,
            10,
        )
    )
}
FILE: Final[Fields] = _BASE | {
    "file": required(_OWN_FILE),
    "spoiler": boolean(),
    **known("name", "size"),
}
SEPARATOR: Final[Fields] = _BASE | {"divider": boolean(), "spacing": one_of(1, 2)}
SECTION: Final[Fields] = _BASE | {
    "components": required(list_of(union({ComponentType.TEXT_DISPLAY: TEXT_DISPLAY}), 1, 3)),
    "accessory": required(
        union({ComponentType.BUTTON: BUTTON, ComponentType.THUMBNAIL: THUMBNAIL})
    ),
}
ACTION_ROW: Final[Fields] = _BASE | {
    "components": required(list_of(union({ComponentType.BUTTON: BUTTON} | SELECTS), 1, 5))
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
    "components": required(list_of(union(_INSIDE), 1, MAX_PARTS)),
    "accent_color": integer(0, 0xFFFFFF),
    "spoiler": boolean(),
}

LEGACY: Final[Field] = list_of(union({ComponentType.ACTION_ROW: ACTION_ROW}), high=MAX_ROWS)
"""The components of a message without the flag IS_COMPONENTS_V2."""
LAYOUT: Final[Field] = list_of(
    union(_INSIDE | {ComponentType.CONTAINER: CONTAINER}), high=MAX_PARTS
)
"""The components of a message with the flag IS_COMPONENTS_V2."""

TEXT_INPUT: Final[Fields] = _BASE | {
    "custom_id": required(CUSTOM_ID),
    "style": required(one_of(1, 2)),
    "label": text(1, 45),
    "min_length": integer(0, 4000),
    "max_length": integer(1, 4000),
    "required": boolean(),
    "value": text(high=4000),
    "placeholder": text(high=100),
}
FILE_UPLOAD: Final[Fields] = _BASE | {
    "custom_id": required(CUSTOM_ID),
    "min_values": integer(0, 10),
    "max_values": integer(1, 10),
    "required": boolean(),
}
RADIO_GROUP: Final[Fields] = _BASE | {
    "custom_id": required(CUSTOM_ID),
    "options": required(list_of(object_with(_OPTION), 2, 10)),
    "required": boolean(),
}
CHECKBOX_GROUP: Final[Fields] = FILE_UPLOAD | {
    "options": required(list_of(object_with(_OPTION), 1, 10))
}
CHECKBOX: Final[Fields] = _BASE | {"custom_id": required(CUSTOM_ID), "default": boolean()}
LABEL: Final[Fields] = _BASE | {
    "label": required(text(1, 45)),
    "description": text(1, 100),
    "component": required(
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
    "components": required(list_of(union({ComponentType.TEXT_INPUT: TEXT_INPUT}), 1, 5))
}
FORM: Final[Field] = list_of(
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
