"""The section [engine]: the models, the device, and the limits of the queue."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from bot.settings.values import (
    AnyPath,
    DeviceName,
    FamilyName,
    MemoryPlanName,
    NotBlank,
    Section,
)
from engine.diffusion.lora.admission import MAX_RANK
from engine.model_names import MAX_NAME_CHARS, is_model_name, short_name
from engine.settings import AUTO, EngineSettings

OF_ITS_MODEL = ("text_encoder", "vae", "tokenizer", "revision")
"""Settings under [engine] that belong to the model that the file names."""
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


class ModelSection(Section):
    """One of the models under [engine.models]. sample: a picture of what it paints.

    Title and description are as long as a page of `/models` has room for.
    """

    source: NotBlank
    family: FamilyName = AUTO
    text_encoder: AnyPath | None = None
    vae: AnyPath | None = None
    tokenizer: AnyPath | None = None
    revision: NotBlank | None = None
    title: Annotated[NotBlank, Field(max_length=40)] | None = None
    description: Annotated[NotBlank, Field(max_length=120)] | None = None
    sample: AnyPath | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ConfiguredModel:
    """A model that the owner offers. title, description: "" if there is none."""

    name: str
    settings: EngineSettings
    title: str = ""
    description: str = ""
    sample: Path | None = None


class EngineSection(Section):
    """The models, the device, and the limits of the queue."""

    model: NotBlank = "sketch"
    family: FamilyName = AUTO
    text_encoder: AnyPath | None = None
    vae: AnyPath | None = None
    tokenizer: AnyPath | None = None
    revision: NotBlank | None = None
    download: bool = False
    device: DeviceName = "auto"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    queue_limit: Annotated[int, Field(ge=1, le=100_000)] = 100
    user_limit: Annotated[int, Field(ge=1, le=100_000)] | None = 10
    server_limit: Annotated[int, Field(ge=1, le=100_000)] | None = None
    stall_s: Annotated[float, Field(ge=1, le=86_400)] = 300.0
    drain_s: Annotated[float, Field(ge=0, le=3600)] = 60.0
    memory: MemoryPlanName = AUTO
    compile: Literal["auto", "on", "off"] = AUTO
    allow_quantized: bool = False
    reserve_gib: Annotated[float, Field(ge=0, le=1024, allow_inf_nan=False)] = 0.5
    idle_unload_s: Annotated[float, Field(ge=1, le=30 * 86400)] | None = None
    smart_limit_s: Annotated[float, Field(ge=1, le=120)] = 10.0
    loras: AnyPath | None = None
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
        for key in ("family", *OF_ITS_MODEL):
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
