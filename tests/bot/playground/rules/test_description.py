"""Every bound in the tables is the one in Discord's API description."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.playground.rules import commands, embeds, modals, names, parts
from bot.playground.rules.grammar import Field, ValueKind
from bot.playground.rules.messages import MESSAGES, MessageKind
from bot.playground.rules.parts import ComponentType

DESCRIPTION = Path(__file__).parents[5] / "shared" / "discord-openapi.json"

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason="Discord's API description is not at hand (../shared)"
)


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """Return the description's schemas, read once since it is a megabyte."""
    return json.loads(DESCRIPTION.read_text(encoding="utf-8"))["components"]["schemas"]


OBJECTS: dict[str, Mapping[str, Field]] = {
    "MessageCreateRequest": MESSAGES[MessageKind.CHANNEL_POST].fields,
    "MessageEditRequestPartial": MESSAGES[MessageKind.CHANNEL_EDIT].fields,
    "IncomingWebhookInteractionRequest": MESSAGES[MessageKind.CALLBACK].fields,
    "IncomingWebhookRequestPartial": MESSAGES[MessageKind.WEBHOOK_POST].fields,
    "IncomingWebhookUpdateRequestPartial": MESSAGES[MessageKind.WEBHOOK_EDIT].fields,
    "RichEmbed": embeds.EMBED.fields,
    "ModalInteractionCallbackRequestData": modals.MODAL.fields,
    "ActionRowComponentForMessageRequest": parts.ACTION_ROW,
    "ActionRowComponentForModalRequest": parts.FORM_ROW,
    "ButtonComponentForMessageRequest": parts.BUTTON,
    "ContainerComponentForMessageRequest": parts.CONTAINER,
    "FileComponentForMessageRequest": parts.FILE,
    "MediaGalleryComponentForMessageRequest": parts.MEDIA_GALLERY,
    "SectionComponentForMessageRequest": parts.SECTION,
    "SeparatorComponentForMessageRequest": parts.SEPARATOR,
    "TextDisplayComponentForMessageRequest": parts.TEXT_DISPLAY,
    "ThumbnailComponentForMessageRequest": parts.THUMBNAIL,
    "StringSelectComponentForMessageRequest": parts.SELECTS[ComponentType.STRING_SELECT],
    "UserSelectComponentForMessageRequest": parts.SELECTS[ComponentType.USER_SELECT],
    "RoleSelectComponentForModalRequest": parts.SELECTS[ComponentType.ROLE_SELECT],
    "MentionableSelectComponentForModalRequest": parts.SELECTS[ComponentType.MENTIONABLE_SELECT],
    "ChannelSelectComponentForMessageRequest": parts.SELECTS[ComponentType.CHANNEL_SELECT],
    "TextInputComponentForModalRequest": parts.TEXT_INPUT,
    "LabelComponentForModalRequest": parts.LABEL,
    "FileUploadComponentForModalRequest": parts.FILE_UPLOAD,
    "RadioGroupComponentForModalRequest": parts.RADIO_GROUP,
    "CheckboxGroupComponentForModalRequest": parts.CHECKBOX_GROUP,
    "CheckboxComponentForModalRequest": parts.CHECKBOX,
    "ApplicationCommandUpdateRequest": commands.COMMAND.fields,
    "ApplicationCommandStringOption": commands.OPTIONS[3],
    "ApplicationCommandIntegerOption": commands.OPTIONS[4],
    "ApplicationCommandNumberOption": commands.OPTIONS[10],
    "ApplicationCommandChannelOption": commands.OPTIONS[7],
    "ApplicationCommandSubcommandOption": commands.OPTIONS[1],
    "ApplicationCommandSubcommandGroupOption": commands.OPTIONS[2],
}

WORDS = {
    ValueKind.TEXT: ("minLength", "maxLength"),
    ValueKind.URL: ("minLength", "maxLength"),
    ValueKind.LIST: ("minItems", "maxItems"),
    ValueKind.WHOLE: ("minimum", "maximum"),
    ValueKind.NUMBER: ("minimum", "maximum"),
}
"""The description's names for the two bounds of each kind."""


