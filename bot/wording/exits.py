"""Sentences with which a command or the bot itself ends, and why."""

from __future__ import annotations

from bot.i18n import Words, paragraph
from engine.errors import (
    Defunct,
    EngineError,
    LoraUnusable,
    ModelUnavailable,
    PromptTooLong,
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


def storage_sentence(error: StorageError, say: Words) -> str:
    """Say what is wrong with the data folder; the system's own words stay as they are."""
    match error:
        case DataFolderLocked(path=path, pid=None):
            return say(
                "The data folder {path} is in use by another process: one bot per data folder; "
                "stop the other one or set another data_dir.",
                path=path,
            )
        case DataFolderLocked(path=path, pid=pid):
            return say(
                "The data folder {path} is in use by the process {pid}: one bot per data folder; "
                "stop the other one or set another data_dir.",
                path=path,
                pid=pid,
            )
        case DataFolderUnusable(path=path, detail=detail):
            return say("{path} cannot be used: {detail}.", path=path, detail=detail.rstrip("."))
        case DatabaseTooNew(path=path, found=found, supported=supported):
            return say(
                "{path} has schema version {found}, but this program only supports versions up to "
                "{supported}.",
                path=path,
                found=found,
                supported=supported,
            )
        case RestoreUnfinished(path=path):
            return say(
                "A restore of {path} was interrupted: run zimagine db restore again.", path=path
            )
        case DatabaseBusy(path=path, detail=detail):
            return say(
                "{path} stayed locked by another process: {detail}.", path=path, detail=detail
            )
        case MigrationFailed(path=path, number=number, detail=detail):
            return say(
                "Migration {number} of {path} was rolled back: {detail}.",
                number=number,
                path=path,
                detail=detail.rstrip("."),
            )
        case SqliteTooOld(found=found, needed=needed):
            return say(
                "SQLite {found} is too old: {needed} or newer is needed.",
                found=found,
                needed=needed,
            )
        case DiskFull(path=path, detail=detail):
            return say(
                "No space left to write {path}: {detail}.", path=path, detail=detail.rstrip(".")
            )
        case _:
            return f"{str(error).rstrip('.')}."


def damage_sentence(error: DatabaseCorrupt, command: str, say: Words, *, backup: bool) -> str:
    """Say that the database is damaged and what to do. command: restores the newest backup or,
    without any, recovers what is still readable."""
    damage = say(
        "{path} is damaged: {detail}. Nothing was changed.", path=error.path, detail=error.detail
    )
    if backup:
        return paragraph(damage, say("Restore the newest backup with: {command}", command=command))
    return paragraph(
        damage,
        say(
            "There is no backup next to it. To recover what is still readable: {command}; to start "
            "afresh, set another data_dir.",
            command=command,
        ),
    )


def engine_sentence(error: EngineError, say: Words) -> str:
    """Say why nothing is painted; what the engine says of itself stays in English."""
    match error:
        case ModelUnavailable():
            return say("The model cannot be loaded: {reason}.", reason=error)
        case PromptTooLong(tokens=tokens, limit_tokens=limit):
            return say(
                "The prompt is too long: {tokens} tokens, and the model reads {limit}.",
                tokens=tokens,
                limit=limit,
            )
        case LoraUnusable():
            return say("The LoRA cannot be used: {reason}.", reason=error)
        case Defunct():
            return say("The renderer failed: {reason}.", reason=error)
        case _:
            return say("Painting failed: {reason}.", reason=error)


def engine_exit(error: EngineError, say: Words) -> str:
    """Say why the bot ends with its engine."""
    if isinstance(error, ModelUnavailable):
        return engine_sentence(error, say)
    return say("The engine has failed ({reason}); please restart zimagine.", reason=error)


def task_exit(say: Words) -> str:
    """Say that a part of the bot broke off."""
    return say("A background task failed (see the log); please restart zimagine.")


def token_exit(say: Words) -> str:
    """Say that Discord does not know the token."""
    return say("Discord rejected the token; please check DISCORD_TOKEN.")


def connection_exit(error: BaseException | None, say: Words) -> str:
    """Say that there is no way back to Discord."""
    return say(
        "The connection to Discord was lost for good ({reason}); please restart zimagine.",
        reason=error,
    )


def no_token(similar: str | None, say: Words) -> str:
    """Say that there is no token. similar: a variable that may be meant for it."""
    if similar is None:
        return say(
            "There is no bot token: set the environment variable DISCORD_TOKEN (the README says "
            "where to get one)."
        )
    return say(
        "There is no bot token: set the environment variable DISCORD_TOKEN (the README says where "
        "to get one); {name} is not read.",
        name=similar,
    )
