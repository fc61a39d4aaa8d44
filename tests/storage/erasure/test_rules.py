"""Every table and column has a rule for erasing."""

from storage.erasure import rules
from storage.erasure.rules import RULES, Becomes, Fate
from tests.storage.fakes import OpenStores


async def schema(stores: OpenStores) -> dict[str, set[str]]:
    """Return the columns of each table, without those that SQLite makes for others."""
    tables = await stores.db.fetch_all(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' "
        "AND name NOT LIKE 'sqlite_%'"
    )
    return {
        table["name"]: {
            row["name"]
            for row in await stores.db.fetch_all(
                "SELECT name FROM pragma_table_info(?)", (table["name"],)
            )
        }
        for table in tables
    }


async def test_every_column_has_a_rule(stores: OpenStores) -> None:
    """A table or a column that nobody decided about is refused, and so is a rule for none."""
    assert {name: set(rule.columns) for name, rule in RULES.items()} == await schema(stores)


async def test_what_names_a_person_is_never_left(stores: OpenStores) -> None:
    """Columns with ids of persons go, are emptied or become nobody, but for decisions that hold."""
    kept = {
        (name, column)
        for name, rule in RULES.items()
        for column, fate in rule.columns.items()
        if fate is Fate.STAYS and ("user" in column or column.endswith("_by"))
    }
    assert kept == {
        ("usage_hours", "user_id"),  # triggers of the ledger
        ("blocks", "user_id"),
        ("user_quotas", "user_id"),
        ("message_removals", "user_id"),
    }


async def test_a_row_goes_as_a_whole(stores: OpenStores) -> None:
    """No rule both deletes a row and writes a value into it."""
    for name, rule in RULES.items():
        if rule.deletes:
            assert not any(isinstance(each, Becomes) for each in rule.columns.values()), name


async def test_the_statements_are_valid(stores: OpenStores) -> None:
    """SQLite accepts every statement that the rules make."""
    values = {"user": 30, "guild": None, "now": 1}
    async with stores.db.transaction() as transaction:
        for sql in (*rules.person_statements(), *rules.server_statements()):
            await transaction.execute(sql, values)
        for sql in rules.person_queries():
            await transaction.fetch_all(sql)
