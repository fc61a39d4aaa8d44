"""Settings from the environment, config.toml and defaults, in this order, checked once at start."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from bot.proxies import Proxies, parse_proxy
from bot.setting_names import ENV_PREFIX, TOKEN_ENV, nearest_setting, unknown_variables
from engine.diffusion.families import FAMILIES
from engine.diffusion.footprint import MemoryPlan
from engine.diffusion.lora.admission import MAX_RANK
from engine.model_names import MAX_NAME_CHARS, is_model_name, short_name
from engine.settings import AUTO, EngineSettings

DEFAULT_CONFIG = Path("config.toml")
_FIRST_PRINTABLE = 0x20
_WINDOWS_PATHS = (
    "write paths of Windows in single quotes, as in 'C:\\pictures', or with slashes (/)"
)
_SECRETS = frozenset({"discord.token", "discord.proxy"})


_OF_ITS_MODEL = ("text_encoder", "vae", "tokenizer", "revision")
"""Settings under [engine] that belong to the model that the file names."""


class InvalidSetting(Exception):
    """A setting is invalid; str() is one sentence that names it."""


def _ids(value: Any) -> Any:
    """Accept "1, 2" and "[1, 2]" from the environment, and one id, as well as TOML's own lists."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            raise ValueError("expected a list of numbers like [1, 2]") from None
    return [part.strip() for part in text.split(",") if part.strip()]


Snowflake = Annotated[int, Field(gt=0, lt=2**63)]
Snowflakes = Annotated[tuple[Snowflake, ...], NoDecode, BeforeValidator(_ids)]


def _folder(value: Any) -> Any:
    """Accept the path of a folder that can be the bot's; Path() would take "" for "."."""
    if not isinstance(value, str | Path):
        raise ValueError("expected the path of a folder, in quotation marks")
    text = str(value).strip()
    if not text:
        raise ValueError("it is empty; give the path of a folder")
    _refuse_control_characters(text)
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home folder {Path(text).parts[0]}") from None
    whole = Path(os.path.abspath(path))  # noqa: PTH100, for .. is not to be resolved on disk
    if whole == Path(whole.anchor):
        raise ValueError("the root of a disk cannot be the data folder; give a folder in it")
    return path


def _path(value: Any) -> Any:
    """Accept the path of a file or folder, which need not exist yet; `~` is the user's home."""
    if not isinstance(value, str | Path) or not str(value).strip():
        raise ValueError("expected the path of a file or folder, in quotation marks")
    text = str(value).strip()
    _refuse_control_characters(text)
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text} is in the home of nobody known here") from None


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    _refuse_control_characters(text)
    return text


def _refuse_control_characters(text: str) -> None:
    """In TOML's double quotes, C:\\temp has a tab in place of its backslash and t."""
    if any(ord(each) < _FIRST_PRINTABLE for each in text):
        raise ValueError(f"it contains control characters; {_WINDOWS_PATHS}")


def _proxy(address: SecretStr) -> SecretStr:
    if address.get_secret_value().strip():
        parse_proxy(address.get_secret_value())
    return address


