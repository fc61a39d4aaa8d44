"""`zimagine bench` runs processes of its own and reports ratios."""

import json
import subprocess
import sys

from bot.i18n import words
from bot.wording.benchmarks import MESSAGES
from engine.benchmarks.report import HEAD, MACHINE, NO, YES, table
from engine.benchmarks.sections import EQUAL, LEVELS, NOT_MEASURED, TEXTS, Row


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "bench", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


def test_a_quick_run_paints_with_both():
    """The same architecture and weights are painted with by this program and by diffusers."""
    done = bench("--quick", "--json", "processor")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["quick"] and report["machine"]["torch"]
    assert report["numbers"]["processor_64"] > 0
    assert [row["section"] for row in report["rows"]] == ["processor"] * 3


def test_every_word_of_the_table_can_be_translated():
    """The catalogues have all that the table may say, and Chinese has other words for it."""
    said = {*HEAD, YES, NO, MACHINE, NOT_MEASURED, LEVELS, EQUAL, *TEXTS.values()} - {"zimagine"}
    assert said == set(MESSAGES)
    chinese = words("zh-CN")
    assert [each for each in MESSAGES if chinese.verbatim(each) == each] == []
    row = Row(TEXTS["memory"], NOT_MEASURED, met=False, values={"last": 20, "first": 2})
    text = "\n".join(table([row], chinese))
    assert "20" in text and "memory" not in text and "not measured" not in text


def test_number_formats_are_measured():
    """Each has a time, a size and its distance to float32, which is finite: it changes bits."""
    done = bench("--quick", "--json", "precision")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    numbers = report["numbers"]
    for tier in ("bf16", "w8a8"):
        assert numbers[f"precision_{tier}"] > 0
        assert numbers[f"precision_{tier}_psnr_db"] > 20
    assert numbers["precision_w8a8_mib"] < numbers["precision_bf16_mib"]
    assert len(report["rows"]) == 6
    assert any("0.9" in row["zimagine"] for row in report["rows"] if "SSIM" in row["what"])


def test_a_quick_run_measures_the_whole_bot():
    """It paints, is compared with its painter alone, and acknowledges as a bare bot does."""
    done = bench("--quick", "--json", "service", "acknowledgement")
    assert done.returncode == 0, done.stderr
    numbers = json.loads(done.stdout)["numbers"]
    assert 0 < numbers["service_ratio"] < 2 and numbers["service_diffusers_ratio"] > 0
    assert numbers["service_beside_ms"] > 0 and numbers["service_gap_ms"] > 0
    assert numbers["ack_p99_ratio"] > 0 and 0 < numbers["ack_max_s"] < 3


def test_a_quick_run_measures_growth():
    """Every operation of the queue, and a database that is filled for it."""
    done = bench("--quick", "--json", "scale")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["numbers"]["scale_accept_ratio"] > 0 and report["numbers"]["scale_search_ms"] > 0
    operations = [key for key in report["numbers"] if key.endswith("_ratio")]
    assert len(operations) == 7, operations


def test_a_section_that_does_not_exist_is_refused_with_the_list():
    """One sentence names those that do."""
    done = bench("prozessor")
    assert done.returncode == 2
    assert "'sketch', 'text', 'memory', 'precision', 'service'," in done.stderr
