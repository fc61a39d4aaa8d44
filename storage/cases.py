"""Open the case of a picture, and report what a filter found in it, inside a transaction."""

from storage.database import Transaction
from storage.errors import UnknownRow
from storage.types import FILTER_USER_ID, REASON_LIMIT_CHARS


async def file_found(transaction: Transaction, picture_id: int, reason: str, now_us: int) -> None:
    """Report a picture for what a filter found in it, in the transaction that stores the picture.

    The reason is cut to its limit.
    """
    case_id = await open_case(transaction, picture_id, now_us)
    await transaction.execute(
        "INSERT INTO reports (case_id, guild_id, user_id, reason, filed_at) "
        "SELECT id, guild_id, ?, ?, ? FROM cases WHERE id = ?",
        (FILTER_USER_ID, reason[:REASON_LIMIT_CHARS], now_us, case_id),
    )


async def open_case(transaction: Transaction, picture_id: int, now_us: int) -> int:
    """Return the id of a picture's open case, opening one if necessary."""
    living = await transaction.fetch_one(
        "SELECT 1 FROM pictures WHERE id = ? AND deleted_at IS NULL", (picture_id,)
    )
    if living is None:
        raise UnknownRow("picture", picture_id)
    row = await transaction.fetch_one(
        "SELECT id FROM cases WHERE picture_id = ? AND resolved_at IS NULL", (picture_id,)
    ) or await transaction.fetch_one(
        "INSERT INTO cases (picture_id, guild_id, user_id, opened_at) "
        "SELECT id, guild_id, user_id, ? FROM pictures WHERE id = ? RETURNING id",
        (now_us, picture_id),
    )
    assert row is not None
    return row["id"]
