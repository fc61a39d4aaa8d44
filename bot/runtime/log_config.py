"""Configure logging: structured events on standard error, with secrets removed."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_TOKEN = re.compile(r"[A-Za-z0-9_-]{23,30}\.[A-Za-z0-9_-]{6,7}\.[A-Za-z0-9_-]{27,}")
_URL_TOKEN = re.compile(r"(/(?:webhooks|interactions)/\d+/)[^/\s'\"?]+")
_FIELD_TOKEN = re.compile(r"(['\"]\w*token['\"]\s*:\s*['\"])[^'\"]+")


def redact_secrets(text: str, secrets: frozenset[str] = frozenset()) -> str:
    """Return `text` without the given secrets and without bot tokens and interaction tokens."""
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    for pattern in (_URL_TOKEN, _FIELD_TOKEN):
        text = pattern.sub(r"\1[secret]", text)
    return _TOKEN.sub("[secret]", text)


def configure_logging(level: str, form: str, secrets: frozenset[str] = frozenset()) -> None:
    """Send the events of structlog and of all libraries to standard error, as "text" or "json".

    Can be called again at any time.
    """

    def redact(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        return {
            key: redact_secrets(value, secrets) if isinstance(value, str) else value
            for key, value in event.items()
        }

    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    render: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr is not None and sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared[:2], structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                redact,
                render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # These log every statement, event and request, including what members wrote.
    logging.getLogger("aiosqlite").setLevel(logging.WARNING)
    for talkative in ("discord.gateway", "discord.http", "discord.webhook", "discord.client"):
        logging.getLogger(talkative).setLevel(max(logging.INFO, root.level))
    # Other libraries' messages are only useful to somebody who asked for everything.
    for noisy in ("discord", "httpx", "httpx2", "filelock", "diffusers"):
        logging.getLogger(noisy).setLevel(logging.NOTSET if level == "debug" else logging.WARNING)
