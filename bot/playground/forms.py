"""Select menus and modals as users fill them in: checked as Discord's client does, then encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.playground.model import Guild
from bot.playground.options import add_channel, add_role, add_user
from bot.playground.rules.parts import ComponentType
from bot.playground.world import World

Json = dict[str, Any]

SELECTS: Final = (
    ComponentType.STRING_SELECT,
    ComponentType.USER_SELECT,
    ComponentType.ROLE_SELECT,
    ComponentType.MENTIONABLE_SELECT,
    ComponentType.CHANNEL_SELECT,
)
MAX_TEXT_CHARS: Final = 4000


class BadForm(Exception):
    """Input that Discord's client would not send; str() is a sentence for the user."""


def component_named(components: Sequence[Json], custom_id: str) -> Json | None:
    """Return the component of a message or modal with this custom_id."""
    todo = list(components)
    while todo:
        part = todo.pop()
        if part.get("custom_id") == custom_id:
            return part
        todo.extend(part.get("components") or ())
        todo.extend(part[key] for key in ("accessory", "component") if key in part)
    return None


def select_data(part: Json, values: list[str], world: World, guild: Guild | None) -> Json:
    """Return `values` and `resolved` of a select menu. Raises BadForm and BadOption."""
    if part["type"] not in SELECTS:
        raise BadForm("That is not a select menu.")
    least, most = part.get("min_values", 1), part.get("max_values", 1)
    if not least <= len(values) <= most:
        raise BadForm(f"Choose {least}." if least == most else f"Choose {least} to {most}.")
    if len(set(values)) != len(values):
        raise BadForm("Choose each option only once.")
    if part["type"] == ComponentType.STRING_SELECT:
        offered = {option["value"] for option in part["options"]}
        if not set(values) <= offered:
            raise BadForm("Choose one of the listed options.")
        return {"values": values}
    found: Json = {}
    for value in values:
        number = int(value) if value.isdecimal() else 0
        if part["type"] == ComponentType.CHANNEL_SELECT:
            add_channel(found, number, world)
        elif part["type"] == ComponentType.ROLE_SELECT or (
            part["type"] == ComponentType.MENTIONABLE_SELECT and guild and number in guild.roles
        ):
            add_role(found, number, guild)
        else:
            add_user(found, number, world, guild)
    return {"values": values, "resolved": found}


@dataclass(frozen=True, slots=True)
class FormContext:
    """The place where a modal is filled in, and the files its user has uploaded, by id."""

    world: World
    guild: Guild | None
    files: Mapping[str, Json]


def submitted(form: Json, values: Mapping[str, Any], place: FormContext) -> Json:
    """Return the data of a submitted modal. Raises BadForm and BadOption."""
    components: list[Json] = []
    found: Json = {}
    for number, part in enumerate(form["components"], start=1):
        if part["type"] == ComponentType.ACTION_ROW:
            inner = [_field(each, values, place, found) for each in part["components"]]
            components.append({"type": ComponentType.ACTION_ROW, "id": number, "components": inner})
        elif part["type"] == ComponentType.LABEL:
            inner = _field(part["component"], values, place, found)
            components.append({"type": ComponentType.LABEL, "id": number, "component": inner})
        else:
            components.append({"type": part["type"], "id": number})
    data: Json = {"custom_id": form["custom_id"], "components": components}
    return data | ({"resolved": found} if found else {})


def _field(part: Json, values: Mapping[str, Any], place: FormContext, found: Json) -> Json:
    custom_id = part["custom_id"]
    entry: Json = {"type": part["type"], "custom_id": custom_id, "id": part.get("id") or 0}
    given = values.get(custom_id)
    if part["type"] == ComponentType.TEXT_INPUT:
        return entry | {"value": _text(part, given)}
    if part["type"] in SELECTS:
        chosen = [str(each) for each in given or ()]
        if not chosen and part.get("required") is False:
            return entry | {"values": []}
        data = select_data(part, chosen, place.world, place.guild)
        for key, shapes in data.pop("resolved", {}).items():
            found.setdefault(key, {}).update(shapes)
        return entry | data
    if part["type"] == ComponentType.RADIO_GROUP:
        return entry | {"value": _choice(part, given)}
    if part["type"] == ComponentType.FILE_UPLOAD:
        chosen = _files(part, given, place)
        shapes = {each: place.files[each] for each in chosen}
        found.setdefault("attachments", {}).update(shapes)
        return entry | {"values": chosen}
    raise BadForm("This kind of field is not supported here.")


def _choice(part: Json, given: Any) -> str | None:
    if given in (None, ""):
        if part.get("required", True):
            raise BadForm("Choose one of the options.")
        return None
    if given not in [option["value"] for option in part["options"]]:
        raise BadForm("Choose one of the listed options.")
    return str(given)


def _files(part: Json, given: Any, place: FormContext) -> list[str]:
    chosen = [str(each) for each in given or ()]
    least = part.get("min_values", 1) if part.get("required", True) else 0
    most = part.get("max_values", 1)
    if not least <= len(chosen) <= most:
        raise BadForm(
            f"Choose {least} files." if least == most else f"Choose {least} to {most} files."
        )
    if not set(chosen) <= set(place.files):
        raise BadForm("That file is no longer available. Choose it again.")
    return chosen


def _text(part: Json, given: Any) -> str:
    text = "" if given is None else str(given)
    label = part.get("label") or "The field"
    if not text:
        if part.get("required", True):
            raise BadForm(f"{label} is required.")
        return ""
    if len(text) < (least := part.get("min_length") or 0):
        raise BadForm(f"{label}: enter at least {least} characters.")
    if len(text) > (most := part.get("max_length") or MAX_TEXT_CHARS):
        raise BadForm(f"{label}: at most {most} characters are allowed.")
    return text
