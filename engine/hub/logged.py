"""Fetch the model that the bot is to start with; what happens goes to the log."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from engine.hub.cache import default_cache
from engine.hub.download import Plan, Request, download
from engine.hub.endpoints import Endpoint, endpoints, require_online
from engine.hub.errors import HubUnavailable
from engine.hub.model_ids import parse_model

_PARTS: Final = 20
"""Lines of progress for a whole download; chosen by hand."""
_log = logging.getLogger(__name__)


def fetch(model: str, revision: str | None = None) -> Path:
    """Return the folder of a model of a hub after fetching what is missing of it.

    Blocks, and may not be called in an event loop. Raises HubError and OSError.
    """
    require_online()
    chosen = parse_model(model)
    request = Request(chosen.name, endpoints(hub=chosen.hub), default_cache(), revision)
    return download(request, _LogObserver(model)).folder


class _LogObserver:
    """Writes one line for each thing that happens, and one for every twentieth of the whole."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._total_bytes = 0
        self._kept_bytes = 0
        self._announced = 0

    def waiting(self) -> None:
        _log.info("%s: another process is fetching it, waiting", self._model)

    def passed_over(self, error: HubUnavailable, following: Endpoint) -> None:
        _log.warning("%s: %s; asking %s", self._model, error, following.host)

    def checking(self, file: str, size_bytes: int) -> None:
        _log.info("%s: checking %s (%d bytes)", self._model, file, size_bytes)

    def damaged(self, file: str) -> None:
        _log.warning("%s: %s does not have its checksum, fetching it again", self._model, file)

    def planned(self, plan: Plan) -> None:
        self._total_bytes = plan.total_bytes
        self._kept_bytes = plan.present_bytes + plan.kept_bytes
        self._announced = self._part()
        _log.info(
            "%s: fetching %d bytes of %d from %s into %s",
            self._model,
            plan.missing_bytes,
            plan.total_bytes,
            plan.host,
            plan.folder,
        )

    def advanced(self, count_bytes: int) -> None:
        self._kept_bytes += count_bytes
        if self._part() > self._announced:
            self._announced = self._part()
            _log.info("%s: %d of %d bytes", self._model, self._kept_bytes, self._total_bytes)

    def _part(self) -> int:
        return _PARTS * self._kept_bytes // max(1, self._total_bytes)
