"""Sentences about disks, the model's files and the database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.diagnosis.findings import Code
from bot.i18n import translatable
from bot.wording.diagnosis.phrase import Phrase

DISK: Final[Mapping[Code, Phrase]] = {
    Code.FREE: Phrase(translatable("{free_bytes} are free for {place}.")),
    Code.LOW: Phrase(
        translatable("Only {free_bytes} are free for {place}."),
        translatable("Make room, or set keep_days or limit_gib under [storage]."),
    ),
    Code.FULL: Phrase(
        translatable("The disk is full: {free_bytes} are free for {place}."),
        translatable("Make room. Until then the bot refuses requests, and finished pictures wait."),
    ),
    Code.NO_INODES: Phrase(
        translatable("The disk can hold {inodes} more files for {place}, whatever is free."),
        translatable("Remove folders with very many files; `df -i` shows them."),
    ),
    Code.NEW_FOLDER: Phrase(
        translatable("The data folder “{folder}” does not exist yet; the bot creates it.")
    ),
    Code.NOT_A_FOLDER: Phrase(
        translatable("There cannot be a folder for {place} ({folder}): a file is in its way."),
        translatable("Rename that file, or set another folder."),
    ),
    Code.NOT_WRITABLE: Phrase(
        translatable("This user may not write to the folder for {place} ({folder})."),
        translatable("Give it to this user (chown), or set another folder."),
    ),
    Code.UNREADABLE: Phrase(
        translatable("It cannot be told how much is free for {place}: {reason}.")
    ),
}

MODEL: Final[Mapping[Code, Phrase]] = {
    Code.MODEL_READY: Phrase(
        translatable(
            "The files of the model “{model}” are whole: it would be loaded as {family}, in "
            "{dtype}."
        )
    ),
    Code.MODEL_REPAIRED: Phrase(translatable("While loading: {text}.")),
    Code.MODEL_ABSENT: Phrase(
        translatable("The model “{model}” is not on this machine."),
        translatable(
            "Fetch it with zimagine download {model}, or set model under [engine] to the folder or "
            "file that you have."
        ),
    ),
    Code.MODEL_MISNAMED: Phrase(
        translatable(
            "The model “{model}” is neither a folder or file on this machine, nor a model's name "
            "on a hub (owner/name)."
        ),
        translatable(
            "Set model under [engine] to the folder or file that you have, or to a name such as "
            "Tongyi-MAI/Z-Image-Turbo."
        ),
    ),
    Code.MODEL_TO_COME: Phrase(
        translatable(
            "The model “{model}” is not on this machine yet, or not wholly; the next start "
            "fetches it."
        ),
        translatable("zimagine download {model} does it now, and goes on where it stopped."),
    ),
    Code.MODEL_REFUSED: Phrase(
        translatable("The model “{model}” would be refused: {reason}."),
        translatable(
            "Fetch the file again, or set model under [engine] to another; docs/gpu.md lists what "
            "can be read."
        ),
    ),
    Code.CACHE_WHOLE: Phrase(
        translatable("The model cache has no incomplete files; models in it: {count}.")
    ),
    Code.CACHE_EMPTY: Phrase(translatable("The model cache is empty.")),
    Code.CACHE_LEFTOVERS: Phrase(
        translatable(
            "Interrupted downloads left files in the model cache ({count}, {size_bytes}): {files}."
        ),
        translatable(
            "The same download goes on where zimagine stopped, and the same --convert starts "
            "again; what other programs left can be removed if none is running."
        ),
    ),
    Code.CACHE_DAMAGED: Phrase(
        translatable("Files in the model cache are cut off or lead nowhere ({count}): {files}."),
        translatable("Remove these files and fetch their model again."),
    ),
    Code.CACHE_UNREADABLE: Phrase(
        translatable("The model cache cannot be read: {reason}."),
        translatable("Give it to this user (chown), or set HF_HOME to another folder."),
    ),
    Code.LORAS: Phrase(translatable("LoRA files that can be painted with: {count}.")),
    Code.LORA_REFUSED: Phrase(
        translatable("The LoRA “{name}” cannot be painted with: {reason}."),
        translatable("Fetch it again, or take it out of the folder."),
    ),
    Code.LORAS_REFUSED: Phrase(translatable("{count} more LoRA files cannot be painted with.")),
    Code.LORAS_UNREADABLE: Phrase(
        translatable("LoRAs cannot be used: {reason}."),
        translatable("Create the folder that loras under [engine] names, or remove that line."),
    ),
    Code.LORAS_UNSUPPORTED: Phrase(
        translatable("LoRAs are not used: models of the family {family} have none."),
        translatable("Remove loras under [engine], or choose a model of Z-Image."),
    ),
}

DATABASE: Final[Mapping[Code, Phrase]] = {
    Code.DATABASE: Phrase(
        translatable("The database is sound: {size_bytes}, schema version {version}.")
    ),
    Code.NO_DATABASE: Phrase(translatable("There is no database yet; the bot creates it.")),
    Code.OLD_SCHEMA: Phrase(
        translatable(
            "The database has the schema version {version} of {supported}; the next start updates "
            "it."
        )
    ),
    Code.TOO_NEW: Phrase(
        translatable(
            "The database has the schema version {version}, and this program knows {supported} at "
            "most."
        ),
        translatable("Run the newer zimagine that wrote it, or restore an older backup."),
    ),
    Code.DAMAGED: Phrase(
        translatable("The database is damaged, and there is no backup beside it: {detail}."),
        translatable(
            "Recover what can still be read with sqlite3's command .recover, or set another "
            "data_dir under [storage]."
        ),
    ),
    Code.DAMAGED_WITH_BACKUP: Phrase(
        translatable("The database is damaged: {detail}."),
        translatable("Stop the bot, and run: {command}"),
    ),
    Code.DATABASE_UNUSABLE: Phrase(
        translatable("The database cannot be used: {detail}."),
        translatable("Set another data_dir under [storage], or mend what is named."),
    ),
    Code.RESTORE_UNFINISHED: Phrase(
        translatable("A restore of the database was interrupted."),
        translatable("Run zimagine db restore again, with the same file."),
    ),
    Code.DATABASE_BUSY: Phrase(
        translatable("Another process kept the database locked: {detail}."),
        translatable("Try again in a minute."),
    ),
    Code.SQLITE_TOO_OLD: Phrase(
        translatable("This Python has SQLite {found}; {needed} or newer is needed."),
        translatable("Use a newer Python."),
    ),
    Code.LONG_JOURNAL: Phrase(
        translatable("The database's log has grown to {size_bytes} without being written back."),
        translatable("Close programs that have the database open (sqlite3), and restart the bot."),
    ),
    Code.BOT_RUNS: Phrase(translatable("A bot is running in the data folder (process {process}).")),
    Code.BACKUP: Phrase(translatable("The newest backup is from {made}.")),
    Code.BACKUP_OLD: Phrase(
        translatable("The newest backup is {days} days old ({made})."),
        translatable("The bot makes one every night while it runs: see its log."),
    ),
    Code.NO_BACKUP: Phrase(
        translatable("There is no backup of the database yet; the bot makes one every night.")
    ),
}
