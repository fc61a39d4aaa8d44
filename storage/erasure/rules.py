"""What becomes of every table and column when a person or a server is erased; pure.

The statements that erase are made from these rules, so that a rule is what happens. A test compares
them with the schema, and PRIVACY.md with both.

A row that counts (jobs, charges, pictures) stays without anything of its person, so that quotas and
totals stay true; user 0 is nobody.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class Fate(StrEnum):
    """What becomes of a column of a person's row without being written."""

    GOES = "goes with its row"
    STAYS = "says nothing of a person, or is the server's"
    ACTOR = "becomes 0 where it is the person"


@dataclass(frozen=True, slots=True)
class Becomes:
    """A column of a person's row gets this value, an SQL expression."""

    sql: str


Column = Fate | Becomes


@dataclass(frozen=True, slots=True)
class TableRule:
    """columns: what becomes of each.

    whose, of_server: SQL conditions of the rows of the person :user, on the server :guild if that
    is not NULL, and of those of the server :guild; "" where there are none. person: the column that
    names the person. named: SQL that selects whom other columns may name. shown: those rows of
    `whose` that the person may see, "" for all. first, server_first: statements that come before a
    person or a server is erased. Rows of a person with a column that GOES are deleted; those of a
    server always are.
    """

    columns: Mapping[str, Column]
    whose: str = ""
    of_server: str = ""
    person: str = "user_id"
    named: str = ""
    shown: str = ""
    first: tuple[str, ...] = ()
    server_first: tuple[str, ...] = field(default=())

    @property
    def deletes(self) -> bool:
        """Whether a person's rows are deleted, rather than emptied."""
        return Fate.GOES in self.columns.values()


GOES, STAYS, ACTOR = Fate.GOES, Fate.STAYS, Fate.ACTOR
_NOTHING: Final = Becomes("NULL")
_NOBODY: Final = Becomes("0")
_HERE: Final = "(:guild IS NULL OR guild_id = :guild)"
_OWN: Final = f"user_id = :user AND {_HERE}"
_JOBS: Final = f"(SELECT id FROM jobs WHERE {_OWN})"
_PICTURES: Final = f"(SELECT id FROM pictures WHERE job_id IN {_JOBS})"
_NUMBERS: Final = "json_each(iif(json_valid(wish), wish, '{}')) AS n WHERE n.type = 'integer'"
"""Of a question: whom it is about, among others."""
_SERVER: Final = "guild_id = :guild"
_SERVER_JOBS: Final = f"(SELECT id FROM jobs WHERE {_SERVER})"


def _row(*names: str) -> dict[str, Column]:
    return dict.fromkeys(names, GOES)


def _kept(*names: str) -> dict[str, Column]:
    return dict.fromkeys(names, STAYS)


