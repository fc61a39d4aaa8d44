"""Names of models: short ones, ids like owner/name, and addresses copied from a browser."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from engine.hub.errors import Hub, NameInvalid

SHORT_NAMES: Final = {
    "z-image-turbo": "Tongyi-MAI/Z-Image-Turbo",
    "z-image": "Tongyi-MAI/Z-Image",
}
"""What people call the models that zimagine is made for; the ids are the same on both hubs."""

DEFAULT_REVISION: Final = {Hub.HUGGING_FACE: "main", Hub.MODELSCOPE: "master"}
"""The branch that each hub takes where none is named."""

_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
"""96 characters a part: the limit of Hugging Face's own client for a name."""
_REVISION: Final = re.compile(r"[\w][\w.-]{0,127}(/[\w][\w.-]{0,127}){0,7}", re.ASCII)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}")
_SITES: Final = {
    "huggingface.co": Hub.HUGGING_FACE,
    "hf.co": Hub.HUGGING_FACE,
    "modelscope.cn": Hub.MODELSCOPE,
    "modelscope.ai": Hub.MODELSCOPE,
}
_ALIKE: Final = 0.75
"""How similar a word must be to a short name, from 0 to 1. By hand: z-imag is, flux is not."""


@dataclass(frozen=True, slots=True)
class ModelId:
    """A model's id, owner/name. hub: where it was said to be; None if it was not said."""

    name: str
    hub: Hub | None = None


def parse_model(text: str) -> ModelId:
    """Read a short name, an id, or the address of a model's page. Raises NameInvalid."""
    written = text.strip()
    plain = written.lower().replace("_", "-").replace(" ", "-")
    if plain in SHORT_NAMES:
        return ModelId(SHORT_NAMES[plain])
    if "://" in written:
        return _from_address(written)
    if _ID.fullmatch(written) and ".." not in written and "--" not in written:
        return ModelId(written)
    near = difflib.get_close_matches(plain.rpartition("/")[2], SHORT_NAMES, 1, _ALIKE)
    raise NameInvalid(text, near[0] if near else None)


def is_revision(text: str) -> bool:
    """Return whether a text can be a branch, a tag or a commit, and nothing else."""
    return _REVISION.fullmatch(text) is not None and ".." not in text


def is_commit(text: str) -> bool:
    """Return whether a revision is the hash of a commit, which never changes."""
    return _COMMIT.fullmatch(text) is not None


def _from_address(address: str) -> ModelId:
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        raise NameInvalid(address) from None
    hub = _SITES.get(host)
    steps = [step for step in parts.path.split("/") if step]
    if hub is Hub.MODELSCOPE and steps[:1] == ["models"]:
        steps = steps[1:]
    name = "/".join(steps[:2])
    if hub is None or not _ID.fullmatch(name) or ".." in name or "--" in name:
        raise NameInvalid(address)
    return ModelId(name, hub)
