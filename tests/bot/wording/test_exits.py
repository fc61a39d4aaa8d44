"""Whatever ends a command or the bot has a sentence in every language."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.i18n import words
from bot.wording import exits
from engine.errors import (
    Defunct,
    EngineError,
    LoraNotFound,
    ModelNotFound,
    PromptTooLong,
    RenderFailed,
)
from storage.errors import (
    DatabaseBusy,
    DatabaseCorrupt,
    DatabaseTooNew,
    DataFolderLocked,
    DataFolderUnusable,
    DiskFull,
    MigrationFailed,
    RestoreUnfinished,
    SqliteTooOld,
    StorageError,
)

ENGLISH, CHINESE = words("en-US"), words("zh-CN")
FOLDER = Path("/srv/bot")
STORAGE = [
    DataFolderUnusable(FOLDER, "Permission denied"),
    DataFolderLocked(FOLDER, None),
    DataFolderLocked(FOLDER, 123),
    DatabaseTooNew(FOLDER, 99, 24),
    RestoreUnfinished(FOLDER),
    DatabaseBusy(FOLDER, "database is locked"),
    MigrationFailed(FOLDER, 7, "no such table"),
    SqliteTooOld("3.1", "3.37"),
    DiskFull(FOLDER, "No space left on device"),
]
ENGINE = [
    ModelNotFound("tongyi", "there is no such folder"),
    PromptTooLong(900, 512),
    LoraNotFound("paper", "there is no such file"),
    Defunct("the device was lost"),
    RenderFailed("a kernel failed"),
]


def in_chinese(text: str) -> bool:
    """Whether a text ends like a Chinese sentence."""
    return text.endswith("。") and any("\u4e00" <= each <= "\u9fff" for each in text)


@pytest.mark.parametrize("error", STORAGE, ids=lambda each: type(each).__name__)
def test_what_is_wrong_with_the_data_folder(error: StorageError):
    """In English it begins as the error says it; in Chinese it has the same path and detail."""
    said = exits.storage_sentence(error, ENGLISH)
    assert said.startswith(str(error).split(" in use by")[0].rstrip(".")) and said.endswith(".")
    translated = exits.storage_sentence(error, CHINESE)
    assert in_chinese(translated)
    for value in (*error.args,):
        assert value is None or str(value).rstrip(".") in translated


@pytest.mark.parametrize("error", ENGINE, ids=lambda each: type(each).__name__)
def test_why_nothing_is_painted(error: EngineError):
    """Every error of the engine has a sentence, with its own words where it has some."""
    assert exits.engine_sentence(error, ENGLISH).endswith(".")
    assert in_chinese(exits.engine_sentence(error, CHINESE))


def test_how_the_bot_ends():
    """The sentences of its end are in both languages, with what to do."""
    for say in (ENGLISH, CHINESE):
        sentences = [
            exits.task_exit(say),
            exits.token_exit(say),
            exits.connection_exit(ConnectionError("gone"), say),
            exits.engine_exit(Defunct("the device was lost"), say),
            exits.engine_exit(ModelNotFound("tongyi", "there is no such folder"), say),
            exits.no_token(None, say),
            exits.no_token("DISCORD_BOT_TOKEN", say),
        ]
        assert all(map(in_chinese, sentences)) is (say is CHINESE), sentences
        assert "gone" in sentences[2] and "DISCORD_TOKEN" in sentences[1]
        assert "DISCORD_BOT_TOKEN" in sentences[-1]


@pytest.mark.parametrize("backup", [False, True])
def test_a_damaged_database_comes_with_the_command(backup: bool):
    """The command is the same in both languages, and the end of the advice about a backup."""
    error = DatabaseCorrupt(FOLDER, "bad header")
    for say in (ENGLISH, CHINESE):
        said = exits.damage_sentence(error, "zimagine db restore x", say, backup=backup)
        assert "zimagine db restore x" in said and "bad header" in said
        assert said.endswith("zimagine db restore x") is backup
