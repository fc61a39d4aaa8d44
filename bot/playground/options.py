"""Values typed into a command's options: checked as Discord's client does, then encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.playground.model import Attachment, Channel, Guild
from bot.playground.rules.commands import Option
from bot.playground.shapes import attachment_json, channel_json, member_json, role_json, user_json
from bot.playground.world import World

Json = dict[str, Any]

MAX_STRING_CHARS: Final = 6000
MAX_INTEGER: Final = 2**53


class BadOption(Exception):
    """A value that Discord's client would not send; str() is a sentence for the user."""


def leaf_options(body: Mapping[str, Any], path: Sequence[str]) -> list[Json]:
    """Return the options of the subcommand at `path`, or of the command for an empty path.

    Raises BadOption if there is no such subcommand or if one has to be chosen.
    """
    options: list[Json] = list(body.get("options") or ())
    for name in path:
        found = [
            o
            for o in options
            if o["name"] == name and o["type"] in (Option.SUBCOMMAND, Option.GROUP)
        ]
        if not found:
            raise BadOption(f"There is no subcommand {name}.")
        options = list(found[0].get("options") or ())
    if any(option["type"] in (Option.SUBCOMMAND, Option.GROUP) for option in options):
        raise BadOption("Choose a subcommand.")
    return options


def encode(
    body: Mapping[str, Any],
    path: Sequence[str],
    values: Mapping[str, Any],
    *,
    focused: str | None = None,
) -> list[Json]:
    """Return the `options` of an interaction. focused: the option being completed, None when sent.

    Raises BadOption. Autocompletion is not checked: its values are not finished yet.
    """
    known = {option["name"]: option for option in leaf_options(body, path)}
    for name in values:
        if name not in known:
            raise BadOption(f"There is no option {name}.")
    if focused is None:
        for name, option in known.items():
            if option.get("required") and name not in values:
                raise BadOption(f"The option {name} is required.")
    encoded: list[Json] = []
    for name, value in values.items():
        option = known[name]
        checked = value if focused is not None else _checked(option, value)
        entry: Json = {"name": name, "type": option["type"], "value": checked}
        encoded.append(entry | ({"focused": True} if name == focused else {}))
    for depth, name in enumerate(reversed(path)):
        kind = Option.SUBCOMMAND if depth == 0 else Option.GROUP
        encoded = [{"name": name, "type": kind, "options": encoded}]
    return encoded


def _checked(option: Mapping[str, Any], value: Any) -> Any:
    kind, name = option["type"], option["name"]
    if kind == Option.STRING:
        _check_text(option, value)
    elif kind in (Option.INTEGER, Option.NUMBER):
        _check_number(option, value)
    elif kind == Option.BOOLEAN and not isinstance(value, bool):
        raise BadOption(f"{name}: choose True or False.")
    elif kind in (Option.USER, Option.CHANNEL, Option.ROLE, Option.MENTIONABLE, Option.ATTACHMENT):
        if not str(value).isdecimal():
            raise BadOption(f"{name}: choose one.")
        return str(value)
    choices = option.get("choices")
    if choices and value not in [choice["value"] for choice in choices]:
        raise BadOption(f"{name}: choose one of the listed options.")
    return value


def _check_text(option: Mapping[str, Any], value: Any) -> None:
    name = option["name"]
    if not isinstance(value, str):
        raise BadOption(f"{name}: enter some text.")
    shortest, longest = option.get("min_length") or 0, option.get("max_length") or MAX_STRING_CHARS
    if len(value) < max(shortest, 1 if option.get("required") else 0):
        raise BadOption(f"{name}: enter at least {max(shortest, 1)} characters.")
    if len(value) > longest:
        raise BadOption(f"{name}: at most {longest} characters are allowed.")


def _check_number(option: Mapping[str, Any], value: Any) -> None:
    name, whole = option["name"], option["type"] == Option.INTEGER
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        raise BadOption(f"{name}: enter a {'whole ' if whole else ''}number.")
    if not -MAX_INTEGER <= value <= MAX_INTEGER:  # also rejects NaN
        raise BadOption(f"{name}: the number is too large.")
    if (least := option.get("min_value")) is not None and value < least:
        raise BadOption(f"{name} must be at least {least:g}.")
    if (most := option.get("max_value")) is not None and value > most:
        raise BadOption(f"{name} must be at most {most:g}.")


def resolved(
    encoded: Sequence[Mapping[str, Any]],
    *,
    world: World,
    guild: Guild | None,
    files: Mapping[str, Attachment],
    channel: Channel,
    base_url: str,
) -> Json:
    """Return the `resolved` object: every user, role, channel and file that the options name.

    files: uploads by id. Raises BadOption for what does not exist.
    """
    answer: Json = {}
    for kind, value in _references(encoded):
        if kind == Option.ATTACHMENT:
            if value not in files:
                raise BadOption("That file is no longer available. Choose it again.")
            shape = attachment_json(files[value], channel.id, base_url)
            answer.setdefault("attachments", {})[value] = shape
        elif kind == Option.CHANNEL:
            add_channel(answer, int(value), world)
        elif kind == Option.ROLE or (
            kind == Option.MENTIONABLE and guild and int(value) in guild.roles
        ):
            add_role(answer, int(value), guild)
        else:
            add_user(answer, int(value), world, guild)
    return answer


def _references(encoded: Sequence[Mapping[str, Any]]) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for entry in encoded:
        if "options" in entry:
            found += _references(entry["options"])
        elif entry["type"] in (
            Option.USER,
            Option.CHANNEL,
            Option.ROLE,
            Option.MENTIONABLE,
            Option.ATTACHMENT,
        ):
            found.append((entry["type"], str(entry["value"])))
    return found


def add_user(answer: Json, user_id: int, world: World, guild: Guild | None) -> None:
    """Add an account and its membership to `resolved`. Raises BadOption if unknown."""
    user = world.users.get(user_id)
    if user is None:
        raise BadOption("That user is not here.")
    answer.setdefault("users", {})[str(user_id)] = user_json(user)
    member = guild.members.get(user_id) if guild else None
    if member is not None and guild is not None:
        shape = {k: v for k, v in member_json(member).items() if k not in ("user", "mute", "deaf")}
        shape["permissions"] = str(world.guild_permissions(guild, user_id))
        answer.setdefault("members", {})[str(user_id)] = shape


def add_role(answer: Json, role_id: int, guild: Guild | None) -> None:
    """Add a role to `resolved`. Raises BadOption if unknown."""
    role = guild.roles.get(role_id) if guild else None
    if role is None:
        raise BadOption("That role does not exist here.")
    answer.setdefault("roles", {})[str(role_id)] = role_json(role)


def add_channel(answer: Json, channel_id: int, world: World) -> None:
    """Add a channel to `resolved`. Raises BadOption if unknown."""
    channel = world.channel(channel_id)
    if channel is None:
        raise BadOption("That channel does not exist here.")
    answer.setdefault("channels", {})[str(channel_id)] = channel_json(channel, world)
