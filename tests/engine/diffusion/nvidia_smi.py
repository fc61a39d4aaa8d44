"""A stand-in for nvidia-smi: an executable on PATH that prints what the tool prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

REPORT = """<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
\t<timestamp>Sun Nov 29 15:00:00 2026</timestamp>
\t<driver_version>550.54.14</driver_version>
\t<cuda_version>12.4</cuda_version>
\t<attached_gpus>1</attached_gpus>
\t<gpu id="00000000:01:00.0">
\t\t<product_name>NVIDIA GeForce RTX 3060</product_name>
\t\t<product_brand>GeForce</product_brand>
\t\t<fb_memory_usage>
\t\t\t<total>12288 MiB</total>
\t\t\t<reserved>231 MiB</reserved>
\t\t\t<used>1 MiB</used>
\t\t\t<free>12054 MiB</free>
\t\t</fb_memory_usage>
\t</gpu>
</nvidia_smi_log>
"""
"""The parts of `nvidia-smi -q -x` that are read, and some that are not."""


def with_processes(*processes: tuple[int, str, str]) -> str:
    """Return a report with programs on the card: their number, path, and memory as printed."""
    rows = "".join(
        f"\t\t\t<process_info>\n\t\t\t\t<pid>{pid}</pid>\n\t\t\t\t<type>C</type>\n"
        f"\t\t\t\t<process_name>{name}</process_name>\n"
        f"\t\t\t\t<used_memory>{used}</used_memory>\n\t\t\t</process_info>\n"
        for pid, name, used in processes
    )
    return REPORT.replace("\t</gpu>", f"\t\t<processes>\n{rows}\t\t</processes>\n\t</gpu>")


def install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, printed: str, *, code: int = 0, wait_s: float = 0
) -> None:
    """Put an nvidia-smi before everything else on PATH; it prints, waits and ends with `code`."""
    script = folder / "nvidia-smi"
    script.write_text(
        f"#!{sys.executable} -IS\nimport sys, time\ntime.sleep({wait_s})\n"
        f"assert sys.argv[1:] == ['-q', '-x']\nprint({printed!r})\nsys.exit({code})\n",
        encoding="utf-8",
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
