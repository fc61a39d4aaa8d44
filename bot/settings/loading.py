"""Settings from the environment, config.toml and defaults, in this order, checked as a whole."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from bot.setting_names import ENV_PREFIX, TOKEN_ENV, nearest_setting, unknown_variables
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
from bot.settings.values import WINDOWS_PATHS
from engine.settings import AUTO

DEFAULT_CONFIG = Path("config.toml")
_SECRETS = frozenset({"discord.token", "discord.proxy"})


class InvalidSetting(Exception):
    """A setting is invalid; str() is one sentence that names it."""


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
        raise InvalidSetting(_describe(error, path, text)) from None
    except SettingsError as error:
        raise InvalidSetting(f"A setting in the environment cannot be read: {error}.") from None
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
        named = [
            each.name if each.nearest is None else f"{each.name} (did you mean {each.nearest}?)"
            for each in unknown
        ]
        raise InvalidSetting(f"There is no setting {' and none '.join(named)} in the environment.")


def read_text(path: Path | None) -> str:
    """Return the text of the configuration file. path: as of `load`. Raises InvalidSetting."""
    config_path = path or DEFAULT_CONFIG
    try:
        return config_path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if path is None:
            return ""
        raise InvalidSetting(f"The configuration file {path} does not exist.") from None
    except OSError as error:
        raise InvalidSetting(
            f"The configuration file {config_path} cannot be read: {error.strerror}."
        ) from None
    except UnicodeDecodeError as error:
        raise InvalidSetting(_not_toml(config_path, error)) from None


def _parsed(text: str, path: Path | None) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidSetting(_not_toml(path or DEFAULT_CONFIG, error)) from None


def _not_toml(path: Path, error: Exception) -> str:
    said = f"The configuration file {path} is not valid TOML: {error}."
    return f"{said}{_toml_advice(error)}"


def _toml_advice(error: Exception) -> str:
    """Return a sentence about the usual causes of errors in which TOML only names the place."""
    text = str(error)
    if "hex value" in text or "Unescaped" in text:
        return f" {WINDOWS_PATHS[:1].upper()}{WINDOWS_PATHS[1:]}."
    if text.startswith("Invalid value"):
        return ' Text is in straight quotation marks ("…"); true and false are in small letters.'
    return ""


def _describe(error: ValidationError, path: Path | None, text: str) -> str:
    """Describe the first problem in one sentence that never contains a secret's value.

    text: that of the file.
    """
    first = error.errors()[0]
    keys = tuple(str(part) for part in first["loc"])
    where = ".".join(keys)
    source = f" ({_place(keys, path or DEFAULT_CONFIG, text)})"
    if first["type"] == "extra_forbidden":
        nearest = nearest_setting(where, _keys())
        question = "is it misspelled?" if nearest is None else f"did you mean {nearest}?"
        return f"There is no setting {where}{source}; {question}"
    message = first["msg"].removeprefix("Value error, ")
    if message[1:2].islower():  # the first word is not an abbreviation
        message = message[:1].lower() + message[1:]
    if (
        where == "discord"
        or where in _SECRETS
        or not isinstance(first["input"], str | int | float | bool)
    ):
        return f"The setting {where}{source} is invalid: {message}."
    return f"The setting {where} = {first['input']!r}{source} is invalid: {message}."


def _place(keys: KeyPath, path: Path, text: str) -> str:
    """Say where a setting was given. keys: its section, itself, and what is in it."""
    variable = variable_of(keys[0], keys[1], os.environ) if len(keys) > 1 else None
    if variable is not None:
        return f"in the environment variable {variable}"
    line = line_of(keys, key_lines(text))
    place = f"in {path}" if line is None else f"in {path}, line {line}"
    # What a section says as a whole may be of both.
    return place if len(keys) > 1 and line is not None else f"{place} or the environment"
