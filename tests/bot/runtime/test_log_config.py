"""The log contains no secrets, whatever is logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.runtime.log_config import configure_logging, redact_secrets
from tests.bot.sample_token import TOKEN


@pytest.fixture
def clean_logging() -> Iterator[None]:
    """Restore the logging configuration after the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["text", "json"])
def test_tokens_never_reach_the_log(
    form: str, capsys: pytest.CaptureFixture[str], clean_logging: None
):
    """Neither the bot's token nor an interaction's is logged, in messages, values or tracebacks."""
    configure_logging("debug", form, frozenset({"odd-secret"}))
    log = structlog.get_logger("t")
    log.info("got", token=TOKEN, url="https://x/webhooks/12/aW50ZXI/messages", other="odd-secret")
    logging.getLogger("discord.http").debug("a request with somebody's words")
    logging.getLogger("aiohttp").debug("POST /interactions/5/aW50ZXI/callback %s", TOKEN)
    logging.getLogger("x").info("{'id': 1, 'token': 'aW50ZXI', 'continuation_token': 'aW50ZXI'}")
    try:
        raise ValueError(f"with {TOKEN}")
    except ValueError:
        log.exception("broke")
    err = capsys.readouterr().err
    assert "broke" in err and "POST" in err and "somebody's words" not in err
    assert TOKEN not in err and "aW50ZXI" not in err and "odd-secret" not in err


def test_the_level_can_change_while_it_runs(
    capsys: pytest.CaptureFixture[str], clean_logging: None
):
    """After a change to "debug" other libraries are heard, and after one back they are not."""
    for level, heard in (("info", False), ("debug", True), ("info", False)):
        configure_logging(level, "text")
        logging.getLogger("filelock").debug("from a library")
        structlog.get_logger("t").info("from the bot")
        err = capsys.readouterr().err
        assert ("from a library" in err) == heard and err.count("from the bot") == 1


@given(st.text(), st.text(min_size=1))
def test_a_named_secret_is_always_struck(text: str, secret: str):
    """A named secret is removed wherever it stands, unless the replacement itself contains it."""
    struck = redact_secrets(text + secret + text, frozenset({secret}))
    assert secret not in struck or secret in "[secret]" or secret in text.replace(secret, "")
