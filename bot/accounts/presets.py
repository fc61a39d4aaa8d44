"""Presets of members, defaults of members, channels and servers, and requests that use them."""

from __future__ import annotations

import difflib
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog

from bot.accounts.lora_access import LoraAccess
from bot.accounts.member_cache import MemberCache
from bot.accounts.model_access import ModelAccess
from bot.accounts.permissions import Action, Actor, Permissions
from bot.accounts.rules.books import RuleBooks, facts_of
from bot.accounts.rules.fitting import fitted, kept_private
from bot.request.models import OfferedModel
from bot.request.outcomes import NotAllowed, Refused, StorageUnavailable
from bot.request.presets import PresetSettings, filled, read_settings, settings_line
from bot.request.prompt.apply_flags import ParsedRequest
from bot.request.reasons.presets import (
    PresetLimit,
    UnknownPreset,
    UnknownPresetCode,
    UnnamedPreset,
)
from bot.request.values.loras import LoraChoice, without_none, written
from engine.diffusion.families import Family, Feature
from engine.prompts import clean
from storage.errors import StorageError
from storage.presets import (
    MAX_PRESETS,
    Presets,
    RequestDefaults,
    StoredPreset,
    TooManyPresets,
)

log = structlog.get_logger(__name__)

MAX_NAME_CHARS: Final = 50
"""Of the name of a preset: a phone shows it on one line. Chosen by hand."""
KEPT_PEOPLE: Final = 500
"""Members whose presets are in memory at the same time. Chosen by hand."""
USUAL_OPTIONS: Final = ("aspect", "speed", "style", "enhance", "count")
"""The options that have defaults; a line of settings may have more."""
_CODE_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are mistaken for others."""
_CODE_CHARS: Final = 8
"""31^8 codes: one guess in 10^8 finds one of ten thousand presets."""


@dataclass(frozen=True, slots=True)
class SavedPreset:
    """A preset that was saved. replaced: it took the place of one of the same name."""

    preset: StoredPreset
    replaced: bool


class PresetService:
    """Saves, lists and shares presets. They are their owner's on every server of this bot."""

    def __init__(self, presets: Presets) -> None:
        self._presets = presets
        self._listed = MemberCache(presets.of, KEPT_PEOPLE)

    async def save(self, actor: Actor, name: str, line: str) -> SavedPreset | Refused:
        """Save a line of words and flags by a name; one of the same name is replaced."""
        name = " ".join(clean(name).split())
        if not 1 <= len(name) <= MAX_NAME_CHARS:
            return Refused(UnnamedPreset(MAX_NAME_CHARS))
        settings = read_settings(line)
        if isinstance(settings, Refused):
            return settings
        code = "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_CHARS))
        try:
            saved, replaced = await self._presets.save(
                actor.user_id, name, lookup(name), settings_line(settings), code
            )
        except TooManyPresets:
            return Refused(PresetLimit(MAX_PRESETS))
        self.forget(actor.user_id)
        return SavedPreset(saved, replaced)

    async def copy(self, actor: Actor, code: str, name: str | None) -> SavedPreset | Refused:
        """Save a copy of the preset with this code, by its own name or another one."""
        code = clean(code).strip().upper()
        found = await self._presets.by_code(code)
        if found is None:
            return Refused(UnknownPresetCode(code[:_CODE_CHARS]))
        return await self.save(actor, name or found.name, found.line)

    async def listed(self, actor: Actor) -> tuple[StoredPreset, ...]:
        """Return all presets of a member, by name; from memory once they have been read."""
        return await self._listed.get(actor.user_id)

    def forget(self, user_id: int) -> None:
        """Drop a member's presets from memory after a change."""
        self._listed.forget(user_id)

    async def matching(self, actor: Actor, typed: str) -> tuple[StoredPreset, ...]:
        """Return the presets of a member whose names have the typed text."""
        needle = lookup(typed)
        return tuple(each for each in await self.listed(actor) if needle in lookup(each.name))

    async def find(self, actor: Actor, name: str) -> StoredPreset | Refused:
        """Return one preset of a member by its name."""
        found = await self._presets.get(actor.user_id, lookup(name))
        return found or Refused(await self._unknown(actor, name))

    async def delete(self, actor: Actor, name: str) -> StoredPreset | Refused:
        """Forget a preset of a member, and return what it was."""
        found = await self.find(actor, name)
        if not isinstance(found, Refused):
            await self._presets.delete(actor.user_id, lookup(found.name))
            self.forget(actor.user_id)
        return found

    async def _unknown(self, actor: Actor, name: str) -> UnknownPreset:
        return unknown_preset(name, await self.listed(actor))


