"""What the pages say of the demo model is what was measured."""

import json

from engine.sketch import MODEL_DIR, SKETCH_REVISION
from engine.sketch.evaluate import REPORT_PATH, table
from engine.sketch.learned import LEARNED

FOLDER = MODEL_DIR.parent
REPORT = json.loads(REPORT_PATH.read_text())
PAGE = (FOLDER / "README.md").read_text()


def test_the_measurement_is_of_the_shipped_weights() -> None:
    """Whoever commits other weights measures them."""
    assert REPORT["revision"] == SKETCH_REVISION
    assert f"revision {SKETCH_REVISION}" in PAGE


def test_the_page_shows_what_was_measured() -> None:
    """The table, the judge's accuracy, the goals that are missed and the date are the report's."""
    assert table(REPORT["right"]) in PAGE
    for shares in REPORT["judge_accuracy"].values():
        assert f"{min(shares.values()):.2%}".replace("%", " %") in PAGE
    for missed in REPORT["missed_goals"]:
        assert missed in PAGE
    assert REPORT["date"] in PAGE


def test_the_page_lists_what_is_known() -> None:
    """Nothing is listed that the weights were not taught, and nothing is left out."""
    rows = {
        cells[1].strip(): {each.strip() for each in cells[2].split(",")}
        for line in PAGE.splitlines()
        if len(cells := line.split("|")) == 4
    }
    named = {"noodles": "bowl of noodles"}
    assert rows["thing"] == {named.get(each, each) for each in LEARNED.things}
    assert {"mountain lake"} | set(LEARNED.places) - {"lake"} == rows["place"]
    assert rows["colour"] == set(LEARNED.colours)


def test_the_sheet_is_there() -> None:
    """The page shows unpicked pictures, and the judge's errors."""
    for name in ("sheet.jpg", "judge_errors.jpg"):
        assert f"({name})" in PAGE
        assert (FOLDER / name).stat().st_size < 1_000_000
