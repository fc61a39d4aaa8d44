"""`zimagine bench` paints in processes of its own and reports ratios."""

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
    """The same architecture and weights are painted with by this program, with and without compiled
    blocks, and by diffusers."""
    done = bench("--quick", "--json", "processor")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["quick"] and report["machine"]["torch"]
    assert report["numbers"]["processor_64"] > 0 and report["numbers"]["processor_compiled_64"] > 0
    assert [row["section"] for row in report["rows"]] == ["processor"] * 4


def test_a_section_that_does_not_exist_is_refused_with_the_list():
    """One sentence names those that do."""
    done = bench("prozessor")
    assert done.returncode == 2 and "'sketch', 'text', 'memory', 'processor'" in done.stderr
