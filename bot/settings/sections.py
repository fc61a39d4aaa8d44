"""The sections of the configuration file, but for [engine]."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from bot.proxies import Proxies
from bot.settings.values import DataFolder, NotBlank, ProxyAddress, Section, Snowflake, Snowflakes


class DiscordSection(Section):
    """Which application the bot is, how it reaches Discord, and which servers it serves.

    proxy: "" for none whatever the environment says, None for what the environment says.
    owner_server: which has the owners' commands, None for none.
    """

    token: SecretStr | None = None
    proxy: ProxyAddress | None = None
    guilds: Snowflakes = ()
    owners: Snowflakes = ()
    owner_server: Snowflake | None = None
    previews: bool = True
    answer_mentions: bool = False
    remove_old_commands: bool = False
    welcome: bool = True

    @property
    def proxies(self) -> Proxies:
        """The proxies of requests to Discord."""
        return Proxies(None if self.proxy is None else self.proxy.get_secret_value())


class StorageSection(Section):
    """Where pictures and the database are stored, and how many backups and pictures are kept.

    backups: 0 for none. backup_hour: of the day, in UTC. keep_days, limit_gib, keep_prompts_days:
    None for no limit. keep_audit_days: how long it is kept what admins did. server_grace_days:
    after which a server that removed the bot is erased.
    """

    data_dir: DataFolder = Path("data")
    backups: Annotated[int, Field(ge=0, le=1000)] = 7
    backup_hour: Annotated[int, Field(ge=0, le=23)] = 3
    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    limit_gib: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)] | None = None
    keep_prompts_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    keep_audit_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    server_grace_days: Annotated[int, Field(ge=0, le=3650)] = 30

    @property
    def cache_dir(self) -> Path:
        """The folder for everything that can be recreated."""
        return self.data_dir / "cache"


class QuotaSection(Section):
    """How much each member may paint on servers whose admins have set nothing else.

    server_pictures: what all members of a server may paint together within server_hours, None for
    no ceiling; servers: the same for single servers, by their id. cancelled_s: seconds of painting
    that a member may cancel free within the window of their quota.
    The default was chosen by hand: it never stops whoever corrects a prompt now and then, and it
    leaves more than 99 % of a day's painting to the others.
    """

    pictures: Annotated[int, Field(ge=0, le=1_000_000)] = 50
    hours: Annotated[int, Field(ge=1, le=8760)] = 24
    server_pictures: Annotated[int, Field(ge=0, le=100_000_000)] | None = None
    server_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    servers: Mapping[Snowflake, Annotated[int, Field(ge=0, le=100_000_000)]] = {}
    cancelled_s: Annotated[float, Field(ge=0, le=8760 * 3600, allow_inf_nan=False)] = 600.0

    def ceiling(self, guild_id: int) -> int | None:
        """Return what all members of a server may paint together; None for no ceiling."""
        return self.servers.get(guild_id, self.server_pictures)


class JobsSection(Section):
    """How long jobs may wait, and how long their results are worth sending."""

    max_wait_s: Annotated[float, Field(ge=1, le=30 * 86400)] = 2 * 3600
    max_age_s: Annotated[float, Field(ge=60, le=365 * 86400)] = 24 * 3600
    direct_messages: bool = True


class ModerationSection(Section):
    """A function of the owner's that looks at every picture before it is shown.

    picture_check: "module:function", None for none. picture_check_s: how long one picture may take.
    picture_check_failure: what becomes of a picture of which the function says nothing, because of
    an error or because it took too long. By default it is painted and reported: a broken function
    stops nobody from painting, and nothing passes unseen.
    """

    picture_check: NotBlank | None = None
    picture_check_s: Annotated[float, Field(ge=0.1, le=600)] = 20.0
    picture_check_failure: Literal["pass", "spoiler", "report", "refuse"] = "report"


class LogSection(Section):
    """What is logged, and in which format."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
