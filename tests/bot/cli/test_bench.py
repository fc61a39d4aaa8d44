"""`zimagine bench` runs processes of its own and reports ratios."""

import json
import subprocess
import sys


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
    assert done.returncode == 2 and "'sketch', 'text', 'memory', 'service'," in done.stderr