RULES: Final[Mapping[str, TableRule]] = {
    "stars": TableRule(
        _row("picture_id", "user_id", "starred_at"),
        whose="user_id = :user AND (:guild IS NULL OR picture_id IN "
        "(SELECT id FROM pictures WHERE guild_id = :guild))",
        of_server=f"picture_id IN (SELECT id FROM pictures WHERE {_SERVER})",
    ),
    # Their messages are deleted (erase.py).
    "star_posts": TableRule(
        _row("picture_id", "guild_id", "channel_id", "message_id", "begun_at"),
        whose=f"picture_id IN {_PICTURES}",
        of_server=_SERVER,
        person="",
    ),
    "shown_pictures": TableRule(
        _row("picture_id", "guild_id", "channel_id"),
        whose=f"picture_id IN {_PICTURES}",
        of_server=_SERVER,
        person="",
    ),
    "list_pages": TableRule(
        _row("id", "guild_id", "user_id", "query", "before_id", "used_at"),
        whose=_OWN,
        of_server=_SERVER,
    ),
    "proposals": TableRule(
        _row("id", "guild_id", "channel_id", "user_id", "wish", "state", "asked_at", "settled_at"),
        # An admin's question about the person, too: "erase this member?"
        whose=f"{_OWN} OR {_HERE} AND EXISTS (SELECT 1 FROM {_NUMBERS} AND n.value = :user)",
        shown=_OWN,
        named=f"SELECT DISTINCT n.value FROM proposals, {_NUMBERS} AND n.value > 0",
        of_server=_SERVER,
    ),
    "quota_reminders": TableRule(
        _row("id", "guild_id", "channel_id", "user_id", "pictures", "locale", "own_locale")
        | _row("asked_at", "due_at", "attempted_at"),
        whose=_OWN,
        of_server=_SERVER,
    ),
    # They belong to no server.
    "presets": TableRule(
        _row("id", "user_id", "name", "lookup", "code", "line", "saved_at"),
        whose="user_id = :user AND :guild IS NULL",
    ),
    "request_defaults": TableRule(
        _row("guild_id", "channel_id", "user_id", "line", "set_at") | {"set_by": ACTOR},
        whose=_OWN,
        of_server=_SERVER,
    ),
    "user_settings": TableRule(
        _row("guild_id", "user_id", "delivery", "spoiler", "quiet", "set_at") | {"set_by": ACTOR},
        whose=_OWN,
        of_server=_SERVER,
    ),
    "threads": TableRule(
        _row("thread_id", "guild_id", "channel_id", "user_id", "remembered_at"),
        whose=_OWN,
        of_server=_SERVER,
    ),
    # Those about pictures of the person, too: they go with the report.
    "report_messages": TableRule(
        _row("id", "report_id", "guild_id", "kind", "user_id", "text", "state")
        | _row("written_at", "attempted_at", "settled_at", "message_id")
        | {"moderator_id": ACTOR},
        whose=f"{_OWN} OR report_id IN (SELECT r.id FROM reports AS r "
        f"JOIN cases AS c ON c.id = r.case_id WHERE c.user_id = :user "
        "AND (:guild IS NULL OR c.guild_id = :guild))",
        shown=_OWN,
        of_server=_SERVER,
    ),
    # A report of somebody else's picture stays for the moderators, without who wrote what.
    "reports": TableRule(
        _kept("id", "case_id", "guild_id", "filed_at")
        | {"user_id": Becomes("-id"), "reason": _NOTHING, "locale": _NOTHING},
        whose=_OWN,
        of_server=_SERVER,
        first=(f"DELETE FROM reports WHERE case_id IN (SELECT id FROM cases WHERE {_OWN})",),
    ),
    "cases": TableRule(
        _row("id", "picture_id", "guild_id", "user_id", "opened_at", "channel_id", "message_id")
        | _row("verdict", "resolved_at")
        | {"resolved_by": ACTOR},
        whose=_OWN,
        of_server=_SERVER,
    ),
    # What others made from the person's pictures starts from copies of them.
    "job_inputs": TableRule(
        _row("job_id", "position", "sha256"),
        whose=f"job_id IN {_JOBS} OR job_id IN (SELECT id FROM jobs "
        f"WHERE parent_picture_id IN {_PICTURES})",
        shown=f"job_id IN {_JOBS}",
        of_server=f"job_id IN {_SERVER_JOBS}",
        person="",
    ),
    # What a filter found in a prompt is the person's words.
    "job_filters": TableRule(
        _row("job_id", "exempt", "report"),
        whose=f"job_id IN {_JOBS}",
        of_server=f"job_id IN {_SERVER_JOBS}",
        person="",
    ),
    "deliveries": TableRule(
        _kept("job_id", "state", "road", "nonce", "settled_at")
        | {"channel_id": _NOBODY}
        | dict.fromkeys(
            (
                *("message_id", "thread_id", "reply_token", "upload_limit_bytes", "attempted_at"),
                *("detour", "result_message_id", "detail"),
            ),
            _NOTHING,
        ),
        whose=f"job_id IN {_JOBS}",
        of_server=f"job_id IN {_SERVER_JOBS}",
        person="",
    ),
    "grant_uses": TableRule(
        _row("job_id", "grant_id", "pictures"),
        whose=f"grant_id IN (SELECT id FROM quota_grants WHERE {_OWN})",
        of_server=f"grant_id IN (SELECT id FROM quota_grants WHERE {_SERVER})",
        person="",
    ),
    "quota_grants": TableRule(
        _row("id", "guild_id", "user_id", "pictures", "used", "expires_at", "granted_at")
        | {"granted_by": ACTOR},
        whose=_OWN,
        of_server=_SERVER,
    ),
    "ledger": TableRule(
        _kept("job_id", "guild_id", "pictures", "charged_at", "refunded_at", "weight", "waived")
        | {"user_id": _NOBODY},
        whose=f"job_id IN {_JOBS}",
        of_server=f"job_id IN {_SERVER_JOBS}",
    ),
    # Triggers of the ledger keep it.
    "usage_hours": TableRule(
        _kept("guild_id", "user_id", "hour", "pictures", "cost"), of_server=_SERVER
    ),
    "server_usage_hours": TableRule(_kept("guild_id", "hour", "cost"), of_server=_SERVER),
    "cancelled_painting": TableRule(
        _kept("job_id", "guild_id", "cancelled_at", "painted_us", "charged") | {"user_id": _NOBODY},
        whose=f"job_id IN {_JOBS}",
        of_server=f"job_id IN {_SERVER_JOBS}",
    ),
    "erased_usage": TableRule(
        _kept("job_id", "guild_id", "person", "until"), of_server=_SERVER, person=""
    ),
    "pictures": TableRule(
        _kept("id", "job_id", "guild_id", "width_px", "height_px", "duration_s", "painted_at")
        | {
            "user_id": _NOBODY,
            "file": Becomes("''"),
            "sha256": Becomes("''"),
            "recipe": Becomes("'{}'"),
            "seed": _NOBODY,
            "size_bytes": _NOTHING,
            "favourite_at": _NOTHING,
            "note": _NOTHING,
            "deleted_at": Becomes("coalesce(deleted_at, :now)"),
            "file_removed_at": Becomes("coalesce(file_removed_at, :now)"),
        },
        whose=f"job_id IN {_JOBS}",
        of_server=_SERVER,
        first=(f"UPDATE jobs SET parent_picture_id = NULL WHERE parent_picture_id IN {_PICTURES}",),
        server_first=(
            "UPDATE jobs SET parent_picture_id = NULL WHERE parent_picture_id IN "
            f"(SELECT id FROM pictures WHERE {_SERVER})",
        ),
    ),
    # Triggers of pictures keep it; purge.py writes it anew.
    "pictures_search": TableRule(_kept("tokens")),
    "shown_search": TableRule(_kept("tokens")),
    "jobs": TableRule(
        _kept("id", "guild_id", "state", "pictures", "attempts", "private", "delivery", "spoiler")
        | _kept("quiet", "accepted_at", "started_at", "finished_at", "error_code")
        | {
            "channel_id": _NOBODY,
            "user_id": _NOBODY,
            "request": Becomes("'{}'"),
            "prompt": Becomes("''"),
            "seed": _NOBODY,
            "parent_picture_id": _NOTHING,
            "locale": Becomes("'en-US'"),
            "own_locale": Becomes("''"),
            "error_detail": _NOTHING,
        },
        whose=_OWN,
        of_server=_SERVER,
    ),
    # What moderators and admins decided about a person holds until they lift it, without their
    # words: erasing lifts no block.
    "blocks": TableRule(
        _kept("guild_id", "user_id", "blocked_at", "until")
        | {"reason": _NOTHING, "blocked_by": ACTOR},
        whose=_OWN,
        of_server=_SERVER,
        first=(f"DELETE FROM blocks WHERE {_OWN} AND until <= :now",),
    ),
    "user_quotas": TableRule(
        _kept("guild_id", "user_id", "pictures", "hours", "set_at") | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    "role_quotas": TableRule(
        _kept("guild_id", "role_id", "pictures", "hours", "set_at") | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    "server_quotas": TableRule(
        _kept("guild_id", "pictures", "hours", "set_at") | {"set_by": ACTOR}, of_server=_SERVER
    ),
    "server_settings": TableRule(
        _kept("guild_id", "delivery", "spoiler", "quiet", "locale", "timezone", "weighted")
        | _kept("set_at")
        | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    "access_rules": TableRule(
        _kept("guild_id", "scope", "subject_id", "kind", "value", "set_at") | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    "admin_roles": TableRule(
        _kept("guild_id", "role_id", "set_at") | {"set_by": ACTOR}, of_server=_SERVER
    ),
    "filter_rules": TableRule(
        _kept("id", "guild_id", "name", "lookup", "action", "everywhere", "words", "regexes")
        | _kept("allowed", "roles", "channels", "set_at")
        | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    "filter_settings": TableRule(
        _kept("guild_id", "tells", "set_at") | {"set_by": ACTOR}, of_server=_SERVER
    ),
    # Hashes of what admins do not want painted from; they show nothing of the picture.
    "filter_pictures": TableRule(
        _kept("id", "guild_id", "sha256", "perceptual", "picture_id", "set_at") | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    "channel_settings": TableRule(
        _kept("guild_id", "channel_id", "delivery", "spoiler", "quiet", "set_at")
        | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    "open_loras": TableRule(
        _kept("guild_id", "channel_id", "names", "set_at") | {"set_by": ACTOR}, of_server=_SERVER
    ),
    "open_models": TableRule(
        _kept("guild_id", "channel_id", "names", "set_at") | {"set_by": ACTOR}, of_server=_SERVER
    ),
    # What admins did stays, without an erased person: neither who did it nor to whom. So do other
    # events, until they are posted.
    "audit_log": TableRule(
        _kept("id", "guild_id", "event", "action", "done_at")
        | {"actor_id": ACTOR, "target_id": _NOTHING, "data": Becomes("'{}'")},
        whose=f"target_id = :user AND {_HERE}",
        of_server=_SERVER,
        person="target_id",
    ),
    "log_channels": TableRule(
        _kept("guild_id", "event", "channel_id", "posted_id", "sending_id", "locale", "problem")
        | _kept("set_at")
        | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    "server_pauses": TableRule(
        _kept("guild_id", "reason", "paused_at") | {"paused_by": ACTOR}, of_server=_SERVER
    ),
    "star_channels": TableRule(
        _kept("guild_id", "channel_id", "stars", "locale", "set_at") | {"set_by": ACTOR},
        of_server=_SERVER,
    ),
    # Rows go when all of an announcement is posted.
    "announcement_posts": TableRule(
        _kept("announcement_id", "guild_id", "channel_id", "state"), of_server=_SERVER
    ),
    "announcements": TableRule(_kept("id", "text", "begun_at") | {"sent_by": ACTOR}),
    "painting_control": TableRule(
        _kept("id", "painting", "accepting", "told", "resumed_at", "set_at") | {"set_by": ACTOR}
    ),
    "departed_servers": TableRule(_kept("guild_id", "left_at"), of_server=_SERVER),
    "erasures": TableRule(
        _kept("id", "person", "guild_id", "hours", "unrecorded", "erased_at", "purged_at")
    ),
    # Rows go when the file or the message is gone.
    "file_removals": TableRule(_kept("file", "asked_at")),
    "message_removals": TableRule(
        _kept("id", "guild_id", "channel_id", "message_id", "user_id", "job_id", "since")
        | _kept("reply_token", "asked_at")
    ),
    "database_mark": TableRule(_kept("id", "mark", "jobs", "pictures", "proposals")),
}
"""By table, in the order in which they are erased: nothing may refer to what is gone."""


def person_statements() -> Iterator[str]:
    """Yield the SQL that erases :user at :now, on the server :guild or, if that is NULL, on all."""
    for table, rule in RULES.items():
        yield from rule.first
        if rule.whose and rule.deletes:
            yield f"DELETE FROM {table} WHERE {rule.whose}"
        elif rule.whose:
            values = ", ".join(
                f"{name} = {fate.sql}"
                for name, fate in rule.columns.items()
                if isinstance(fate, Becomes)
            )
            yield f"UPDATE {table} SET {values} WHERE {rule.whose}"
        here = _HERE if "guild_id" in rule.columns else "1"
        for name, fate in rule.columns.items():
            if fate is ACTOR:
                yield f"UPDATE {table} SET {name} = 0 WHERE {name} = :user AND {here}"


def server_statements() -> Iterator[str]:
    """Yield the SQL that erases everything of the server :guild."""
    for table, rule in RULES.items():
        yield from rule.server_first
        if rule.of_server:
            yield f"DELETE FROM {table} WHERE {rule.of_server}"


def person_queries() -> Iterator[str]:
    """Yield the SQL that selects the ids of all persons whom a database names, by column."""
    for table, rule in RULES.items():
        names = [name for name, fate in rule.columns.items() if fate is ACTOR]
        if rule.whose and rule.person:
            names.append(rule.person)
        for name in names:
            yield f"SELECT DISTINCT {name} FROM {table} WHERE {name} > 0"
        if rule.named:
            yield rule.named
