"""The models that the owner offers, and which one a request means. Pure."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from bot.request.loras import NO_LORAS, LoraCatalog
from bot.request.reasons.models import ModelGone, UnknownModel
from engine.diffusion.families import Family
from engine.types import ImageRequest

MAX_NAMED: Final = 10
"""Names that a refusal lists. Chosen by hand."""
_BETWEEN = re.compile(r"[\s_.\-]+")


class CountOfModel(Protocol):
    """Counts the tokens of a text as a model reads it; None while that is not known.

    model: its name in a request.
    """

    def __call__(self, text: str, model: str = "") -> int | None: ...


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """One model that can be asked for. title: its name where it has none of its own.

    sample: a picture file of what it paints. loras: those that it can be painted with.
    """

    name: str
    family: Family
    title: str = ""
    description: str = ""
    sample: Path | None = None
    loras: LoraCatalog = NO_LORAS

    @property
    def label(self) -> str:
        """Its title, with its name where that is another one."""
        return self.name if self.title in ("", self.name) else f"{self.title} ({self.name})"


class ModelCatalog:
    """What is offered; the first model is the default one.

    Requests name their model only where there are several: then also the default one, which may be
    another one tomorrow.
    """

    def __init__(self, models: Sequence[OfferedModel]) -> None:
        self.models = tuple(models)
        self._by_name = {each.name: each for each in models}

    @property
    def default(self) -> OfferedModel:
        """The model of requests that name none."""
        return self.models[0]

    @property
    def several(self) -> bool:
        """Whether there is anything to choose."""
        return len(self.models) > 1

    @property
    def names(self) -> tuple[str, ...]:
        """All names, as far as a refusal lists them."""
        return tuple(each.name for each in self.models[:MAX_NAMED])

    def get(self, name: str) -> OfferedModel | None:
        """Return the model of a request's name; "" stands for the default one."""
        return self._by_name.get(name) if name else self.default

    def family_of(self, request: ImageRequest) -> Family:
        """Return the family that paints a request; the default's where its model is gone."""
        return (self.get(request.model) or self.default).family

    def meant(self, typed: str | None) -> OfferedModel | UnknownModel:
        """Return the model that an option or a flag names: by its name or title, whatever the case
        and the signs between words; None for the default one."""
        if typed is None:
            return self.default
        if (exact := self._by_name.get(typed)) is not None:
            return exact
        plain = _plain(typed)
        texts = ((each, (_plain(each.name), _plain(each.title))) for each in self.models)
        like = [each for each, named in texts if plain and plain in named]
        return like[0] if len(like) == 1 else UnknownModel(typed, self.names)

    def matching(self, typed: str) -> tuple[OfferedModel, ...]:
        """Return the models whose names or titles have the typed text, in their order."""
        plain = _plain(typed)
        return tuple(
            each
            for each in self.models
            if plain in _plain(each.name) or plain in _plain(each.title)
        )

    def written(self, model: OfferedModel) -> str:
        """Return the name that a request of this model carries."""
        return model.name if self.several else ""

    def repeated(self, request: ImageRequest) -> ImageRequest | ModelGone:
        """Return a picture's request with the name of the model that paints it now."""
        model = self.get(request.model)
        if model is None:
            return ModelGone(request.model, self.names)
        return dataclasses.replace(request, model=self.written(model))


def only(family: Family, loras: LoraCatalog = NO_LORAS) -> ModelCatalog:
    """Return a catalog of one model, which needs no name."""
    return ModelCatalog((OfferedModel(family.name, family, loras=loras),))


def _plain(text: str) -> str:
    return _BETWEEN.sub(" ", text.casefold()).strip()