def resolve(schema: Any, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without its reference and without null."""
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
            continue
        real = [each for each in schema.get("oneOf", ()) if each.get("type") != "null"]
        if len(real) == 1 and "const" not in real[0]:
            schema = real[0]
            continue
        return schema


def compare(
    where: str, fields: Mapping[str, Field], schema: Any, schemas: Mapping[str, Any]
) -> Iterator[str]:
    """Yield differences between a table and the description for one object, at any depth."""
    properties = schema.get("properties", {})
    for name in sorted(set(properties) - set(fields)):
        yield f"{where}.{name} is missing"
    for name in set(properties) & set(fields):
        yield from compare_field(f"{where}.{name}", fields[name], properties[name], schemas)
        if name in schema.get("required", ()) and not fields[name].required:
            yield f"{where}.{name} is required"


def compare_field(
    where: str, field: Field, schema: Any, schemas: Mapping[str, Any]
) -> Iterator[str]:
    """Yield differences between a table and the description for one field, at any depth."""
    schema = resolve(schema, schemas)
    words = () if field.choices and field.kind is not ValueKind.URL else WORDS.get(field.kind, ())
    for word, bound in zip(words, (field.low, field.high), strict=False):
        if schema.get(word) not in (None, bound) and not (schema[word] == 0 and bound is None):
            yield f"{where} {word} {schema[word]}, not {bound}"
    if field.kind is ValueKind.LIST and field.item is not None and "items" in schema:
        yield from compare_field(f"{where}[]", field.item, schema["items"], schemas)
    if field.variants:
        stated = {_number(each, schemas) for each in schema.get("oneOf", [schema])}
        if stated != set(field.variants):
            yield f"{where} holds {sorted(stated)}, not {sorted(field.variants)}"
    if field.fields:
        yield from compare(where, field.fields, schema, schemas)


def _number(schema: Any, schemas: Mapping[str, Any]) -> int:
    """Return the component type that a schema describes."""
    return resolve(schema, schemas)["properties"]["type"]["enum"][0]


STRICTER = {
    ".content maxLength 4000, not 2000": "4000 are for those who pay",
    ".sticker_ids maxItems 1521, not 3": "the documents say three, of posts and edits alike",
    ".allowed_mentions.parse maxItems 1521, not None": "there are three words, each once",
    ".poll_media.text maxLength 300, not 55": "the documents say 55 of an answer",
    "CallbackRequestData.components maxItems 40, not 5": "the documents say five of a modal",
    ".choices[].value maxLength 6000, not 100": "the documents say 100 of a choice",
}
"""Cases in which Discord is stricter than its description, and how that is known."""


def differences(name: str, schemas: Mapping[str, Any]) -> set[str]:
    """Return the differences between the tables and the description for one object."""
    return set(compare(name, OBJECTS[name], schemas[name], schemas))


@pytest.mark.parametrize("name", OBJECTS)
def test_bounds_are_those_of_the_description(name: str, schemas: dict[str, Any]):
    """Every field of the description is in the table, with its bounds and contents."""
    found = differences(name, schemas)
    assert {each for each in found if not each.endswith(tuple(STRICTER))} == set()


def test_what_is_stricter_still_is(schemas: dict[str, Any]):
    """Every listed exception still applies."""
    found = set[str]().union(*(differences(name, schemas) for name in OBJECTS))
    assert [end for end in STRICTER if not any(each.endswith(end) for each in found)] == []


def test_the_languages_are_those_of_the_description(schemas: dict[str, Any]):
    """The languages are exactly those of the description."""
    stated = [each["const"] for each in schemas["AvailableLocalesEnum"]["oneOf"]]
    assert sorted(names.LOCALES) == sorted(stated)


def test_the_components_are_those_of_the_description(schemas: dict[str, Any]):
    """Every component has its number and name."""
    stated = {each["title"]: each["const"] for each in schemas["MessageComponentTypes"]["oneOf"]}
    assert {each.name: each.value for each in ComponentType} == stated


def test_the_number_of_commands_is_that_of_the_description():
    """A request that replaces all commands has the description's limit."""
    document = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    request = document["paths"]["/applications/{application_id}/commands"]["put"]["requestBody"]
    stated = request["content"]["application/json"]["schema"]["maxItems"]
    assert commands.COMMANDS.high == stated
