"""/admin filter: what is not painted on a server. Permissions are checked again."""

from __future__ import annotations

from typing import Any, Final

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.discord.commands.options import CHOICES, RuledChannel
from bot.discord.handlers.details import edit_reply
from bot.discord.interaction.downloads import file_content
from bot.discord.interaction.responses import (
    Interaction,
    actor_of,
    refuse,
    reply_outcome,
    reply_privately,
    words_of,
)
from bot.discord.interaction.services import Services
from bot.discord.views.attachments import text_file
from bot.moderation.filter.administration import (
    MAX_FILE_KIB,
    MAX_NAME_CHARS,
    FilterImported,
    RuleChanged,
    RuleSettings,
)
from bot.moderation.filter.patterns import MAX_REGEX_CHARS
from bot.moderation.filter.pictures import PictureListed
from bot.moderation.filter.transfer import write_rules
from bot.request.outcomes import Refused
from bot.request.reasons.filters import FilterFileTooLarge, NothingToFilter
from bot.wording import filters as wording
from engine.uploads import UploadLimits
from storage.filters import FilterAction, ServerFilter

FETCH_LIMIT_S: Final = 2.0
"""How long the download of a file may take: Discord waits three seconds for the answer."""
PICTURE_FETCH_LIMIT_S: Final = 30.0
"""The same for a picture, whose answer is announced first. Chosen by hand."""
FILE_NAME: Final = "filter.txt"
_WORDS_CHARS: Final = 1500
_PROMPT_CHARS: Final = 4000
_EVERYWHERE: Final = {"everywhere": True, "not_age_restricted": False}
_YES: Final = {"on": True, "off": False}

RuleName = Range[str, 1, MAX_NAME_CHARS]
WordList = Range[str, 1, _WORDS_CHARS]
Regex = Range[str, 1, MAX_REGEX_CHARS]

_RULE: Final = locale_str("The rule, perhaps a new one (default: the only one)")
_WHICH: Final = locale_str("The rule (default: the only one, or main)")
_ACTION_CHOICES: Final = [
    Choice(name=locale_str(text), value=action.value) for action, text in wording.ACTIONS.items()
]
_WHERE_CHOICES: Final = [
    Choice(name=locale_str(wording.PLACES[value]), value=name)
    for name, value in _EVERYWHERE.items()
]
_TOLD_CHOICES: Final = [
    Choice(name=locale_str("On"), value="on"),
    Choice(name=locale_str("Off"), value="off"),
]


def admin_filter(services: Services) -> app_commands.Group:
    """Return the group /admin filter, bound to these services."""
    group = app_commands.Group(
        name="filter", description=locale_str("What is not painted on this server")
    )
    for command in (
        _add(services),
        _remove(services),
        _set(services),
        *_files(services),
        _picture(services),
    ):
        group.add_command(command)
        if any(each.name == "rule" for each in command.parameters):
            _suggest_rules(command, services)

    @group.command(name="list", description=locale_str("See the rules of the filter"))
    async def list_(interaction: Interaction) -> None:
        outcome = await services.filter.rules(actor_of(interaction))
        await reply_outcome(interaction, outcome, wording.listed)

    @group.command(description=locale_str("Try a prompt: which rules find something in it"))
    @app_commands.describe(prompt=locale_str("A prompt, as somebody would write it"))
    async def test(interaction: Interaction, prompt: Range[str, 1, _PROMPT_CHARS]) -> None:
        outcome = await services.filter.test(actor_of(interaction), prompt)
        await reply_outcome(interaction, outcome, wording.tested)

    return group