def _device(name: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", name):
        raise ValueError('use "auto", "cuda", "cuda:1" for the second GPU, "mps" or "cpu"')
    return name


def _memory_plan(name: str) -> str:
    return name if name == AUTO else str(MemoryPlan.parse(name))


def _family(name: str) -> str:
    names = [AUTO, *(family.name for family in FAMILIES)]
    if name not in names:
        raise ValueError(f"{name!r} is no model family: use one of {', '.join(names)}")
    return name


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DiscordSection(_Section):
    """Which application the bot is, how it reaches Discord, and which servers it serves.

    proxy: "" for none whatever the environment says, None for what the environment says.
    owner_server: which has the owners' commands, None for none.
    """

    token: SecretStr | None = None
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = None
    guilds: Snowflakes = ()
    owners: Snowflakes = ()
    owner_server: Snowflake | None = None
    previews: bool = True
    answer_mentions: bool = False
    remove_old_commands: bool = False

    @property
    def proxies(self) -> Proxies:
        """The proxies of requests to Discord."""
        return Proxies(None if self.proxy is None else self.proxy.get_secret_value())


MAX_MODELS = 25
"""As many as Discord suggests for one option."""
_RESERVED_NAMES = ("all", "none")
"""What `/admin models` calls every model, and no model."""


def _named_source(value: Any) -> Any:
    """Accept a source alone in place of a table."""
    if isinstance(value, str):
        return {"source": value}
    if isinstance(value, dict | ModelSection):
        return value
    raise ValueError("expected a model in quotation marks, or a table with its source")


class ModelSection(_Section):
    """One of the models under [engine.models]. sample: a picture of what it paints.

    Title and description are as long as a page of `/models` has room for.
    """

    source: Annotated[str, AfterValidator(_not_blank)]
    family: Annotated[str, AfterValidator(_family)] = AUTO
    text_encoder: Annotated[Path, BeforeValidator(_path)] | None = None
    vae: Annotated[Path, BeforeValidator(_path)] | None = None
    tokenizer: Annotated[Path, BeforeValidator(_path)] | None = None
    revision: Annotated[str, AfterValidator(_not_blank)] | None = None
    title: Annotated[str, Field(max_length=40), AfterValidator(_not_blank)] | None = None
    description: Annotated[str, Field(max_length=120), AfterValidator(_not_blank)] | None = None
    sample: Annotated[Path, BeforeValidator(_path)] | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ConfiguredModel:
    """A model that the owner offers. title, description: "" if there is none."""

    name: str
    settings: EngineSettings
    title: str = ""
    description: str = ""
    sample: Path | None = None


class EngineSection(_Section):
    """The models, the device, and the limits of the queue."""

    model: Annotated[str, AfterValidator(_not_blank)] = "sketch"
    family: Annotated[str, AfterValidator(_family)] = AUTO
    text_encoder: Annotated[Path, BeforeValidator(_path)] | None = None
    vae: Annotated[Path, BeforeValidator(_path)] | None = None
    tokenizer: Annotated[Path, BeforeValidator(_path)] | None = None
    revision: Annotated[str, AfterValidator(_not_blank)] | None = None
    download: bool = False
    device: Annotated[str, AfterValidator(_device)] = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    queue_limit: Annotated[int, Field(ge=1, le=100_000)] = 100
    user_limit: Annotated[int, Field(ge=1, le=100_000)] | None = 10
    server_limit: Annotated[int, Field(ge=1, le=100_000)] | None = None
    stall_s: Annotated[float, Field(ge=1, le=86_400)] = 300.0
    drain_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    memory: Annotated[str, AfterValidator(_memory_plan)] = AUTO
    allow_quantized: bool = False
    reserve_gib: Annotated[float, Field(ge=0, le=1024, allow_inf_nan=False)] = 0.5
    idle_unload_s: Annotated[float, Field(ge=1, le=30 * 86400)] | None = None
    smart_limit_s: Annotated[float, Field(ge=1, le=120)] = 10.0
    loras: Annotated[Path, BeforeValidator(_path)] | None = None
    lora_max_rank: Annotated[int, Field(ge=1, le=4096)] = MAX_RANK
    lora_strict: bool = False
    models: Mapping[str, Annotated[ModelSection, BeforeValidator(_named_source)]] = {}

    @field_validator("models")
    @classmethod
    def _names(cls, models: Mapping[str, ModelSection]) -> Mapping[str, ModelSection]:
        for name in models:
            if not is_model_name(name) or name in _RESERVED_NAMES:
                raise ValueError(
                    f"{name!r} cannot be a model's name: use up to {MAX_NAME_CHARS} small letters, "
                    f"digits, dots, hyphens and underscores, but not {' or '.join(_RESERVED_NAMES)}"
                )
        return models

    @model_validator(mode="after")
    def _one_default(self) -> EngineSection:
        named = [name for name, each in self.models.items() if each.source == self.model]
        default = named[0] if named else short_name(self.model)
        if len(named) > 1:
            raise ValueError(
                f"engine.models.{named[1]}: {named[0]} is of the same source, which is that of "
                "engine.model"
            )
        for key in ("family", *_OF_ITS_MODEL):
            if named and getattr(self.models[default], key) not in (None, AUTO):
                raise ValueError(
                    f"engine.models.{default}.{key}: set it under [engine], because {default} is "
                    "the model there"
                )
        if self.models and not named and default in (*self.models, *_RESERVED_NAMES):
            raise ValueError(
                f"engine.models.{default}: the model under [engine] would have this name too; "
                "give one of the two another name here"
            )
        if len(self.models) + (not named) > MAX_MODELS:
            raise ValueError(f"engine.models: at most {MAX_MODELS} models can be offered")
        return self

    def offered(self, cache_dir: Path | None = None) -> tuple[ConfiguredModel, ...]:
        """Return all models that can be chosen, the default one first. cache_dir: as below."""
        whole = self.to_engine(cache_dir)
        found: list[ConfiguredModel] = []
        for name, each in self.models.items():
            own = whole
            if each.source != self.model:
                own = dataclasses.replace(
                    whole,
                    model=each.source,
                    family=each.family,
                    text_encoder=each.text_encoder,
                    vae=each.vae,
                    tokenizer=each.tokenizer,
                    revision=each.revision,
                )
            texts = (each.title or "", each.description or "")
            found.append(ConfiguredModel(name, own, *texts, each.sample))
        if all(each.source != self.model for each in self.models.values()):
            found.append(ConfiguredModel(short_name(self.model), whole))
        return tuple(sorted(found, key=lambda each: each.settings.model != self.model))

    def to_engine(self, cache_dir: Path | None = None) -> EngineSettings:
        """Return the engine's own settings. cache_dir: None disables its cache."""
        same = self.model_dump(exclude={"memory", "reserve_gib", "smart_limit_s", "models"})
        return EngineSettings(
            **same,
            memory_plan=self.memory,
            reserve_bytes=int(self.reserve_gib * 2**30),
            expand_limit_s=self.smart_limit_s,
            cache_dir=cache_dir,
        )


class StorageSection(_Section):
    """Where pictures and the database are stored, and how many backups and pictures are kept.

    backups: 0 for none. backup_hour: of the day, in UTC. keep_days, limit_gib, keep_prompts_days:
    None for no limit. server_grace_days: after which a server that removed the bot is erased.
    """

    data_dir: Annotated[Path, BeforeValidator(_folder)] = Path("data")
    backups: Annotated[int, Field(ge=0, le=1000)] = 7
    backup_hour: Annotated[int, Field(ge=0, le=23)] = 3
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    limit_gib: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = None
    keep_prompts_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    server_grace_days: Annotated[int, Field(ge=0, le=3650)] = 30

    @property
    def cache_dir(self) -> Path:
        """The folder for everything that can be recreated."""
        return self.data_dir / "cache"


class QuotaSection(_Section):
    """How much each member may paint on servers whose admins have set nothing else.

    server_pictures: what all members of a server may paint together within server_hours, None for
    no ceiling; servers: the same for single servers, by their id. cancelled_s: seconds of painting
    that a member may cancel free within the window of their quota.
    The default was chosen by hand: it never stops whoever corrects a prompt now and then, and it
    leaves more than 99 % of a day's painting to the others.
    """

    pictures: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    hours: Annotated[int, Field(ge=1, le=8760)] = 24
    server_pictures: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    server_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    servers: Mapping[Snowflake, Annotated[int, Field(ge=0, le=100_000_000)]] = {}
    cancelled_s: Annotated[float, Field(ge=0, le=8760 * 3600, allow_inf_nan=False)] = 600.0

    def ceiling(self, guild_id: int) -> int | None:
        """Return what all members of a server may paint together; None for no ceiling."""
        return self.servers.get(guild_id, self.server_pictures)


class JobsSection(_Section):
    """How long jobs may wait, and how long their results are worth sending."""

    max_wait_s: Annotated[float, Field(ge=1, le=30 * 86400)] = 2 * 3600
    max_age_s: Annotated[float, Field(ge=60, le=365 * 86400)] = 24 * 3600
    direct_messages: bool = True


class ModerationSection(_Section):
    """A function of the owner's that looks at every picture before it is shown.

    picture_check: "module:function", None for none. picture_check_s: how long one picture may take.
    picture_check_failure: what becomes of a picture of which the function says nothing, because of
    an error or because it took too long. By default it is painted and reported: a broken function
    stops nobody from painting, and nothing passes unseen.
    """

    picture_check: Annotated[str, AfterValidator(_not_blank)] | None = None
    picture_check_s: Annotated[float, Field(ge=0.1, le=600)] = 20.0
    picture_check_failure: Literal["pass", "spoiler", "report", "refuse"] = "report"


class LogSection(_Section):
    """What is logged, and in which format."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


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
    values_by_section = _read(path)
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
        raise InvalidSetting(_describe(error, path)) from None
    except SettingsError as error:
        raise InvalidSetting(f"A setting in the environment cannot be read: {error}.") from None
    return settings


def _another_model(engine: EngineSection, values: dict[str, Any]) -> dict[str, Any]:
    """Return what the command line says about a model, completed by what the file says about it.

    It is a source like that of the file, or the name of one of the file's models.
    """
    # What the file says about its own model does not hold for another.
    plain = {"family": AUTO, "models": {}} | dict.fromkeys(_OF_ITS_MODEL)
    found = engine.models.get(values["model"])
    if found is None:
        return plain | values
    own = found.model_dump(include={"family", *_OF_ITS_MODEL})
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


def _read(path: Path | None) -> dict[str, Any]:
    config_path = path or DEFAULT_CONFIG
    try:
        return tomllib.loads(config_path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        if path is None:
            return {}
        raise InvalidSetting(f"The configuration file {path} does not exist.") from None
    except OSError as error:
        raise InvalidSetting(
            f"The configuration file {config_path} cannot be read: {error.strerror}."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        said = f"The configuration file {config_path} is not valid TOML: {error}."
        raise InvalidSetting(f"{said}{_toml_advice(error)}") from None


def _toml_advice(error: Exception) -> str:
    """Return a sentence about the usual causes of errors in which TOML only names the place."""
    text = str(error)
    if "hex value" in text or "Unescaped" in text:
        return f" {_WINDOWS_PATHS[:1].upper()}{_WINDOWS_PATHS[1:]}."
    if text.startswith("Invalid value"):
        return ' Text is in straight quotation marks ("…"); true and false are in small letters.'
    return ""


def _describe(error: ValidationError, path: Path | None) -> str:
    """Describe the first problem in one sentence that never contains a secret's value."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    source = f" (in {path or DEFAULT_CONFIG} or the environment)"
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
