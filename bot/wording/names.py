"""What commands, options and flags are called in each language.

Discord shows and searches the names of commands and options in the language of its client, and
flags are understood in every language. Whatever tells somebody to use one names it by a function of
this module.
"""

from __future__ import annotations

from typing import Final

from bot.i18n import Words, typed_name
from bot.request.options import OPTIONS as TABLE
from bot.request.prompt.flag_names import FLAGS

COMMANDS: Final = frozenset(
    {
        typed_name("access"),
        typed_name("add"),
        typed_name("admin"),
        typed_name("all"),
        typed_name("audit"),
        typed_name("announce"),
        typed_name("blend"),
        typed_name("block"),
        typed_name("blocked"),
        typed_name("cancel"),
        typed_name("channel"),
        typed_name("clear"),
        typed_name("copy"),
        typed_name("delete"),
        typed_name("diagnose"),
        typed_name("drain"),
        typed_name("erase"),
        typed_name("explain"),
        typed_name("export"),
        typed_name("filter"),
        typed_name("gallery"),
        typed_name("grant"),
        typed_name("help"),
        typed_name("history"),
        typed_name("imagine"),
        typed_name("import"),
        typed_name("info"),
        typed_name("inpaint"),
        typed_name("list"),
        typed_name("log"),
        typed_name("loras"),
        typed_name("me"),
        typed_name("model"),
        typed_name("models"),
        typed_name("moderation"),
        typed_name("owner"),
        typed_name("pause"),
        typed_name("picture"),
        typed_name("preset"),
        typed_name("privacy"),
        typed_name("queue"),
        typed_name("quota"),
        typed_name("recipe"),
        typed_name("remix"),
        typed_name("remove"),
        typed_name("reports"),
        typed_name("reroll"),
        typed_name("reset"),
        typed_name("reload"),
        typed_name("resume"),
        typed_name("retry"),
        typed_name("role"),
        typed_name("rules"),
        typed_name("save"),
        typed_name("server"),
        typed_name("set"),
        typed_name("settings"),
        typed_name("setup"),
        typed_name("show"),
        typed_name("stars"),
        typed_name("status"),
        typed_name("test"),
        typed_name("unblock"),
        typed_name("unload"),
        typed_name("upscale"),
        typed_name("usage"),
        typed_name("user"),
        typed_name("vary"),
        typed_name("weights"),
        typed_name("why"),
    }
)
"""Slash commands, their groups and subcommands."""
OPTIONS: Final = frozenset(each.name for each in TABLE if each.description) | {
    typed_name("action"),
    typed_name("allowed"),
    typed_name("before"),
    typed_name("channel"),
    typed_name("code"),
    typed_name("delivery"),
    typed_name("event"),
    typed_name("expires"),
    typed_name("favourites"),
    typed_name("file"),
    typed_name("first"),
    typed_name("for"),
    typed_name("fourth"),
    typed_name("from"),
    typed_name("hours"),
    typed_name("job"),
    typed_name("limit"),
    typed_name("language"),
    typed_name("mask"),
    typed_name("model"),
    typed_name("name"),
    typed_name("names"),
    typed_name("page"),
    typed_name("painting"),
    typed_name("per"),
    typed_name("picture"),
    typed_name("pictures"),
    typed_name("prompt"),
    typed_name("quiet"),
    typed_name("reason"),
    typed_name("regex"),
    typed_name("remove"),
    typed_name("role"),
    typed_name("rule"),
    typed_name("search"),
    typed_name("second"),
    typed_name("server"),
    typed_name("settings"),
    typed_name("spoiler"),
    typed_name("stars"),
    typed_name("text"),
    typed_name("third"),
    typed_name("timezone"),
    typed_name("to"),
    typed_name("told"),
    typed_name("user"),
    typed_name("value"),
    typed_name("weighted"),
    typed_name("what"),
    typed_name("where"),
    typed_name("who"),
    typed_name("words"),
}
"""Options of slash commands: those of the table, and others."""
NAMED_FLAGS: Final = frozenset(flag.names[0] for each in TABLE for flag in each.flags)
"""The usual spelling of each flag in a prompt, without the hyphens."""


def command_name(path: str, say: Words) -> str:
    """Return a slash command as it is typed: "/history", "/管理 举报 列表".

    path: its name in English, after those of its groups.
    """
    return "/" + " ".join(map(say.name, path.split()))


def command_link(path: str, say: Words) -> str:
    """Return text that Discord turns into a link to a command; its plain name where the id is not
    known, and of a group, which cannot be run.

    Not for labels, forms, alt texts and code, where Discord shows text as it is: `command_name`.
    Discord finds the commands of a group by their names in English.
    """
    command_id = say.command_ids.get(path)
    if command_id is None:
        return command_name(path, say)
    typed = f"/{path}" if " " in path else command_name(path, say)
    return f"<{typed}:{command_id}>"


def option_name(name: str, say: Words) -> str:
    """Return the name of an option of a slash command as inline code."""
    return f"`{say.name(name)}`"


def flag_name(name: str, say: Words) -> str:
    """Return a flag of a prompt with its hyphens, in a spelling that is understood.

    name: its usual spelling, or any other one, which stays.
    """
    named = say.name(name)
    return f"--{named if FLAGS.get(named) == FLAGS.get(name) else name}"