class DefaultsService:
    """Reads and changes the settings that requests use where they leave them open."""

    def __init__(self, defaults: RequestDefaults, permissions: Permissions) -> None:
        self._defaults = defaults
        self._permissions = permissions

    async def own(self, actor: Actor) -> PresetSettings:
        """Return a member's own on this server."""
        return _readable(await self._defaults.get(actor.guild_id, user_id=actor.user_id))

    async def set_own(self, actor: Actor, **changes: Any) -> PresetSettings | Refused:
        """Change a member's own by option name; None forgets one."""
        if not self._permissions.allows(actor, Action.SET_OWN_SETTINGS):
            return Refused(NotAllowed(Action.SET_OWN_SETTINGS))
        return await self._set(actor, changes, user_id=actor.user_id)

    async def set_shared(
        self, actor: Actor, channel_id: int | None, **changes: Any
    ) -> PresetSettings | Refused:
        """Change those of the actor's server, or (channel_id) of one of its channels."""
        if not self._permissions.allows(actor, Action.SET_SETTINGS):
            return Refused(NotAllowed(Action.SET_SETTINGS))
        return await self._set(actor, changes, channel_id=channel_id)

    async def _set(
        self, actor: Actor, changes: dict[str, Any], **scope: Any
    ) -> PresetSettings | Refused:
        settings = _readable(await self._defaults.get(actor.guild_id, **scope))
        if not changes:
            return settings
        given = {**settings.given, **changes}
        given = {name: value for name, value in given.items() if value is not None}
        settings = PresetSettings(settings.words, given)
        line = settings_line(settings) or None
        # Options have what their lists have, unless another version's command was used.
        if line is not None and isinstance(checked := read_settings(line), Refused):
            return checked
        await self._defaults.set(actor.guild_id, line, by=actor.user_id, **scope)
        return settings


