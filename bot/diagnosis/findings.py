"""What a check can find. The sentences are in `bot.wording.diagnosis`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = str | int | float | tuple[str, ...]


class Level(StrEnum):
    """How serious a finding is."""

    OK = "ok"
    NOTE = "note"
    BROKEN = "broken"


class Section(StrEnum):
    """The parts of the page, in their order."""

    GPU = "gpu"
    MEMORY = "memory"
    FITS = "fits"
    DISK = "disk"
    MODEL = "model"
    DATABASE = "database"
    SETTINGS = "settings"
    DISCORD = "discord"


class Place(StrEnum):
    """A folder that needs room."""

    DATA = "data"
    MODELS = "models"
    TEMPORARY = "temporary"


class Code(StrEnum):
    """Everything that can be found; the part before the full stop is the section."""

    CARD = "gpu.card"
    DRIVER = "gpu.driver"
    NO_CARD = "gpu.none"
    CPU_CHOSEN = "gpu.cpu_chosen"
    CPU_ONLY_TORCH = "gpu.cpu_only_torch"
    DRIVER_TOO_OLD = "gpu.driver_too_old"
    DRIVER_TROUBLE = "gpu.driver_trouble"
    CARD_UNUSABLE = "gpu.unusable"
    NO_KERNELS = "gpu.no_kernels"
    DEVICE_MISSING = "gpu.device_missing"
    TORCH_BROKEN = "gpu.torch_broken"
    ROCM = "gpu.rocm"
    SHARED_MEMORY_FALLBACK = "gpu.shared_memory_fallback"
    APPLE = "gpu.apple"
    APPLE_BFLOAT16 = "gpu.apple_bfloat16"
    APPLE_FLOAT32 = "gpu.apple_float32"
    BFLOAT16 = "gpu.bfloat16"
    NO_BFLOAT16 = "gpu.no_bfloat16"
    FLOAT16_INSTEAD = "gpu.float16_instead"
    CPU_BFLOAT16 = "gpu.cpu_bfloat16"
    CPU_FLOAT32 = "gpu.cpu_float32"
    COMPILER = "gpu.compiler"
    NO_COMPILER = "gpu.no_compiler"
    COMPILING_FAILED = "gpu.compiling_failed"
    OPERATIONS = "gpu.operations"
    OPERATIONS_MISSING = "gpu.operations_missing"

    HOST = "memory.host"
    CONTAINER = "memory.container"
    PLAN = "memory.plan"
    PLAN_TOO_LARGE = "memory.plan_too_large"
    WANTED_TOO_LARGE = "memory.wanted_too_large"
    NOTHING_FITS = "memory.nothing_fits"
    EIGHT_BIT_TOO_LARGE = "memory.eight_bit_too_large"
    MODEL_TOO_LARGE = "memory.model_too_large"
    BOT_HOLDS = "memory.bot_holds"

    FITS_EXACT = "fits.exact"
    FITS_EIGHT_BIT = "fits.eight_bit"
    FITS_FLOAT16 = "fits.float16"
    FITS_STREAMED = "fits.streamed"
    FITS_STREAMED_FLOAT16 = "fits.streamed_float16"
    FITS_STREAMED_EIGHT_BIT = "fits.streamed_eight_bit"
    FITS_UNIFIED = "fits.unified"
    FITS_HOST = "fits.host"
    FITS_PACKED = "fits.packed"
    FETCH = "fits.fetch"
    FETCH_EIGHT_BIT = "fits.fetch_eight_bit"
    NO_ROOM_TO_LOAD = "fits.no_room_to_load"
    NO_ROOM_ON_CARD = "fits.no_room_on_card"
    NO_ROOM_IN_MEMORY = "fits.no_room_in_memory"
    NO_ROOM_ON_DISK = "fits.no_room_on_disk"

    FREE = "disk.free"
    LOW = "disk.low"
    FULL = "disk.full"
    NO_INODES = "disk.no_inodes"
    NEW_FOLDER = "disk.new_folder"
    NOT_A_FOLDER = "disk.not_a_folder"
    NOT_WRITABLE = "disk.not_writable"
    UNREADABLE = "disk.unreadable"

    MODEL_READY = "model.ready"
    MODEL_REPAIRED = "model.repaired"
    MODEL_ABSENT = "model.absent"
    MODEL_MISNAMED = "model.misnamed"
    MODEL_TO_COME = "model.to_come"
    MODEL_REFUSED = "model.refused"
    CACHE_WHOLE = "model.cache_whole"
    CACHE_EMPTY = "model.cache_empty"
    CACHE_LEFTOVERS = "model.cache_leftovers"
    CACHE_DAMAGED = "model.cache_damaged"
    CACHE_UNREADABLE = "model.cache_unreadable"
    LORAS = "model.loras"
    LORA_REFUSED = "model.lora_refused"
    LORAS_REFUSED = "model.loras_refused"
    LORAS_UNREADABLE = "model.loras_unreadable"
    LORAS_UNSUPPORTED = "model.loras_unsupported"

    DATABASE = "database.sound"
    NO_DATABASE = "database.none"
    OLD_SCHEMA = "database.old_schema"
    TOO_NEW = "database.too_new"
    DAMAGED = "database.damaged"
    DAMAGED_WITH_BACKUP = "database.damaged_with_backup"
    DATABASE_UNUSABLE = "database.unusable"
    RESTORE_UNFINISHED = "database.restore_unfinished"
    DATABASE_BUSY = "database.busy"
    SQLITE_TOO_OLD = "database.sqlite_too_old"
    LONG_JOURNAL = "database.long_journal"
    BOT_RUNS = "database.bot_runs"
    BACKUP = "database.backup"
    BACKUP_OLD = "database.backup_old"
    NO_BACKUP = "database.no_backup"

    CONFIGURATION = "settings.read"
    NO_CONFIGURATION = "settings.defaults"
    SETTING_INVALID = "settings.invalid"
    SECRET_READABLE = "settings.secret_readable"
    DATA_READABLE = "settings.data_readable"
    TOKEN = "settings.token"
    NO_TOKEN = "settings.no_token"
    TOKEN_MISSPELT = "settings.token_misspelt"
    TOKEN_MALFORMED = "settings.token_malformed"
    PROXY = "settings.proxy"
    PROXY_REFUSED = "settings.proxy_refused"
    PICTURE_CHECK = "settings.picture_check"
    PICTURE_CHECK_UNUSABLE = "settings.picture_check_unusable"
    CLOCK = "settings.clock"
    CLOCK_BEHIND = "settings.clock_behind"
    CLOCK_BEHIND_DATABASE = "settings.clock_behind_database"
    CHECK_FAILED = "settings.check_failed"

    NOT_ASKED = "discord.not_asked"
    NOTHING_TO_ASK = "discord.nothing_to_ask"
    APPLICATION = "discord.application"
    TOKEN_REFUSED = "discord.token_refused"
    UNREACHABLE = "discord.unreachable"
    NO_SERVERS = "discord.no_servers"
    SERVER_MISSING = "discord.server_missing"
    SERVER = "discord.permissions"
    PERMISSIONS_MISSING = "discord.permissions_missing"
    COMMANDS = "discord.commands"
    COMMANDS_UNREGISTERED = "discord.commands_unregistered"
    COMMANDS_STALE = "discord.commands_stale"
    COMMANDS_UNREADABLE = "discord.commands_unreadable"
    LEFTOVER_COMMANDS = "discord.leftover_commands"
    CLOCK_SKEW = "discord.clock_skew"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found.

    values: what its sentence names; sizes have names that end with `_bytes`, and `missing` are
    permissions, by the names of Discord's API.
    """

    code: Code
    level: Level
    values: Mapping[str, Value]

    @property
    def section(self) -> Section:
        """The part of the page that it belongs to."""
        return Section(self.code.partition(".")[0])


def ok(code: Code, **values: Value) -> Finding:
    """Return a finding with which all is well."""
    return Finding(code, Level.OK, values)


def note(code: Code, **values: Value) -> Finding:
    """Return a finding that is worth knowing, with which the bot works."""
    return Finding(code, Level.NOTE, values)


def broken(code: Code, **values: Value) -> Finding:
    """Return a finding that keeps the bot, or a part of it, from working."""
    return Finding(code, Level.BROKEN, values)
