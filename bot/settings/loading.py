"""Settings from the environment, config.toml and defaults, in this order, checked as a whole."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from bot.i18n import Message, Words, translatable
from bot.setting_names import (
    ENV_PREFIX,
    TOKEN_ENV,
    UnknownName,
    nearest_setting,
    unknown_variables,
)
from bot.settings.engine import OF_ITS_MODEL, EngineSection
from bot.settings.sections import (
    DiscordSection,
    JobsSection,
    LogSection,
    ModerationSection,
    QuotaSection,
    StorageSection,
)
from bot.settings.sources import KeyPath, key_lines, line_of, variable_of
from engine.settings import AUTO

DEFAULT_CONFIG = Path("config.toml")
_SECRETS = frozenset({"discord.token", "discord.proxy"})


class InvalidSetting(Exception):
    """A setting is invalid; str() is one sentence that names it, `said` the same in a language.

    What pydantic and TOML say of a value stays in English within it.
    """

    def __init__(self, text: str, **values: object) -> None:
        self.message = Message(text, values)
        super().__init__(str(self.message))

    def said(self, say: Words) -> str:
        """Return the sentence in a language."""
        return self.message.said(say)


class Settings(BaseSettings):
    """Everything that the bot's owner can configure. Create it with `load`."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    discord: DiscordSection = DiscordSection()
    engine: EngineSection = EngineSection()
    storage: StorageSection = StorageSection()
    quota: QuotaSection = QuotaSection()
    jobs: JobsSection = JobsSection()
    moderation: ModerationSection = ModerationSection()
    log: LogSection = LogSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment override what `load` read from the file."""
        return env_settings, init_settings


def load(path: Path | None, **override: Any) -> Settings:
    """Load the settings. path: None for config.toml in the working directory, if it exists.

    override: sections from the command line, e.g. `engine={"model": "sketch"}`; they take
    precedence. Raises InvalidSetting.
    """
    _check_variables()
    text = read_text(path)
    values_by_section = _parsed(text, path)
    token = os.environ.get(TOKEN_ENV)
    if token:
        section = values_by_section.setdefault("discord", {})
        if isinstance(section, dict):
            section["token"] = token
    try:
        settings = Settings(**values_by_section)
        for name, values in override.items():
            section = getattr(settings, name)
            if values.get("model", settings.engine.model) != settings.engine.model:
                values = _another_model(settings.engine, values)
            changed = type(section).model_validate(section.model_dump() | values)
            settings = settings.model_copy(update={name: changed})
    except ValidationError as error:
        raise _described(error, path, text) from None
    except SettingsError as error:
        raise InvalidSetting(
            translatable("A setting in the environment cannot be read: {reason}."), reason=error
        ) from None
    return settings


def _another_model(engine: EngineSection, values: dict[str, Any]) -> dict[str, Any]:
    """Return what the command line says about a model, completed by what the file says about it.

    It is a source like that of the file, or the name of one of the file's models.
    """
    # What the file says about its own model does not hold for another.
    plain = {"family": AUTO, "models": {}} | dict.fromkeys(OF_ITS_MODEL)
    found = engine.models.get(values["model"])
    if found is None:
        return plain | values
    own = found.model_dump(include={"family", *OF_ITS_MODEL})
    return plain | own | values | {"model": found.source}


def _keys() -> dict[str, list[str]]:
    """Return the keys of each section."""
    return {
        section: list(getattr(field.annotation, "model_fields", {}))
        for section, field in Settings.model_fields.items()
    }


def _check_variables() -> None:
    """Raise InvalidSetting for variables that no setting has; pydantic would ignore most."""
    unknown = unknown_variables(os.environ, _keys())
    if unknown:
        raise InvalidSetting(
            translatable("There is no setting {names} in the environment."), names=_named(unknown)
        )


def _named(unknown: Sequence[UnknownName]) -> Message:
    first, *others = [
        Message(each.name)
        if each.nearest is None
        else Message(
            translatable("{name} (did you mean {nearest}?)"),
            {"name": each.name, "nearest": each.nearest},
        )
        for each in unknown
    ]
    for each in others:
        first = Message(translatable("{first} and none {second}"), {"first": first, "second": each})
    return first


def read_text(path: Path | None) -> str:
    """Return the text of the configuration file. path: as of `load`. Raises InvalidSetting."""
    config_path = path or DEFAULT_CONFIG
    try:
        return config_path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if path is None:
            return ""
        raise InvalidSetting(
            translatable("The configuration file {path} does not exist."), path=path
        ) from None
    except OSError as error:
        raise InvalidSetting(
            translatable("The configuration file {path} cannot be read: {reason}."),
            path=config_path,
            reason=error.strerror,
        ) from None
    except UnicodeDecodeError as error:
        raise _not_toml(config_path, error) from None


def _parsed(text: str, path: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(path or DEFAULT_CONFIG, error) from None


def _not_toml(path: Path, error: Exception) -> InvalidSetting:
    """Describe an error in which TOML only names the place, with its usual cause."""
    text, values = str(error), {"path": path, "reason": error}
    if "hex value" in text or "Unescaped" in text:
        return InvalidSetting(
            translatable(
                "The configuration file {path} is not valid TOML: {reason}. Write paths of Windows "
                "in single quotes, as in 'C:\\pictures', or with slashes (/)."
            ),
            **values,
        )
    if text.startswith("Invalid value"):
        return InvalidSetting(
            translatable(
                "The configuration file {path} is not valid TOML: {reason}. Text is in straight "
                'quotation marks ("…"); true and false are in small letters.'
            ),
            **values,
        )
    return InvalidSetting(
        translatable("The configuration file {path} is not valid TOML: {reason}."), **values
    )


def _described(error: ValidationError, path: Path | None, text: str) -> InvalidSetting:
    """Describe the first problem in one sentence that never contains a secret's value.

    text: that of the file.
    """
    first = error.errors()[0]
    keys = tuple(str(part) for part in first["loc"])
    where = ".".join(keys)
    place = _place(keys, path or DEFAULT_CONFIG, text)
    if first["type"] == "extra_forbidden":
        nearest = nearest_setting(where, _keys())
        if nearest is None:
            unknown = translatable("There is no setting {name} ({place}); is it misspelled?")
            return InvalidSetting(unknown, name=where, place=place)
        return InvalidSetting(
            translatable("There is no setting {name} ({place}); did you mean {nearest}?"),
            name=where,
            place=place,
            nearest=nearest,
        )
    message = first["msg"].removeprefix("Value error, ")
    if message[1:2].islower():  # the first word is not an abbreviation
        message = message[:1].lower() + message[1:]
    if (
        where == "discord"
        or where in _SECRETS
        or not isinstance(first["input"], str | int | float | bool)
    ):
        return InvalidSetting(
            translatable("The setting {name} ({place}) is invalid: {reason}."),
            name=where,
            place=place,
            reason=message,
        )
    return InvalidSetting(
        translatable("The setting {name} = {value} ({place}) is invalid: {reason}."),
        name=where,
        value=repr(first["input"]),
        place=place,
        reason=message,
    )


def _place(keys: KeyPath, path: Path, text: str) -> Message:
    """Say where a setting was given. keys: its section, itself, and what is in it."""
    variable = variable_of(keys[0], keys[1], os.environ) if len(keys) > 1 else None
    if variable is not None:
        return Message(
            translatable("in the environment variable {variable}"), {"variable": variable}
        )
    line, file = line_of(keys, key_lines(text)), {"path": path}
    if line is None:
        return Message(translatable("in {path} or the environment"), file)
    if len(keys) > 1:
        return Message(translatable("in {path}, line {line}"), file | {"line": line})
    # What a section says as a whole may be of both.
    return Message(translatable("in {path}, line {line} or the environment"), file | {"line": line})