class SettingsFiller:
    """Gives requests the settings that they leave open: of their preset, then of the defaults."""

    def __init__(
        self,
        presets: Presets,
        defaults: RequestDefaults,
        lora_access: LoraAccess,
        model_access: ModelAccess,
        rules: RuleBooks | None = None,
    ) -> None:
        """rules: what is still open stays within them; None if there are none."""
        self._rules = rules
        self._presets = presets
        self._defaults = defaults
        self._lora_access = lora_access
        self._model_access = model_access

    async def fill(
        self, actor: Actor, parsed: Sequence[ParsedRequest], *, defaults: bool = True
    ) -> tuple[ParsedRequest, ...] | Refused:
        """Fill in what each of these requests leaves open.

        What of a preset is not open here, or not what the model can do, is left out and named.
        defaults: False for a preset alone, where a picture has the rest.
        """
        try:
            return await self._fill(actor, parsed, defaults)
        except StorageError as error:
            log.warning("settings not read", detail=str(error))
            return Refused(StorageUnavailable())

    async def _fill(
        self, actor: Actor, requests: Sequence[ParsedRequest], defaults: bool
    ) -> tuple[ParsedRequest, ...] | Refused:
        channel_id = actor.channel_id if actor.parent_id is None else actor.parent_id
        lines = await self._defaults.of(actor.guild_id, channel_id, actor.user_id)
        lines = lines if defaults else ()
        usual = [_readable(line) for line in lines]
        found: list[ParsedRequest] = []
        for each in requests:
            request = await self._with_preset(actor, each)
            if isinstance(request, Refused):
                return request
            request = await self._with_defaults(actor, request, usual)
            found.append(await self._within_rules(actor, request, fitting=defaults))
        return tuple(found)

    async def _within_rules(
        self, actor: Actor, parsed: ParsedRequest, *, fitting: bool
    ) -> ParsedRequest:
        """Return a request as private as the rules want it, and (fitting) as small."""
        if self._rules is None:
            return parsed
        try:
            book = await self._rules.of(actor.guild_id)
        except TimeoutError:  # accepting refuses it
            return parsed
        member = facts_of(actor)
        parsed = kept_private(parsed, book, member)
        if not fitting or not book.rules:
            return parsed
        model = await self._model_access.chosen(actor, parsed.params.model)
        return parsed if isinstance(model, Refused) else fitted(parsed, book, member, model.family)

    async def _with_preset(self, actor: Actor, parsed: ParsedRequest) -> ParsedRequest | Refused:
        name = parsed.params.preset
        if name is None:
            return parsed
        stored = await self._presets.get(actor.user_id, lookup(name))
        if stored is None:
            return Refused(unknown_preset(name, await self._presets.of(actor.user_id)))
        settings = read_settings(stored.line)
        if isinstance(settings, Refused):  # another version wrote it
            return settings
        settings, left_out = await self._usable(actor, parsed, settings)
        request, _ = filled(parsed, settings)
        params = replace(request.params, preset=None, used_preset=stored.name, left_out=left_out)
        return replace(request, params=params)

    async def _with_defaults(
        self, actor: Actor, parsed: ParsedRequest, usual: Iterable[PresetSettings]
    ) -> ParsedRequest:
        model = await self._model_access.chosen(actor, parsed.params.model)
        if isinstance(model, Refused):  # resolving refuses it
            return parsed
        taken: dict[str, Any] = {}
        for settings in usual:
            fitting = settings.without(_beyond(settings, model.family))
            parsed, names = filled(parsed, fitting)
            taken |= {name: settings.given[name] for name in sorted(names)}
        line = settings_line(PresetSettings("", taken))
        return replace(parsed, params=replace(parsed.params, defaults=line)) if line else parsed

    async def _usable(
        self, actor: Actor, parsed: ParsedRequest, settings: PresetSettings
    ) -> tuple[PresetSettings, tuple[str, ...]]:
        """Return settings without what cannot be used here, and that as it is written."""
        left_out: list[str] = []
        named = parsed.params.model or settings.given.get("model")
        model = await self._model_access.chosen(actor, named)
        if isinstance(model, Refused) and parsed.params.model is None:
            left_out.append(named or "")
            settings = settings.without(("model",))
            model = await self._model_access.chosen(actor, None)
        if isinstance(model, Refused):  # resolving refuses it
            return settings, tuple(left_out)
        given = dict(settings.given)
        for name in _beyond(settings, model.family):
            left_out.append(f"--{name} {given.pop(name)}")
        choices: tuple[LoraChoice, ...] = given.get("lora", ())
        if parsed.params.lora or not choices:
            return PresetSettings(settings.words, given), tuple(left_out)
        open_here = {each.name for each in await self._lora_access.matching(actor, model)}
        kept = tuple(each for each in choices if _is_open(each, model, open_here))
        left_out += (written((each,)) for each in choices if each not in kept)
        given["lora"] = kept
        return PresetSettings(settings.words, given), tuple(left_out)


def lookup(name: str) -> str:
    """Return a name as presets are looked up by it: without regard to case, width and spaces."""
    return " ".join(unicodedata.normalize("NFKC", clean(name)).casefold().split())


def unknown_preset(name: str, presets: Iterable[StoredPreset]) -> UnknownPreset:
    """Return the reason that names the member's own presets, the nearest first."""
    names = [each.name for each in presets]
    near = difflib.get_close_matches(name, names, len(names) or 1, 0.0)
    return UnknownPreset(clean(name)[:MAX_NAME_CHARS], tuple(near))


def _readable(line: str | None) -> PresetSettings:
    """Read stored defaults; nothing of those that this version does not understand."""
    settings = PresetSettings() if line is None else read_settings(line)
    if isinstance(settings, Refused):
        log.warning("defaults not read", line=line)
        return PresetSettings()
    return settings


def _beyond(settings: PresetSettings, family: Family) -> tuple[str, ...]:
    """Return the options whose values this family has not."""
    speed, level = settings.given.get("speed"), settings.given.get("enhance")
    style = settings.given.get("style")
    negative = "negative" in settings.given and not family.supports(Feature.NEGATIVE)
    found = {
        "speed": speed is not None and speed not in family.speeds,
        "enhance": level is not None and level not in family.levels,
        "negative": negative,
        "style": style is not None
        and family.known_styles is not None
        and style not in family.known_styles,
    }
    return tuple(name for name, beyond in found.items() if beyond)


def _is_open(choice: LoraChoice, model: OfferedModel, names: Collection[str]) -> bool:
    if not without_none((choice,)):
        return True
    found = model.loras.names((choice,))
    return isinstance(found, tuple) and all(each in names for each in found)