def _add(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Add words or a pattern to a rule of the filter"))
    @app_commands.describe(
        words=locale_str("With commas between them; * stands for any letters"),
        regex=locale_str("A regular expression in the syntax of RE2"),
        allowed=locale_str("Words and phrases in which the rule finds nothing"),
        rule=_RULE,
    )
    async def add(
        interaction: Interaction,
        words: WordList = "",
        regex: Regex = "",
        allowed: WordList = "",
        rule: RuleName | None = None,
    ) -> None:
        actor = actor_of(interaction)
        await _changed(interaction, await services.filter.add(actor, rule, words, regex, allowed))

    return add


def _remove(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        description=locale_str("Remove words or a pattern from a rule, or the whole rule")
    )
    @app_commands.describe(
        words=locale_str("Its words and phrases, with commas between them"),
        regex=locale_str("A regular expression of the rule"),
        allowed=locale_str("Words and phrases that are no longer allowed"),
        rule=locale_str("The rule; with nothing else, all of it is removed"),
    )
    async def remove(
        interaction: Interaction,
        words: WordList = "",
        regex: Regex = "",
        allowed: WordList = "",
        rule: RuleName | None = None,
    ) -> None:
        actor = actor_of(interaction)
        await _changed(
            interaction, await services.filter.remove(actor, rule, words, regex, allowed)
        )

    return remove


def _set(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(
        name="set", description=locale_str("Change what a rule does, where, and for whom not")
    )
    @app_commands.describe(
        rule=_WHICH,
        action=locale_str("What becomes of a prompt with such words"),
        where=locale_str("Where the rule holds"),
        role=locale_str("A role that it does not concern; twice: it does again"),
        channel=locale_str("A channel where it does not hold; twice: it does again"),
        told=locale_str("Whether members are told which words it was"),
    )
    @app_commands.choices(action=_ACTION_CHOICES, where=_WHERE_CHOICES, told=_TOLD_CHOICES)
    async def set_(
        interaction: Interaction,
        rule: RuleName | None = None,
        action: str | None = None,
        where: str | None = None,
        role: discord.Role | None = None,
        channel: RuledChannel | None = None,
        told: str | None = None,
    ) -> None:
        settings = RuleSettings(
            FilterAction(action) if action in list(FilterAction) else None,
            _EVERYWHERE.get(where or ""),
            None if role is None else role.id,
            None if channel is None else channel.id,
        )
        actor = actor_of(interaction)
        outcome = await services.filter.set(actor, rule, settings, _YES.get(told or ""))
        if isinstance(outcome, ServerFilter):
            await _answer(interaction, wording.listed(outcome, words_of(interaction)))
        else:
            await _changed(interaction, outcome)

    return set_


def _files(services: Services) -> list[app_commands.Command[Any, ..., None]]:
    @app_commands.command(description=locale_str("Get the rules of the filter as a text file"))
    async def export(interaction: Interaction) -> None:
        outcome = await services.filter.export(actor_of(interaction))
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            say = words_of(interaction)
            await _answer(interaction, say("The filter of this server:"), outcome)

    @app_commands.command(
        name="import", description=locale_str("Replace all rules, or add a list of words to one")
    )
    @app_commands.describe(
        file=locale_str("A file of the filter, or one with a word in each line"),
        rule=locale_str("The rule for a list of words (default: the only one)"),
    )
    async def import_(
        interaction: Interaction, file: discord.Attachment, rule: RuleName | None = None
    ) -> None:
        actor = actor_of(interaction)
        refused = services.filter.refusal(actor)
        data = refused or await _content(file, MAX_FILE_KIB * 1024, FETCH_LIMIT_S)
        if isinstance(data, Refused):
            await refuse(interaction, data)
            return
        outcome = await services.filter.import_(actor, rule, data)
        if isinstance(outcome, FilterImported):
            text = wording.imported(outcome, words_of(interaction))
            await _answer(interaction, text, outcome.before)
        else:
            await _changed(interaction, outcome)

    return [export, import_]


def _picture(services: Services) -> app_commands.Command[Any, ..., None]:
    @app_commands.command(description=locale_str("Choose a picture that nothing is painted from"))
    @app_commands.describe(
        picture=locale_str("The number of a picture, such as one that was reported"),
        file=locale_str("A picture, or a copy of it"),
        remove=locale_str("Whether to take it off the list again (default: no)"),
    )
    async def picture(
        interaction: Interaction,
        picture: Range[str, 1, 20] = "",
        file: discord.Attachment | None = None,
        remove: bool = False,
    ) -> None:
        actor, filter_ = actor_of(interaction), services.picture_filter
        refused = filter_.admin_refusal(actor)
        if refused is None and not picture and file is None:
            refused = Refused(NothingToFilter(("picture", "file")))
        if refused is not None:
            await refuse(interaction, refused)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        outcome: PictureListed | Refused
        if file is None:
            outcome = await filter_.change_by_id(actor, picture, remove=remove)
        else:
            data = await _content(file, UploadLimits().bytes, PICTURE_FETCH_LIMIT_S)
            outcome = (
                data
                if isinstance(data, Refused)
                else await filter_.change_by_file(actor, data, remove=remove)
            )
        if isinstance(outcome, Refused):
            await refuse(interaction, outcome)
        else:
            text = wording.picture_listed(outcome, words_of(interaction))
            await edit_reply(interaction, text)

    return picture


def _suggest_rules(command: app_commands.Command[Any, ..., None], services: Services) -> None:
    async def rules(interaction: Interaction, current: str) -> list[Choice[str]]:
        if not services.serves(interaction.guild_id):
            return []
        found = await services.filter.matching(actor_of(interaction), current)
        return [Choice(name=each, value=each) for each in found[:CHOICES]]

    command.autocomplete("rule")(rules)


async def _content(
    file: discord.Attachment, limit_bytes: int, fetch_limit_s: float
) -> bytes | Refused:
    """Return the bytes of a file, unless it is too large or cannot be fetched in time."""
    if file.size > limit_bytes:
        return Refused(FilterFileTooLarge(limit_bytes // 1024))
    return await file_content(file, fetch_limit_s)


async def _changed(interaction: Interaction, outcome: RuleChanged | Refused) -> None:
    """Say how a rule is now; one that was deleted can be brought back from a file."""
    if isinstance(outcome, Refused):
        await refuse(interaction, outcome)
        return
    text = wording.rule_changed(outcome, words_of(interaction))
    await _answer(interaction, text, write_rules([outcome.rule]) if outcome.deleted else None)


async def _answer(interaction: Interaction, text: str, file: str | None = None) -> None:
    """Answer privately, perhaps with a file."""
    files = [] if file is None else [text_file(FILE_NAME, file.encode())]
    await reply_privately(interaction, text, files)
