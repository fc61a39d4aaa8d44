"""PRIVACY.md says of every table what the rules do, and of nothing else."""

import re
from pathlib import Path

from bot.settings import StorageSection
from storage.erasure import persons, records
from storage.erasure.rules import RULES, Becomes
from tests.storage.fakes import OpenStores

PAGE = (Path(__file__).parents[3] / "PRIVACY.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (.+) \| (\w+)\b.* \|$", re.MULTILINE)


def rows() -> dict[str, str]:
    """Return the first word of what becomes of each table that the page names."""
    found = [(name, fate) for name, _, fate in ROW.findall(PAGE)]
    assert len(found) == len(dict(found))
    return dict(found)


async def test_every_table_is_named(stores: OpenStores) -> None:
    """The page has a row for each table of the schema, and none that does not exist."""
    tables = await stores.db.fetch_all(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type <> 'shadow' "
        "AND name NOT LIKE 'sqlite_%'"
    )
    assert set(rows()) == {row["name"] for row in tables}


def test_every_row_says_what_happens() -> None:
    """Deleted, emptied or kept: the page says of each table what its rule does."""
    expected = {}
    for table, rule in RULES.items():
        empties = any(isinstance(each, Becomes) for each in rule.columns.values())
        kept = "emptied" if rule.whose and empties else "stays"
        expected[table] = "deleted" if rule.whose and rule.deletes else kept
    assert rows() == expected


def test_its_files_and_settings_exist() -> None:
    """Files and settings that the page names are those of the program."""
    assert f"`{persons.KEY_FILE}`" in PAGE and f"`{records.FILE}`" in PAGE
    named = set(re.findall(r"`(keep_\w+)`", PAGE))
    assert named == {"keep_days", "keep_prompts_days", "keep_audit_days"} and named <= set(
        StorageSection.model_fields
    )
