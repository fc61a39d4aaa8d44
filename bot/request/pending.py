"""A request as it was typed, to be painted, corrected or asked about. Pure."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bot.request.input_sources import InputSpec, UrlSource
from bot.request.params import GenerationParams
from bot.request.prompt.pasted.command import unknown_options
from bot.request.prompt.pasted.leading import is_attachment, picture_addresses
from engine.modes import MAX_BLENDED, Mode


@dataclass(frozen=True, slots=True)
class PendingRequest:
    """A request with the flags and braces in its prompt.

    count: None if no option says it. spec: its source images. strength: as typed, for a source
    image that the prompt names. parent_id: the picture that it is a remix of.
    """

    params: GenerationParams
    count: int | None = None
    private: bool = False
    spec: InputSpec | None = None
    strength: float | None = None
    parent_id: int | None = None

    def with_prompt(self, prompt: str) -> PendingRequest:
        """Return the same request with another prompt."""
        return dataclasses.replace(self, params=dataclasses.replace(self.params, prompt=prompt))


def with_named_pictures(request: PendingRequest) -> PendingRequest:
    """Return the request with the pictures whose addresses stand in front of its prompt.

    One is painted from, several are blended. Only attachments of Discord's are taken; any other
    address stays in the prompt, and `apply_flags` refuses it.
    """
    addresses, rest = picture_addresses(request.params.prompt)
    usable = 1 <= len(addresses) <= MAX_BLENDED and all(map(is_attachment, addresses))
    if not usable or request.spec is not None or request.parent_id is not None:
        return request
    mode = Mode.IMAGE if len(addresses) == 1 else Mode.BLEND
    spec = InputSpec(mode, tuple(map(UrlSource, addresses)), request.strength)
    params = dataclasses.replace(
        request.params, prompt=rest, unknown_options=unknown_options(request.params.prompt)
    )
    return dataclasses.replace(request, params=params, spec=spec)
